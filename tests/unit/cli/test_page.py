"""docs/cli.md against the code."""

import re
from pathlib import Path

from mooring import main
from mooring.cli.base import app
from mooring.cli.codes import Code

PAGE = Path("docs/cli.md").read_text()


def test_the_page_has_the_exit_codes_as_the_code_has_them() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert rows == [(str(int(code)), code.meaning) for code in Code]


def test_the_page_has_the_commands_as_the_code_has_them() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", PAGE, re.MULTILINE)
    assert rows == list(main.FOR_PEOPLE.items())


def test_every_command_for_people_is_there_and_no_other() -> None:
    assert [command.name for command in app.registered_commands] == list(main.FOR_PEOPLE)
