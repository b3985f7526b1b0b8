"""The API server, as the user's own kubeconfig reaches it. The only module here that asks it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from kubernetes import client, config
from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from mooring import contract

Json = dict[str, Any]

WORKSPACES: Final = "mlflowworkspaces"
BINDINGS: Final = "mlflowbindings"
OWN: Final = f"/apis/{contract.API_VERSION}"
CORE: Final = "/api/v1"

METADATA_ONLY: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_CONTENT: Final = {
    "GET": "application/json",
    "POST": "application/json",
    "PATCH": "application/merge-patch+json",
}

_TIMEOUT_S: Final = 30
_NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class NoCluster(Exception):
    """The API server cannot be asked; the text says why and what to do."""


class Refused(Exception):
    """The API server answered, and said no: `status` is its HTTP status, the text its sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class NotThere(Exception):
    """What the command line names does not exist, and nothing tells of it; the text says so."""


class Forbidden(Refused):
    """The user lacks a right; the text is the API server's sentence."""


class Cluster:
    """One API server; `namespace` is that of the context, where the command line names none."""

    def __init__(self, api: client.ApiClient, namespace: str) -> None:
        self._api = api
        self.namespace = namespace

    def get(self, path: str) -> Json | None:
        """The object at `path`; None where there is none, or its kind is not known."""
        try:
            return self._ask("GET", path)
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def items(self, path: str, *, accept: str = "application/json", **query: str) -> list[Json]:
        """The objects of the list at `path`; raises Refused where their kind is not known."""
        items: list[Json] = self._ask("GET", path, accept=accept, query=query).get("items") or []
        return items

    def annotate(self, path: str, annotations: Mapping[str, str]) -> None:
        """Set annotations of the object at `path`."""
        self._ask("PATCH", path, body={"metadata": {"annotations": dict(annotations)}})

    def create(self, path: str, body: Json) -> Json:
        """Put `body` into the list at `path`; the object as it was made."""
        return self._ask("POST", path, body=body)

    def tried(self, path: str, body: Json) -> Json:
        """What `body` would become in the list at `path`: all of admission, and nothing is kept."""
        return self._ask("POST", path, query={"dryRun": "All"}, body=body)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        accept: str = "application/json",
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
    ) -> Json:
        """What the API server answers; raises NoCluster, Refused or Forbidden."""
        try:
            answer = self._api.call_api(
                path,
                method,
                query_params=list((query or {}).items()),
                header_params={"Accept": accept, "Content-Type": _CONTENT[method]},
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _return_http_data_only=True,
                _request_timeout=_TIMEOUT_S,
            )
        except ApiException as error:
            raise _refusal(error) from None
        except HTTPError as error:
            raise NoCluster(
                f"the API server {self._api.configuration.host} does not answer "
                f"({type(error).__name__}): look at the context of your kubeconfig"
            ) from None
        found: Json = json.loads(answer.data)
        return found


def connect(kubeconfig: str | None = None, context: str | None = None) -> Cluster:
    """The API server that kubectl would ask: of a kubeconfig, or of the pod that this runs in.

    Raises NoCluster where neither is there.
    """
    try:
        api = config.new_client_from_config(config_file=kubeconfig, context=context)
        contexts, active = config.list_kube_config_contexts(config_file=kubeconfig)
        chosen = next((c for c in contexts if c["name"] == context), active)
        return Cluster(api, chosen["context"].get("namespace") or "default")
    except config.ConfigException as error:
        if kubeconfig or context:
            raise NoCluster(f"the kubeconfig cannot be used: {error}") from None
    return _of_this_pod()


def _of_this_pod() -> Cluster:
    try:
        configuration = client.Configuration()
        config.load_incluster_config(client_configuration=configuration)
    except config.ConfigException:
        raise NoCluster(
            "there is no kubeconfig, and this is no pod with a service account: set KUBECONFIG, "
            "or name the file with --kubeconfig"
        ) from None
    return Cluster(client.ApiClient(configuration), _NAMESPACE_FILE.read_text().strip())


def path_of(kind: str, namespace: str | None, name: str = "", group: str = OWN) -> str:
    """Where the API server has objects of a `kind` (its plural), of all namespaces for None."""
    place = f"/namespaces/{namespace}" if namespace else ""
    return f"{group}{place}/{kind}{'/' + name if name else ''}"


def _refusal(error: ApiException) -> Exception:
    status = int(error.status or 0)
    if status == 401:
        return NoCluster("the API server does not know you (401): log in again")
    try:
        message = str(json.loads(error.body)["message"])
    except (ValueError, TypeError, KeyError):
        message = f"the API server answers {status}"
    if status == 403 and " cannot " in message:
        return Forbidden(status, message)
    return Refused(status, message)
