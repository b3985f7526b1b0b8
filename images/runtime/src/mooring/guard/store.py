"""The round trip through the artifact store, with the pod's own credentials.

Each kind of store has a module of its own, which is imported for that kind alone.
"""

import importlib
import uuid
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from mooring import contract
from mooring.finding import Finding
from mooring.guard import probe, proxied
from mooring.guard.explain import Refusal
from mooring.guard.http import Http
from mooring.guard.reasons import Reason

GUARD_FOLDER: Final = ".mooring"
"""Below the artifact root; MLflow writes only to folders named by an experiment's id."""

MODULES: Final = {"s3": "s3", "wasbs": "azure", "gs": "gcs"}
"""Scheme of an artifact root, and the module that opens such a store."""

_PROXIED_SCHEME: Final = urlsplit(contract.PROXIED_ROOT).scheme


def is_behind_the_server(environ: Mapping[str, str]) -> bool:
    """Whether the tracking server keeps the artifacts, so that pods never talk to the store."""
    return environ[contract.ARTIFACT_ROOT].startswith(f"{_PROXIED_SCHEME}:")


def round_trip(environ: Mapping[str, str], http: Http) -> Finding | None:
    """Put one object below the artifact root, read it back, list it, delete it."""
    root = urlsplit(environ[contract.ARTIFACT_ROOT])
    if is_behind_the_server(environ):
        return proxied.round_trip(environ, http, GUARD_FOLDER)
    if root.scheme not in MODULES:
        return Finding(
            Reason.STORE_UNKNOWN,
            f"{contract.ARTIFACT_ROOT} is {root.geturl()!r}, and this guard can only try the "
            f"stores {', '.join(f'{scheme}://' for scheme in MODULES)} and the tracking server.",
            "Use the guard of the same release as the operator.",
        )
    module = importlib.import_module(f"mooring.guard.{MODULES[root.scheme]}")
    key = "/".join(filter(None, (root.path.strip("/"), GUARD_FOLDER, f"guard-{uuid.uuid4().hex}")))
    try:
        return probe.round_trip(
            module.opened(environ, http, root), f"the store of {root.geturl()}", key
        )
    except Refusal as refused:
        return refused.finding
