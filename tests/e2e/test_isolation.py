"""A team's real credentials open nothing of another team's, and open what is its own.

Every attempt is also made by the owner, so that it is known to be one that can succeed.
"""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any, Final

import pytest

from mooring import contract
from mooring_operator.stores.names import database_names
from tests.demo.cluster import get, kubectl
from tests.demo.store import BUCKET
from tests.demo.system import MOORING
from tests.e2e.jobs import PLAIN, Jobs, script
from tests.e2e.workspaces import keys

OWNER: Final = "team-a"
INTRUDER: Final = "team-b"
PREFIX: Final = f"{OWNER}/{OWNER}"
CONTENT: Final = b"team-a's"
TRIED: Final = re.compile(r"tried: ([\w ]+): (\w+)")
HEAD_HAS_NO_BODY: Final = "403"
NO_SESSION: Final = {"AccessDenied", "InvalidIdentityToken"}
"""AWS says the first, versitygw the second, of a token whose subject the role does not trust."""


@pytest.fixture(scope="module")
def victims(store: Any) -> Iterator[dict[str, str]]:
    """An object of the owner's for each team to try on."""
    found = {team: f"{PREFIX}/e2e/{uuid.uuid4().hex}" for team in (OWNER, INTRUDER)}
    for key in found.values():
        store.put_object(Bucket=BUCKET, Key=key, Body=CONTENT)
    yield found
    for team in (OWNER, INTRUDER):
        for key in keys(store, BUCKET, f"{team}/{team}/e2e/"):
            store.delete_object(Bucket=BUCKET, Key=key)


@pytest.fixture(scope="module")
def attempts(jobs: Jobs, victims: dict[str, str]) -> dict[str, dict[str, str]]:
    """What came of each attempt on the owner's objects, by team."""
    role = get("configmap", contract.published_name(OWNER), OWNER)["data"][contract.AWS_ROLE_ARN]
    pods = [
        {
            "namespace": team,
            "labels": {contract.BINDING_LABEL: team},
            "arguments": [
                script("intrude"),
                *("--bucket", BUCKET, "--prefix", PREFIX, "--key", key, "--role", role),
            ],
        }
        for team, key in victims.items()
    ]
    outcomes = jobs.run(PLAIN, pods)
    assert [outcome.state for outcome in outcomes] == ["success", "success"]
    return {
        team: dict(TRIED.findall(outcome.log))
        for team, outcome in zip(victims, outcomes, strict=True)
    }


def test_owner_reaches_its_objects(attempts: dict[str, dict[str, str]]) -> None:
    assert len(attempts[OWNER]) == 9
    assert set(attempts[OWNER].values()) == {"done"}


def test_intruder_reaches_no_object(
    attempts: dict[str, dict[str, str]], victims: dict[str, str], store: Any
) -> None:
    found = attempts[INTRUDER]
    assert found.keys() == attempts[OWNER].keys()
    assert found.pop("head") == HEAD_HAS_NO_BODY
    assert found.pop("assume role") in NO_SESSION
    assert set(found.values()) == {"AccessDenied"}
    victim = victims[INTRUDER]
    assert store.get_object(Bucket=BUCKET, Key=victim)["Body"].read() == CONTENT
    assert keys(store, BUCKET, victim) == [victim]


def test_owner_reads_its_rows(system: None) -> None:
    assert _select(OWNER) == "selected"


def test_intruder_cannot_connect_to_the_owners_database(system: None) -> None:
    database = database_names(OWNER, OWNER).database
    said = _select(INTRUDER)
    assert said.startswith("refused: ")
    assert f'permission denied for database "{database}"' in said


@pytest.mark.parametrize(
    "account", [f"{INTRUDER}:default", f"{INTRUDER}:{INTRUDER}-mlflow", "playground:airflow"]
)
def test_nobody_else_reads_the_owners_secrets(account: str, system: None) -> None:
    assert _may_read_secrets(f"{MOORING}:mooring")
    assert not _may_read_secrets(account)


def _select(team: str) -> str:
    """Read the owner's table of runs with the login of `team`'s tracking server, in its pod."""
    server = ("exec", "-n", team, f"deploy/{team}-mlflow", "--")
    database = database_names(OWNER, OWNER).database
    return kubectl(*server, "python", "-c", script("select"), database).strip()


def _may_read_secrets(account: str) -> bool:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": f"system:serviceaccount:{account}",
            "resourceAttributes": {"namespace": OWNER, "verb": "get", "resource": "secrets"},
        },
    }
    answer = json.loads(kubectl("create", "-f", "-", "-o", "json", stdin=json.dumps(review)))
    return bool(answer["status"]["allowed"])
