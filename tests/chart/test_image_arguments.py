"""What the demo tells helm about images, whatever their digests look like."""

import pytest

from tests.chart.rendering import RenderError, helm
from tests.demo.system import RELEASES, Release, image_arguments

DIGITS = "123456789012"


def template(release: Release, arguments: list[str]) -> str:
    values = [f"--values={path}" for path in release.values]
    return helm("template", release.name, release.chart, *values, *arguments)


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
@pytest.mark.parametrize("tag", [DIGITS, "12345678e901", "00000000012a"])
def test_a_digest_of_digits_alone_is_a_tag(release: Release, tag: str) -> None:
    references = {folder: f"mooring/{folder}:{tag}" for folder in release.images.values()}
    rendered = template(release, image_arguments(release, references))
    assert all(f"mooring/{folder}:{tag}" in rendered for folder in release.images.values())


def test_the_loss_a_number_is_refused() -> None:
    mooring = next(release for release in RELEASES if release.name == "mooring")
    references = {folder: f"mooring/{folder}:{DIGITS}" for folder in mooring.images.values()}
    numbers = [a.replace("--set-string", "--set") for a in image_arguments(mooring, references)]
    with pytest.raises(RenderError, match="got number, want string"):
        template(mooring, numbers)
