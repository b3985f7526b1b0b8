"""What became of a template at the API server."""

from dataclasses import dataclass
from enum import StrEnum

from mooring import contract
from mooring.cli.cluster import CORE, Cluster, Forbidden, Json, Refused, path_of
from mooring.cli.doctor.facts import asked, blanked, injected, is_skipped
from mooring.cli.explain.difference import Addition, additions
from mooring.cli.explain.templates import Template, left_alone


class Result(StrEnum):
    """What the pod would be."""

    BOUND = "Bound"
    LEFT_ALONE = "LeftAlone"
    NOT_BOUND = "NotBound"
    REFUSED = "Refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result, the binding that was merged in, a sentence where there is one to say, and what.

    `NotBound` is a pod that asks and is let in without: no policy is in force.
    """

    subject: str
    namespace: str
    result: Result
    binding: str = ""
    message: str = ""
    added: tuple[Addition, ...] = ()

    @property
    def good(self) -> bool:
        """Whether the pod would get what it asks for."""
        return self.result in {Result.BOUND, Result.LEFT_ALONE}


def outcome_of(cluster: Cluster, template: Template, namespace: str) -> Outcome:
    """Submit the pod of `template` as dry runs. Raises Forbidden without the right to make pods."""
    place = template.namespace or namespace
    path = path_of("pods", place, group=CORE)
    try:
        after = cluster.tried(path, template.pod)
        before = cluster.tried(path, left_alone(template.pod))
    except Forbidden:
        raise
    except Refused as refused:
        if refused.status == 404:
            raise
        return Outcome(template.subject, place, Result.REFUSED, message=blanked(str(refused)))
    return _compared(template.subject, place, before, after)


def _compared(subject: str, namespace: str, before: Json, after: Json) -> Outcome:
    binding = injected(after)
    if binding and not is_skipped(after):
        return Outcome(subject, namespace, Result.BOUND, binding, added=additions(before, after))
    if asked(after) and not is_skipped(after):
        told = f"it asks for binding {asked(after)}, and no admission policy is in force"
        return Outcome(subject, namespace, Result.NOT_BOUND, message=told)
    told = (
        f'its label {contract.SKIP_LABEL}: "true" keeps bindings away'
        if is_skipped(after)
        else f"it has no label {contract.BINDING_LABEL}, and its namespace has no default"
    )
    return Outcome(subject, namespace, Result.LEFT_ALONE, message=told)
