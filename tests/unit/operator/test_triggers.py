"""Triggers: which objects are looked at when another one changes."""

from typing import Any

from mooring.contract import API_VERSION
from mooring_operator.kube import CONFIG_MAP, POD, SECRET, SERVICE
from mooring_operator.plan.metadata import CLASS_ANNOTATION, WORKSPACE_LABEL
from mooring_operator.queue import Key
from mooring_operator.reconcile.triggers import Triggers

Body = dict[str, Any]

CLASS = Key("MlflowWorkspaceClass", "", "gold")
WORKSPACE = Key("MlflowWorkspace", "team-a", "models")
GUEST = Key("MlflowBinding", "guests", "guest")


def body(key: Key, *, spec: Body | None = None, **metadata: Any) -> Body:
    head = {"name": key.name, "uid": f"uid of {key}", "generation": 1, **metadata}
    if key.namespace:
        head["namespace"] = key.namespace
    return {"apiVersion": API_VERSION, "kind": key.kind, "metadata": head, "spec": spec or {}}


def claim(workspace: Key = WORKSPACE, **metadata: Any) -> Body:
    ref = {"name": workspace.name, "namespace": workspace.namespace}
    return body(GUEST, spec={"workspaceRef": ref}, **metadata)


def filled() -> Triggers:
    """Triggers that have seen a class, its workspace, and a binding to that."""
    triggers = Triggers()
    for each in (body(CLASS), body(WORKSPACE, spec={"className": "gold"}), claim()):
        triggers.own(None, each)
    return triggers


def test_a_status_write_of_the_operator_wakes_nothing_up() -> None:
    triggers = filled()
    written = claim(resourceVersion="8", managedFields=[{"manager": "mooring-operator"}])
    assert triggers.own("MODIFIED", written | {"status": {"url": "http://x"}}) == []


def test_a_class_wakes_its_workspaces_and_their_bindings() -> None:
    keys = filled().own("MODIFIED", body(CLASS, generation=2))
    assert keys == [CLASS, WORKSPACE, GUEST]


def test_a_class_that_becomes_ready_wakes_its_workspaces() -> None:
    ready = {"conditions": [{"type": "Ready", "status": "True", "message": "it works"}]}
    triggers = filled()
    assert WORKSPACE in triggers.own("MODIFIED", body(CLASS) | {"status": ready})
    ready["conditions"][0]["message"] = "it still works"
    assert triggers.own("MODIFIED", body(CLASS) | {"status": ready}) == []


def test_any_class_wakes_the_workspaces_that_name_none() -> None:
    triggers = Triggers()
    triggers.own(None, body(WORKSPACE))
    silver = body(Key(CLASS.kind, "", "silver"))
    assert WORKSPACE in triggers.own("ADDED", silver), "it may be the default"
    triggers.own("MODIFIED", body(WORKSPACE, annotations={CLASS_ANNOTATION: "gold"}))
    assert WORKSPACE not in triggers.own("DELETED", silver), "it is settled"
    assert WORKSPACE in triggers.own("ADDED", body(CLASS))


def test_a_deleted_workspace_wakes_its_bindings() -> None:
    gone = body(WORKSPACE, spec={"className": "gold"})
    assert filled().own("DELETED", gone) == [WORKSPACE, GUEST]


def test_a_binding_wakes_the_workspace_that_it_claims_and_the_one_that_it_claimed() -> None:
    other = Key("MlflowWorkspace", "team-b", "models")
    keys = filled().own("MODIFIED", claim(other, generation=2))
    assert set(keys) == {GUEST, WORKSPACE, other}


def test_a_deleted_binding_is_forgotten() -> None:
    triggers = filled()
    assert set(triggers.own("DELETED", claim())) == {GUEST, WORKSPACE}
    assert triggers.own("MODIFIED", body(CLASS, generation=2)) == [CLASS, WORKSPACE]


def test_a_namesake_of_a_deleted_binding_is_remembered() -> None:
    triggers = filled()
    triggers.own("ADDED", claim(uid="another"))
    triggers.own("DELETED", claim())
    assert GUEST in triggers.own("MODIFIED", body(CLASS, generation=2))


