"""The pipeline of a binding: publish the connection beside it, or withdraw it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mooring.contract import connection_name, files_name, published_name
from mooring.passwords import user_of
from mooring_operator.api.base import ObjectMeta
from mooring_operator.api.binding import BindingSpec
from mooring_operator.api.conditions import ACCEPTED, READY, Finding, Verdict
from mooring_operator.api.workspace import WorkspaceSpec
from mooring_operator.kube import (
    BINDING,
    CONFIG_MAP,
    ROLE_BINDING,
    SECRET,
    WORKSPACE,
    Kube,
    Manifest,
)
from mooring_operator.plan.artifactstore import store_client
from mooring_operator.plan.binding import (
    launcher_name,
    launcher_rights,
    login_name,
    pod_fragment,
    published_objects,
)
from mooring_operator.plan.connection import Connection
from mooring_operator.plan.exposure import external
from mooring_operator.plan.metadata import Owner
from mooring_operator.plan.trust import Account, accounts, untrusted
from mooring_operator.queue import Key
from mooring_operator.reconcile.auth import held_users
from mooring_operator.reconcile.external import external_server
from mooring_operator.reconcile.loading import access_of, admits, load_class, parse_spec
from mooring_operator.reconcile.provision import held_credentials
from mooring_operator.reconcile.publish import publish
from mooring_operator.reconcile.report import report
from mooring_operator.reconcile.world import Blocked, Outcome, World, attempt, delete_own, ensure

_WORKSPACE_ENDS: Final = "WorkspaceEnds"
_PUBLISHED: Final = frozenset(
    {
        "workspace",
        "url",
        "externalUrl",
        "artifactRoot",
        "mlflowWorkspace",
        "binding",
        "configMap",
        "pod",
    }
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A binding that its workspace admits; `accounts` are its pods', `live` is the workspace."""

    owner: Owner
    spec: BindingSpec
    accounts: frozenset[Account]
    workspace: Owner
    live: Manifest
    workspace_spec: WorkspaceSpec

    @property
    def workspace_ref(self) -> dict[str, str]:
        """What the status says about the workspace."""
        return {"name": self.workspace.name, "namespace": self.workspace.namespace}


def reconcile_binding(world: World, key: Key) -> Outcome:
    """Answer one binding with what its pods need, or say why it gets nothing."""
    live = world.kube.get(BINDING, key.namespace, key.name)
    if live is None or live["metadata"].get("deletionTimestamp"):
        return Outcome()
    meta = ObjectMeta.model_validate(live["metadata"])
    owner = Owner("MlflowBinding", meta.namespace, meta.name, meta.uid)
    claim = attempt(lambda: _accept(world.kube, live, owner))
    if isinstance(claim, Finding):
        # a launcher watches the pods that it has started: a deletion waits for their runs
        ends = claim.reason == _WORKSPACE_ENDS
        _withdraw(world.kube, owner, keep=_held_rights(world.kube, owner) if ends else ())
        return report(world, live, [Verdict(ACCEPTED, claim), Verdict(READY, claim)], {})
    accepted = Verdict(ACCEPTED, None, f"MlflowWorkspace {claim.workspace.name} admits it")
    fields = attempt(lambda: _answer(world, claim))
    if isinstance(fields, Finding):
        kept = _kept(world.kube, live, claim)
        return report(world, live, [accepted, Verdict(READY, fields)], kept)
    ready = Verdict(READY, None, "ConfigMap, Secret and status.pod are published")
    return report(world, live, [accepted, ready], fields)


def _accept(kube: Kube, live: Manifest, owner: Owner) -> Claim:
    """The claim, if there is such a workspace and it admits the namespace; raises Blocked."""
    claimed = parse_spec(BindingSpec, live)
    ref = claimed.workspace_ref
    namespace = ref.namespace or owner.namespace
    workspace = kube.get(WORKSPACE, namespace, ref.name)
    if workspace is not None and "deletionTimestamp" in workspace["metadata"]:
        raise Blocked(
            Finding(
                _WORKSPACE_ENDS,
                f"spec.workspaceRef: MlflowWorkspace {namespace}/{ref.name} is being deleted, so "
                "no pod may start with it any more; what runs goes on until its runs have ended",
            )
        )
    if workspace is None:
        raise Blocked(
            Finding(
                "WorkspaceNotFound",
                f"spec.workspaceRef: there is no MlflowWorkspace {ref.name!r} in namespace "
                f"{namespace!r}; see: kubectl get mlw -n {namespace}",
            )
        )
    spec = parse_spec(WorkspaceSpec, workspace)
    if not admits(kube, spec.allowed_namespaces, namespace, owner.namespace):
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
    return Claim(owner, claimed, accounts(live), target, workspace, spec)


