"""From facts to a diagnosis. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from mooring import contract
from mooring.cli.doctor import binding, course, spec
from mooring.cli.doctor.facts import Facts, asked, injected
from mooring.cli.doctor.finding import Ailment, Failure, failure_of
from mooring.cli.state import Unread, claimed, condition, readiness
from mooring.guard.result import Result

Rule = Callable[[Facts], Iterable[Ailment]]

RULES: Final[tuple[Rule, ...]] = (
    course.of_the_guard,
    spec.of_injection,
    spec.of_overrides,
    binding.of_the_binding,
    binding.of_the_workspace,
    binding.of_rotation,
    spec.of_identity,
    course.of_events,
    course.of_containers,
    course.of_scheduling,
)
"""Those whose answer explains others first."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong with `subject`, the likeliest cause first, and what was seen to be well."""

    subject: str
    ailments: tuple[Ailment, ...]
    well: tuple[str, ...] = ()
    unread: tuple[Unread, ...] = ()

    @property
    def failure(self) -> Failure | None:
        """Which failure it is: that of the first finding; None without any."""
        return self.ailments[0].failure if self.ailments else None


def diagnose(subject: str, facts: Facts) -> Diagnosis:
    """Apply every rule; those that find one of the three failures come before all else."""
    found = [ailment for rule in RULES for ailment in rule(facts)]
    found.sort(key=lambda ailment: ailment.failure is Failure.OTHER)
    return Diagnosis(subject, tuple(found), tuple(_well(facts)), facts.unread)


def of_a_check(result: Result) -> Diagnosis:
    """The diagnosis of a process by the guard's own checks, made in it."""
    ailments = tuple(
        Ailment(failure_of(found.reason), str(found.reason), found.message, found.remedy)
        for found in result.findings
    )
    return Diagnosis("this process", ailments, () if ailments else (str(result),))


def _well(facts: Facts) -> Iterable[str]:
    pod = facts.pod
    if pod is not None:
        yield f"the pod is {(pod.get('status') or {}).get('phase', 'new')}"
        if injected(pod) and injected(pod) == asked(pod):
            yield f"binding {injected(pod)} was merged in"
        names = [each["name"] for each in pod["spec"].get("initContainers") or []]
        if injected(pod) and contract.GUARD_CONTAINER not in names:
            yield "no guard looked at it before it started (spec.guard: Off)"
    if facts.binding is not None and readiness(facts.binding).holds:
        yield f"the binding is ready, to workspace {'/'.join(claimed(facts.binding))}"
    if facts.workspace is not None and readiness(facts.workspace).holds:
        proof = condition(facts.workspace, "RoundTripVerified") or {}
        since = f", proven since {proof['lastTransitionTime']}" if proof else ""
        yield f"the workspace is ready{since}"
