"""Shared access signatures of Azure containers, and the policies that they stand under. Pure.

A SAS that names a stored access policy is refused as soon as the policy is gone, so a credential
can be taken back without a new account key. Its text is made from the policy's id alone: the same
id made anew would revive it, so an id is random and never used twice.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

VERSION: Final = "2021-12-02"
"""Version of the Blob service's API, and of a SAS, that all of this is written for."""

PERMISSION: Final = "rwdl"
"""Read, write, delete, list: the fewest that every artifact call of MLflow 3.17 needs."""

MAX_POLICIES: Final = 5
"""Stored access policies that Azure allows on one container."""

VALIDITY: Final = timedelta(days=365)
"""A policy must end some day; its end is moved on, which leaves its SAS as it is."""

_FINGERPRINT: Final = 8


@dataclass(frozen=True, slots=True)
class Policy:
    """A stored access policy; `expiry` is a moment in UTC, None when it has none."""

    id: str
    permission: str
    expiry: datetime | None

    @classmethod
    def new(cls, account_key: bytes, container: str, now: datetime) -> "Policy":
        """A policy that nobody has had before."""
        unique = f"{_fingerprint(account_key, container)}-{secrets.token_hex(16)}"
        return cls(unique, PERMISSION, _until(now))

    def signed_with(self, account_key: bytes, container: str) -> bool:
        """Whether `new` made this policy with that key: a SAS of another one is refused."""
        return self.id.startswith(_fingerprint(account_key, container) + "-")

    def kept_up(self, now: datetime) -> "Policy":
        """The policy as it should be: its permission set right, and half its time before it."""
        lasts = self.expiry is not None and self.expiry > now + VALIDITY / 2
        return replace(self, permission=PERMISSION, expiry=self.expiry if lasts else _until(now))


def container_sas(
    account: str, account_key: bytes, container: str, policy_id: str, *, https_only: bool
) -> str:
    """The query string that gives its holder what the policy of `container` allows.

    The fields that are signed and their order: Azure, "Create a service SAS", version 2020-12-06
    and later.
    """
    protocol = "https" if https_only else ""
    signed = [
        *("", "", ""),  # permission, start and expiry are the policy's
        f"/blob/{account}/{container}",
        policy_id,
        "",
        protocol,
        VERSION,
        "c",
        *("",) * 7,  # snapshot, encryption scope, response headers
    ]
    query = {"sv": VERSION, "spr": protocol, "sr": "c", "si": policy_id,
             "sig": signature(account_key, "\n".join(signed))}  # fmt: skip
    return urlencode({name: value for name, value in query.items() if value})


def signature(account_key: bytes, text: str) -> str:
    """HMAC-SHA256 of `text` in base64, as Azure signs everything."""
    return base64.b64encode(hmac.digest(account_key, text.encode(), "sha256")).decode()


def policies_of(body: bytes) -> list[Policy]:
    """The policies in an answer of Get Container ACL; ValueError when it is none."""
    try:
        root = ET.fromstring(body)  # noqa: S314 (from the configured store; expat bounds entities)
    except ET.ParseError as error:
        raise ValueError(str(error)) from None
    if root.tag != "SignedIdentifiers":
        raise ValueError(root.tag)
    return [
        Policy(
            id=each.findtext("Id") or "",
            permission=each.findtext("AccessPolicy/Permission") or "",
            expiry=_moment(each.findtext("AccessPolicy/Expiry") or ""),
        )
        for each in root.iter("SignedIdentifier")
    ]


def policies_body(policies: Iterable[Policy]) -> bytes:
    """The body of Set Container ACL that leaves exactly `policies`."""
    root = ET.Element("SignedIdentifiers")
    for policy in policies:
        identifier = ET.SubElement(root, "SignedIdentifier")
        ET.SubElement(identifier, "Id").text = policy.id
        access = ET.SubElement(identifier, "AccessPolicy")
        if policy.expiry is not None:
            ET.SubElement(access, "Expiry").text = policy.expiry.strftime("%Y-%m-%dT%H:%M:%SZ")
        ET.SubElement(access, "Permission").text = policy.permission
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return body


def _fingerprint(account_key: bytes, container: str) -> str:
    return hmac.new(account_key, container.encode(), hashlib.sha256).hexdigest()[:_FINGERPRINT]


def _until(now: datetime) -> datetime:
    return (now + VALIDITY).astimezone(UTC).replace(microsecond=0)


def _moment(text: str) -> datetime | None:
    """Azure writes seven digits of a second, more than Python reads."""
    try:
        return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
    except ValueError:
        return None
