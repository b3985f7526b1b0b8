"""The tracking server in the cluster: what is always there, and what a setting asks for."""

from dataclasses import replace
from typing import Final

from mooring_operator.api.conditions import Finding
from mooring_operator.api.network import NetworkAccess
from mooring_operator.api.server import EnvVar, Limits
from mooring_operator.api.workspace import WorkspaceSpec
from mooring_operator.api.workspaceclass import WorkspaceClassSpec
from mooring_operator.kube import (
    AUTOSCALER,
    CRON_JOB,
    DEPLOYMENT,
    HTTP_ROUTE,
    INGRESS,
    NETWORK_POLICY,
    POD_DISRUPTION_BUDGET,
    SECRET,
    SERVICE,
    SERVICE_MONITOR,
    Manifest,
)
from mooring_operator.plan.binding import decoded
from mooring_operator.plan.connection import Connection
from mooring_operator.plan.database import DatabaseClient
from mooring_operator.plan.exposure import exposing_object, external
from mooring_operator.plan.garbage import garbage_collection
from mooring_operator.plan.metadata import OPTIONAL_ANNOTATION, SERVER, Owner, digest
from mooring_operator.plan.monitoring import service_monitor
from mooring_operator.plan.network import network_policy
from mooring_operator.plan.server import ServerPlan, disruption_budget, server_objects
from mooring_operator.plan.sizing import Size, excess, size
from mooring_operator.reconcile.auth import drop_users
from mooring_operator.reconcile.volume import ensure_volume
from mooring_operator.reconcile.workloads import pods_of
from mooring_operator.reconcile.world import Blocked, World, apply, delete_own, ensure
from mooring_operator.status.workloads import server_finding

OPTIONAL: Final = (
    CRON_JOB,
    HTTP_ROUTE,
    INGRESS,
    NETWORK_POLICY,
    POD_DISRUPTION_BUDGET,
    SERVICE_MONITOR,
)
"""Kinds of which a workspace has one object or none."""


def serve(
    world: World,
    connection: Connection,
    class_: WorkspaceClassSpec,
    spec: WorkspaceSpec,
    *,
    visitors: list[str],
    database: DatabaseClient,
) -> Manifest:
    """Have the tracking server run as planned; its live Deployment once the newest one serves.

    `visitors` are the namespaces whose pods use it.
    Raises Blocked with how far it is, or with what the workspace may not have.
    """
    workspace = connection.workspace
    live = world.kube.held(DEPLOYMENT, workspace.namespace, workspace.child_name)
    plan = ServerPlan(
        defaults=class_.server,
        size=_size(world, workspace, size(class_.server, spec.server), class_.limits, live),
        environment=spec.server.env,
        environment_digest=_environment_digest(world, workspace, spec.server.env),
        migrates=class_.backend_store.sqlite is not None,
        metrics=class_.monitoring is not None,
        external=external(workspace, class_.exposure) if class_.exposure else None,
    )
    if class_.artifact_store.volume is not None:
        collected = spec.garbage_collection is not None
        volume = class_.artifact_store.volume
        ensure_volume(world, workspace, volume, plan.size, collected=collected)
    account, service, deployment = server_objects(connection, plan, database)
    optional = []
    if class_.network_policy.enabled:
        optional.append(network_policy(workspace, class_.network_policy, visitors))
    if plan.size.replicas != 1:
        optional.append(disruption_budget(workspace))
    if spec.garbage_collection is not None:
        wanted = spec.garbage_collection
        optional.append(garbage_collection(connection, class_.server, wanted, database))
    ensure(world, account)
    _ensure_service(world, workspace, service, [*optional, *_beside(workspace, class_)])
    for desired in optional:
        ensure(world, desired)
    if not connection.asks_for_login:
        drop_users(world, workspace, live)
    before, live = live, apply(world, deployment, live)
    if server_finding(live, []):
        # what was made just now has no pods yet
        pods = pods_of(world, workspace, SERVER) if before else []
        finding = server_finding(live, pods)
        if finding:
            raise Blocked(finding)
    return live


def keep_network(
    world: World, workspace: Owner, access: NetworkAccess, visitors: list[str]
) -> None:
    """Have the NetworkPolicy that there is let in nobody but `visitors`; raises Blocked.

    For a server that cannot be brought to what it is to be: whoever is no longer admitted is shut
    out all the same. A policy that was never made comes with the server.
    """
    live = world.kube.get(NETWORK_POLICY, workspace.namespace, workspace.child_name)
    if live is not None and access.enabled:
        apply(world, network_policy(workspace, access, visitors), live)


