"""`mooring status` on a real API server, with the rights of an admin and of a team's member."""

from pathlib import Path

import pytest
from kubernetes import client

from mooring.cli.codes import Code
from tests.cluster.apiserver import ApiServer
from tests.cluster.process import wait_until
from tests.integration.admission.world import World
from tests.integration.admission.world import pod as asking
from tests.integration.cli.conftest import Person, may, person
from tests.integration.cli.objects import SINCE, binding, condition, pod, workspace

RBAC = "rbac.authorization.k8s.io"
READY = condition("Ready", "True")


def ready_team(world: World) -> None:
    """Have a workspace `team-a` with its binding, both ready."""
    credentials = {"lastRotation": SINCE}
    proof = condition("RoundTripVerified", "True")
    findings = {"total": 2}
    workspace(world, "team-a", READY, proof, credentials=credentials, findings=findings)
    binding(world, "team-a", READY)


def test_tells_a_member_that_all_is_well(team: World, member: Person) -> None:
    ready_team(team)
    pod(team, asking("team-a"), {"phase": "Running"})
    pod(team, asking("team-a"), {"phase": "Succeeded"})
    ran = member.mooring("status", "-o", "json")
    assert ran.code == Code.WELL, ran.err
    assert ran.answer == {
        "workspaces": [
            {
                "namespace": team.namespace, "name": "team-a", "proven": SINCE,
                "ready": {"status": "True", "reason": "", "message": ""},
                "credentials": SINCE, "pods": 1, "findings": 2,
            }
        ],
        "bindings": [
            {
                "namespace": team.namespace, "name": "team-a",
                "ready": {"status": "True", "reason": "", "message": ""},
                "workspace": f"{team.namespace}/team-a", "pods": 1,
            }
        ],
        "unread": [],
    }  # fmt: skip


def test_says_what_is_not_ready_and_why(team: World, admin: Person) -> None:
    ready_team(team)
    sentence = "the bucket [mlflow] is not there: make it."
    binding(team, "late", condition("Ready", "False", "BucketMissing", sentence))
    workspace(team, "unseen")
    ran = admin.kubectl("mooring", "status", "-n", team.namespace)
    assert ran.code == Code.NOT_WELL
    lines = [line.split() for line in ran.out.splitlines()]
    rows = {words[1]: words for words in lines if words[:1] == [team.namespace]}
    assert rows["late"][2:4] == ["False", f"{team.namespace}/team-a"]
    assert rows["unseen"][2] == "Unknown"
    late, unseen = (f"{kind} {team.namespace}/{name} is not ready: " for kind, name in
                    (("binding", "late"), ("workspace", "unseen")))  # fmt: skip
    assert f"{late}BucketMissing: {sentence}" in ran.out
    assert f"{unseen}NotReconciled: " in ran.out
    assert not ran.err


def test_goes_on_with_what_may_be_read(team: World, other: World, member: Person) -> None:
    ready_team(team)
    ready_team(other)
    named = ("-n", team.namespace, "-n", other.namespace)
    ran = member.mooring("status", *named, "-o", "json")
    assert ran.code == Code.FORBIDDEN
    assert [row["namespace"] for row in ran.answer["workspaces"]] == [team.namespace]
    assert [(note["what"], note["namespace"]) for note in ran.answer["unread"]] == [
        ("mlflowworkspaces", other.namespace),
        ("mlflowbindings", other.namespace),
    ]
    told = member.mooring("status", *named)
    assert f"may not be read: mlflowworkspaces in {other.namespace}: " in told.err


def test_asks_each_namespace_where_not_all_may_be_read_at_once(
    api: client.ApiClient, team: World, member: Person
) -> None:
    ready_team(team)
    blind = member.mooring("status", "-A")
    assert blind.code == Code.FORBIDDEN
    assert "name yours with -n" in blind.err
    lister = f"lister-{team.namespace}"
    rule = {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]}
    rbac = client.RbacAuthorizationV1Api(api)
    rbac.create_cluster_role({"metadata": {"name": lister}, "rules": [rule]})
    rbac.create_cluster_role_binding(
        {
            "metadata": {"name": lister},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": lister},
            "subjects": [{"kind": "ServiceAccount", "name": "person", "namespace": team.namespace}],
        }
    )
    wait_until(lambda: may(api, team.namespace, verb="list", resource="namespaces"), "the right")
    ran = member.mooring("status", "-A", "-o", "json")
    assert [row["namespace"] for row in ran.answer["workspaces"]] == [team.namespace]
    assert ran.code == Code.FORBIDDEN


def test_an_admin_sees_all_namespaces_at_once(team: World, other: World, admin: Person) -> None:
    ready_team(team)
    ready_team(other)
    ran = admin.mooring("status", "-A", "-o", "json")
    assert {team.namespace, other.namespace} <= {r["namespace"] for r in ran.answer["workspaces"]}
    assert ran.answer["unread"] == []


def test_does_not_know_the_pods_that_may_not_be_read(
    api: client.ApiClient, team: World, apiserver: ApiServer, tmp_path: Path
) -> None:
    ready_team(team)
    blind = person(api, team, apiserver, tmp_path, ["mooring-view"])
    ran = blind.mooring("status", "-o", "json")
    assert ran.code == Code.FORBIDDEN
    assert [row["pods"] for row in ran.answer["workspaces"]] == [None]
    assert [note["what"] for note in ran.answer["unread"]] == ["pods"]


def test_an_empty_namespace_is_not_well(team: World, admin: Person) -> None:
    ran = admin.mooring("status", "-n", team.namespace)
    assert ran.code == Code.NOT_FOUND
    assert f"no workspace and no binding in namespace {team.namespace}" in ran.err


@pytest.mark.parametrize("kubeconfig", ["", "apiVersion: v1\nkind: Config\n"], ids=["no", "empty"])
def test_says_that_there_is_no_cluster(kubeconfig: str, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    if kubeconfig:
        path.write_text(kubeconfig)
    ran = Person(path).mooring("status")
    assert ran.code == Code.NO_CLUSTER
    assert "kubeconfig" in ran.err
    assert "Traceback" not in ran.err


def test_says_that_the_api_server_does_not_answer_or_know_the_user(
    admin: Person, tmp_path: Path
) -> None:
    text = admin.kubeconfig.read_text()
    path = tmp_path / "kubeconfig"
    path.write_text(text.replace("https://127.0.0.1:", "https://127.0.0.2:"))
    down = Person(path).mooring("status")
    assert down.code == Code.NO_CLUSTER
    assert "does not answer" in down.err
    token = text.partition('"token": "')[2].partition('"')[0]
    path.write_text(text.replace(token, "nobody"))
    unknown = Person(path).mooring("status")
    assert unknown.code == Code.NO_CLUSTER
    assert "does not know you (401)" in unknown.err


def test_refuses_a_wrong_command_line(admin: Person) -> None:
    assert admin.mooring("status", "-A", "-n", "x").code == Code.USAGE
    assert admin.mooring("status", "--nosuch").code == Code.USAGE
