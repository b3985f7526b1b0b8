"""Registered models as assets of Airflow, so that a new version or champion starts a DAG.

`mlflow://<binding>/<registered model>` changes when a version is registered, and
`mlflow://<binding>/<registered model>@<alias>` when the alias moves, as MLflow writes it in
`models:/<registered model>@<alias>`. Who writes the event also says which version it is: `extra`
is {name, version, model_uri, run_id, model_id, url}, and `alias` where one moved.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import SplitResult, quote

from airflow.sdk import Asset, AssetAlias

from mooring import contract
from mooring_airflow.binding_name import BindingName
from mooring_airflow.client import ModelVersion

SCHEME: Final = "mlflow"

CONNECTION_PREFIX: Final = contract.connection_id("")
"""What the id of the connection that a binding publishes begins with."""


def registered_model(
    *,
    binding: str,
    model: str,
    alias: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Asset:
    """The asset of a registered model, or of one of its aliases; for `schedule=[…]` of a DAG.

    `binding` is written as for MlflowPodOperator; for a connection it is the connection's id.
    Raises ValueError.
    """
    moved = f"@{quote(alias, safe='')}" if alias else ""
    uri = f"{SCHEME}://{authority(binding)}/{quote(model, safe='')}{moved}"
    return Asset(uri=uri, extra=dict(extra or {}))


def authority(binding: str) -> str:
    """How an asset's URI names `binding`: one name, however it is written.

    A namespace is named only where it is not the binding's own name: `team-a/team-a` is `team-a`,
    `research/team-a` is `team-a.research`. A connection `mlflow_team-a`, as a binding publishes it,
    is `team-a` too. Raises ValueError.
    """
    name = BindingName.parse(binding.removeprefix(CONNECTION_PREFIX), None)
    return name.name if name.namespace == name.name else f"{name.name}.{name.namespace}"


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """What Airflow makes of every asset of the scheme; ValueError for one that nobody emits."""
    model = uri.path.removeprefix("/")
    if not uri.netloc or not model or "/" in model or uri.query:
        raise ValueError(
            f"asset {uri.geturl()} names no registered model: write mlflow://BINDING/MODEL, or "
            "mlflow://BINDING/MODEL@ALIAS for the moves of an alias"
        )
    return uri


def outlet(binding: str, model: str) -> AssetAlias:
    """What a task declares that may change `model` of `binding`; both may still be templates.

    `model` is empty where the task's code decides which one. An event comes only from what
    `announce` adds to it: a task that ends well without a change starts no DAG.
    """
    return AssetAlias(name=f"{SCHEME}://{binding}/{model}".removesuffix("/"))


def announce(
    context: Mapping[str, Any],
    through: AssetAlias,
    binding: str,
    version: ModelVersion,
    aliases: Sequence[str] = (),
    *,
    registered: bool = False,
) -> None:
    """Have Airflow emit, when the task has ended well, what became of `version`.

    `registered` says that it is new, `aliases` which ones moved to it. `through` is one of the
    task's outlets.
    """
    extra = described(version)
    events = context["outlet_events"][through]
    if registered:
        events.add(registered_model(binding=binding, model=version.name), extra=extra)
    for alias in aliases:
        asset = registered_model(binding=binding, model=version.name, alias=alias)
        events.add(asset, extra={**extra, "alias": alias})


def described(version: ModelVersion) -> dict[str, Any]:
    """A model version as the next task, or the next DAG, is told of it."""
    return {
        "name": version.name,
        "version": version.version,
        "model_uri": version.uri,
        "run_id": version.run_id,
        "model_id": version.model_id,
        "url": version.url,
    }
