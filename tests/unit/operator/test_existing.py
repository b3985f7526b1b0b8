"""The URI of a database of a team's own: read, or told why not, without its password."""

import pytest

from mooring_operator.plan.existing import InvalidUri, parse_database_uri


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_spelling_becomes_the_one_that_the_image_has_a_driver_for(scheme: str) -> None:
    found = parse_database_uri(f"{scheme}://us%40er:p%2Fw@db:6432/runs?sslmode=require", None)
    assert (found.role, found.password) == ("us@er", "p/w")
    assert (found.host, found.port, found.database) == ("db", 6432, "runs")
    assert found.ssl_mode == "require"
    assert found.uri == "postgresql+psycopg2://us%40er:p%2Fw@db:6432/runs?sslmode=require"
    assert "p/w" not in repr(found)
    assert "p%2Fw" not in repr(found)


def test_port_and_mode_may_be_left_out() -> None:
    found = parse_database_uri("postgresql://user:word@db/runs", None)
    assert (found.port, found.ssl_mode) == (5432, "prefer")


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("", "its scheme is 'missing'"),
        ("user:secret-word@db/runs", "its scheme is"),
        ("mysql://user:secret-word@db/runs", "its scheme is 'mysql'"),
        ("postgresql://user:secret-word@db:port/runs", "its host or its port is none"),
        ("postgresql://user:secret-word@db:99999/runs", "its host or its port is none"),
        ("postgresql://user:secret-word@db", "it has no database"),
        ("postgresql://user:secret-word@/runs", "it has no host"),
        ("postgresql://db/runs", "it has no user, no password"),
        ("postgresql://user:secret-word@db/runs\n", "white space"),
        ("postgresql://user:secret-word@db/runs?sslmode=on", "sslmode is 'on'"),
        ("postgresql://user:secret-word@db/runs?options=x", "parameter 'options'"),
        ("postgresql://user:secret-word@db/runs?sslmode=verify-ca", "no key ca.crt beside it"),
    ],
)
def test_what_is_wrong_is_told_without_the_password(uri: str, told: str) -> None:
    with pytest.raises(InvalidUri) as invalid:
        parse_database_uri(uri, None)
    assert told in str(invalid.value)
    assert "secret-word" not in str(invalid.value)


def test_authorities_that_nobody_would_ask_are_refused() -> None:
    with pytest.raises(InvalidUri, match="sslmode is require, which checks no certificate"):
        parse_database_uri("postgresql://user:secret-word@db/runs?sslmode=require", "PEM")
    found = parse_database_uri("postgresql://user:secret-word@db/runs?sslmode=verify-ca", "PEM")
    assert found.uri.endswith(
        "?sslmode=verify-ca&sslrootcert=/var/run/secrets/mooring.dev-database/ca.crt"
    )
