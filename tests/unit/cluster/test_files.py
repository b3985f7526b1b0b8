"""Files that are whole or not there, and locks that die with their holder."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster import files
from tests.cluster.paths import CHECKOUT, cluster_name


class Interrupted(Exception):
    """Stands for whatever ends a block early."""


def test_an_interrupted_file_keeps_its_old_content(tmp_path: Path) -> None:
    def write_half() -> None:
        with files.new_file(target) as part:
            part.write_text("half")
            raise Interrupted

    target = tmp_path / "a"
    target.write_text("old")
    with pytest.raises(Interrupted):
        write_half()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_scratch_folder_is_empty_whatever_a_killed_run_left(tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep/left").touch()
    with files.scratch(folder) as empty:
        assert list(empty.iterdir()) == []
    assert not folder.exists()


def test_a_secret_file_is_never_readable_by_others(tmp_path: Path) -> None:
    files.write(tmp_path / "kubeconfig", "x", mode=0o600)
    assert (tmp_path / "kubeconfig").stat().st_mode & 0o777 == 0o600


def test_a_lock_ends_with_a_killed_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    program = (
        "from tests.cluster.files import lock\n"
        "with lock('one'):\n"
        "    print('held', flush=True)\n"
        "    input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.send_signal(signal.SIGKILL)
        with files.lock("one"):
            pass


def test_checkouts_have_clusters_of_their_own() -> None:
    assert cluster_name(Path("/srv/a")) == cluster_name(Path("/srv/a"))
    assert cluster_name(Path("/srv/a")) != cluster_name(Path("/srv/b"))
