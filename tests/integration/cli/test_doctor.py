"""`mooring doctor` on a real API server with the chart's policies, for a team's member.

There is no kubelet and no job controller: what they would write is written here.
"""

from typing import Any

import pytest
from kubernetes import client

from mooring import contract
from mooring.cli.codes import Code
from tests.integration.admission.world import Refused, World, container
from tests.integration.admission.world import pod as asking
from tests.integration.cli.conftest import BIN, Person, Ran
from tests.integration.cli.objects import pod
from tests.services.process import closed_port

PLANTED = "not-to-be-seen"


def guard_ended(code: int, message: str) -> dict[str, Any]:
    """Return the status of a pod whose guard refused."""
    state = {"terminated": {"exitCode": code, "reason": "Error", "message": message}}
    status = {"name": contract.GUARD_CONTAINER, "image": "x", "imageID": "", "ready": False,
              "restartCount": 0, "state": state}  # fmt: skip
    return {"phase": "Failed", "initContainerStatuses": [status]}


def ailments(ran: Ran) -> list[tuple[str, str]]:
    """Return failure and reason of each finding."""
    return [(each["failure"], each["reason"]) for each in ran.answer["ailments"]]


def test_a_pod_that_is_well_is_well(bound: World, member: Person) -> None:
    name = pod(bound, asking("team-a"), {"phase": "Running"})
    ran = member.kubectl("mooring", "doctor", f"{bound.namespace}/{name}")
    assert ran.code == Code.WELL, ran.out + ran.err
    assert "nothing is wrong that can be seen" in ran.out
    assert "binding team-a was merged in" in ran.out


def test_tells_what_the_guard_of_an_ended_pod_found(bound: World, member: Person) -> None:
    line = "StoreDenied: s3://b/team-a denies PutObject. Look at the role."
    status = guard_ended(54, f"{PLANTED}\n{line}")
    secret = container(env=[{"name": "MY_TOKEN", "value": PLANTED}], command=["x", PLANTED])
    name = pod(bound, asking("team-a", containers=[secret]), status)
    ran = member.mooring("doctor", name, "-n", bound.namespace)
    assert ran.code == Code.NOT_WELL
    assert "the credentials are lost" in ran.out
    assert "s3://b/team-a denies PutObject. Look at the role." in ran.out
    machine = member.mooring("doctor", name, "-o", "json")
    assert machine.answer["failure"] == "credentials"
    assert ailments(machine) == [("credentials", "StoreDenied")]
    assert PLANTED not in ran.out + ran.err + machine.out + machine.err


def test_a_pod_that_asked_for_nothing_logs_into_itself(bound: World, member: Person) -> None:
    name = pod(bound, asking(), {"phase": "Succeeded"})
    ran = member.mooring("doctor", name, "-o", "json")
    assert (ran.code, ailments(ran)) == (Code.NOT_WELL, [("uri", "NotBound")])
    assert "bindings here: team-a" in ran.answer["ailments"][0]["fix"]


def test_a_pod_that_admission_refused_is_found_by_its_job(bound: World, member: Person) -> None:
    broken = container(env=[{"name": contract.TRACKING_URI, "value": ""}])
    with pytest.raises(Refused) as refused:
        bound.submit(asking("team-a", containers=[broken]))
    core = client.CoreV1Api(bound.api)
    core.create_namespaced_event(
        bound.namespace,
        {
            "metadata": {"name": "train.1"},
            "involvedObject": {
                "kind": "Job", "name": "train", "namespace": bound.namespace,
                "apiVersion": "batch/v1",
            },
            "reason": "FailedCreate",
            "message": f"Error creating: {refused.value}",
            "type": "Warning",
        },
    )  # fmt: skip
    for what in (["train-x7k2p"], ["train"], ["--binding", "team-a"]):
        ran = member.mooring("doctor", *what, "-o", "json")
        assert ailments(ran) == [("uri", "PodRefused")], ran.out + ran.err
        told = ran.answer["ailments"][0]["evidence"]
        assert told.startswith("Job train cannot make its pod: container train sets ")


def test_says_what_is_not_there(bound: World, member: Person) -> None:
    for what in (["nosuch"], ["--binding", "nosuch"]):
        ran = member.mooring("doctor", *what)
        assert ran.code == Code.NOT_FOUND
        assert f"nosuch in namespace {bound.namespace}" in ran.err


def test_says_what_may_not_be_read(other: World, member: Person) -> None:
    ran = member.mooring("doctor", f"{other.namespace}/x")
    assert ran.code == Code.FORBIDDEN
    assert "cannot get resource" in ran.err


@pytest.mark.parametrize("arguments", [[], ["x", "--here"], ["x", "--binding", "y"]])
def test_refuses_a_wrong_command_line(arguments: list[str], admin: Person) -> None:
    assert admin.mooring("doctor", *arguments).code == Code.USAGE


def test_here_makes_the_guards_own_checks(admin: Person) -> None:
    uri = f"http://127.0.0.1:{closed_port()}"
    for environ, failure, reason in (
        ([], "uri", "TrackingUriMissing"),
        ([f"{contract.TRACKING_URI}=/tmp/x"], "uri", "TrackingUriLocal"),
        ([f"{contract.TRACKING_URI}={uri}"], "uri", "NotBound"),
    ):
        command = [str(BIN / "mooring"), "doctor", "--here", "-o", "json"]
        ran = admin.run(["env", *environ, *command])
        assert (ran.code, ran.answer["failure"]) == (Code.NOT_WELL, failure), ran.err
        assert ailments(ran) == [(failure, reason)]
