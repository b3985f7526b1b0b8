"""What the doctor concludes from facts."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from mooring import contract
from mooring.cli.doctor.diagnosis import Diagnosis, diagnose, of_a_check
from mooring.cli.doctor.facts import Facts, blanked
from mooring.cli.doctor.finding import Failure, failure_of
from mooring.cli.state import Unread
from mooring.finding import Finding
from mooring.guard.reasons import Reason
from mooring.guard.result import Result
from mooring_airflow.pod import injected, tagged
from tests.integration.admission.world import container, fragment
from tests.integration.admission.world import pod as asking

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PLANTED = "not-to-be-seen"
AIRFLOW = {"dag_id": "d", "task_id": "t", "run_id": "r"}


def said(kind: str, status: str, reason: str = "Why", message: str = "a sentence.") -> Any:
    """Return a condition about generation 1."""
    return {
        "type": kind, "status": status, "reason": reason, "message": message,
        "observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z",
    }  # fmt: skip


def named(name: str, *conditions: Any, **status: Any) -> dict[str, Any]:
    """Return a workspace or binding of the namespace."""
    return {
        "metadata": {"namespace": "play", "name": name, "generation": 1},
        "spec": {"workspaceRef": {"name": "team-a"}},
        "status": {"conditions": list(conditions), **status},
    }


READY = said("Ready", "True")
WORKSPACE = named("team-a", READY, said("RoundTripVerified", "True"))


def bound(*, token: bool = True, **fields: Any) -> dict[str, Any]:
    """Return a pod into which binding `team-a` was merged, with `fields` in its container."""
    pod = asking("team-a", labels=AIRFLOW, containers=[container(**fields)])
    pod["metadata"]["name"] = "train-x"
    merged = injected(pod, "team-a", fragment("team-a", token=token))
    return {**merged, "status": {"phase": "Running", "startTime": "2026-01-01T00:00:00Z"}}


def well(*, token: bool = True, **fields: Any) -> Facts:
    """Return the facts of a living pod with which nothing is wrong."""
    tags = {contract.TAG_TASK_ID: "t", contract.TAG_POD: "p"}
    return Facts(
        namespace="play",
        now=NOW,
        pod=tagged(bound(token=token, **fields), tags),
        binding=named("team-a", READY, pod=fragment("team-a", token=token)),
        workspace=WORKSPACE,
        bindings=("team-a",),
    )


def with_status(**status: Any) -> Facts:
    """Return the same with another status of the pod."""
    facts = well()
    assert facts.pod
    return replace(facts, pod={**facts.pod, "status": status})


def ended(name: str, code: int, message: str = "", reason: str = "Error") -> dict[str, Any]:
    """Return the status of a container that ended."""
    state = {"exitCode": code, "reason": reason, "message": message}
    return {"name": name, "image": "x", "state": {"terminated": state}}


def waits(name: str, reason: str, message: str = "") -> dict[str, Any]:
    """Return the status of a container that waits."""
    return {
        "name": name,
        "image": "x",
        "state": {"waiting": {"reason": reason, "message": message}},
    }


def guard_said(code: int, message: str) -> Facts:
    """Return the facts of a pod whose guard ended so."""
    status = ended(contract.GUARD_CONTAINER, code, message)
    return with_status(phase="Failed", initContainerStatuses=[status])


def found(facts: Facts) -> list[tuple[Failure, str]]:
    """Return failure and reason of each finding."""
    return [(each.failure, each.reason) for each in diagnose("it", facts).ailments]


def pod_of(**pod: Any) -> Facts:
    """Return the facts of a pod that no binding was merged into."""
    return Facts(namespace="play", now=NOW, pod=asking(**pod), bindings=("team-a", "team-b"))


def test_finds_nothing_where_nothing_is_wrong() -> None:
    diagnosis = diagnose("it", well())
    assert diagnosis.ailments == ()
    assert diagnosis.failure is None
    assert diagnosis.well == (
        "the pod is Running",
        "binding team-a was merged in",
        "the binding is ready, to workspace play/team-a",
        "the workspace is ready, proven since 2026-01-01T00:00:00Z",
    )


URI, CREDENTIALS, IDENTITY, OTHER = Failure


@pytest.mark.parametrize(
    ("facts", "failure", "reason"),
    [
        (pod_of(), URI, "NotBound"),
        (pod_of(labels={contract.SKIP_LABEL: "true"}), URI, "NotBound"),
        (pod_of(containers=[container(env=[{"name": "MLFLOW_TRACKING_URI"}])]), URI, "NotBound"),
        (
            pod_of(containers=[container(env=[{"name": "MLFLOW_TRACKING_URI", "value": "http://x"}])]),
            CREDENTIALS,
            "NotBound",
        ),
        (replace(pod_of(binding="team-a"), binding=well().binding, workspace=WORKSPACE), URI,
         "NotInjected"),
        (well(env=[{"name": "MLFLOW_TRACKING_URI", "value": ""}]), URI, "EnvironmentOverridden"),
        (well(env=[{"name": "AWS_ROLE_ARN", "value": "x"}]), CREDENTIALS, "EnvironmentOverridden"),
        (replace(well(), pod=bound()), IDENTITY, "NoTaskTags"),
        (
            replace(well(), pod=bound(env=[{"name": "MLFLOW_RUN_CONTEXT", "value": "no JSON"}])),
            IDENTITY,
            "RunContextUnreadable",
        ),
        (guard_said(21, "ServerUnreachable: it is down."), URI, "ServerUnreachable"),
        (guard_said(26, "LoginRefused: not you."), CREDENTIALS, "LoginRefused"),
        (guard_said(54, "StoreDenied: not you."), CREDENTIALS, "StoreDenied"),
        (guard_said(0, "StoreDenied: it only warns."), CREDENTIALS, "StoreDenied"),
        (guard_said(13, ""), URI, "TrackingUriLocal"),
        (guard_said(45, PLANTED), CREDENTIALS, "RoleDenied"),
        (guard_said(137, ""), OTHER, "GuardEnded"),
        (with_status(containerStatuses=[ended("train", 137, reason="OOMKilled")]), OTHER,
         "OOMKilled"),
        (with_status(containerStatuses=[ended("train", 3)]), OTHER, "ContainerFailed"),
        (with_status(containerStatuses=[waits("train", "ImagePullBackOff", PLANTED)]), OTHER,
         "ImagePullBackOff"),
        (
            with_status(containerStatuses=[waits("train", "CreateContainerConfigError",
                                                 'configmap "team-a-mlflow" not found')]),
            URI,
            "CreateContainerConfigError",
        ),
        (with_status(phase="Failed", reason="Evicted", message=PLANTED), OTHER, "Evicted"),
        (
            with_status(conditions=[{"type": "PodScheduled", "status": "False",
                                     "reason": "Unschedulable", "message": "no node"}]),
            OTHER,
            "Unschedulable",
        ),
        (replace(well(), binding=None, workspace=None), URI, "BindingMissing"),
        (replace(well(), binding=named("team-a", said("Ready", "False", "NotAdmitted"),
                                       pod=fragment("team-a"))), URI, "NotAdmitted"),
        (replace(well(), workspace=None), URI, "WorkspaceMissing"),
        (replace(well(), workspace=named("team-a", READY, said("ArtifactStoreReady", "False",
                                         "BucketMissing"))), CREDENTIALS, "BucketMissing"),
        (replace(well(), workspace=named("team-a", READY, said("ServerAvailable", "False",
                                         "Crashing"))), URI, "Crashing"),
        (
            replace(well(), workspace=named("team-a", said("RoundTripVerified", "False", "Failed",
                                            "ServerUnreachable: it is down."))),
            URI,
            "Failed",
        ),
        (replace(well(), workspace=named("team-a", said("Ready", "False", "Waiting"))), OTHER,
         "Waiting"),
        (
            replace(well(token=False), workspace=named(
                "team-a", READY, credentials={"lastRotation": "2026-01-01T12:00:00Z"})),
            CREDENTIALS,
            "CredentialsReplaced",
        ),
    ],
)  # fmt: skip
def test_finds_the_one_thing_that_is_wrong(facts: Facts, failure: Failure, reason: str) -> None:
    assert found(facts) == [(failure, reason)]
    assert PLANTED not in str(diagnose("it", facts))


@pytest.mark.parametrize(
    ("token", "credentials"),
    [
        (True, {"lastRotation": "2026-01-01T12:00:00Z"}),
        (False, {"lastRotation": "2026-01-01T12:00:00Z", "graceEnds": "2026-01-03T00:00:00Z"}),
        (False, {"lastRotation": "2025-12-01T12:00:00Z"}),
        (False, {"lastRotation": "2026-01-01T23:30:00Z"}),
    ],
    ids=["a-token", "in-grace", "made-before", "just-now"],
)
def test_credentials_that_are_still_good_are_no_finding(
    token: bool, credentials: dict[str, str]
) -> None:
    facts = replace(well(token=token), workspace=named("team-a", READY, credentials=credentials))
    assert found(facts) == []


@pytest.mark.parametrize(
    ("spec", "root", "lost"),
    [
        ({}, "s3://b/t", True),
        ({}, "gs://b/t", False),
        ({"artifactStore": {"existing": {}}}, "s3://own/t", False),
        ({"artifactAccess": "Proxied"}, "mlflow-artifacts:/", False),
        ({"artifactAccess": "Proxied", "auth": {"basic": {}}}, "mlflow-artifacts:/", True),
    ],
)
def test_only_what_the_operator_replaces_gets_old(
    spec: dict[str, Any], root: str, lost: bool
) -> None:
    rotated = {"lastRotation": "2026-01-01T12:00:00Z"}
    workspace = named("team-a", READY, credentials=rotated, artifactRoot=root) | {"spec": spec}
    expected = [(CREDENTIALS, "CredentialsReplaced")] if lost else []
    assert found(replace(well(token=False), workspace=workspace)) == expected


def test_a_container_without_the_fragment_has_neither_uri_nor_credentials() -> None:
    facts = well()
    assert facts.pod
    containers = [*facts.pod["spec"]["containers"], container("late")]
    pod = {**facts.pod, "spec": {**facts.pod["spec"], "containers": containers}}
    reasons = [(URI, "ContainerNotBound"), (CREDENTIALS, "ContainerNotBound"),
               (CREDENTIALS, "NotMounted")]  # fmt: skip
    assert found(replace(facts, pod=pod)) == reasons
    alone = {contract.SKIP_CONTAINERS_ANNOTATION: "mesh, late"}
    metadata = pod["metadata"]
    annotations = {**metadata["annotations"], **alone}
    left_alone = {**pod, "metadata": {**metadata, "annotations": annotations}}
    assert found(replace(facts, pod=left_alone)) == []


def test_the_three_failures_come_before_all_else() -> None:
    facts = replace(
        with_status(phase="Failed", containerStatuses=[ended("train", 3)]),
        binding=named("team-a", said("Ready", "False", "NotAdmitted")),
        workspace=named("team-a", said("Ready", "False", "Waiting")),
    )
    reasons = [reason for _, reason in found(facts)]
    assert reasons == ["NotAdmitted", "Waiting", "ContainerFailed"]
    assert diagnose("it", facts).failure is URI


def test_what_may_not_be_read_is_no_finding() -> None:
    unread = (Unread("mlflowbindings", "play", "no"), Unread("mlflowworkspaces", "play", "no"))
    assert found(replace(well(), binding=None, workspace=None, unread=unread)) == []
    assert found(replace(well(), workspace=None, unread=unread)) == []


def event(reason: str, message: str) -> dict[str, Any]:
    """Return an Event about a Job."""
    return {"reason": reason, "message": message, "involvedObject": {"kind": "Job", "name": "j"}}


REFUSAL = (
    "pods \"j-x\" is forbidden: ValidatingAdmissionPolicy 'mooring-require' with binding "
    "'mooring-require' denied request: container train sets {} in its env, which would win"
)


def test_tells_why_a_pod_was_never_made_once() -> None:
    events = [event("FailedCreate", REFUSAL.format("MLFLOW_TRACKING_URI"))] * 2
    facts = replace(well(), pod=None, events=(*events, event("Unhealthy", PLANTED)))
    diagnosis = diagnose("it", facts)
    assert [(each.failure, each.reason) for each in diagnosis.ailments] == [(URI, "PodRefused")]
    assert "Job j cannot make its pod: container train sets" in diagnosis.ailments[0].evidence
    assert PLANTED not in str(diagnosis)
    key = replace(facts, events=(event("FailedCreate", REFUSAL.format("AWS_ACCESS_KEY_ID")),))
    assert found(key) == [(CREDENTIALS, "PodRefused")]


def test_the_guards_line_is_shown_and_no_other() -> None:
    said = f"{PLANTED}\nStoreDenied: at http://u:{PLANTED}@s/b?sig={PLANTED} no.\nX: {PLANTED}"
    diagnosis = diagnose("it", guard_said(54, said))
    assert [each.evidence for each in diagnosis.ailments] == ["at http://***@s/b?*** no."]


def test_no_value_of_the_environment_is_told_but_a_tracking_uri_without_its_login() -> None:
    values = {
        contract.TRACKING_URI: f"https://user:{PLANTED}@host/p?token={PLANTED}",
        contract.TRACKING_PASSWORD: PLANTED,
        contract.AWS_SECRET_ACCESS_KEY: PLANTED,
        "MY_TOKEN": PLANTED,
    }
    env = [{"name": name, "value": value} for name, value in values.items()]
    for facts in (well(env=env), pod_of(containers=[container(env=env, command=[PLANTED])])):
        told = str(diagnose("it", facts))
        assert "https://***@host/p?***" in told
        assert PLANTED not in told
        assert "MY_TOKEN" not in told


def test_every_reason_of_the_guard_is_one_of_the_three_but_its_own_failure() -> None:
    others = [reason for reason in Reason if failure_of(reason) is Failure.OTHER]
    assert others == [Reason.GUARD_FAILED]
    assert failure_of("nosuch") is Failure.OTHER


def test_the_guards_own_checks_make_a_diagnosis() -> None:
    refusal = Finding(Reason.URI_EMPTY, "it is empty.", "Set it.")
    diagnosis = of_a_check(Result((refusal,), 0.1))
    assert json.loads(json.dumps(diagnosis.failure)) == "uri"
    assert (diagnosis.ailments[0].evidence, diagnosis.ailments[0].fix) == (
        "it is empty.",
        "Set it.",
    )
    assert of_a_check(Result((), 0.1)).failure is None
    assert isinstance(diagnosis, Diagnosis)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("http://host:5000/x", "http://host:5000/x"),
        ("http://a:b@host", "http://***@host"),
        ("see http://h/x?sig=1 now", "see http://h/x?*** now"),
        ("who? a@b", "who? a@b"),
    ],
)
def test_logins_and_signatures_in_urls_are_blanked(text: str, told: str) -> None:
    assert blanked(text) == told
