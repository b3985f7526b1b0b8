"""What a pod carries, on plain manifests."""

from typing import Any

import pytest

from mooring import contract
from mooring_airflow import pod as manifests

PUBLISHED = [{"configMapRef": {"name": "team-a-mlflow"}}, {"secretRef": {"name": "team-a-mlflow"}}]
MOUNT = {"name": contract.VOLUME_NAME, "mountPath": contract.MOUNT_PATH, "readOnly": True}
GUARD = {"name": contract.GUARD_CONTAINER, "envFrom": PUBLISHED, "volumeMounts": [MOUNT]}
FRAGMENT = {
    "envFrom": PUBLISHED,
    "volumeMounts": [MOUNT],
    "volumes": [{"name": contract.VOLUME_NAME, "projected": {"sources": []}}],
    "initContainers": [GUARD],
}
TAGS = {contract.TAG_DAG_ID: "d", contract.TAG_POD: "train-1"}


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    given = list(containers) or [{"name": "base"}]
    return {"metadata": {"name": "train-1"}, "spec": {"containers": given, **spec}}


def test_injects_all_of_the_fragment() -> None:
    merged = manifests.injected(pod(), "team-a", FRAGMENT)
    assert merged["metadata"]["labels"] == {contract.BINDING_LABEL: "team-a"}
    assert merged["metadata"]["annotations"] == {contract.INJECTED_ANNOTATION: "team-a"}
    base = {"name": "base", "envFrom": PUBLISHED, "volumeMounts": [MOUNT]}
    assert merged["spec"]["containers"] == [base]
    assert merged["spec"]["initContainers"] == [GUARD]
    assert merged["spec"]["volumes"] == FRAGMENT["volumes"]


def test_the_guard_is_given_what_a_container_asks_for_itself() -> None:
    asked = [{"name": name, "value": name.lower()} for name in contract.ASKED_BY_CONTAINER]
    mesh = {"name": "mesh", "env": [asked[0] | {"value": "mesh"}]}
    author = pod(mesh, {"name": "base", "env": [{"name": "LR", "value": "1"}, *asked]})
    author["metadata"]["annotations"] = {contract.SKIP_CONTAINERS_ANNOTATION: "mesh"}
    warns = {"name": contract.GUARD_MODE, "value": contract.GUARD_WARN}
    for guard, env in ((GUARD, asked), ({**GUARD, "env": [warns]}, [warns, *asked])):
        fragment = {**FRAGMENT, "initContainers": [guard]}
        merged = manifests.injected(author, "team-a", fragment)
        assert merged["spec"]["initContainers"] == [{**guard, "env": env}]
        assert manifests.injected(merged, "team-a", fragment) == merged


def test_of_several_containers_the_one_that_speaks_of_mlflow_is_asked_for() -> None:
    proxy = {"name": "HTTPS_PROXY", "value": "http://proxy:3128"}
    run = {"name": contract.RUN_ID, "valueFrom": {"configMapKeyRef": {"name": "run", "key": "id"}}}
    mesh, base = {"name": "mesh", "env": [proxy]}, {"name": "base", "env": [run]}
    for containers, env in (([mesh, base], [run]), ([mesh, {"name": "base"}], [proxy])):
        merged = manifests.injected(pod(*containers), "team-a", FRAGMENT)
        assert merged["spec"]["initContainers"][0]["env"] == env


def test_the_guard_is_not_given_what_leans_on_another_variable() -> None:
    leaning = {"name": contract.EXPERIMENT_NAME, "value": "churn-$(TEAM)"}
    merged = manifests.injected(pod({"name": "base", "env": [leaning]}), "team-a", FRAGMENT)
    assert merged["spec"]["initContainers"] == [GUARD]


def test_injecting_twice_changes_nothing() -> None:
    once = manifests.injected(pod(), "team-a", FRAGMENT)
    assert manifests.injected(once, "team-a", FRAGMENT) == once


def test_the_authors_parts_stay_and_the_guard_is_first() -> None:
    own = {"name": "base", "envFrom": [{"configMapRef": {"name": "own"}}]}
    author = pod(own, initContainers=[{"name": "download"}], volumes=[{"name": "data"}])
    merged = manifests.injected(author, "team-a", FRAGMENT)["spec"]
    assert merged["containers"][0]["envFrom"] == [*own["envFrom"], *PUBLISHED]
    assert [c["name"] for c in merged["initContainers"]] == [contract.GUARD_CONTAINER, "download"]
    assert merged["initContainers"][1]["envFrom"] == PUBLISHED
    assert [v["name"] for v in merged["volumes"]] == ["data", contract.VOLUME_NAME]


