"""The stand-in for runc asks for one capability less, and for nothing else."""

from pathlib import Path

import pytest

from tests.cluster.runc_nocap import specification, without


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["create", "--bundle", "/b", "id"], "/b/config.json"),
        (["run", "--bundle=/b", "id"], "/b/config.json"),
        (["run", "-b", "/b", "id"], "/b/config.json"),
        (["exec", "--process", "/p.json", "id"], "/p.json"),
        (["exec", "-p", "/p.json", "id"], "/p.json"),
        (["kill", "id", "9"], None),
    ],
)
def test_it_finds_the_file_with_the_capabilities(
    arguments: list[str], expected: str | None
) -> None:
    assert specification(arguments) == (Path(expected) if expected else None)


def test_it_takes_the_capability_out_of_every_list() -> None:
    asked = {
        "process": {
            "args": ["x"],
            "capabilities": {
                "bounding": ["CAP_CHOWN", "CAP_SYS_RESOURCE"],
                "effective": ["CAP_SYS_RESOURCE"],
            },
        }
    }
    assert without(asked, "CAP_SYS_RESOURCE") == {
        "process": {"args": ["x"], "capabilities": {"bounding": ["CAP_CHOWN"], "effective": []}}
    }
