"""Digests, locks and folders that are either whole or not there."""

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.cluster.mounts import unmount_below
from tests.cluster.paths import cache_root
from tests.cluster.report import say

_CHUNK = 1 << 20


def digest_of(parts: Iterable[str | bytes]) -> str:
    """Return the SHA-256 (hex) of `parts`; where one ends and the next begins counts.

    >>> digest_of(["ab", "c"]) == digest_of(["a", "bc"])
    False
    """
    total = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        total.update(f"{len(raw)}:".encode())
        total.update(raw)
    return total.hexdigest()


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 (hex) of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def lock(name: str, *, shared: bool = False) -> Iterator[None]:
    """Hold the machine-wide lock `name`, alone or with others that share it.

    The kernel frees it when this process dies.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    folder = cache_root() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("a") as file:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting: another process holds the lock {name!r}")
            fcntl.flock(file, kind)
        yield


@contextlib.contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Yield `folder`, new and empty, and remove it afterwards; the caller holds a lock on it."""
    remove(folder)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        remove(folder)


@contextlib.contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Yield a path that becomes the file `target` when the block ends well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def write(target: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a file so that a reader sees the old text or the new one, never a half."""
    with new_file(target) as part:
        part.touch(mode=mode)
        part.write_text(text)


def remove(path: Path) -> None:
    """Remove a file or folder if it is there, unmounting whatever is mounted below it."""
    if not path.is_symlink() and path.is_dir():
        unmount_below(path)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
