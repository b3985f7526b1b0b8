"""Which images there are, and their names: the tag is the digest of what goes into an image."""

import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import dockerfile
from tests.cluster.files import digest_of, digest_of_file, new_file
from tests.cluster.paths import CHECKOUT
from tests.cluster.process import ClusterError
from tests.cluster.tools import tool

_BUILT = "build/bin/"
"""Where Dockerfiles expect programs that this package builds."""


@dataclass(frozen=True, slots=True)
class Image:
    """One image of the project."""

    name: str
    """Its folder below images/."""
    dockerfile: Path
    base: str
    """Name of the image that is given as BASE_IMAGE."""
    tag: str

    @property
    def reference(self) -> str:
        """Return the name as a pod gives it."""
        return f"mooring/{self.name}:{self.tag}"


def image_names() -> list[str]:
    """Return the folders below images/ that have a Dockerfile."""
    return sorted(path.parent.name for path in (CHECKOUT / "images").glob("*/Dockerfile"))


def describe(name: str, *, base: str | None) -> Image:
    """Return the image `name` as the files in the checkout make it now.

    `base` replaces the Dockerfile's own base image; its name must change with its content.
    Raises ClusterError when there is no such image, or it copies what is not there.
    """
    path = CHECKOUT / "images" / name / "Dockerfile"
    if not path.exists():
        raise ClusterError(f"{name}: no such image; there are {', '.join(image_names())}")
    text = path.read_text()
    used = base or dockerfile.base_image(text)
    sources = dockerfile.copied(text)
    _provide_programs(sources)
    lines = dockerfile.inputs(CHECKOUT, sources)
    digest = digest_of([platform.machine(), used, text, *lines])
    return Image(name=name, dockerfile=path, base=used, tag=digest[:12])


def _provide_programs(sources: Sequence[str]) -> None:
    """Put the programs that a Dockerfile copies from build/bin/ there."""
    for source in sources:
        if not source.startswith(_BUILT):
            continue
        built = tool(source.removeprefix(_BUILT))
        target = CHECKOUT / source
        if not target.exists() or digest_of_file(target) != digest_of_file(built):
            with new_file(target) as part:
                shutil.copy2(built, part)
