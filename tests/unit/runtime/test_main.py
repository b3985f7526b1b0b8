"""The command line of the package."""

import sys

import pytest

from mooring import main


@pytest.mark.parametrize(
    "arguments", [[], ["nosuch"], ["guard", "too-much"], ["run"], ["run", "--"], ["run", "true"]]
)
def test_refuses_what_it_does_not_know(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["mooring", *arguments])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    assert "usage: mooring COMMAND" in capsys.readouterr().err


def test_help_names_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["mooring", "--help"])
    main.main()
    told = capsys.readouterr().out
    assert all(command in told for command in (*main.COMMANDS, *main.FOR_PEOPLE))


def test_says_what_to_install_where_the_commands_for_people_are_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["mooring", "status"])
    monkeypatch.setitem(sys.modules, "mooring.cli", None)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    assert "pip install 'mooring[cli]'" in capsys.readouterr().err
