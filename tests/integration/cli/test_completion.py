"""The words that a shell offers, as the real kubectl and the shell's own script ask for them."""

from pathlib import Path

import pytest

from mooring import main
from tests.integration.cli.conftest import BIN, Person


@pytest.fixture
def anybody(tmp_path: Path) -> Person:
    """Somebody without a cluster: no word needs one."""
    return Person(tmp_path / "kubeconfig")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ([""], list(main.FOR_PEOPLE)),
        (["st"], ["status"]),
        (["status", "--all"], ["--all-namespaces"]),
        (["status", "-o", ""], ["table", "json"]),
        (["explain", "-f", ""], []),
    ],
)
def test_kubectl_offers_our_words(words: list[str], offered: list[str], anybody: Person) -> None:
    ran = anybody.kubectl("__complete", "mooring", *words)
    assert ran.out.splitlines() == [*offered, ":0"], ran.err


def test_the_program_offers_them_to_a_shell(anybody: Person) -> None:
    asked = [f"{main.COMPLETING}=complete_bash", "COMP_WORDS=mooring st", "COMP_CWORD=1"]
    ran = anybody.run(["env", *asked, str(BIN / "mooring")])
    assert ran.out.split() == ["status"]
