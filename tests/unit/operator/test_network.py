"""Who may reach a tracking server."""

from typing import Any

from mooring_operator.api.base import Launcher
from mooring_operator.api.network import NetworkAccess
from mooring_operator.plan.metadata import SERVER, Owner, selector
from mooring_operator.plan.network import NAMESPACE_LABEL, network_policy, visitors

WORKSPACE = Owner("MlflowWorkspace", "team-a", "models", "1")


def test_visitors_are_the_bound_namespaces_and_those_of_launchers() -> None:
    launcher = {"namespace": "airflow-2", "serviceAccount": "worker"}
    bindings: list[dict[str, Any]] = [
        {"metadata": {"namespace": "guests"}, "spec": {"launcher": launcher}},
        {"metadata": {"namespace": "guests"}},
    ]
    launchers = [Launcher(namespace="airflow", service_account="worker")]
    assert visitors(WORKSPACE, bindings, launchers) == ["airflow", "airflow-2", "guests", "team-a"]
    assert visitors(WORKSPACE, [], []) == ["team-a"], "its own binding may not be there yet"


def test_the_policy_selects_the_server_alone() -> None:
    access = NetworkAccess.model_validate({"alsoFrom": [{"matchLabels": {"role": "ingress"}}]})
    spec = network_policy(WORKSPACE, access, ["guests", "team-a"])["spec"]
    assert spec["podSelector"]["matchLabels"] == selector(WORKSPACE, SERVER)
    assert spec["policyTypes"] == ["Ingress"]
    [entry] = spec["ingress"]
    assert entry["ports"] == [{"port": 5000, "protocol": "TCP"}]
    by_name, by_label = (each["namespaceSelector"] for each in entry["from"])
    assert by_name["matchExpressions"] == [
        {"key": NAMESPACE_LABEL, "operator": "In", "values": ["guests", "team-a"]}
    ]
    assert by_label == {"matchLabels": {"role": "ingress"}}
