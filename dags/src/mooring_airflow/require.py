"""What a task requires to have landed, as its author writes it."""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from itertools import takewhile
from typing import Any, Final

WILDCARDS: Final = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Requirement:
    """A logged model, or artifacts of a run: by name, by path, or by a pattern of either.

    `*`, `?` and `[…]` stand for characters of one folder's names; the name of a folder stands for
    all that lies below it. With `flavor` it is a logged model of that flavour alone. At least
    `min_count` models or files must be there, and `min_bytes` of them together.
    """

    name: str
    flavor: str = ""
    min_count: int = 1
    min_bytes: int = 0

    @classmethod
    def of(cls, asked: Any) -> "Requirement":
        """Read a name, or a mapping of the fields above; raises ValueError."""
        given = {"name": asked} if isinstance(asked, str) else asked
        known = [field.name for field in fields(cls)]
        if not isinstance(given, Mapping) or not given.get("name"):
            raise ValueError(f"require has {asked!r}: write a name, or a dict with name")
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise ValueError(
                f"require has {', '.join(unknown)} for {given['name']!r}: it may have "
                f"{', '.join(known)}"
            )
        for key, least in (("min_count", 1), ("min_bytes", 0)):
            number = given.get(key, 1)
            # A bool is an int in Python.
            if type(number) is not int or number < least:
                raise ValueError(
                    f"require has {key} {number!r} for {given['name']!r}: write a whole number, "
                    f"at least {least}"
                )
        return cls(**given)

    def matches(self, name: str) -> bool:
        """Whether it means the model or file that is called `name`."""
        return self.leads_to(name) and self._depth() <= name.count("/")

    def leads_to(self, folder: str) -> bool:
        """Whether something that it means may lie below `folder`."""
        pairs = zip(self.name.rstrip("/").split("/"), folder.split("/"), strict=False)
        return all(fnmatchcase(given, wanted) for wanted, given in pairs)

    def enough(self, sizes: Sequence[int]) -> bool:
        """Whether models or files of these sizes are enough."""
        return len(sizes) >= self.min_count and sum(sizes) >= self.min_bytes

    def _depth(self) -> int:
        return self.name.rstrip("/").count("/")

    def folder(self) -> str:
        """The folder below which all that it means lies; empty for the top."""
        parts = posixpath.dirname(self.name.rstrip("/")).split("/")
        return "/".join(takewhile(lambda part: not WILDCARDS & set(part), parts))

    def __str__(self) -> str:
        said = [
            *([f"flavour {self.flavor}"] if self.flavor else []),
            *([f"at least {self.min_count}"] if self.min_count > 1 else []),
            *([f"at least {self.min_bytes} bytes"] if self.min_bytes else []),
        ]
        return f"{self.name} ({', '.join(said)})" if said else self.name


def requirements(asked: Sequence[Any]) -> tuple[Requirement, ...]:
    """Read what `require` of an operator holds; raises ValueError."""
    if isinstance(asked, str | Mapping):
        raise ValueError(f"require is {asked!r}: write a list of names, [{asked!r}]")
    return tuple(Requirement.of(each) for each in asked)
