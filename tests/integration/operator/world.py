"""What one test works with: namespaces, a class and workspaces of its own on shared services."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

from mooring.contract import (
    API_VERSION,
    AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY,
    published_name,
)
from mooring_operator.kube import (
    BINDING,
    CONFIG_MAP,
    DEPLOYMENT,
    INGRESS,
    JOB,
    NETWORK_POLICY,
    POD,
    POD_DISRUPTION_BUDGET,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    WORKSPACE,
    WORKSPACE_CLASS,
    Kind,
)
from tests.cluster.process import PATIENCE_S, ClusterError, wait_until
from tests.integration.operator.api import Api, Manifest
from tests.integration.operator.kubelet import fake_kubelet
from tests.services.postgresql import Postgresql
from tests.services.versitygw import Versitygw

CHILDREN = (
    CONFIG_MAP,
    DEPLOYMENT,
    INGRESS,
    JOB,
    NETWORK_POLICY,
    POD,
    POD_DISRUPTION_BUDGET,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
)
OF_A_CLASS = (CONFIG_MAP, SECRET)
"""What lies in the namespace of the platform team."""
Found = TypeVar("Found")


def until(look: Callable[[], Found], what: str, patience_s: float = PATIENCE_S) -> Found:
    """Return what `look` gives once that is true; ClusterError naming `what` after a while."""
    return wait_until(look, what, timeout=patience_s)


def condition(live: Manifest | None, kind: str) -> dict[str, Any]:
    """Return the condition of an object; an empty one where it has none."""
    conditions = (live or {}).get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == kind), {})


def decoded(secret: Manifest | None) -> dict[str, str]:
    """Return the values of a Secret; none where there is none."""
    data = (secret or {}).get("data") or {}
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


@dataclass
class World:
    """One test's part of the API server, the store and the database server."""

    api: Api
    postgresql: Postgresql
    versitygw: Versitygw
    id: str = field(default_factory=lambda: uuid4().hex[:8])
    namespaces: list[str] = field(default_factory=list)

    @property
    def platform(self) -> str:
        """Namespace of the admin Secrets."""
        return f"platform-{self.id}"

    @property
    def class_name(self) -> str:
        """Name of the class that `make_class` makes unless told otherwise."""
        return f"class-{self.id}"

    @property
    def issuer(self) -> str:
        """Issuer of the cluster's tokens, as the class names it."""
        return f"https://issuer-{self.id}.example"

    # --- making things ----------------------------------------------------------------------------

    def namespace(self, name: str, **labels: str) -> str:
        """Make a namespace whose name begins with `name`."""
        return self.namespace_named(f"{name}-{self.id}", **labels)

    def namespace_named(self, full: str, **labels: str) -> str:
        """Make a namespace of that name."""
        self.api.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": full, "labels": labels}}
        )
        self.namespaces.append(full)
        return full

    def secret(self, namespace: str, name: str, values: Mapping[str, str]) -> None:
        """Have a Secret with exactly these values."""
        self.api.delete(SECRET, namespace, name)
        self.api.create(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "namespace": namespace},
                "stringData": dict(values),
            }
        )

    def config_map(self, namespace: str, name: str, values: Mapping[str, str]) -> None:
        """Have a ConfigMap with exactly these values."""
        self.api.delete(CONFIG_MAP, namespace, name)
        metadata = {"name": name, "namespace": namespace}
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
        self.api.create({**manifest, "data": dict(values)})

    def drop_secret(self, name: str) -> None:
        """Delete a Secret of the platform team."""
        self.api.delete(SECRET, self.platform, name)

    def admin_secrets(self) -> None:
        """Make the namespace of the platform team and the two admin Secrets in it."""
        self.namespace("platform")
        self.store_admin(self.versitygw.secret_access_key)
        self.database_admin(self.postgresql.password)

    def store_admin(self, secret_access_key: str) -> None:
        """Have the store's admin Secret hold this key."""
        key = {AWS_ACCESS_KEY_ID: self.versitygw.access_key_id,
               AWS_SECRET_ACCESS_KEY: secret_access_key}  # fmt: skip
        self.secret(self.platform, "store-admin", key)

    def database_admin(self, password: str) -> None:
        """Have the database's admin Secret hold this password."""
        login = {"username": self.postgresql.username, "password": password}
        self.secret(self.platform, "database-admin", login)

    def class_manifest(self, credentials: str = "Minted", name: str | None = None) -> Manifest:
        """Return a class on the shared services that nothing is wrong with."""
        return {
            "apiVersion": API_VERSION,
            "kind": "MlflowWorkspaceClass",
            "metadata": {"name": name or self.class_name},
            "spec": {
                "artifactStore": {
                    "s3": {
                        "endpoint": self.versitygw.s3,
                        "region": self.versitygw.region,
                        "bucket": f"mlflow-{self.id}",
                        "iam": {"endpoint": self.versitygw.iam},
                        "sts": {"endpoint": self.versitygw.iam},
                        "adminSecret": {"name": "store-admin", "namespace": self.platform},
                        "credentials": credentials,
                        "tokenIssuer": self.issuer,
                    }
                },
                "backendStore": {
                    "postgresql": {
                        "host": self.postgresql.host,
                        "port": self.postgresql.port,
                        "adminSecret": {"name": "database-admin", "namespace": self.platform},
                    }
                },
                "server": {"image": "mooring/server:1"},
                "guard": {"image": "mooring/runtime:1"},
                "launchers": [{"namespace": "airflow", "serviceAccount": "worker"}],
            },
        }

    def make_class(self, credentials: str = "Minted") -> None:
        """Make the admin Secrets and the class."""
        self.admin_secrets()
        self.api.create(self.class_manifest(credentials))

    def drop_class(self) -> None:
        """Delete the class."""
        self.api.delete(WORKSPACE_CLASS, "", self.class_name)

    def edit_class(self, spec: Mapping[str, Any], *, seen: bool = True) -> None:
        """Change fields of the class's spec, and wait until the operator has `seen` it.

        Its watch of classes may be later than those of what the test does next. What follows from
        the change is still to come.
        """
        self.api.patch(WORKSPACE_CLASS, "", self.class_name, {"spec": dict(spec)})
        if seen:
            until(self._class_is_seen, "the operator to look at the class")

    def _class_is_seen(self) -> bool:
        live = self.api.get(WORKSPACE_CLASS, "", self.class_name) or {"metadata": {}}
        generation = live["metadata"].get("generation")
        return bool(live.get("status", {}).get("observedGeneration") == generation)

    def edit_s3(self, *, seen: bool = True, **fields: Any) -> None:
        """Change fields of the class's store; see `edit_class`."""
        self.edit_class({"artifactStore": {"s3": fields}}, seen=seen)

    def edit_postgresql(self, **fields: Any) -> None:
        """Change fields of the class's database server; see `edit_class`."""
        self.edit_class({"backendStore": {"postgresql": fields}})

    def make_workspace(self, namespace: str, name: str = "models", **spec: Any) -> None:
        """Make a workspace of the class."""
        self.api.create(
            {
                "apiVersion": API_VERSION,
                "kind": "MlflowWorkspace",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"className": self.class_name, **spec},
            }
        )

    def make_binding(self, namespace: str, name: str, workspace: str, of: str, **spec: Any) -> None:
        """Make a binding `name` in `namespace` to a workspace of namespace `of`."""
        self.api.create(
            {
                "apiVersion": API_VERSION,
                "kind": "MlflowBinding",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"workspaceRef": {"name": workspace, "namespace": of}, **spec},
            }
        )

    def ready_workspace(self, team: str = "team", credentials: str = "Minted", **spec: Any) -> str:
        """Make class, namespace and workspace `models`; return the namespace once it is Ready."""
        self.make_class(credentials)
        namespace = self.namespace(team)
        self.make_workspace(namespace, **spec)
        self.converge(namespace)
        return namespace

    def close(self) -> None:
        """Delete what the test made, and what the operator made of it: nothing collects garbage."""
        for kind in (WORKSPACE, BINDING, WORKSPACE_CLASS):
            lives = self.api.list(kind)
            for live in lives:
                metadata = live["metadata"]
                self.api.delete(kind, metadata.get("namespace", ""), metadata["name"])
            if lives:
                until(partial(self._none_left, kind), f"every {kind.kind} to be gone")
        for namespace in self.namespaces:
            for kind in OF_A_CLASS if namespace == self.platform else CHILDREN:
                self.api.clear(kind, namespace)

    def _none_left(self, kind: Kind) -> bool:
        return not self.api.list(kind)

    # --- looking at things ------------------------------------------------------------------------

    def condition(self, kind: Kind, namespace: str, name: str, type_: str) -> dict[str, Any]:
        """Return a condition as it is now; an empty one where there is none."""
        return condition(self.api.get(kind, namespace, name), type_)

    def until_condition(
        self, kind: Kind, namespace: str, name: str, type_: str, *, expected: str
    ) -> dict[str, Any]:
        """Return the condition once its status or its reason is `expected`, and it is current."""
        last: list[Any] = [None]

        def look() -> dict[str, Any] | None:
            live = self.api.get(kind, namespace, name)
            found = last[0] = condition(live, type_)
            current = live and found.get("observedGeneration") == live["metadata"]["generation"]
            holds = current and expected in {found["status"], found["reason"]}
            return found if holds else None

        try:
            found = until(look, f"{type_}={expected}")
        except ClusterError as error:
            where = f"{kind.kind} {namespace}/{name}"
            raise AssertionError(f"{error} of {where}; it is {last[0]}") from None
        return found or {}

    def workspace_is(self, namespace: str, expected: str, type_: str = "Ready") -> dict[str, Any]:
        """Return the condition of workspace `models` once its status or reason is `expected`."""
        return self.until_condition(WORKSPACE, namespace, "models", type_, expected=expected)

    def binding_is(
        self, namespace: str, name: str, expected: str, type_: str = "Ready"
    ) -> dict[str, Any]:
        """Return the condition of a binding once its status or reason is `expected`."""
        return self.until_condition(BINDING, namespace, name, type_, expected=expected)

    def class_is(self, expected: str) -> dict[str, Any]:
        """Return the Ready condition of the class once its status or reason is `expected`."""
        return self.until_condition(
            WORKSPACE_CLASS, "", self.class_name, "Ready", expected=expected
        )

    def converge(self, namespace: str, name: str = "models") -> None:
        """Play the kubelet in the namespace until the workspace is Ready.

        One that was Ready may say so for a while after what its class or its Secrets changed: wait
        for that to show first.
        """

        def step() -> bool:
            fake_kubelet(self.api, namespace)
            live = self.api.get(WORKSPACE, namespace, name)
            ready = condition(live, "Ready")
            generation = (live or {"metadata": {}})["metadata"].get("generation")
            return ready.get("status") == "True" and ready["observedGeneration"] == generation

        try:
            until(step, "Ready")
        except ClusterError as error:
            live = self.api.get(WORKSPACE, namespace, name)
            raise AssertionError(f"{error}: {(live or {}).get('status')}") from None

    def published(self, namespace: str, binding: str) -> dict[str, str]:
        """Return the environment that pods of the binding get; empty where nothing is published."""
        name = published_name(binding)
        config_map = self.api.get(CONFIG_MAP, namespace, name) or {}
        return {**config_map.get("data", {}), **decoded(self.api.get(SECRET, namespace, name))}

    def launchers(self, namespace: str, binding: str) -> list[str]:
        """Return the service accounts that may start pods beside the binding."""
        name = f"{published_name(binding)}-launcher"
        rights = self.api.get(ROLE_BINDING, namespace, name) or {}
        return [f"{each['namespace']}/{each['name']}" for each in rights.get("subjects", [])]
