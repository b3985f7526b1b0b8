"""Build images where there is no ordinary Docker engine, and copy them out."""

import configparser
import os
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.debian import base_archive, base_digest
from tests.cluster.files import digest_of, lock, new_file, remove
from tests.cluster.images import Image
from tests.cluster.paths import CHECKOUT, RUN_ROOT, cache_root
from tests.cluster.process import run
from tests.cluster.report import stage

_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_CONFIGURATION = {"CONTAINERS_CONF": str(Path(__file__).parent / "containers.conf")}
_PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout")


def _storage() -> Path:
    return cache_root() / "buildah"


def _run_folder() -> Path:
    """Return where buildah keeps what a reboot must forget, for this cache and no other."""
    return RUN_ROOT / f"buildah-{digest_of([str(cache_root())])[:8]}"


def forget() -> None:
    """Drop what is outside of the cache folder."""
    remove(_run_folder())


def _buildah(*arguments: str | Path, stdin: str | None = None, log: Path | None = None) -> str:
    """Run buildah on the storage of this cache; what it printed. Raises ClusterError."""
    storage = ("--root", _storage(), "--runroot", _run_folder(), "--storage-driver", "overlay")
    return run(["buildah", *storage, *arguments], env=_CONFIGURATION, stdin=stdin, log=log)


def _stored(reference: str) -> str:
    return f"localhost/{reference}"


def stored() -> set[str]:
    """Return the names of the images that are in the storage."""
    names = _buildah("images", "--format", "{{.Name}}:{{.Tag}}").split()
    return {name.removeprefix("localhost/") for name in names}


def local_base() -> str:
    """Return the name of the base image that is made from Debian's packages."""
    return f"localhost/mooring/base:{base_digest()[:12]}"


def _ensure_base() -> None:
    reference = local_base()
    if reference.removeprefix("localhost/") in stored():
        return
    archive = base_archive()
    with stage("import the base of the images"):
        made_of = f"FROM scratch\nADD {archive.name} /\n"
        _buildah("build", "--file", "-", "--tag", reference, archive.parent, stdin=made_of)


def _pip_configuration() -> Path | None:
    """Write how this machine's pip reaches its index, for the builds; None when by default.

    The index can be named by files or by environment variables; in a build neither is seen.
    """
    files = configparser.ConfigParser(interpolation=None)
    user = Path.home()
    files.read(["/etc/pip.conf", user / ".pip/pip.conf", user / ".config/pip/pip.conf",
                os.environ.get("PIP_CONFIG_FILE", "/dev/null")])  # fmt: skip
    found = dict(files["global"]) if files.has_section("global") else {}
    settings = {key: found[key] for key in _PIP_SETTINGS if key in found}
    for key in _PIP_SETTINGS:
        variable = "PIP_" + key.upper().replace("-", "_")
        if variable in os.environ:
            settings[key] = os.environ[variable]
    if not settings:
        return None
    target = cache_root() / "pip.conf"
    with new_file(target) as part:
        part.touch(mode=0o600)  # an index's address may hold a password
        part.write_text("\n".join(["[global]", *(f"{k} = {v}" for k, v in settings.items())]))
    return target


def _mounts() -> list[str]:
    # One file, not the folder: packages that are installed in a build write beside it.
    mounts = ["--volume", f"{_CERTIFICATES}:{_CERTIFICATES}:ro"] if _CERTIFICATES.exists() else []
    pip = _pip_configuration()
    return [*mounts, "--volume", f"{pip}:/etc/pip.conf:ro"] if pip else mounts


def build(images: Sequence[Image]) -> None:
    """Build those of `images` that are not in the storage yet. Raises ClusterError on failure."""
    with lock("buildah"):
        there = stored()
        missing = [image for image in images if image.reference not in there]
        if not missing:
            return
        _ensure_base()
        mounts = _mounts()
        for image in missing:
            with stage(f"build {image.reference}"):
                _buildah(
                    "build", "--isolation", "chroot", "--network", "host", "--layers",
                    "--build-arg", f"BASE_IMAGE={image.base}", *mounts,
                    "--file", image.dockerfile, "--tag", _stored(image.reference), CHECKOUT,
                    log=cache_root() / "logs" / f"build-{image.name}.log",
                )  # fmt: skip


def copy_out(reference: str, layout: Path) -> None:
    """Copy an image, uncompressed, into the OCI layout `layout`; blobs that it has are skipped.

    Uncompressed, because the digest of a layer is then known without reading it.
    """
    storage = f"[overlay@{_storage()}+{_run_folder()}]"
    run(
        ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-oci-accept-uncompressed-layers",
         f"containers-storage:{storage}{_stored(reference)}", f"oci:{layout}:{reference}"],
    )  # fmt: skip


def sizes(images: Sequence[Image]) -> dict[str, int]:
    """Return the size in bytes, unpacked, of each image by its reference."""
    found: dict[str, int] = {}
    for image in images:
        size = _buildah("images", "--format", "{{.Size}}", _stored(image.reference))
        found[image.reference] = int(size.split()[0])
    return found
