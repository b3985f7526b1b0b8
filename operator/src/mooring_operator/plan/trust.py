"""Whom the store trusts: the service accounts of a workspace and of the pods of its bindings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mooring_operator.plan.metadata import Owner

ANY: Final = "*"


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """A service account; the name `ANY` stands for all of the namespace."""

    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "Account":
        """The account that `str` gave."""
        namespace, _, name = text.partition("/")
        return cls(namespace, name)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def accounts(binding: Mapping[str, Any]) -> frozenset[Account]:
    """The accounts whose pods a live binding speaks for: those it lists, else any beside it."""
    namespace = binding["metadata"]["namespace"]
    return frozenset(
        Account(namespace, name) for name in binding["spec"].get("serviceAccounts") or [ANY]
    )


def trusted(workspace: Owner, bindings: Iterable[Mapping[str, Any]]) -> list[Account]:
    """Whom the store must trust for the `bindings` and the workspace's own server, sorted.

    One that is covered by `ANY` of its namespace is not named beside it: IAM bounds the length of
    a trust policy.
    """
    found = {Account(workspace.namespace, workspace.child_name)}.union(*map(accounts, bindings))
    whole = {account.namespace for account in found if account.name == ANY}
    return sorted(a for a in found if a.name == ANY or a.namespace not in whole)


def untrusted(wanted: Iterable[Account], held: Iterable[Account]) -> list[Account]:
    """Those of `wanted` that the store does not trust while it trusts `held`, sorted."""
    known = set(held)
    return sorted(a for a in wanted if not known & {a, Account(a.namespace, ANY)})
