"""`mooring findings` and `mooring rotate` on a real API server."""

from datetime import datetime
from typing import Any

from kubernetes import client

from mooring import contract
from mooring.cli.codes import Code
from tests.integration.admission.world import World
from tests.integration.cli.conftest import Person
from tests.integration.cli.objects import SINCE, condition, workspace

PLANTED = "not-to-be-seen"
LOST = {
    "total": 3,
    "types": [
        {
            "type": "ModelNotReady",
            "count": 2,
            "newest": [{"experiment": "churn [a]", "run": "r1", "detail": "m-1"}],
        },
        {
            "type": "ExperimentLocal",
            "count": 1,
            "newest": [{"experiment": "old", "detail": f"https://u:{PLANTED}@host/x"}],
        },
    ],
}


def asked(world: World) -> str | None:
    """Return the value of the annotation that asks for new credentials."""
    live: Any = client.CustomObjectsApi(world.api).get_namespaced_custom_object(
        contract.GROUP, contract.VERSION, world.namespace, "mlflowworkspaces", "team-a"
    )
    found: str | None = live["metadata"].get("annotations", {}).get(contract.ROTATE_ANNOTATION)
    return found


def test_lists_what_was_lost(team: World, member: Person) -> None:
    workspace(team, "team-a", findings=LOST)
    ran = member.kubectl("mooring", "findings", f"{team.namespace}/team-a")
    assert ran.code == Code.NOT_WELL
    rows = [line.split() for line in ran.out.splitlines()]
    assert ["ModelNotReady", "churn", "[a]", "r1", "m-1"] in rows
    assert ["ExperimentLocal", "old", "-", "https://***@host/x"] in rows
    assert "and 1 older of ModelNotReady" in ran.out
    machine = member.mooring("findings", "team-a", "-o", "json")
    assert machine.answer["total"] == 3
    assert machine.answer["types"][1]["newest"] == [
        {"experiment": "old", "run": None, "detail": "https://***@host/x"}
    ]
    assert PLANTED not in ran.out + machine.out


def test_nothing_lost_is_well_and_nothing_known_is_not(team: World, member: Person) -> None:
    workspace(team, "team-a", findings={"total": 0})
    assert member.mooring("findings", "team-a").code == Code.WELL
    workspace(team, "unseen")
    ran = member.mooring("findings", "unseen")
    assert ran.code == Code.NOT_WELL
    assert "nobody knows" in ran.err


def test_asks_for_new_credentials_once_for_each_call(team: World, admin: Person) -> None:
    workspace(team, "team-a", credentials={"lastRotation": SINCE})
    first = admin.kubectl("mooring", "rotate", f"{team.namespace}/team-a")
    assert first.code == Code.WELL, first.err
    assert "new credentials are made now" in first.err
    before = asked(team)
    assert before is not None
    assert datetime.fromisoformat(before).tzinfo is not None
    assert admin.mooring("rotate", "team-a", "-n", team.namespace).code == Code.WELL
    assert asked(team) != before


def test_says_when_the_grace_of_the_last_ones_holds_it_up(team: World, admin: Person) -> None:
    ends = "2026-02-01T00:00:00Z"
    workspace(team, "team-a", credentials={"lastRotation": SINCE, "graceEnds": ends})
    ran = admin.mooring("rotate", "team-a", "-n", team.namespace)
    assert (ran.code, ends in ran.err) == (Code.WELL, True)


def test_asks_for_nothing_that_would_not_be_done(team: World, admin: Person) -> None:
    workspace(team, "team-a")
    ran = admin.mooring("rotate", f"{team.namespace}/team-a")
    assert ran.code == Code.NOT_WELL
    assert "no credentials that the operator made" in ran.err
    suspended = {"lastRotation": SINCE}
    client.CustomObjectsApi(team.api).patch_namespaced_custom_object_status(
        contract.GROUP, contract.VERSION, team.namespace, "mlflowworkspaces", "team-a",
        {"status": {"credentials": suspended, "conditions": [condition("Suspended", "True")]}},
    )  # fmt: skip
    ran = admin.mooring("rotate", f"{team.namespace}/team-a")
    assert (ran.code, "suspended" in ran.err) == (Code.NOT_WELL, True)
    assert asked(team) is None


def test_a_member_who_may_only_view_may_not_rotate(team: World, member: Person) -> None:
    workspace(team, "team-a", credentials={"lastRotation": SINCE})
    ran = member.mooring("rotate", "team-a")
    assert ran.code == Code.FORBIDDEN
    assert "cannot patch resource" in ran.err
    assert member.mooring("rotate", "nosuch").code == Code.NOT_FOUND
