"""Whose an object is: what was not made for the owner is never written or deleted."""

from typing import Any

import pytest

from mooring.contract import API_VERSION
from mooring_operator.plan.metadata import Owner, belongs, child, owner_of

OWNER = Owner("MlflowWorkspace", "team-a", "models", "1")
OTHER = Owner("MlflowWorkspace", "team-a", "models", "2")


def secret(owner: Owner, **metadata: Any) -> dict[str, Any]:
    made = child(owner, "v1", "Secret", "models-mlflow-store", "store")
    return made | {"metadata": made["metadata"] | metadata}


def test_the_owner_is_the_controller() -> None:
    assert owner_of(secret(OWNER)) == OWNER
    assert owner_of(secret(OWNER, ownerReferences=[])) is None
    watcher = {"apiVersion": API_VERSION, "kind": "Other", "name": "x", "uid": "9"}
    assert owner_of(secret(OWNER, ownerReferences=[watcher])) is None


@pytest.mark.parametrize(
    ("live", "ours"),
    [
        (secret(OWNER), True),
        (secret(OTHER), False),
        (secret(OWNER, ownerReferences=[]), True),
        (secret(OWNER, ownerReferences=[], labels={}), False),
        (secret(OWNER, ownerReferences=[], labels={"app.kubernetes.io/instance": "models"}), False),
        (secret(OTHER, labels={}), False),
    ],
    ids=["ours", "of a namesake", "edited", "foreign", "of another tool", "of another"],
)
def test_whose_it_is(live: dict[str, Any], ours: bool) -> None:
    assert belongs(live, OWNER) is ours
