"""Progress for the person who waits: what is being done, and how long it took."""

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console

console = Console(stderr=True, highlight=False, soft_wrap=True)
"""Everything for a person goes to stderr; stdout carries answers only."""


def say(text: str) -> None:
    """Print one line."""
    console.print(text, markup=False)


@contextlib.contextmanager
def stage(title: str) -> Iterator[None]:
    """Show `title` while the block runs, and its time in seconds when it is done."""
    started = time.monotonic()
    if not console.is_terminal:
        say(f"  {title} …")
    with console.status(title):
        yield
    console.print(f"[green]✓[/] {title} [dim]{time.monotonic() - started:.1f} s[/]")