def _answer(world: World, claim: Claim) -> dict[str, object]:
    """Write what answers the claim; the status fields that say where. Raises Blocked."""
    workspace, owner = claim.workspace, claim.owner
    loaded = load_class(world.kube, claim.live)
    class_ = loaded.spec
    credentials = held_credentials(world.kube, workspace)
    unknown = untrusted(claim.accounts, credentials.accounts)
    if unknown:
        raise Blocked(
            Finding(
                "StorePending",
                f"the store does not trust pods of {', '.join(map(str, unknown))} yet; see: "
                f"kubectl get mlw -n {workspace.namespace} {workspace.name}",
                waiting=True,
            )
        )
    store = store_client(class_.artifact_store, workspace, credentials.values)
    if claim.spec.service_accounts and store.token_audience is None:
        why = (
            "keeps artifacts on a volume, which every pod reaches through the tracking server"
            if store.claim
            else f"hands out keys, which every pod of namespace {owner.namespace!r} can use"
        )
        raise Blocked(
            Finding(
                "NeedsWorkloadIdentity",
                f"spec.serviceAccounts: MlflowWorkspaceClass {loaded.name} {why}, whatever its "
                "service account: remove the list, or name a workspace whose class has "
                "credentials: WorkloadIdentity",
            )
        )
    access = access_of(claim.workspace_spec, store)
    server = external_server(world.kube, workspace, claim.workspace_spec)
    connection = Connection(workspace, store, access, server, _login(world.kube, claim))
    objects = published_objects(owner, claim.spec, connection)
    publish(world, objects)
    own = [claim.spec.launcher] if claim.spec.launcher else []
    rights = launcher_rights(owner, [*class_.launchers, *own], connection)
    for right in rights:
        ensure(world, right)
    _withdraw(world.kube, owner, keep=[*objects, *rights])
    exposed = external(workspace, class_.exposure) if class_.exposure and not server else None
    name = {"name": published_name(owner.name)}
    return {
        "workspace": claim.workspace_ref,
        "url": connection.tracking_uri,
        "externalUrl": exposed.url if exposed else None,
        "artifactRoot": connection.artifact_root,
        "mlflowWorkspace": connection.mlflow_workspace,
        "binding": name,
        "configMap": name,
        "pod": pod_fragment(owner, connection, class_.guard, claim.spec.guard),
    }


def _login(kube: Kube, claim: Claim) -> dict[str, str]:
    """The environment with which the claim's pods log in; raises Blocked until there is one."""
    if claim.workspace_spec.auth is None:
        return {}
    users = held_users(kube, claim.workspace)
    user = user_of(claim.owner.namespace, claim.owner.name)
    if users is None or user not in users.admitted:
        message = f"the tracking server does not know the user {user!r} yet"
        raise Blocked(Finding("LoginPending", message, waiting=True))
    return users.login(user)


def _kept(kube: Kube, live: Manifest, claim: Claim) -> dict[str, object]:
    """The status fields of what stays published while it cannot be published anew.

    A class that is missing for a moment, or a store that does not answer, is no reason to refuse
    pods; a claim that now names another workspace is.
    """
    before = live.get("status", {})
    if before.get("workspace") != claim.workspace_ref:
        _withdraw(kube, claim.owner)
        return {}
    return {name: value for name, value in before.items() if name in _PUBLISHED}


def _held_rights(kube: Kube, owner: Owner) -> list[Manifest]:
    """The launchers' RoleBindings that there are."""
    names = (launcher_name(owner.name), login_name(owner.name))
    live = [kube.held(ROLE_BINDING, owner.namespace, name) for name in names]
    return [each for each in live if each is not None]


def _withdraw(kube: Kube, owner: Owner, keep: Iterable[Manifest] = ()) -> None:
    """Take back what was published but for `keep`: a pod that asks for it must not start."""
    kept = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in keep}
    for kind, name in (
        (CONFIG_MAP, published_name(owner.name)),
        (SECRET, published_name(owner.name)),
        (SECRET, files_name(owner.name)),
        (SECRET, connection_name(owner.name)),
        (ROLE_BINDING, launcher_name(owner.name)),
        (ROLE_BINDING, login_name(owner.name)),
    ):
        if (kind.kind, name) not in kept:
            delete_own(kube, kube.held(kind, owner.namespace, name), owner)
