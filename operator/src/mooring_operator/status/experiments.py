"""What to tell of experiments that keep their artifacts elsewhere."""

import re
from collections.abc import Iterable
from typing import Final

from mooring_operator.api.conditions import Finding

LONGEST: Final = 60
"""Characters of a name or a place that are shown."""


def elsewhere(root: str, named: Iterable[tuple[str, str]], total: int) -> Finding | None:
    """What to tell of `total` experiments outside of `root`; None where there is none.

    `named` are the names and places of some. Users chose both: no login of a URI is shown.
    """
    if not total:
        return None
    shown = [f"{name[:LONGEST]!r} at {without_login(place)[:LONGEST]!r}" for name, place in named]
    more = f" and {total - len(shown)} more" if total > len(shown) else ""
    return Finding(
        "ExperimentsElsewhere",
        f"{total} active experiments keep their artifacts outside of {root}: {', '.join(shown)}"
        f"{more}. A place that is a path is one in whichever pod logs there, and lost with it. No "
        "place can be changed: log to other experiments, copy what is to be kept, and delete "
        "these.",
    )


def without_login(place: str) -> str:
    """The same place; users may have written a login into its URI."""
    return re.sub(r"//[^/@]*@", "//", place)