def ensure_beside(world: World, workspace: Owner, desired: Manifest) -> Manifest:
    """Have an object that the server does without; what is live now.

    Raises Blocked before the Service tells of its kind, see `_ensure_service`.
    """
    service = world.kube.get(SERVICE, workspace.namespace, workspace.child_name)
    annotations = service["metadata"].get("annotations", {}) if service else {}
    if desired["kind"] not in annotations.get(OPTIONAL_ANNOTATION, "").split(","):
        raise Blocked(Finding("Waiting", "waits for the tracking server", waiting=True))
    return ensure(world, desired)


def _beside(workspace: Owner, class_: WorkspaceClassSpec) -> list[Manifest]:
    """What the class asks for that the server does without."""
    wanted = []
    if class_.exposure:
        wanted.append(exposing_object(workspace, class_.exposure))
    if class_.monitoring:
        wanted.append(service_monitor(workspace, class_.monitoring))
    return wanted


def _ensure_service(
    world: World, workspace: Owner, service: Manifest, optional: list[Manifest]
) -> None:
    """Have the Service, and no object of a kind that it tells of and nothing asks for any more.

    It tells of them before they are made and until they are gone, wherever a pass ends.
    """
    live = world.kube.held(SERVICE, workspace.namespace, workspace.child_name)
    wanted = sorted(desired["kind"] for desired in optional)
    told = (live or service)["metadata"].get("annotations", {}).get(OPTIONAL_ANNOTATION, "")
    for kind in OPTIONAL:
        if kind.kind in told.split(",") and kind.kind not in wanted:
            found = world.kube.get(kind, workspace.namespace, workspace.child_name)
            delete_own(world.kube, found, workspace)
    annotations = {OPTIONAL_ANNOTATION: ",".join(wanted)}
    apply(world, service | {"metadata": service["metadata"] | {"annotations": annotations}}, live)


def _size(
    world: World, workspace: Owner, wanted: Size, limits: Limits, live: Manifest | None
) -> Size:
    """`wanted`, without replicas where an autoscaler decides; raises Blocked beyond the limits."""
    finding = excess(workspace, wanted, limits)
    if finding:
        raise Blocked(finding)
    # looked for only where somebody else wrote the number; no autoscaler writes 0
    found = live["spec"]["replicas"] if live else 0
    if found in {0, wanted.replicas}:
        return wanted
    autoscaler = _autoscaler(world, workspace)
    if autoscaler is None:
        return wanted
    most = autoscaler["spec"]["maxReplicas"]
    if limits.replicas is not None and most > limits.replicas:
        name = autoscaler["metadata"]["name"]
        message = (
            f"HorizontalPodAutoscaler {workspace.namespace}/{name}, spec.maxReplicas: found "
            f"{most}, but the class of MlflowWorkspace {workspace.namespace}/{workspace.name} "
            f"allows at most {limits.replicas}; lower it, or have the platform team raise the "
            "class's spec.limits.replicas"
        )
        raise Blocked(Finding("LimitExceeded", message))
    return replace(wanted, replicas=None)


def _autoscaler(world: World, workspace: Owner) -> Manifest | None:
    """The autoscaler of the tracking server."""
    for found in world.kube.search(AUTOSCALER, workspace.namespace):
        target = found["spec"]["scaleTargetRef"]
        if (target["kind"], target["name"]) == ("Deployment", workspace.child_name):
            return found
    return None


def _environment_digest(world: World, workspace: Owner, variables: list[EnvVar]) -> str:
    """Digest of the values that come from Secrets; raises Blocked where one is missing."""
    references = [
        (variable.name, variable.value_from.secret_key_ref)
        for variable in variables
        if variable.value_from is not None
    ]
    names = {reference.name for _, reference in references}
    secrets = {name: world.kube.get(SECRET, workspace.namespace, name) for name in sorted(names)}
    values = []
    for variable, reference in references:
        secret = secrets[reference.name]
        where = (
            f"MlflowWorkspace {workspace.namespace}/{workspace.name}, spec.server.env {variable}: "
            f"Secret {reference.name}"
        )
        if secret is None:
            raise Blocked(Finding("SecretNotFound", f"{where} does not exist; create it"))
        held = decoded(secret)
        if reference.key not in held:
            found = ", ".join(sorted(held)) or "(none)"
            message = f"{where} has no key {reference.key!r} but {found}; correct one of the two"
            raise Blocked(Finding("InvalidSecret", message))
        values.append([variable, held[reference.key]])
    return digest(values) if values else ""
