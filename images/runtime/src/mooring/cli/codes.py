"""How a command for people ends. The codes are stable; docs/cli.md has the same table."""

from enum import IntEnum


class Code(IntEnum):
    """An exit code; `meaning` says in words when it is given."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> "Code":
        """A code that is its number, with what it means."""
        made = int.__new__(cls, value)
        made._value_ = value
        made.meaning = meaning
        return made

    WELL = 0, "all that was asked for is well"
    NOT_WELL = 1, "something is not ready, lost, refused or wrong; the output says what"
    USAGE = 2, "the command line is wrong"
    NO_CLUSTER = (
        3,
        "the API server or the tracking server cannot be asked: no address, connection or login",
    )
    NOT_FOUND = 4, "what the command line names does not exist"
    FORBIDDEN = 5, "some of it may not be read, and the rest is well"
