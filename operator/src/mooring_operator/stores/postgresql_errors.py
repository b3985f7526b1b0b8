"""What PostgreSQL and libpq say, told in words that a condition can carry."""

import re
from typing import Final

import psycopg

from mooring_operator.plan.encoding import encoded_twice
from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.protocol import DatabaseConnection

FIELD: Final = "backendStore.postgresql"

_REFUSALS: Final = (
    (r"failed to resolve host", Reason.UNKNOWN_HOST, "Correct {host}, or the DNS entry."),
    (r"password authentication failed", Reason.WRONG_CREDENTIALS, "Correct the password."),
    (
        r"database .* does not exist",
        Reason.MISSING_DATABASE,
        "Create it, or correct its name.",
    ),
    (
        r"permission denied for database|no pg_hba.conf entry",
        Reason.ACCESS_DENIED,
        "Let the role in: GRANT CONNECT, or a line in pg_hba.conf.",
    ),
    (
        r"too many (connections|clients)|connection slots are reserved",
        Reason.TOO_MANY_CONNECTIONS,
        "Raise the limit, or end sessions.",
    ),
    (
        r"database system is (starting|shutting|in recovery|not yet)",
        Reason.BUSY,
        "It is tried again.",
    ),
    (
        r"does not match host name",
        Reason.TLS_REFUSED,
        "Set {host} to a name of the certificate, or {sslMode} to verify-ca.",
    ),
    (
        r"certificate verify failed",
        Reason.TLS_REFUSED,
        "{caBundle} must hold the authority that issued the server's certificate.",
    ),
    (
        r"\bSSL\b|certificate",
        Reason.TLS_REFUSED,
        "Correct {sslMode}, or the server's certificate.",
    ),
    (
        r"refused|timeout|timed out|closed the connection|No route|unreachable",
        Reason.UNREACHABLE,
        "Check that the server runs, and {host} and {port}.",
    ),
)
"""libpq hands over no SQLSTATE for a connection that failed, only text."""

_OTHER: Final = ("", Reason.UNEXPECTED_ANSWER, "Look at the server's log.")
_TRANSIENT: Final = frozenset({Reason.BUSY, Reason.UNREACHABLE, Reason.TOO_MANY_CONNECTIONS})


def connect_error(
    server: DatabaseConnection, database: str, role: str, error: psycopg.Error
) -> StoreError:
    """Tell why `role` did not get into `database`. What libpq says never holds a password."""
    said = " ".join(str(error).split()).removeprefix("connection failed: ").rstrip(".")
    _, reason, remedy = next(
        (entry for entry in _REFUSALS if re.search(entry[0], said, re.IGNORECASE)), _OTHER
    )
    parts = {part: server.named(part) for part in ("host", "port", "sslMode")}
    remedy = remedy.format_map({**parts, "caBundle": server.ca_where})
    if reason is Reason.WRONG_CREDENTIALS and role == server.username:
        remedy = (
            f"Correct username and password in the Secret that {FIELD}.adminSecret names (its data "
            "is base64-encoded once)."
        )
        twice = encoded_twice(username=server.username, password=server.password)
        remedy = f"{remedy} {twice}".strip()
    return StoreError(
        reason,
        f"PostgreSQL at {server.host}:{server.port}, role {role}, database {database}: {said}. "
        f"{remedy}",
        transient=reason in _TRANSIENT,
    )


def statement_error(server: DatabaseConnection, error: psycopg.Error) -> StoreError:
    """Tell why a statement was refused."""
    here = f"PostgreSQL at {server.host}:{server.port}"
    state = error.sqlstate or ""
    said = " ".join(filter(None, (error.diag.message_primary, error.diag.message_detail)))
    if state == "42501":
        return StoreError(
            Reason.MISSING_PRIVILEGE,
            f"{here} does not allow role {server.username} that: {said}. Grant it CREATEDB and "
            "CREATEROLE, and membership of the roles whose names begin with mooring-.",
            transient=False,
        )
    if state == "57014" or state[:2] in {"40", "53", "55"}:
        return StoreError(
            Reason.BUSY, f"{here} could not do that now: {said}. It is tried again.", transient=True
        )
    if not state or state[:2] in {"08", "57"}:
        return StoreError(
            Reason.UNREACHABLE,
            f"{here} ended the session: {said or type(error).__name__}. It is tried again.",
            transient=True,
        )
    return StoreError(
        Reason.UNEXPECTED_ANSWER,
        f"{here} answered with {state}: {said}. Look at the server's log.",
        transient=False,
    )
