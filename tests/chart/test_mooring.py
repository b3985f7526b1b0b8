"""The operator's chart: its pod, its rights, its class, its switches."""

import json
from typing import Any

import pytest
import yaml

from mooring import contract
from mooring_operator.kube import KINDS, WORKSPACE, WORKSPACE_CLASS
from mooring_operator.watches import CHILDREN, OWN
from tests.chart.rendering import CHARTS, Manifest, RenderError, class_values, find, render

DIGEST = "sha256:" + "a" * 64
PARTS = ("operator", "server", "guard")


def operator_pod(values: dict[str, Any] | None = None) -> dict[str, Any]:
    spec: dict[str, Any] = find(render("mooring", values), "Deployment")["spec"]
    return dict(spec["template"]["spec"])


def rights(name: str, manifests: list[Manifest]) -> dict[tuple[str, str], set[str]]:
    """Return (group, resource) -> verbs of one ClusterRole."""
    granted: dict[tuple[str, str], set[str]] = {}
    for rule in find(manifests, "ClusterRole", name)["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                granted.setdefault((group, resource), set()).update(rule["verbs"])
    return granted


# --- the pod --------------------------------------------------------------------------------------


def test_the_pod_meets_the_restricted_standard() -> None:
    spec = operator_pod()
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["enableServiceLinks"] is False
    assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108


def test_one_operator_unless_more_are_asked_for() -> None:
    manifests = render("mooring")
    spec = find(manifests, "Deployment")["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}, "there is no lease to keep two apart"
    kinds = {manifest["kind"] for manifest in manifests}
    assert not kinds & {"PodDisruptionBudget", "Role"}, "a budget of one would block a drain"


def test_two_operators_are_kept_apart_and_one_of_them_up() -> None:
    manifests = render("mooring", {"replicas": 2})
    deployment = find(manifests, "Deployment")["spec"]
    assert deployment["replicas"] == 2
    # the next one stands by before the last one is stopped
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    budget = find(manifests, "PodDisruptionBudget")["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= labels.items()
    (spread,) = deployment["template"]["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"].items() <= labels.items()


def test_the_lease_is_the_one_that_the_operator_may_write() -> None:
    manifests = render("mooring", {"replicas": 2})
    role = find(manifests, "Role", "mooring-lease")
    (container,) = operator_pod({"replicas": 2})["containers"]
    env = {entry["name"]: entry.get("value") for entry in container["env"]}
    namespace = role["metadata"]["namespace"]
    assert [rule.get("resourceNames") for rule in role["rules"]] == [None, ["mooring"]]
    assert env["MOORING_LEASE"] == f"{namespace}/mooring"
    assert "MOORING_IDENTITY" in env


def test_prometheus_finds_the_operator_where_it_is_installed() -> None:
    values = {"monitoring": {"serviceMonitor": True, "labels": {"release": "prometheus"}}}
    assert not [m for m in render("mooring", values) if m["kind"] == "ServiceMonitor"]
    manifests = render("mooring", values, kinds=["monitoring.coreos.com/v1/ServiceMonitor"])
    monitor, service = find(manifests, "ServiceMonitor"), find(manifests, "Service")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    wanted = monitor["spec"]["selector"]["matchLabels"]
    assert wanted.items() <= service["metadata"]["labels"].items()
    ports = {port["name"] for port in service["spec"]["ports"]}
    assert {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]} <= ports


def test_the_pod_is_probed_and_configured() -> None:
    (container,) = operator_pod({"workers": 3, "logLevel": "DEBUG"})["containers"]
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert container["ports"] == [{"name": "http", "containerPort": 8080}]
    env = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert env == {
        "MOORING_LOG_LEVEL": "DEBUG",
        "MOORING_WORKERS": "3",
        "MALLOC_ARENA_MAX": "2",
    }


def test_the_service_finds_the_pod() -> None:
    manifests = render("mooring")
    labels = find(manifests, "Deployment")["spec"]["template"]["metadata"]["labels"]
    service = find(manifests, "Service")["spec"]
    assert service["selector"].items() <= labels.items()
    assert service["ports"][0]["targetPort"] == "http"


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({"repository": "r.example.com/x", "tag": "abc"}, "r.example.com/x:abc"),
        ({"tag": "abc", "digest": DIGEST}, "mooring/{}:abc@" + DIGEST),
        ({}, "mooring/{}:0.1.0"),
    ],
)
def test_every_image_can_be_set(image: dict[str, str], expected: str) -> None:
    manifests = render("mooring", class_values(images=dict.fromkeys(PARTS, image)))
    spec = find(manifests, "MlflowWorkspaceClass")["spec"]
    (operator,) = find(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert operator["image"] == expected.format("operator")
    assert spec["server"]["image"] == expected.format("server")
    assert spec["guard"]["image"] == expected.format("runtime")


def test_labels_and_selectors_carry_the_recommended_keys() -> None:
    for manifest in render("mooring", class_values()):
        labels = manifest["metadata"]["labels"]
        assert {
            f"app.kubernetes.io/{key}" for key in ("name", "instance", "version", "part-of")
        } <= (labels.keys()), manifest["metadata"]["name"]
        # That value is what exempts the operator's own pods from injection.
        assert labels["app.kubernetes.io/managed-by"] == "Helm"


# --- rights ---------------------------------------------------------------------------------------


def test_no_role_has_a_wildcard() -> None:
    for manifest in render("mooring"):
        if manifest["kind"] == "ClusterRole":
            assert "*" not in json.dumps(manifest["rules"]), manifest["metadata"]["name"]


def test_the_operator_may_bind_one_role_and_hold_none_of_its_rights() -> None:
    manifests = render("mooring")
    (binding,) = [
        rule
        for rule in find(manifests, "ClusterRole", "mooring-operator")["rules"]
        if "clusterroles" in rule["resources"]
    ]
    assert binding["verbs"] == ["bind"]
    assert binding["resourceNames"] == ["mooring-launcher", "mooring-launcher-login"]
    granted = rights("mooring-operator", manifests)
    assert granted["", "pods"] == {"get", "list", "watch"}
    assert ("", "pods/exec") not in granted


def test_the_operator_may_watch_and_write_what_its_code_does() -> None:
    granted = rights("mooring-operator", render("mooring"))
    for kind in OWN:
        assert granted[contract.GROUP, kind.plural] >= {"get", "list", "watch"}
        assert granted[contract.GROUP, f"{kind.plural}/status"] == {"patch"}
    for kind in CHILDREN:
        assert granted[kind.group, kind.plural] >= {"list", "watch"}
    assert granted["", "namespaces"] == {"get", "list", "watch"}
    assert granted["", "events"] == {"create"}
    for kind in set(KINDS.values()) - {WORKSPACE_CLASS, WORKSPACE}:
        group = kind.api_version.rpartition("/")[0]
        assert granted[group, kind.plural] >= {"get", "create", "patch"}, kind


def test_a_launcher_runs_pods_and_reads_bindings_and_no_more() -> None:
    assert rights("mooring-launcher", render("mooring")) == {
        ("", "pods"): {"get", "list", "watch", "create", "patch", "delete"},
        ("", "pods/log"): {"get"},
        ("", "pods/exec"): {"get", "create"},
        ("", "events"): {"get", "list", "watch"},
        (contract.GROUP, "mlflowbindings"): {"get"},
    }


def test_a_launcher_reads_secrets_only_by_a_role_of_its_own() -> None:
    assert rights("mooring-launcher-login", render("mooring")) == {("", "secrets"): {"get"}}


def test_teams_edit_workspaces_and_bindings_but_no_class() -> None:
    manifests = render("mooring")
    assert {resource for _, resource in rights("mooring-edit", manifests)} == {
        "mlflowworkspaces", "mlflowbindings",
    }  # fmt: skip
    for name in ("view", "edit"):
        labels = find(manifests, "ClusterRole", f"mooring-{name}")["metadata"]["labels"]
        assert labels[f"rbac.authorization.k8s.io/aggregate-to-{name}"] == "true"


# --- the class ------------------------------------------------------------------------------------


def test_no_class_unless_asked() -> None:
    assert "MlflowWorkspaceClass" not in {each["kind"] for each in render("mooring")}


def test_the_class_keeps_what_it_names_itself() -> None:
    values = class_values()
    resources = {"limits": {"memory": "2Gi"}}
    values["class"]["spec"]["server"] = {"image": "own:1", "resources": resources}
    workspace_class = find(render("mooring", values), "MlflowWorkspaceClass")
    assert workspace_class["spec"]["server"] == {
        "image": "own:1",
        "imagePullPolicy": "IfNotPresent",
        "resources": resources,
    }
    annotations = workspace_class["metadata"]["annotations"]
    assert annotations == {f"{contract.GROUP}/is-default-class": "true"}


def test_a_class_needs_nothing_but_its_images() -> None:
    workspace_class = find(render("mooring", {"class": {"create": True}}), "MlflowWorkspaceClass")
    assert workspace_class["spec"].keys() == {"server", "guard"}


# --- admission ------------------------------------------------------------------------------------

POLICIES = {
    "mooring-inject", "mooring-inject-default", "mooring-require", "mooring-require-default",
}  # fmt: skip


def policies(values: dict[str, Any] | None = None, version: str = "1.36.3") -> dict[str, Manifest]:
    return {
        manifest["metadata"]["name"]: manifest
        for manifest in render("mooring", values, kubernetes_version=version)
        if manifest["kind"].endswith("AdmissionPolicy")
    }


@pytest.mark.parametrize(
    ("admission", "expected"),
    [
        ({}, POLICIES),
        ({"inject": False}, {"mooring-require"}),
        ({"require": False}, {"mooring-inject", "mooring-inject-default"}),
        ({"inject": False, "require": False}, set()),
    ],
)
def test_policies_can_be_switched_off(admission: dict[str, bool], expected: set[str]) -> None:
    assert policies({"admission": admission}).keys() == expected


def test_an_old_cluster_is_told_what_to_set() -> None:
    with pytest.raises(RenderError, match=r"from 1\.36 on, .* has v1\.35\.2 .*: set admission\.i"):
        render("mooring", kubernetes_version="1.35.2")
    old = policies({"admission": {"inject": False}}, version="1.35.2")
    assert old.keys() == {"mooring-require"}


def test_all_policies_fail_closed_and_look_at_pods_that_ask_only() -> None:
    for name, policy in policies().items():
        spec = policy["spec"]
        assert spec["failurePolicy"] == "Fail"
        constraints = spec["matchConstraints"]
        keys = {item["key"] for item in constraints["objectSelector"]["matchExpressions"]}
        assert keys == {
            contract.BINDING_LABEL, contract.SKIP_LABEL, "app.kubernetes.io/managed-by",
        }  # fmt: skip
        assert ("namespaceSelector" in constraints) is name.endswith("-default")


def test_the_policies_use_the_names_of_the_contract() -> None:
    require = policies()["mooring-require"]["spec"]
    variables = {item["name"]: item["expression"] for item in require["variables"]}
    assert tuple(yaml.safe_load(variables["owned"])) == contract.OWNED_BY_BINDING
    published = contract.published_name("X").removeprefix("X")
    assert f"variables.binding + '{published}'" in variables["unbound"]
    assert f"'{contract.INJECTED_ANNOTATION}'" in variables["injected"]
    assert f"'{contract.BINDING_LABEL}'" in variables["binding"]
    inject = json.dumps(policies()["mooring-inject-default"])
    assert f"['{contract.DEFAULT_BINDING_LABEL}']" in inject
    assert contract.INJECTED_ANNOTATION.replace("/", "~1") in inject
    assert contract.BINDING_LABEL.replace("/", "~1") in inject


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {"image": {"tag": "1"}},
        {"images": {"operator": {"tagg": "1"}}},
        {"admission": {"injekt": True}},
        {"class": {"spec": {"artefactStore": {}}}},
        {"resources": {"memory": "1Gi"}},
        {"workers": "many"},
    ],
)
def test_a_key_that_is_not_there_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(RenderError, match="values don't meet the specifications of the schema"):
        render("mooring", values)


def test_schema_and_values_name_the_same_keys() -> None:
    schema = json.loads((CHARTS / "mooring/values.schema.json").read_text())
    values = yaml.safe_load((CHARTS / "mooring/values.yaml").read_text())
    assert schema["properties"].keys() - {"global"} == values.keys()
    for key in ("images", "class", "admission", "serviceAccount", "resources", "monitoring"):
        assert schema["properties"][key]["properties"].keys() == values[key].keys(), key
    image = schema["definitions"]["image"]["properties"].keys()
    assert all(values["images"][part].keys() == image for part in PARTS)
