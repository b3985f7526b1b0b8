"""`mooring explain` on a real API server with the chart's policies."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from mooring import contract
from mooring.cli.codes import Code
from tests.integration.admission.world import World, container
from tests.integration.admission.world import pod as asking
from tests.integration.cli.conftest import Person, Ran

PLANTED = "not-to-be-seen"
GIVEN = [
    ("metadata.annotations", "mooring.dev/injected: team-a"),
    ("spec.containers[train].env", contract.RUN_CONTEXT),
    ("spec.containers[train].env", contract.POD_NAME),
    ("spec.containers[train].envFrom", "ConfigMap team-a-mlflow"),
    ("spec.containers[train].envFrom", "Secret team-a-mlflow"),
    ("spec.containers[train].volumeMounts", contract.MOUNT_PATH),
    ("spec.initContainers", contract.GUARD_CONTAINER),
    ("spec.volumes", contract.VOLUME_NAME),
]


def job(name: str, **pod: Any) -> dict[str, Any]:
    """Return a Job whose pods are `asking(**pod)`."""
    template = asking(restartPolicy="Never", **pod)
    metadata = {key: template["metadata"].get(key, {}) for key in ("labels", "annotations")}
    return {
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name},
        "spec": {"template": {"metadata": metadata, "spec": template["spec"]}},
    }  # fmt: skip


def explained(person: Person, world: World, *manifests: dict[str, Any]) -> Ran:
    """Run `mooring explain -o json` with manifests on standard input."""
    text = yaml.safe_dump_all(manifests)
    return person.mooring("explain", "-n", world.namespace, "-f", "-", "-o", "json", stdin=text)


def test_shows_what_a_job_would_be_given(bound: World, admin: Person, tmp_path: Path) -> None:
    secret = container(env=[{"name": "MY_TOKEN", "value": PLANTED}])
    path = tmp_path / "job.yaml"
    path.write_text(yaml.safe_dump(job("train", binding="team-a", containers=[secret])))
    ran = admin.kubectl("mooring", "explain", "-n", bound.namespace, "-f", str(path))
    assert ran.code == Code.WELL, ran.err
    assert f"Job train in namespace {bound.namespace} gets binding team-a" in ran.out
    rows = [line.split(maxsplit=1) for line in ran.out.splitlines() if line.startswith("  ")]
    assert sorted((where, what.strip()) for where, what in rows[1:]) == GIVEN
    assert PLANTED not in ran.out
    assert client.CoreV1Api(bound.api).list_namespaced_pod(bound.namespace).items == []


def test_tells_each_template_apart(bound: World, admin: Person) -> None:
    broken = container(env=[{"name": contract.TRACKING_URI, "value": f"http://u:{PLANTED}@x"}])
    ran = explained(
        admin,
        bound,
        job("good", binding="team-a"),
        job("bad", binding="team-a", containers=[broken]),
        job("typo", binding="team-x"),
        job("plain"),
        job("skips", binding="team-a", labels={contract.SKIP_LABEL: "true"}),
    )
    assert ran.code == Code.NOT_WELL
    found = {each["subject"]: each for each in ran.answer}
    assert {subject: each["result"] for subject, each in found.items()} == {
        "Job good": "Bound", "Job bad": "Refused", "Job typo": "Refused", "Job plain": "LeftAlone",
        "Job skips": "LeftAlone",
    }  # fmt: skip
    assert sorted((a["path"], a["added"]) for a in found["Job good"]["added"]) == GIVEN
    assert "container train sets MLFLOW_TRACKING_URI" in found["Job bad"]["message"]
    assert "no MlflowBinding named team-x is ready" in found["Job typo"]["message"]
    assert PLANTED not in ran.out + ran.err


def test_the_namespaces_default_counts(bound: World, admin: Person) -> None:
    bound.label(**{contract.DEFAULT_BINDING_LABEL: "team-a"})
    ran = explained(admin, bound, job("plain"))
    assert [each["result"] for each in ran.answer] == ["Bound"]
    labels = [a for a in ran.answer[0]["added"] if a["path"] == "metadata.labels"]
    assert labels == [{"path": "metadata.labels", "added": "mooring.dev/binding: team-a"}]


def test_who_may_not_create_pods_is_told(bound: World, member: Person) -> None:
    ran = explained(member, bound, job("train", binding="team-a"))
    assert ran.code == Code.FORBIDDEN
    assert "cannot create resource" in ran.err


@pytest.mark.parametrize(
    ("text", "code"),
    [("kind: ConfigMap", Code.NOT_FOUND), (f"a: [{PLANTED}", Code.USAGE), ("", Code.NOT_FOUND)],
)
def test_a_manifest_without_a_pod_is_told(text: str, code: Code, admin: Person) -> None:
    ran = admin.mooring("explain", "-f", "-", stdin=text)
    assert ran.code == code
    assert PLANTED not in ran.err


def test_a_file_that_is_not_there_is_told(admin: Person) -> None:
    assert admin.mooring("explain", "-f", "/nosuch.yaml").code == Code.USAGE
