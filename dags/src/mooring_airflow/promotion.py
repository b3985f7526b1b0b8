"""Which of two model versions is better, and moving an alias so that a retry does it once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mooring import contract
from mooring.finding import Finding
from mooring_airflow import identity
from mooring_airflow.client import MlflowClient, ModelVersion
from mooring_airflow.errors import MooringError

MOVED_TAG: Final = "mooring.alias."
"""Begins the tag of a model version that says which task instance let an alias name it."""


@dataclass(frozen=True, slots=True)
class Contest:
    """How two versions are compared: by `metric`, which must be better by more than `margin`."""

    metric: str
    greater_is_better: bool = True
    margin: float = 0.0

    def won(self, challenger: float, holder: float) -> bool:
        """Whether the challenger is better; one that is just as good is not."""
        gain = challenger - holder if self.greater_is_better else holder - challenger
        return gain > self.margin

    def value(self, client: MlflowClient, version: ModelVersion) -> float:
        """The version's metric: that of its logged model, else that of its run.

        MLflow keeps a metric with the model that was active, or named, when it was logged. Raises
        MooringError where there is none, or none that can be compared.
        """
        metrics: dict[str, float | None] = {}
        if version.run_id:
            metrics |= client.get_run(version.run_id).metrics
        if version.model_id:
            metrics |= client.get_logged_model(version.model_id)[1]
        value = metrics.get(self.metric)
        if value is not None:
            return value
        found = "not a finite number" if self.metric in metrics else "missing"
        there = ", ".join(sorted(metrics)) or "none"
        raise MooringError(
            Finding(
                "MetricMissing",
                f"metric {self.metric} of {version.uri} is {found} (run {version.run_id or '-'} "
                f"and logged model {version.model_id or '-'} have: {there}), so versions cannot "
                "be compared by it. Log it, correct the task's metric, or move the alias by hand "
                "(MlflowSetAliasOperator).",
            )
        )


def mover(context: Mapping[str, Any]) -> str:
    """The task instance, whichever its try, as a tag of a model version names it."""
    tags = identity.context_tags(context)
    return json.dumps({key: tags[key] for key in identity.TASK_INSTANCE_TAGS}, sort_keys=True)


def move_alias(client: MlflowClient, version: ModelVersion, alias: str, by: str) -> bool:
    """Let `alias` name `version`; tells whether task instance `by` moved it, in this try or before.

    The tag comes first: a try that ends between the two is one that has moved nothing.
    """
    holder = client.get_model_version_by_alias(version.name, alias)
    if holder is not None and holder.version == version.version:
        return moved_by(holder, alias) == by
    client.set_version_tag(version, MOVED_TAG + alias, by)
    client.set_alias(version.name, alias, version.version)
    return True


def moved_by(version: ModelVersion, alias: str) -> str | None:
    """Which task instance let `alias` name `version`; None when none did."""
    return version.tags.get(MOVED_TAG + alias)


def existing_version(client: MlflowClient, name: str, number: str) -> ModelVersion:
    """A version that must be there; raises MooringError."""
    found = client.get_model_version(name, number)
    if found is not None:
        return found
    latest = client.get_latest_version(name)
    has = f"its latest is {latest.version}" if latest else "it has none"
    raise MooringError(
        Finding(
            "VersionMissing",
            f"registered model {name} on {client.url} has no version {number!r} ({has}): correct "
            "the task's version, or register one (MlflowRegisterModelOperator).",
        )
    )


def context_version_tags(context: Mapping[str, Any]) -> dict[str, str]:
    """The tags that name the task instance, for a version that it registers."""
    tags = identity.context_tags(context)
    return {key: tags[key] for key in (*identity.TASK_INSTANCE_TAGS, contract.TAG_LOG_URL)}
