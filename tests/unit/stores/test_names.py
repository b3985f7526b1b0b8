import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring_operator.stores.names import (
    MAX_IDENTIFIER,
    MAX_IDENTITY,
    database_names,
    identity,
    subject,
)

PATTERN = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
NAMES = st.from_regex(PATTERN, fullmatch=True)


def everything(namespace: str, name: str) -> tuple[str, ...]:
    names = database_names(namespace, name)
    return names.database, names.owner, names.access, *names.logins


def test_a_hyphen_between_the_two_would_let_one_workspace_be_another() -> None:
    assert "mooring-{}-{}".format("a-b", "c") == "mooring-{}-{}".format("a", "b-c")

    assert identity("a-b", "c") != identity("a", "b-c")
    assert not set(everything("a-b", "c")) & set(everything("a", "b-c"))


def test_names_can_be_read() -> None:
    assert identity("team-a", "models") == "mooring-team-a_models"
    assert everything("team-a", "models") == (
        "mooring-team-a_models",
        "mooring-team-a_models_owner",
        "mooring-team-a_models_access",
        "mooring-team-a_models_migration",
        "mooring-team-a_models_server",
        "mooring-team-a_models_server2",
    )


@given(NAMES, NAMES, NAMES, NAMES)
def test_two_workspaces_share_no_name(one: str, a: str, other: str, b: str) -> None:
    if (one, a) != (other, b):
        assert identity(one, a) != identity(other, b)
        assert not set(everything(one, a)) & set(everything(other, b))


@given(NAMES, NAMES)
def test_names_fit(namespace: str, name: str) -> None:
    assert len(identity(namespace, name)) <= MAX_IDENTITY
    names = everything(namespace, name)
    assert len(set(names)) == len(names)
    assert all(len(each.encode()) <= MAX_IDENTIFIER for each in names)


@pytest.mark.parametrize(("namespace", "name"), [("a" * 60, "b" * 60), ("a", "b" * 60)])
def test_a_cut_name_is_nobodys_full_name(namespace: str, name: str) -> None:
    cut = identity(namespace, name)
    assert len(cut) == MAX_IDENTITY

    parts = cut.removeprefix("mooring-").split("_")
    assert len(parts) > 2 or not all(re.fullmatch(PATTERN, part) for part in parts)


def test_a_subject_is_of_one_namespace() -> None:
    assert subject("team-a") == "system:serviceaccount:team-a:*"
    assert subject("team-a", "train") == "system:serviceaccount:team-a:train"
