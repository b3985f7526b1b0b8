import dataclasses

import pytest

from mooring_operator.stores.postgresql_plan import (
    DEFAULT_PRIVILEGES,
    Privileges,
    Role,
    database_statement,
    joined,
    password_statement,
    role_statements,
    wanted_roles,
)
from mooring_operator.stores.protocol import DatabaseGrant, Login

GRANT = DatabaseGrant(
    database="d",
    owner="o",
    access="a",
    migration=Login("m", "migration-secret"),
    runtime=Login("r", "runtime-secret"),
    connection_limit=8,
)


def text(found: dict[str, Role]) -> list[str]:
    statements = role_statements(wanted_roles(GRANT), found)
    return [" ".join(statement.as_string().split()) for statement in statements]


def test_nothing_is_written_when_all_is_right() -> None:
    assert text(wanted_roles(GRANT)) == []


def test_all_roles_are_made_where_there_is_none() -> None:
    statements = text({})
    assert [each for each in statements if each.startswith("CREATE")] == [
        f'CREATE ROLE "{name}"' for name in "oamr"
    ]
    assert 'GRANT "o" TO "m"' in statements
    assert 'GRANT "a" TO "r"' in statements
    assert """ALTER ROLE "m" SET "role" = 'o'""" in statements
    assert 'ALTER ROLE "r" LOGIN CONNECTION LIMIT 8' in statements
    assert 'ALTER ROLE "o" NOLOGIN CONNECTION LIMIT -1' in statements


def test_no_statement_holds_a_password() -> None:
    assert "secret" not in joined(role_statements(wanted_roles(GRANT), {})).as_string()
    assert "secret" not in repr(GRANT)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"login": False}, ['ALTER ROLE "r" LOGIN CONNECTION LIMIT 8']),
        ({"connection_limit": 3}, ['ALTER ROLE "r" LOGIN CONNECTION LIMIT 8']),
        (
            {"member_of": ("pg_read_all_data",)},
            [
                'ALTER ROLE "r" LOGIN CONNECTION LIMIT 8',
                'REVOKE "pg_read_all_data" FROM "r"',
                'GRANT "a" TO "r"',
            ],
        ),
        (
            {"settings": ("role=o",)},
            ['ALTER ROLE "r" LOGIN CONNECTION LIMIT 8', 'ALTER ROLE "r" RESET ALL'],
        ),
    ],
)
def test_only_what_differs_is_altered(change: dict[str, object], expected: list[str]) -> None:
    roles = wanted_roles(GRANT)
    found = {**roles, "r": dataclasses.replace(roles["r"], **change)}  # type: ignore[arg-type]
    assert text(found) == expected


def test_names_are_quoted() -> None:
    grant = dataclasses.replace(GRANT, database='d"; DROP ROLE x; --', owner="o")
    assert (
        database_statement(grant).as_string().startswith('CREATE DATABASE "d""; DROP ROLE x; --"')
    )
    assert password_statement("r", "it's").as_string() == """ALTER ROLE "r" PASSWORD 'it''s'"""


@pytest.mark.parametrize(
    "change",
    [{"connect": False}, {"schema": False}, {"tables": False}, {"defaults": frozenset()}],
)
def test_one_wrong_privilege_is_enough(change: dict[str, object]) -> None:
    right = Privileges(connect=True, schema=True, defaults=DEFAULT_PRIVILEGES, tables=True)
    assert right.right
    assert not dataclasses.replace(right, **change).right  # type: ignore[arg-type]
