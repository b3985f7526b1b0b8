"""The tracking server that somebody else runs: how pods reach it, and how they log in."""

from mooring import contract
from mooring_operator.api.base import SecretRef
from mooring_operator.api.conditions import Finding
from mooring_operator.api.workspace import WorkspaceSpec
from mooring_operator.kube import SECRET, Kube
from mooring_operator.plan.connection import ServerClient
from mooring_operator.plan.metadata import Owner
from mooring_operator.reconcile.references import found_secret, own_authorities, secret_values
from mooring_operator.reconcile.world import Blocked

PASSWORD = (contract.TRACKING_USERNAME, contract.TRACKING_PASSWORD)
TOKEN = (contract.TRACKING_TOKEN,)


def external_server(kube: Kube, workspace: Owner, spec: WorkspaceSpec) -> ServerClient | None:
    """What clients of the workspace's external server need; None where the operator runs one.

    Raises Blocked for a Secret that is not there, or with which nobody could log in.
    """
    external = spec.server.external
    if external is None:
        return None
    environment = {contract.SERVER: contract.SERVER_EXTERNAL}
    if external.mlflow_workspace:
        environment[contract.MLFLOW_WORKSPACE] = external.mlflow_workspace
    if external.secret_ref is None:
        return ServerClient(external.uri, environment)
    ref = SecretRef(name=external.secret_ref.name, namespace=workspace.namespace)
    field = "spec.server.external.secretRef"
    live = kube.get(SECRET, ref.namespace, ref.name)
    login = _login(kube, ref, field)
    authorities = own_authorities(found_secret(kube, ref, field)[1], ref, field)
    files = {} if authorities is None else {contract.TRACKING_CA_FILE: authorities}
    if files:
        environment[contract.TRACKING_CERT_PATH] = contract.TRACKING_CA_PATH
    revision = live["metadata"]["resourceVersion"] if live else ""
    return ServerClient(external.uri, environment, login, revision, files)


def _login(kube: Kube, ref: SecretRef, field: str) -> dict[str, str]:
    """The variables with which pods log in; none for a Secret with authorities alone."""
    where, values = found_secret(kube, ref, field)
    there = {key for key in (*PASSWORD, *TOKEN) if key in values}
    if not there and contract.CA_FILE in values:
        return {}
    if there & {*PASSWORD} and there & {*TOKEN}:
        message = (
            f"{where} has {', '.join(sorted(there))}: one pod has one login; take "
            f"{contract.TRACKING_TOKEN} out, or the other two"
        )
        raise Blocked(Finding("InvalidSecret", message))
    keys = TOKEN if there & {*TOKEN} else PASSWORD
    checked = secret_values(kube, ref, field, keys)
    strange = [key for key in keys if not checked[key].isascii()]
    if strange:
        message = (
            f"{where}: {strange[0]} has characters that are not ASCII, which no header can hold; "
            "choose another"
        )
        raise Blocked(Finding("InvalidSecret", message))
    return {key: checked[key] for key in keys}
