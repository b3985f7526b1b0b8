"""What a team says of a database of its own, in one URI."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from mooring.contract import CA_FILE
from mooring_operator.plan.database import DRIVER, tls_query, verifies
from mooring_operator.plan.encoding import ENCODED_TWICE, looks_encoded

FORM: Final = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"

_SCHEMES: Final = frozenset({"postgres", "postgresql", DRIVER})
_SSL_MODES: Final = frozenset({"disable", "prefer", "require", "verify-ca", "verify-full"})


class InvalidUri(ValueError):
    """What is wrong with a URI, in words that hold no part of it."""


@dataclass(frozen=True, slots=True)
class DatabaseUri:
    """A database and the login to it; `uri` is for SQLAlchemy."""

    host: str
    port: int
    database: str
    role: str
    password: str = field(repr=False)
    ssl_mode: str
    ca: str | None = field(repr=False)
    uri: str = field(repr=False)


def parse_database_uri(text: str, ca: str | None) -> DatabaseUri:
    """Read a URI of the form FORM; raises InvalidUri. Its password is never told.

    `ca` are the authorities that its owner has beside it, as PEM.
    """
    if not text.isascii() or any(character.isspace() for character in text):
        raise InvalidUri("it has white space or characters that are not ASCII")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InvalidUri("its host or its port is none") from None
    if not parts.scheme and looks_encoded(text):
        raise InvalidUri(ENCODED_TWICE)
    if parts.scheme not in _SCHEMES:
        raise InvalidUri(f"its scheme is {parts.scheme or 'missing'!r}")
    missing = _missing(parts)
    if missing:
        raise InvalidUri(f"it has no {missing}")
    query = parse_qs(parts.query)
    ssl_mode = query.pop("sslmode", ["prefer"])[0]
    if query:
        raise InvalidUri(f"it has the parameter {min(query)!r}, and only sslmode may be there")
    if ssl_mode not in _SSL_MODES:
        raise InvalidUri(f"its sslmode is {ssl_mode!r}, which is none of libpq's")
    if ca is None and verifies(ssl_mode):
        raise InvalidUri(f"its sslmode is {ssl_mode}, and there is no key {CA_FILE} beside it")
    if ca is not None and not verifies(ssl_mode):
        told = f"there is a key {CA_FILE} beside it, but its sslmode is {ssl_mode}"
        raise InvalidUri(f"{told}, which checks no certificate")
    return DatabaseUri(
        host=parts.hostname or "",
        port=port or 5432,
        database=unquote(parts.path[1:]),
        role=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        ssl_mode=ssl_mode,
        ca=ca,
        uri=parts._replace(scheme=DRIVER, query=tls_query(ssl_mode)).geturl(),
    )


def _missing(parts: SplitResult) -> str:
    found = {
        "user": parts.username,
        "password": parts.password,
        "host": parts.hostname,
        "database": parts.path[1:],
    }
    return ", no ".join(name for name, value in found.items() if not value)
