"""The watches: the only module with kopf decorators. An event only ever becomes keys.

| watched | why |
|---|---|
| classes, workspaces, bindings | their owners changed what they want |
| Namespaces | a workspace may admit them by their labels |
| Deployments, Jobs, Pods | the server became available, a proof ended |
| Services, ServiceAccounts, ConfigMaps, RoleBindings | someone changed or deleted what we made |

Secrets are not watched: that would need the right to list all of them (docs/security.md).
"""

from collections.abc import Callable
from typing import Any

import kopf

from mooring.contract import GROUP, VERSION
from mooring_operator.kube import connection_info
from mooring_operator.plan.metadata import MANAGED_SELECTOR
from mooring_operator.queue import Key
from mooring_operator.reconcile.triggers import Triggers

OWN = ("mlflowworkspaceclasses", "mlflowworkspaces", "mlflowbindings")
CHILDREN = (
    ("apps", "v1", "deployments"),
    ("batch", "v1", "jobs"),
    ("", "v1", "pods"),
    ("", "v1", "services"),
    ("", "v1", "serviceaccounts"),
    ("", "v1", "configmaps"),
    ("rbac.authorization.k8s.io", "v1", "rolebindings"),
)


def register(enqueue: Callable[[Key], None]) -> kopf.OperatorRegistry:
    """A registry with all watches, which feed `enqueue`."""
    registry = kopf.OperatorRegistry()
    triggers = Triggers()

    async def own(type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002 (kopf's name)
        for key in triggers.own(type, body):
            enqueue(key)

    async def child(body: kopf.Body, **_: Any) -> None:
        for key in triggers.child(body):
            enqueue(key)

    async def namespace(type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002
        for key in triggers.namespace(type, body):
            enqueue(key)

    kopf.on.login(registry=registry)(_login)
    kopf.on.event("", "v1", "namespaces", registry=registry)(namespace)
    for plural in OWN:
        kopf.on.event(GROUP, VERSION, plural, registry=registry)(own)
    for group, version, plural in CHILDREN:
        kopf.on.event(group, version, plural, registry=registry)(child)
    return registry


async def _login(**_: Any) -> kopf.ConnectionInfo:
    return connection_info()


def settings() -> kopf.OperatorSettings:
    """How kopf watches: alone, without writing anything of its own."""
    result = kopf.OperatorSettings()
    result.peering.standalone = True
    result.posting.enabled = False
    result.scanning.disabled = True
    for child in CHILDREN:
        # chosen by the API server: a cluster has many more ConfigMaps than ours
        result.watching.label_selectors[child] = MANAGED_SELECTOR
    result.watching.server_timeout = 270
    result.watching.chunk_size = 500
    result.networking.request_timeout = 30
    result.networking.connect_timeout = 5
    return result
