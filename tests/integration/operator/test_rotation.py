"""Credentials are replaced, and nobody who works with one notices."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
import pytest

from mooring.contract import (
    AWS_ACCESS_KEY_ID,
    AWS_ROLE_ARN,
    AWS_SECRET_ACCESS_KEY,
    ROTATE_ANNOTATION,
)
from mooring_operator.kube import SECRET, WORKSPACE
from mooring_operator.plan.database import RUNTIME_URI
from mooring_operator.plan.rotation import ROTATION_KEY
from mooring_operator.stores.names import database_names
from tests.integration.operator import outside
from tests.integration.operator.api import Refused
from tests.integration.operator.gate import gate
from tests.integration.operator.kubelet import fake_kubelet
from tests.integration.operator.process import Operator
from tests.integration.operator.test_crash import restarted
from tests.integration.operator.world import World, decoded, until
from tests.integration.stores.s3_client import OK

REFUSED = "InvalidAccessKeyId"


def ask(world: World, team: str, value: str) -> None:
    """Ask for new credentials as a person does with kubectl annotate."""
    world.api.patch(
        WORKSPACE, team, "models", {"metadata": {"annotations": {ROTATE_ANNOTATION: value}}}
    )


def key_of(world: World, team: str) -> str:
    return world.published(team, "models").get(AWS_ACCESS_KEY_ID, "")


def rotated(world: World, team: str, before: str) -> None:
    """Return once another key than `before` is published, and no server has that one."""
    until(lambda: key_of(world, team) not in {"", before}, "another key")
    in_grace(world, team)


def in_grace(world: World, team: str) -> None:
    """Play the kubelet until the grace of the old credentials has begun."""

    def begun() -> bool:
        fake_kubelet(world.api, team)
        states = [
            decoded(world.api.get(SECRET, team, f"models-mlflow-{each}"))[ROTATION_KEY]
            for each in ("store", "database")
        ]
        return not any("null" in state for state in states) and "graceEnds" in credentials(
            world, team
        )

    until(begun, "the grace to begin")
    world.converge(team)


def credentials(world: World, team: str) -> dict[str, str]:
    live = world.api.get(WORKSPACE, team, "models") or {}
    found: dict[str, str] = live.get("status", {}).get("credentials", {})
    return found


def end_grace(world: World, team: str) -> None:
    """Have the time of grace pass: it is what the class says, and becomes a second."""
    world.edit_class({"rotation": {"grace": "1s"}})
    until(lambda: len(outside.key_ids(world, team)) == 1, "the old key to be gone")
    until(lambda: len(outside.logins(world, team)) == 2, "the old login to be gone")
    until(lambda: "graceEnds" not in credentials(world, team), "the status to say so")
    world.edit_class({"rotation": {"grace": "24h"}})


@contextmanager
def uploading(
    world: World, team: str, *, keep: Mapping[str, str] | None = None
) -> Iterator[list[str]]:
    """Upload all the time, with what is published at each moment or with `keep`; the outcomes."""
    outcomes: list[str] = []
    stop = threading.Event()

    def upload() -> None:
        while not stop.is_set():
            environment = keep or world.published(team, "models")
            outcomes.append(outside.put(world, environment, f"{team}/models"))

    thread = threading.Thread(target=upload)
    thread.start()
    try:
        yield outcomes
        seen = len(outcomes)
        until(lambda: len(outcomes) > seen + 1, "one more upload")
    finally:
        stop.set()
        thread.join()


def test_three_rotations_under_load_lose_nothing(world: World) -> None:
    team = world.ready_workspace()
    with uploading(world, team) as outcomes:
        for number in range(3):
            old, uri = world.published(team, "models"), outside.passwords(world, team)[RUNTIME_URI]
            role = outside.login(world, team)
            ask(world, team, f"round {number}")
            with uploading(world, team, keep=old) as kept:
                rotated(world, team, old[AWS_ACCESS_KEY_ID])
                assert sorted(outside.key_ids(world, team)) == sorted(
                    [old[AWS_ACCESS_KEY_ID], key_of(world, team)]
                )
                assert outside.login(world, team) != role
                with psycopg.connect(uri.replace("+psycopg2", "")) as session:
                    assert session.execute("SELECT current_user").fetchone() == (role,)
            assert set(kept) == {"OK"}, "a pod that holds the old key goes on"
            with psycopg.connect(uri.replace("+psycopg2", "")) as session:
                end_grace(world, team)
                with pytest.raises(psycopg.OperationalError):
                    session.execute("SELECT 1")
            assert outside.put(world, old, f"{team}/models") == REFUSED
            with pytest.raises(psycopg.OperationalError, match="authentication failed"):
                psycopg.connect(uri.replace("+psycopg2", ""))
    assert len(outcomes) > 10
    assert set(outcomes) == {"OK"}


def test_the_grace_waits_until_no_server_has_the_old_credential(world: World) -> None:
    team = world.ready_workspace()
    world.edit_class({"rotation": {"grace": "0s"}})
    old = world.published(team, "models")
    ask(world, team, "1")
    until(lambda: key_of(world, team) != old[AWS_ACCESS_KEY_ID], "another key")
    world.workspace_is(team, "False", "ServerAvailable")
    assert outside.put(world, old, f"{team}/models") == "OK"
    assert len(outside.logins(world, team)) == 3

    world.converge(team)
    until(lambda: len(outside.key_ids(world, team)) == 1, "the old key to be gone")
    until(lambda: len(outside.logins(world, team)) == 2, "the old login to be gone")


def test_one_value_is_one_rotation(world: World, operator: Operator) -> None:
    team = world.ready_workspace()
    first = key_of(world, team)
    ask(world, team, "once")
    rotated(world, team, first)
    second = key_of(world, team)
    ask(world, team, "")
    operator.settle()
    assert key_of(world, team) == second
    assert "pending" not in credentials(world, team)
    ask(world, team, "twice")
    told = until(lambda: credentials(world, team).get("pending", ""), "it to be told")
    assert f"annotation {ROTATE_ANNOTATION} has a new value" in told
    # the graces of key and login begin each in its own write, so the first may end a second before
    first_end, status = told.rpartition(" at ")[2], credentials(world, team)
    assert status["lastRotation"] < first_end <= status["graceEnds"]
    operator.settle()
    assert key_of(world, team) == second, "the first one's grace is not over"
    world.edit_class({"rotation": {"grace": "1s"}})
    until(lambda: key_of(world, team) != second, "the second one to begin")

    def over() -> bool:
        fake_kubelet(world.api, team)
        return outside.key_ids(world, team) == [key_of(world, team)]

    until(over, "the end of its grace, which is too short to be seen")
    until(lambda: "pending" not in credentials(world, team), "nothing to be wanted any more")


def test_by_schedule(world: World) -> None:
    team = world.ready_workspace()
    status = credentials(world, team)
    assert set(status) == {"lastRotation"}
    before = key_of(world, team)
    world.api.patch(WORKSPACE, team, "models", {"spec": {"rotation": {"every": "1s"}}})
    rotated(world, team, before)
    made = status["lastRotation"]
    until(lambda: credentials(world, team)["lastRotation"] > made, "the status to tell of it")
    assert credentials(world, team)["nextRotation"] > made


def test_a_workspace_has_no_shorter_grace_than_its_class(world: World) -> None:
    team = world.ready_workspace()
    world.api.patch(WORKSPACE, team, "models", {"spec": {"rotation": {"grace": "1s"}}})
    old = world.published(team, "models")
    ask(world, team, "1")
    rotated(world, team, old[AWS_ACCESS_KEY_ID])
    until(lambda: "graceEnds" in credentials(world, team), "the status to tell of the grace")
    ends, began = (credentials(world, team)[name] for name in ("graceEnds", "lastRotation"))
    assert ends[:10] > began[:10], "a day later"
    assert outside.put(world, old, f"{team}/models") == "OK"


def test_a_namespace_that_is_withdrawn_knows_the_old_key_only(world: World) -> None:
    team, guests = world.ready_workspace(), world.namespace("guests")
    everyone = {"spec": {"allowedNamespaces": {"from": "All"}}}
    world.api.patch(WORKSPACE, team, "models", everyone)
    world.make_binding(guests, "guest", "models", team)
    world.binding_is(guests, "guest", "True")
    known = world.published(guests, "guest")
    world.converge(team)

    world.api.patch(WORKSPACE, team, "models", {"spec": {"allowedNamespaces": {"from": "Same"}}})
    rotated(world, team, known[AWS_ACCESS_KEY_ID])
    end_grace(world, team)
    assert outside.put(world, known, f"{team}/models") == REFUSED


def test_a_class_without_keys_leaves_none_behind(world: World) -> None:
    outside.register_issuer(world)
    team = world.ready_workspace()
    old = world.published(team, "models")
    world.edit_s3(credentials="WorkloadIdentity")
    until(lambda: AWS_ROLE_ARN in world.published(team, "models"), "the role")
    in_grace(world, team)
    assert outside.put(world, old, f"{team}/models") == "OK"

    world.edit_class({"rotation": {"grace": "1s"}})
    until(lambda: not outside.user_exists(world, team), "the user to be gone")
    assert outside.put(world, old, f"{team}/models") == REFUSED
    assert outside.role_exists(world, team)

    world.edit_s3(credentials="Minted")
    until(lambda: key_of(world, team), "a key")

    def role_is_gone() -> bool:
        fake_kubelet(world.api, team)
        return not outside.role_exists(world, team)

    until(role_is_gone, "the role to be gone")
    assert outside.put(world, world.published(team, "models"), f"{team}/models") == "OK"


@pytest.mark.parametrize("step", ["CreateAccessKey", "DeleteAccessKey"])
def test_killed_in_the_middle_of_a_rotation(world: World, operator: Operator, step: str) -> None:
    with restarted(operator), gate(world.versitygw.iam, held=f"Action={step}".encode()) as way:
        team = world.ready_workspace()
        old = world.published(team, "models")
        if step == "DeleteAccessKey":
            ask(world, team, "1")
            rotated(world, team, old[AWS_ACCESS_KEY_ID])
        world.edit_s3(iam={"endpoint": way.url})
        if step == "CreateAccessKey":
            ask(world, team, "1")
        else:
            world.edit_class({"rotation": {"grace": "1s"}})
        way.wait_until_held()
        operator.kill()
        state = decoded(world.api.get(SECRET, team, "models-mlflow-store"))[ROTATION_KEY]
        assert (old[AWS_ACCESS_KEY_ID] in state) is (step == "DeleteAccessKey")
        way.open()
        operator.start()
        if step == "CreateAccessKey":
            rotated(world, team, old[AWS_ACCESS_KEY_ID])
            assert outside.put(world, old, f"{team}/models") == "OK"
        end_grace(world, team)
        assert outside.key_ids(world, team) == [key_of(world, team)]
        assert outside.put(world, world.published(team, "models"), f"{team}/models") == "OK"
        assert outside.put(world, old, f"{team}/models") == REFUSED
        world.close()


def test_a_login_that_was_made_and_not_kept_is_made_again(world: World, operator: Operator) -> None:
    """The operator stopped between making the second login and naming it in the Secret."""
    team = world.ready_workspace()
    before = key_of(world, team)
    spare = database_names(team, "models").runtime_spare
    outside.make_login(world, spare)
    ask(world, team, "1")
    rotated(world, team, before)
    assert outside.login(world, team) == spare


@pytest.mark.parametrize(
    ("rotation", "told"),
    [
        ({"every": "30days"}, "30 days are 720h, not [0-9]"),
        ({"grace": ""}, "30 days are 720h"),
        ({"grace": "1d"}, "30 days are 720h, not [0-9]"),
        ({"every": "0h0m"}, "every is more than nothing"),
    ],
)
def test_a_duration_that_is_none_is_refused(
    world: World, rotation: dict[str, str], told: str
) -> None:
    team = world.namespace("team")
    with pytest.raises(Refused, match=told):
        world.make_workspace(team, rotation=rotation)


def test_a_key_whose_id_was_edited_has_its_grace(world: World) -> None:
    team = world.ready_workspace()
    old = world.published(team, "models")
    edit = {"data": {AWS_ACCESS_KEY_ID: "c29tZWJvZHkncyBpZA=="}}
    with uploading(world, team, keep=old) as of_a_running_pod:
        world.api.patch(SECRET, team, "models-mlflow-store", edit)
        rotated(world, team, old[AWS_ACCESS_KEY_ID])
    assert set(of_a_running_pod) == {OK}
    assert sorted(outside.key_ids(world, team)) == sorted(
        [old[AWS_ACCESS_KEY_ID], key_of(world, team)]
    )
    end_grace(world, team)
    assert outside.put(world, old, f"{team}/models") == REFUSED


def test_a_key_that_was_edited_is_replaced_and_running_pods_keep_theirs(world: World) -> None:
    """The store never tells a secret again, so what somebody has overwritten is lost."""
    team = world.ready_workspace()
    old = world.published(team, "models")
    edit = {"data": {AWS_SECRET_ACCESS_KEY: "bm9ib2R5J3Mga2V5"}}
    with uploading(world, team, keep=old) as of_a_running_pod:
        world.api.patch(SECRET, team, "models-mlflow-store", edit)
        until(lambda: key_of(world, team) not in {"", old[AWS_ACCESS_KEY_ID]}, "another key")
    assert set(of_a_running_pod) == {OK}
    assert outside.put(world, world.published(team, "models"), f"{team}/models") == OK

    # once more, while the first one retires: IAM knows two keys at most
    second = key_of(world, team)
    world.api.patch(SECRET, team, "models-mlflow-store", edit)
    until(lambda: key_of(world, team) not in {"", second}, "a third key")
    assert outside.put(world, world.published(team, "models"), f"{team}/models") == OK
    assert len(outside.key_ids(world, team)) == 2
