"""The playground chart: what a laptop lacks, under the same rules as everything else."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from kubernetes import client, config

from tests.chart.rendering import CHARTS, Manifest, RenderError, find, helm, render
from tests.cluster.apiserver import ApiServer

NAMESPACE = "playground"


def playground(values: dict[str, Any] | None = None) -> list[Manifest]:
    return render("playground", values, namespace=NAMESPACE)


def pod_specs(manifests: list[Manifest]) -> dict[str, dict[str, Any]]:
    return {
        manifest["metadata"]["name"]: manifest["spec"]["template"]["spec"]
        for manifest in manifests
        if manifest["kind"] in {"Deployment", "StatefulSet"}
    }


def containers(manifests: list[Manifest]) -> Iterator[dict[str, Any]]:
    for spec in pod_specs(manifests).values():
        yield from spec.get("initContainers", [])
        yield from spec["containers"]


def environment(container: dict[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry.get("value") for entry in container["env"]}


def airflow(manifests: list[Manifest], name: str = "scheduler") -> dict[str, Any]:
    (found,) = [c for c in pod_specs(manifests)["airflow"]["containers"] if c["name"] == name]
    return dict(found)


def test_pods_are_postgresql_versitygw_and_airflow() -> None:
    assert sorted(pod_specs(playground())) == ["airflow", "postgresql", "versitygw"]


def test_every_pod_meets_the_restricted_standard() -> None:
    manifests = playground()
    for name, spec in pod_specs(manifests).items():
        security = spec["securityContext"]
        assert security["runAsNonRoot"] is True, name
        assert security["runAsUser"] == 10001, name
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["enableServiceLinks"] is False, name
    for container in containers(manifests):
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False, container["name"]
        assert security["capabilities"] == {"drop": ["ALL"]}, container["name"]
        assert security["readOnlyRootFilesystem"] is True, container["name"]
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}, container["name"]


def test_only_airflow_holds_a_token_of_the_cluster() -> None:
    specs = pod_specs(playground())
    assert specs["airflow"]["serviceAccountName"] == "airflow"
    assert specs["postgresql"]["automountServiceAccountToken"] is False
    assert specs["versitygw"]["automountServiceAccountToken"] is False


def test_all_together_request_less_than_half_a_core() -> None:
    millis = [
        int(container["resources"]["requests"]["cpu"].removesuffix("m"))
        for spec in pod_specs(playground()).values()
        for container in spec["containers"]
    ]
    assert sum(millis) < 500


def test_the_claims_use_the_default_storage_class_unless_one_is_named() -> None:
    def classes(values: dict[str, Any]) -> set[str | None]:
        return {
            claim["spec"].get("storageClassName")
            for manifest in playground(values)
            for claim in manifest.get("spec", {}).get("volumeClaimTemplates", [])
        }

    assert classes({}) == {None}
    assert classes({"storageClass": "fast"}) == {"fast"}


@pytest.mark.parametrize("image", ["postgresql", "versitygw", "airflow"])
def test_an_image_of_a_container_can_be_replaced(image: str) -> None:
    digest = "sha256:" + "0" * 64
    values = {"images": {image: {"repository": "else/where", "tag": "t1", "digest": digest}}}
    used = {container["image"] for container in containers(playground(values))}
    assert f"else/where:t1@{digest}" in used
    assert not any(name.startswith(f"mooring/{image}:") for name in used)


def test_airflow_is_told_the_images_that_its_pods_use() -> None:
    values = {
        "images": {
            "training": {"repository": "a/training", "tag": "t"},
            "runtime": {"repository": "b/runtime", "tag": "u"},
        }
    }
    variables = environment(airflow(playground(values)))
    connection = json.loads(variables["AIRFLOW_CONN_KUBERNETES_DEFAULT"])
    assert variables["TRAINING_IMAGE"] == "a/training:t"
    assert connection["conn_type"] == "kubernetes"
    assert connection["extra"]["in_cluster"] is True
    assert connection["extra"]["xcom_sidecar_container_image"] == "b/runtime:u"
    # The provider decodes this one once more.
    sidecar = json.loads(connection["extra"]["xcom_sidecar_container_security_context"])
    assert sidecar["allowPrivilegeEscalation"] is False


def test_every_airflow_process_has_the_same_settings() -> None:
    spec = pod_specs(playground())["airflow"]
    first, *others = spec["containers"]
    assert {c["name"] for c in spec["containers"]} == {
        "scheduler", "api-server", "dag-processor", "triggerer",
    }  # fmt: skip
    for other in others:
        assert other["env"] == first["env"], other["name"]
    (migration,) = [c for c in spec["initContainers"] if "env" in c]
    assert migration["env"] == first["env"]


def test_airflow_takes_further_environment() -> None:
    extra = {"name": "AIRFLOW__CORE__PARALLELISM_TEST", "value": "1"}
    manifests = playground({"airflow": {"parallelism": 3, "env": [extra]}})
    assert extra in airflow(manifests, "dag-processor")["env"]
    assert environment(airflow(manifests))["AIRFLOW__CORE__PARALLELISM"] == "3"


def test_no_secret_stands_outside_of_a_secret() -> None:
    manifests = playground()
    values = [
        base64.b64decode(encoded).decode()
        for manifest in manifests
        if manifest["kind"] == "Secret"
        for key, encoded in manifest["data"].items()
        if key != "username"
    ]
    rest = yaml.safe_dump([m for m in manifests if m["kind"] != "Secret"])
    assert len(values) == 7
    for value in values:
        assert len(value) >= 20
        assert value not in rest


def test_each_installation_gets_secrets_of_its_own() -> None:
    def password() -> str:
        return str(find(playground(), "Secret", "postgresql-admin")["data"]["password"])

    assert password() != password()


def test_an_upgrade_keeps_the_secrets(apiserver: ApiServer) -> None:
    namespace = "playground-upgrade"
    core = client.CoreV1Api(config.new_client_from_config(config_file=str(apiserver.kubeconfig)))

    def upgrade(*values: str) -> dict[str, dict[str, str]]:
        helm(
            "upgrade", "--install", NAMESPACE, CHARTS / "playground", "--namespace", namespace,
            "--create-namespace", "--kubeconfig", apiserver.kubeconfig, *values,
        )  # fmt: skip
        secrets = core.list_namespaced_secret(namespace).items
        return {s.metadata.name: s.data for s in secrets if not s.metadata.name.startswith("sh.")}

    installed = upgrade()
    assert installed.keys() == {"airflow", "postgresql-admin", "versitygw-admin"}
    assert upgrade("--set", "airflow.parallelism=2") == installed


def test_the_token_issuer_can_be_read_without_a_token() -> None:
    binding = find(playground(), "ClusterRoleBinding")
    assert binding["roleRef"]["name"] == "system:service-account-issuer-discovery"
    assert [subject["name"] for subject in binding["subjects"]] == ["system:unauthenticated"]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"postgres": {}}, "postgres"),
        ({"postgresql": {"storage": "much"}}, "storage"),
        ({"postgresql": {"maxConnections": "200"}}, "maxConnections"),
        ({"airflow": {"parallelism": 0}}, "parallelism"),
        ({"airflow": {"env": [{"value": "x"}]}}, "env"),
        ({"images": {"training": {"pullPolicy": "Always"}}}, "pullPolicy"),
        ({"images": {"airflow": {"digest": "latest"}}}, "digest"),
    ],
)
def test_the_schema_refuses(values: dict[str, Any], named: str) -> None:
    with pytest.raises(RenderError, match=named):
        playground(values)


def endpoints(manifests: list[Manifest]) -> set[tuple[str, int]]:
    return {
        (f"{manifest['metadata']['name']}.{NAMESPACE}.svc", port["port"])
        for manifest in manifests
        if manifest["kind"] == "Service"
        for port in manifest["spec"]["ports"]
    }


def test_mooring_values_name_what_the_playground_has() -> None:
    manifests = playground()
    values = yaml.safe_load((CHARTS / "playground/mooring-values.yaml").read_text())
    spec = find(render("mooring", values), "MlflowWorkspaceClass", "default")["spec"]
    s3 = spec["artifactStore"]["s3"]
    database = spec["backendStore"]["postgresql"]

    urls = [urlsplit(s3["endpoint"]), *(urlsplit(s3[api]["endpoint"]) for api in ("iam", "sts"))]
    wanted = {(url.hostname, url.port) for url in urls} | {(database["host"], database["port"])}
    assert wanted <= endpoints(manifests)

    for secret, keys in [
        (s3["adminSecret"], {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}),
        (database["adminSecret"], {"username", "password"}),
    ]:
        assert secret["namespace"] == NAMESPACE
        assert find(manifests, "Secret", secret["name"])["data"].keys() == keys

    (launcher,) = spec["launchers"]
    assert launcher["namespace"] == NAMESPACE
    find(manifests, "ServiceAccount", launcher["serviceAccount"])
    assert (
        s3["region"]
        == environment(pod_specs(manifests)["versitygw"]["containers"][1])["VGW_REGION"]
    )
