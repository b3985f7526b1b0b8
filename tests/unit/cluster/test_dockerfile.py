"""Which files an image is made from: a changed one must change the tag, another must not."""

from pathlib import Path

import pytest

from tests.cluster import dockerfile
from tests.cluster.process import ClusterError


def lines(context: Path, *sources: str) -> list[str]:
    return list(dockerfile.inputs(context, list(sources)))


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").write_text("a = 1\n")
    return tmp_path


def test_a_changed_file_is_seen(context: Path) -> None:
    before = lines(context, "src")
    (context / "src/a.py").write_text("a = 2\n")
    assert lines(context, "src") != before


def test_a_changed_mode_is_seen(context: Path) -> None:
    before = lines(context, "src/")
    (context / "src/a.py").chmod(0o755)
    assert lines(context, "src/") != before


def test_a_new_file_is_seen(context: Path) -> None:
    before = lines(context, "src")
    (context / "src/b.py").touch()
    assert lines(context, "src") != before


def test_what_the_image_does_not_get_is_not_seen(context: Path) -> None:
    before = lines(context, "src")
    (context / "src/__pycache__").mkdir()
    (context / "src/__pycache__/a.cpython-311.pyc").touch()
    (context / "src/a.egg-info").mkdir()
    (context / "other.py").touch()
    assert lines(context, "src") == before


def test_a_source_that_is_missing_is_named(context: Path) -> None:
    with pytest.raises(ClusterError, match="copies lib/, which is not in"):
        lines(context, "lib/")


def test_copied_knows_every_form() -> None:
    text = """\
FROM x AS first
# COPY not/this /there
COPY one /there
COPY --chown=1:1 two three/ \\
  /there/
COPY --from=first /built /there
COPY ["four", "/there"]
ADD five /there
RUN echo COPY six /there
"""
    assert dockerfile.copied(text) == ["one", "two", "three/", "four", "five"]


def test_a_dockerfile_without_a_base_argument_is_refused() -> None:
    assert dockerfile.base_image("ARG BASE_IMAGE=debian\nFROM ${BASE_IMAGE}\n") == "debian"
    with pytest.raises(ClusterError, match="ARG BASE_IMAGE"):
        dockerfile.base_image("FROM debian\n")
