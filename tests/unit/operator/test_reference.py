"""The page of all fields."""

from mooring_operator.api.crd import custom_resource_definitions
from mooring_operator.api.reference import reference


def test_every_field_has_a_row_that_says_what_it_is() -> None:
    rows = [line for line in reference().splitlines() if line.startswith("| `")]
    assert all(row.count("|") - row.count("\\|") == 5 for row in rows), "four cells each"
    assert not [row for row in rows if row.endswith("|  |")], "each says something"
    assert any(row.startswith("| `server.env[].valueFrom.secretKeyRef.key`") for row in rows)


def test_every_kind_and_its_rules_are_there() -> None:
    page = reference()
    for crd in custom_resource_definitions():
        assert f"## {crd['spec']['names']['kind']}\n" in page
    assert "artifactAccess cannot be changed" in page
