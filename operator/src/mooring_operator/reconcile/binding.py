"""The pipeline of a binding: publish the connection beside it, or withdraw it."""

from dataclasses import dataclass

from mooring.contract import published_name
from mooring_operator.api.base import ObjectMeta
from mooring_operator.api.binding import BindingSpec
from mooring_operator.api.conditions import ACCEPTED, READY, Finding, Verdict
from mooring_operator.api.workspace import WorkspaceSpec
from mooring_operator.api.workspaceclass import WorkspaceClassSpec
from mooring_operator.kube import (
    BINDING,
    CONFIG_MAP,
    ROLE_BINDING,
    SECRET,
    WORKSPACE,
    Kind,
    Kube,
    Manifest,
)
from mooring_operator.plan.binding import (
    launcher_name,
    launcher_role_binding,
    pod_fragment,
    published_objects,
)
from mooring_operator.plan.connection import Connection
from mooring_operator.plan.metadata import STORE, Owner
from mooring_operator.queue import Key
from mooring_operator.reconcile.loading import load_class, namespace_labels, parse_spec
from mooring_operator.reconcile.provision import store_credentials
from mooring_operator.reconcile.report import report
from mooring_operator.reconcile.world import Blocked, Outcome, World, ensure


@dataclass(frozen=True, slots=True)
class Claim:
    """A binding that its workspace admits."""

    owner: Owner
    workspace: Owner
    class_: WorkspaceClassSpec


def reconcile_binding(world: World, key: Key) -> Outcome:
    """Answer one binding with what its pods need, or say why it gets nothing."""
    live = world.kube.get(BINDING, key.namespace, key.name)
    if live is None or live["metadata"].get("deletionTimestamp"):
        return Outcome()
    meta = ObjectMeta.model_validate(live["metadata"])
    owner = Owner("MlflowBinding", meta.namespace, meta.name, meta.uid)
    try:
        claim = _accept(world.kube, live, owner)
    except Blocked as blocked:
        _withdraw(world.kube, owner)
        verdicts = [Verdict(ACCEPTED, blocked.finding), Verdict(READY, blocked.finding)]
        return report(world, live, verdicts, {})
    accepted = Verdict(ACCEPTED, None, f"MlflowWorkspace {claim.workspace.name} admits it")
    fields: dict[str, object] = {
        "workspace": {"name": claim.workspace.name, "namespace": claim.workspace.namespace}
    }
    try:
        fields |= _publish(world, claim)
    except Blocked as blocked:
        return report(world, live, [accepted, Verdict(READY, blocked.finding)], fields)
    ready = Verdict(READY, None, "ConfigMap, Secret and status.pod are published")
    return report(world, live, [accepted, ready], fields)


def _accept(kube: Kube, live: Manifest, owner: Owner) -> Claim:
    """The claim, if there is such a workspace and it admits the namespace; raises Blocked."""
    ref = parse_spec(BindingSpec, live).workspace_ref
    namespace = ref.namespace or owner.namespace
    workspace = kube.get(WORKSPACE, namespace, ref.name)
    if workspace is None or workspace["metadata"].get("deletionTimestamp"):
        raise Blocked(
            Finding(
                "WorkspaceNotFound",
                f"spec.workspaceRef: there is no MlflowWorkspace {ref.name!r} in namespace "
                f"{namespace!r}; see: kubectl get mlw -n {namespace}",
            )
        )
    spec = parse_spec(WorkspaceSpec, workspace)
    labels = namespace_labels(kube, owner.namespace)
    if not spec.allowed_namespaces.admits(namespace, owner.namespace, labels):
        raise Blocked(
            Finding(
                "NotAdmitted",
                f"spec.workspaceRef: MlflowWorkspace {namespace}/{ref.name} does not admit "
                f"namespace {owner.namespace!r} (its spec.allowedNamespaces.from is "
                f"{spec.allowed_namespaces.from_!r}); its team can admit it there",
            )
        )
    uid = workspace["metadata"]["uid"]
    target = Owner("MlflowWorkspace", namespace, ref.name, uid)
    return Claim(owner, target, load_class(kube, spec.class_name))


def _publish(world: World, claim: Claim) -> dict[str, object]:
    """Write what answers the claim; the status fields that say where. Raises Blocked."""
    workspace, owner = claim.workspace, claim.owner
    secret = world.kube.get(SECRET, workspace.namespace, workspace.child_name_for(STORE))
    credentials = store_credentials(secret)
    if owner.namespace not in credentials.namespaces:
        raise Blocked(
            Finding(
                "StorePending",
                f"the store does not know namespace {owner.namespace!r} yet; see: "
                f"kubectl get mlw -n {workspace.namespace} {workspace.name}",
                waiting=True,
            )
        )
    s3 = claim.class_.artifact_store.s3
    connection = Connection(workspace, s3, credentials.environment)
    for desired in published_objects(owner, connection):
        ensure(world, desired)
    rights = launcher_role_binding(owner, claim.class_.launchers)
    if rights is None:
        _remove(world.kube, ROLE_BINDING, owner.namespace, launcher_name(owner.name))
    else:
        ensure(world, rights)
    name = {"name": published_name(owner.name)}
    return {
        "url": connection.tracking_uri,
        "artifactRoot": connection.artifact_root,
        "binding": name,
        "configMap": name,
        "pod": pod_fragment(owner.name, connection, claim.class_.guard),
    }


def _withdraw(kube: Kube, owner: Owner) -> None:
    """Take back what was published: a pod that still asks for it must not start."""
    name = published_name(owner.name)
    _remove(kube, CONFIG_MAP, owner.namespace, name)
    _remove(kube, SECRET, owner.namespace, name)
    _remove(kube, ROLE_BINDING, owner.namespace, launcher_name(owner.name))


def _remove(kube: Kube, kind: Kind, namespace: str, name: str) -> None:
    if kube.get(kind, namespace, name) is not None:
        kube.delete(kind, namespace, name)
