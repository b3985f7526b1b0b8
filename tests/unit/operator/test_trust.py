"""Whom the store trusts."""

from typing import Any

from mooring_operator.plan.metadata import Owner
from mooring_operator.plan.trust import ANY, Account, accounts, trusted, untrusted

WORKSPACE = Owner("MlflowWorkspace", "team", "models", "1")
SERVER = Account("team", "models-mlflow")


def binding(namespace: str, *names: str) -> dict[str, Any]:
    listed = {"serviceAccounts": list(names)} if names else {}
    return {"metadata": {"namespace": namespace}, "spec": {"workspaceRef": {}, **listed}}


def test_a_binding_without_a_list_speaks_for_any() -> None:
    assert accounts(binding("team")) == {Account("team", ANY)}
    empty = {**binding("team"), "spec": {"serviceAccounts": []}}
    assert accounts(empty) == {Account("team", ANY)}


def test_the_server_is_trusted_whoever_else_is() -> None:
    assert trusted(WORKSPACE, []) == [SERVER]
    listed = [binding("team", "train"), binding("guests", "tune", "train")]
    guests = [Account("guests", "train"), Account("guests", "tune")]
    assert trusted(WORKSPACE, listed) == [*guests, SERVER, Account("team", "train")]


def test_any_stands_for_all_of_its_namespace_and_of_no_other() -> None:
    both = [binding("team", "train"), binding("team"), binding("team-b", "train")]
    assert trusted(WORKSPACE, both) == [Account("team", ANY), Account("team-b", "train")]


def test_who_is_not_trusted_yet() -> None:
    train, any_ = Account("team", "train"), Account("team", ANY)
    assert untrusted([train], [any_]) == []
    assert untrusted([train], [train]) == []
    assert untrusted([any_], [train]) == [any_]
    assert untrusted([train], [Account("team-b", ANY)]) == [train]


def test_an_account_is_read_as_it_was_written() -> None:
    assert Account.parse(str(Account("team", ANY))) == Account("team", ANY)