def test_an_owned_binding_wakes_its_owner() -> None:
    owner = {"apiVersion": API_VERSION, "kind": WORKSPACE.kind, "name": "models", "uid": "1",
             "controller": True}  # fmt: skip
    own = Key("MlflowBinding", "team-a", "models")
    turned = body(own, spec={"workspaceRef": {"name": "other"}}, ownerReferences=[owner])
    assert WORKSPACE in Triggers().own("MODIFIED", turned), "it must be turned back"


def test_a_binding_without_a_workspace_is_no_mistake() -> None:
    assert GUEST in Triggers().own("ADDED", body(GUEST))


def test_labels_of_a_namespace_wake_its_bindings_and_their_workspaces() -> None:
    triggers = filled()
    gold = {"name": "guests", "labels": {"tier": "gold"}}
    assert set(triggers.namespace(gold)) == {GUEST, WORKSPACE}, "what it was before is not known"
    assert triggers.namespace(gold) == []
    assert set(triggers.namespace(gold | {"labels": {"tier": "silver"}})) == {GUEST, WORKSPACE}
    assert triggers.namespace(gold | {"deletionTimestamp": "2026-11-21T00:00:00Z"}) == []


def test_a_pod_wakes_its_workspace() -> None:
    pod = Key("Pod", "team-a", "models-mlflow-migrate-1-abcde")
    labelled = body(pod, labels={WORKSPACE_LABEL: "models"})["metadata"]
    assert Triggers().child(POD, labelled) == [WORKSPACE]
    assert Triggers().child(POD, body(pod)["metadata"]) == []


def test_a_child_wakes_its_owner_also_when_someone_took_the_owner_away() -> None:
    service = Key("Service", "team-a", "models-mlflow")
    owner = {"apiVersion": API_VERSION, "kind": WORKSPACE.kind, "name": "models", "uid": "1",
             "controller": True}  # fmt: skip
    made: Body = {"labels": {WORKSPACE_LABEL: "models"}, "ownerReferences": [owner]}
    assert Triggers().child(SERVICE, body(service, **made)["metadata"]) == [WORKSPACE]
    orphan = body(service, **made | {"ownerReferences": []})["metadata"]
    assert WORKSPACE in Triggers().child(SERVICE, orphan)


def named(*secrets: str) -> Body:
    return {"stores": [{"adminSecret": {"name": n, "namespace": "platform"}} for n in secrets]}


def secret(name: str, namespace: str = "platform") -> Body:
    return dict(body(Key("Secret", namespace, name))["metadata"])


def test_a_secret_that_a_class_names_wakes_it_and_its_users() -> None:
    triggers = filled()
    assert triggers.named(SECRET, secret("admin")) == []
    triggers.own("MODIFIED", body(CLASS, generation=2, spec=named("admin", "other")))
    assert triggers.named(SECRET, secret("admin")) == [CLASS, WORKSPACE, GUEST]
    assert triggers.named(SECRET, secret("admin", "elsewhere")) == []
    triggers.own("MODIFIED", body(CLASS, generation=3, spec=named("other")))
    assert triggers.named(SECRET, secret("admin")) == []
    triggers.own("DELETED", body(CLASS))
    assert triggers.named(SECRET, secret("other")) == []


def test_a_secret_without_a_namespace_lies_beside_the_object() -> None:
    triggers = Triggers()
    spec = {"artifactStore": {"existing": {"secretRef": {"name": "keys"}}}}
    triggers.own("ADDED", body(WORKSPACE, spec=spec))
    assert triggers.named(SECRET, secret("keys", WORKSPACE.namespace)) == [WORKSPACE]


def test_a_config_map_is_told_from_a_secret_of_its_name() -> None:
    triggers = Triggers()
    bundle = {"kind": "ConfigMap", "name": "ca", "namespace": "platform"}
    triggers.own("ADDED", body(CLASS, spec={"artifactStore": {"s3": {"caBundle": bundle}}}))
    assert triggers.named(CONFIG_MAP, secret("ca")) == [CLASS]
    assert triggers.named(SECRET, secret("ca")) == []


def test_an_object_that_is_listed_again_is_known() -> None:
    assert filled().knows(body(CLASS))
    assert not filled().knows(body(Key(CLASS.kind, "", "silver")))
