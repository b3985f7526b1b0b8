"""Which pods a manifest makes, and what one pod has more than another."""

from typing import Any

import pytest
import yaml

from mooring import contract
from mooring.cli.explain.difference import Addition, additions
from mooring.cli.explain.templates import left_alone, templates_of

POD = "{metadata: {labels: {a: b}}, spec: {containers: [{name: train}]}}"
JOB = f"{{spec: {{template: {POD}}}}}"


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        ("kind: Pod\nmetadata: {name: p}\nspec: {containers: []}", ["Pod p"]),
        (f"kind: Job\nmetadata: {{generateName: j-}}\nspec: {{template: {POD}}}", ["Job j-"]),
        (f"kind: CronJob\nmetadata: {{name: c}}\nspec: {{jobTemplate: {JOB}}}", ["CronJob c"]),
        (f"kind: Rollout\nspec: {{template: {POD}}}", ["Rollout without a name"]),
        (f"kind: List\nitems: [{{kind: Job, metadata: {{name: j}}, spec: {{template: {POD}}}}}]",
         ["Job j"]),
        ("kind: ConfigMap\n---\n- a list\n---\nkind: Job\nspec: null\n---\n", []),
        ("kind: Certificate\nspec: {template: {spec: {}}}", []),
        ("kind: ClusterTemplate\nspec: {template: a text}", []),
    ],
)  # fmt: skip
def test_finds_the_pod_templates_of_a_manifest(text: str, subjects: list[str]) -> None:
    assert [each.subject for each in templates_of(yaml.safe_load_all(text))] == subjects


def test_a_template_becomes_a_pod_that_may_be_left_alone() -> None:
    text = f"kind: Job\nmetadata: {{name: j, namespace: n}}\nspec: {{template: {POD}}}"
    (template,) = templates_of(yaml.safe_load_all(text))
    assert (template.namespace, template.pod["metadata"]["labels"]) == ("n", {"a": "b"})
    alone = left_alone(template.pod)
    assert alone["metadata"]["labels"] == {"a": "b", contract.SKIP_LABEL: "true"}
    assert contract.SKIP_LABEL not in template.pod["metadata"]["labels"]


def pod(**spec: Any) -> dict[str, Any]:
    """Return a pod with two containers' worth of things that differ by chance."""
    return {"metadata": {"name": "x-1", "uid": "u"}, "spec": spec}


def test_tells_what_was_added_and_not_what_differs_by_chance() -> None:
    source = {"configMapRef": {"name": "own"}}
    mount = {"name": "kube-api-access-aaaaa", "mountPath": "/var/run/secrets"}
    before = pod(
        volumes=[{"name": "kube-api-access-aaaaa"}],
        containers=[{"name": "train", "envFrom": [source], "volumeMounts": [mount]}],
    )
    after = pod(
        volumes=[{"name": "kube-api-access-bbbbb"}, {"name": "mooring"}],
        initContainers=[{"name": "mooring-guard", "image": "x"}],
        containers=[
            {
                "name": "train",
                "envFrom": [source, {"secretRef": {"name": "b"}, "prefix": "P_"}],
                "env": [{"name": "TOKEN", "value": "not-to-be-seen"}],
                "volumeMounts": [mount | {"name": "kube-api-access-bbbbb"}, {"mountPath": "/m"}],
            }
        ],
    )
    after["metadata"] = {"name": "x-2", "uid": "v", "annotations": {"mooring.dev/injected": "b"}}
    assert additions(before, after) == (
        Addition("metadata.annotations", "mooring.dev/injected: b"),
        Addition("spec.volumes", "mooring"),
        Addition("spec.initContainers", "mooring-guard"),
        Addition("spec.containers[train].envFrom", "Secret b with prefix P_"),
        Addition("spec.containers[train].env", "TOKEN"),
        Addition("spec.containers[train].volumeMounts", "/m"),
    )
    assert additions(after, after) == ()


def test_entries_without_a_name_are_compared_as_a_whole_and_told_by_their_fields() -> None:
    some = [{"key": "a", "effect": "x"}, {"key": "b", "effect": "x"}]
    before = pod(tolerations=some, containers=[{"name": "train", "args": ["a"]}])
    after = pod(
        tolerations=[*some, {"key": "c", "effect": "x"}],
        containers=[{"name": "train", "args": ["a", "not-to-be-seen"]}],
    )
    assert additions(before, after) == (
        Addition("spec.tolerations", "an entry with effect, key"),
        Addition("spec.containers[train].args", "an entry"),
    )


def test_a_value_that_was_changed_is_told_by_its_name() -> None:
    before = pod(containers=[{"name": "train", "env": [{"name": "TOKEN", "value": "a"}]}])
    after = pod(containers=[{"name": "train", "env": [{"name": "TOKEN", "value": "secret"}]}])
    assert additions(before, after) == (Addition("spec.containers[train].env[TOKEN]", "value"),)
