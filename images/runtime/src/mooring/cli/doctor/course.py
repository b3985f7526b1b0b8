"""What became of a pod: the guard's word, how its containers fare, what Events say."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from mooring import contract
from mooring.cli.doctor.facts import Facts, Manifest, blanked
from mooring.cli.doctor.finding import Ailment, Failure, failure_of
from mooring.guard.reasons import Reason

LINE: Final = re.compile(rf"^({'|'.join(Reason)}): \S.*$")
"""A line of the guard. Any other text in a termination message is a program's, and not shown."""

REFUSED: Final = re.compile(
    r"ValidatingAdmissionPolicy '[^']*-require[^']*' with binding '[^']*' denied request: (.+)",
    re.DOTALL,
)
_PULLS: Final = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
)
_PUBLISHED: Final = re.compile(r'^(configmap|secret) "[-a-z0-9.]+" not found$')
_MOUNTS: Final = re.compile(r'(configmap|secret) "[-a-z0-9.]+" not found')
_ENDINGS: Final = {
    "Evicted": "the node took the pod away, because it ran out of something",
    "DeadlineExceeded": "the pod ran longer than its activeDeadlineSeconds",
    "NodeLost": "the pod's node is gone",
    "Preempting": "a pod of higher priority took its place",
}


def of_the_guard(facts: Facts) -> Iterator[Ailment]:
    """What the guard of the pod found, also where it only warned."""
    status = _status(facts, contract.GUARD_CONTAINER)
    ended = _ended(status)
    if not ended:
        return
    said = [line for line in str(ended.get("message") or "").splitlines() if LINE.match(line)]
    for line in said:
        reason = line.partition(":")[0]
        yield Ailment(failure_of(reason), reason, blanked(line.partition(":")[2].strip()))
    if ended.get("exitCode") and not said:
        code = ended["exitCode"]
        known = next((reason for reason in Reason if reason.code == code), None)
        meaning = known.meaning if known else f"reason {ended.get('reason', 'unknown')}"
        yield Ailment(
            failure_of(known or ""),
            known.value if known else "GuardEnded",
            f"the guard ended with exit code {code}: {meaning}.",
            "See its log: kubectl logs -n "
            f"{facts.namespace} {_name(facts)} -c {contract.GUARD_CONTAINER}",
        )


def of_containers(facts: Facts) -> Iterator[Ailment]:
    """What keeps the pod's containers from running, or ended them."""
    status = (facts.pod or {}).get("status") or {}
    if status.get("reason") in _ENDINGS:
        yield Ailment(
            Failure.OTHER, status["reason"], f"{_ENDINGS[status['reason']]}.", _run_left_behind()
        )
    for container in (
        *(status.get("initContainerStatuses") or []),
        *(status.get("containerStatuses") or []),
    ):
        yield from _waiting(container, facts)
        if container["name"] != contract.GUARD_CONTAINER:
            yield from _ended_badly(container, facts)


def of_scheduling(facts: Facts) -> Iterator[Ailment]:
    """Whether no node takes the pod."""
    for condition in ((facts.pod or {}).get("status") or {}).get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield Ailment(
                Failure.OTHER,
                condition.get("reason", "Unschedulable"),
                f"no node takes the pod: {blanked(condition.get('message', ''))}",
                "Ask for less, or let a node have what the pod asks for.",
            )


def of_events(facts: Facts) -> Iterator[Ailment]:
    """Pods that admission refused, and mounts that fail. Other Events may quote a program."""
    told: set[str] = set()
    for event in facts.events:
        message = str(event.get("message") or "")
        refused = REFUSED.search(message) if event.get("reason") == "FailedCreate" else None
        mount = _MOUNTS.search(message) if event.get("reason") == "FailedMount" else None
        if refused is not None and refused[1] not in told:
            told.add(refused[1])
            maker = event["involvedObject"]
            yield Ailment(
                Failure.CREDENTIALS if _names_a_credential(refused[1]) else Failure.URI,
                "PodRefused",
                f"{maker['kind']} {maker['name']} cannot make its pod: {blanked(refused[1])}",
            )
        if mount is not None and mount[0] not in told and facts.alive:
            told.add(mount[0])
            yield Ailment(
                Failure.CREDENTIALS,
                "MountFailed",
                f"a volume of the pod cannot be mounted: {mount[0]}.",
                f"See the binding: kubectl get mlflowbindings -n {facts.namespace}",
            )


def _waiting(container: Manifest, facts: Facts) -> Iterator[Ailment]:
    waiting = (container.get("state") or {}).get("waiting") or {}
    reason, message = waiting.get("reason", ""), waiting.get("message") or ""
    name = container["name"]
    if reason in _PULLS:
        yield Ailment(
            Failure.OTHER,
            reason,
            f"container {name} cannot start: its image {container.get('image')} cannot be pulled.",
            "Mend the image's name, or the imagePullSecrets of the pod.",
        )
    elif reason == "CreateContainerConfigError":
        known = message if _PUBLISHED.match(message) else "what its env refers to is not there"
        yield Ailment(
            Failure.URI if known.startswith("configmap") else Failure.CREDENTIALS,
            reason,
            f"container {name} cannot start: {known}.",
            f"See the binding: kubectl get mlflowbindings -n {facts.namespace}",
        )


def _ended_badly(container: Manifest, facts: Facts) -> Iterator[Ailment]:
    ended, name = _ended(container), container["name"]
    if ended.get("reason") == "OOMKilled":
        yield Ailment(
            Failure.OTHER,
            "OOMKilled",
            f"container {name} used more memory than its limit, and was killed.",
            f"Raise resources.limits.memory. {_run_left_behind()}",
        )
    elif ended.get("exitCode"):
        yield Ailment(
            Failure.OTHER,
            "ContainerFailed",
            f"container {name} itself ended with exit code {ended['exitCode']}.",
            f"See its log: kubectl logs -n {facts.namespace} {_name(facts)} -c {name}",
        )


def _run_left_behind() -> str:
    return "MLflow was not told: its run may say RUNNING until somebody ends it."


def _names_a_credential(message: str) -> bool:
    from_env = re.search(r" sets (\w+)", message)
    return from_env is not None and from_env[1].startswith(("AWS_", "AZURE_", "GOOGLE_"))


def _status(facts: Facts, name: str) -> Manifest:
    status = (facts.pod or {}).get("status") or {}
    found = status.get("initContainerStatuses") or []
    return next((each for each in found if each["name"] == name), {})


def _ended(container: Manifest) -> Mapping[str, Any]:
    """How it ended, also when it is being started anew; {} when it never did."""
    for when in ("state", "lastState"):
        ended: Mapping[str, Any] = (container.get(when) or {}).get("terminated") or {}
        if ended:
            return ended
    return {}


def _name(facts: Facts) -> str:
    return str(facts.pod["metadata"]["name"]) if facts.pod else ""
