"""What the pipelines read of other objects: the class of a workspace, who may bind to it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mooring_operator.api.artifactstore import EffectiveArtifactStore
from mooring_operator.api.backendstore import EffectiveBackendStore
from mooring_operator.api.conditions import Finding
from mooring_operator.api.external import ExternalArtifacts, ExternalDatabase
from mooring_operator.api.workspace import AllowedNamespaces, ArtifactAccess, WorkspaceSpec
from mooring_operator.api.workspaceclass import (
    DEFAULT_CLASS_ANNOTATION,
    WorkspaceClassSpec,
    is_default,
)
from mooring_operator.kube import NAMESPACE, WORKSPACE_CLASS, Kube, Manifest
from mooring_operator.plan.connection import StoreClient
from mooring_operator.plan.metadata import CLASS_ANNOTATION, Owner
from mooring_operator.reconcile.world import Blocked

Spec = TypeVar("Spec", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class LoadedClass:
    """A workspace class by its name; `spec` has the workspace's own stores in their places."""

    name: str
    spec: WorkspaceClassSpec


def load_class(kube: Kube, workspace: Manifest) -> LoadedClass:
    """The class of a live workspace: see `class_name`; else the one that is marked as default.

    Raises Blocked when there is none, several are marked, or its spec is not valid.
    """
    name = class_name(workspace)
    live = _named(kube, name) if name else _default(kube)
    spec = parse_spec(WorkspaceClassSpec, live)
    return LoadedClass(live["metadata"]["name"], _with_own(spec, workspace))


def _with_own(spec: WorkspaceClassSpec, workspace: Manifest) -> WorkspaceClassSpec:
    own = parse_spec(WorkspaceSpec, workspace)
    stores: dict[str, EffectiveArtifactStore | EffectiveBackendStore] = {}
    if own.artifact_store:
        stores["artifact_store"] = EffectiveArtifactStore(existing=own.artifact_store.existing)
    if own.backend_store:
        stores["backend_store"] = EffectiveBackendStore(existing=own.backend_store.existing)
    if own.server.external:
        stores["backend_store"] = EffectiveBackendStore(external=ExternalDatabase())
        if own.artifact_access != "Direct":
            stores["artifact_store"] = EffectiveArtifactStore(external=ExternalArtifacts())
    effective = spec.model_copy(update=stores)
    if effective.backend_store.sqlite and not effective.artifact_store.volume:
        raise Blocked(
            Finding(
                "InvalidSpec",
                "spec.artifactStore.existing: the class keeps runs on the volume of the artifacts: "
                "make the workspace anew with spec.backendStore.existing too, or of a class with "
                "a database server",
            )
        )
    return effective


def with_version(workspace: Owner, wanted: str | None, class_: LoadedClass) -> WorkspaceClassSpec:
    """The class with the server's image of the MLflow version that a workspace asks for, if any.

    Raises Blocked where the class does not offer it.
    """
    server = class_.spec.server
    if wanted is None:
        return class_.spec
    images = {offered.version: offered.image for offered in server.versions}
    if wanted not in images:
        offers = ", ".join(images) or "none"
        message = (
            f"MlflowWorkspace {workspace.namespace}/{workspace.name}, spec.server.version: found "
            f"{wanted}, but MlflowWorkspaceClass {class_.name} offers {offers}; name one of these, "
            "leave the field out to follow the class, or have the platform team add it to the "
            "class's spec.server.versions"
        )
        raise Blocked(Finding("VersionNotOffered", message))
    chosen = server.model_copy(update={"image": images[wanted]})
    return class_.spec.model_copy(update={"server": chosen})


def class_name(workspace: Mapping[str, Any]) -> str | None:
    """The class that a live workspace names, or that it was provisioned from; None for neither."""
    named: str | None = workspace.get("spec", {}).get("className")
    return named or provisioned_class(workspace)


def provisioned_class(workspace: Mapping[str, Any]) -> str | None:
    """The class that a live workspace was provisioned from; None where it was not yet."""
    annotations: Mapping[str, str] = workspace["metadata"].get("annotations", {})
    return annotations.get(CLASS_ANNOTATION)


def parse_spec(model: type[Spec], live: Manifest) -> Spec:
    """The spec of a live object; raises Blocked where it does not fit the model."""
    try:
        spec: Spec = _validated(model, json.dumps(live.get("spec", {})))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(("spec", *(str(part) for part in first["loc"])))
        named = f"{live['kind']} {live['metadata']['name']}"
        raise Blocked(Finding("InvalidSpec", f"{named}, {path}: {first['msg']}")) from None
    return spec


@lru_cache(maxsize=256)
def _validated(model: type[Spec], spec: str) -> Spec:
    """The model of a spec in JSON: all looks read the same class, and most workspaces are alike."""
    return model.model_validate(json.loads(spec))


def admits(kube: Kube, allowed: AllowedNamespaces, own: str, namespace: str) -> bool:
    """Whether a workspace of namespace `own` admits the bindings of `namespace`."""
    if allowed.from_ != "Selector":
        return allowed.admits(own, namespace, {})
    live = kube.get(NAMESPACE, "", namespace)
    labels = live["metadata"].get("labels", {}) if live else {}
    return allowed.admits(own, namespace, labels)


def access_of(spec: WorkspaceSpec, store: StoreClient) -> ArtifactAccess:
    """How pods of a workspace reach its artifacts; raises Blocked for what cannot be."""
    if store.claim is None:
        return spec.artifact_access or ("Proxied" if spec.server.external else "Direct")
    if spec.artifact_access == "Direct":
        raise Blocked(
            Finding(
                "InvalidSpec",
                "spec.artifactAccess is Direct, and the class keeps artifacts on a volume, which "
                "only the tracking server reaches: make the workspace anew without that field",
            )
        )
    return "Proxied"


def _named(kube: Kube, name: str) -> Manifest:
    live = kube.get(WORKSPACE_CLASS, "", name)
    if live is None:
        raise Blocked(
            Finding(
                "ClassNotFound",
                f"spec.className: there is no MlflowWorkspaceClass {name!r}; see: kubectl get mlwc",
            )
        )
    return live


def _default(kube: Kube) -> Manifest:
    defaults = [c for c in kube.known(WORKSPACE_CLASS) if is_default(c)]
    if len(defaults) == 1:
        return defaults[0]
    names = ", ".join(sorted(c["metadata"]["name"] for c in defaults))
    found = f"{len(defaults)} classes are marked ({names})" if defaults else "no class is marked"
    raise Blocked(
        Finding(
            "NoDefaultClass",
            f"spec.className is not set, and {found} with {DEFAULT_CLASS_ANNOTATION}=true; "
            "name a class, or have exactly one marked",
        )
    )