def test_what_the_api_server_filled_in_is_not_added_again() -> None:
    defaulted = [{"configMapRef": {"name": "team-a-mlflow", "optional": False}}, PUBLISHED[1]]
    merged = manifests.injected(pod({"name": "base", "envFrom": defaulted}), "team-a", FRAGMENT)
    assert merged["spec"]["containers"][0]["envFrom"] == defaulted


def test_named_sidecars_are_left_alone() -> None:
    sidecar = {"name": "mesh", "env": [{"name": contract.AWS_ACCESS_KEY_ID, "value": "its own"}]}
    author = pod({"name": "base"}, sidecar, initContainers=[{"name": "shipper"}])
    assert manifests.overridden(author) is not None
    author["metadata"]["annotations"] = {contract.SKIP_CONTAINERS_ANNOTATION: "mesh, shipper"}
    assert manifests.overridden(author) is None
    merged = manifests.injected(author, "team-a", FRAGMENT)["spec"]
    assert merged["containers"][0]["envFrom"] == PUBLISHED
    assert merged["containers"][1] == sidecar
    assert merged["initContainers"][1] == {"name": "shipper"}


def test_tags_reach_every_container_and_can_be_read_back() -> None:
    own = {"name": "base", "env": [{"name": contract.RUN_CONTEXT, "value": '{"team": "a"}'}]}
    tagged = manifests.tagged(pod(own, {"name": "sidecar"}), TAGS)
    assert [len(c["env"]) for c in tagged["spec"]["containers"]] == [1, 1]
    assert manifests.run_tags(tagged) == {"team": "a", **TAGS}


def test_a_pod_that_was_not_tagged_has_no_tags() -> None:
    assert manifests.run_tags(pod()) == {}


@pytest.mark.parametrize("name", sorted(contract.OWNED_BY_BINDING))
def test_refuses_what_would_win_over_the_binding(name: str) -> None:
    finding = manifests.overridden(pod({"name": "base", "env": [{"name": name, "value": ""}]}))
    assert finding is not None
    assert f"container base sets {name} itself" in finding.message


def test_all_other_environment_is_the_authors() -> None:
    free = [{"name": contract.EXPERIMENT_NAME, "value": "mine"}, {"name": "LR", "value": "1"}]
    assert manifests.overridden(pod({"name": "base", "env": free})) is None


def ended(name: str, field: str, **terminated: Any) -> dict[str, Any]:
    return {**pod(), "status": {field: [{"name": name, "state": {"terminated": terminated}}]}}


def test_reads_what_the_guard_said() -> None:
    name, field = contract.GUARD_CONTAINER, "initContainerStatuses"
    said = ended(name, field, exitCode=1, message="BucketMissing: the bucket\n")
    assert manifests.guard_refusal(said) == "BucketMissing: the bucket"
    killed = ended(name, field, exitCode=137, reason="OOMKilled")
    assert manifests.guard_refusal(killed) == "it ended with exit code 137 (OOMKilled)"
    assert manifests.guard_refusal(ended(name, field, exitCode=0)) is None
    assert manifests.guard_refusal(ended("download", field, exitCode=1)) is None
    assert manifests.guard_refusal(pod()) is None


def test_reads_what_the_guard_let_pass() -> None:
    name, field = contract.GUARD_CONTAINER, "initContainerStatuses"
    warned = ended(name, field, exitCode=0, message="BucketMissing: the bucket\n")
    assert manifests.guard_warning(warned) == "BucketMissing: the bucket"
    assert manifests.guard_refusal(warned) is None
    assert manifests.guard_warning(ended(name, field, exitCode=0)) is None
    assert manifests.guard_warning(ended(name, field, exitCode=1, message="no")) is None
    assert manifests.guard_warning(pod()) is None


def test_a_fragment_without_a_guard_adds_none() -> None:
    merged = manifests.injected(pod(), "team-a", {**FRAGMENT, "initContainers": []})
    assert merged["spec"]["initContainers"] == []
    assert merged["spec"]["containers"][0]["envFrom"] == PUBLISHED
