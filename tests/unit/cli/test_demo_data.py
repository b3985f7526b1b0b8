"""The Job that logs demo data."""

from typing import Any

from mooring.cli.demodata.job import CONTAINER, Image, demo_job, ended, image_of, runs_of
from mooring.contract import BINDING_LABEL

SERVER = {
    "spec": {
        "template": {
            "spec": {
                "imagePullSecrets": [{"name": "registry"}],
                "containers": [{"image": "server:1", "securityContext": {"runAsUser": 65532}}],
            }
        }
    }
}


def test_it_asks_for_the_binding_and_runs_as_the_server_does() -> None:
    job = demo_job("models", image_of(SERVER, pulled=True), runs=2, patience_s=60)
    template = job["spec"]["template"]
    assert template["metadata"]["labels"] == {BINDING_LABEL: "models"}
    assert template["spec"]["imagePullSecrets"] == [{"name": "registry"}]
    assert template["spec"]["securityContext"]["runAsUser"] == 65532
    assert "env" not in template["spec"]["containers"][0], "all comes from the binding"


def test_pull_secrets_of_another_namespace_are_not_here() -> None:
    assert image_of(SERVER, pulled=False) == Image("server:1", (), 65532)


def test_what_became_of_it() -> None:
    failed = {"type": "Failed", "status": "True"}
    assert ended({"status": {"conditions": None}}) is None
    assert ended({"status": {"conditions": [{**failed, "status": "False"}]}}) is None
    assert ended({"status": {"conditions": [failed]}}) is False
    assert ended({"status": {"conditions": [{**failed, "type": "Complete"}]}}) is True


def test_the_runs_are_what_its_container_told() -> None:
    told = {"name": CONTAINER, "state": {"terminated": {"message": '["a", "b"]'}}}
    sidecar = {"name": "proxy", "state": {"terminated": {"message": "bye"}}}
    pods: list[dict[str, Any]] = [
        {"status": {"containerStatuses": [sidecar, told]}},
        {"status": {}},
    ]
    assert runs_of(pods) == ["a", "b"]
    assert runs_of([{"status": {"containerStatuses": [{"name": CONTAINER, "state": {}}]}}]) == []
