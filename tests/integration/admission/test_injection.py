"""A pod that asks for a binding gets its fragment, and the rest of the pod stays as it was."""

import json

from mooring import contract
from tests.cluster.process import wait_until
from tests.integration.admission.world import (
    Pod,
    World,
    bound_sources,
    container,
    fragment,
    pod,
    sources_of,
)

BOUND = bound_sources("team-a")


def _paths(container: dict[str, list[dict[str, str]]]) -> list[str]:
    return [mount["mountPath"] for mount in container.get("volumeMounts", [])]


def _init_names(admitted: Pod) -> list[str]:
    return [item["name"] for item in admitted["spec"].get("initContainers", [])]


def _volume_names(admitted: Pod) -> list[str]:
    return [item["name"] for item in admitted["spec"].get("volumes", [])]


def test_a_bare_pod_gets_sources_mounts_volume_and_guard(team: World) -> None:
    admitted = team.submit(pod("team-a"))
    train = admitted["spec"]["containers"][0]
    assert sources_of(train) == BOUND
    assert contract.MOUNT_PATH in _paths(train)
    assert contract.VOLUME_NAME in _volume_names(admitted)
    assert _init_names(admitted) == [contract.GUARD_CONTAINER]
    guard = admitted["spec"]["initContainers"][0]
    assert guard["command"] == ["mooring", "guard"]
    assert guard["securityContext"]["runAsNonRoot"] is True
    assert sources_of(guard) == BOUND
    assert contract.MOUNT_PATH in _paths(guard)
    assert admitted["metadata"]["annotations"] == {contract.INJECTED_ANNOTATION: "team-a"}


def test_the_guard_is_given_what_a_container_asks_for_itself(team: World) -> None:
    asked = [{"name": name, "value": name.lower()} for name in contract.ASKED_BY_CONTAINER]
    env = [{"name": "EPOCHS", "value": "3"}, *asked]
    sidecar = container("mesh", env=[asked[0] | {"value": "mesh"}])
    skipped = {contract.SKIP_CONTAINERS_ANNOTATION: "mesh"}
    trained = [sidecar, container(env=env)]
    admitted = team.submit(pod("team-a", annotations=skipped, containers=trained))
    assert admitted["spec"]["initContainers"][0]["env"] == asked
    first = team.submit(pod("team-a", containers=trained[1:], initContainers=[container("a")]))
    assert first["spec"]["initContainers"][0]["env"] == asked
    assert "env" not in team.submit(pod("team-a"))["spec"]["initContainers"][0]


def test_of_several_containers_the_one_that_speaks_of_mlflow_is_asked_for(team: World) -> None:
    proxy = {"name": "HTTPS_PROXY", "value": "http://proxy:3128"}
    run = {
        "name": contract.RUN_ID,
        "valueFrom": {"configMapKeyRef": {"name": "run", "key": "id"}},
    }
    mesh, train = container("mesh", env=[proxy]), container(env=[run])
    both = team.submit(pod("team-a", containers=[mesh, train]))
    assert both["spec"]["initContainers"][0]["env"] == [run]
    alone = team.submit(pod("team-a", containers=[mesh, container()]))
    assert alone["spec"]["initContainers"][0]["env"] == [proxy]


def test_the_guard_is_not_given_what_leans_on_another_variable(team: World) -> None:
    """It would look for an experiment, or a proxy, whose name has the reference in it."""
    team_name = {"name": "TEAM", "value": "a"}
    env = [team_name, {"name": contract.EXPERIMENT_NAME, "value": "churn-$(TEAM)"}]
    admitted = team.submit(pod("team-a", containers=[container(env=env)]))
    assert "env" not in admitted["spec"]["initContainers"][0]


def test_a_guard_that_only_warns_still_does(team: World) -> None:
    mode = {"name": contract.GUARD_MODE, "value": contract.GUARD_WARN}
    part = fragment("team-a")
    part["initContainers"][0]["env"] = [mode]
    team.answer("team-a", part)
    own = {"name": contract.EXPERIMENT_NAME, "value": "churn"}
    asking = pod("team-a", containers=[container(env=[own])])
    wait_until(
        lambda: team.submit(asking)["spec"]["initContainers"][0].get("env") == [mode, own],
        "the new fragment to be seen",
    )


def test_a_container_is_told_the_tags_of_its_runs(team: World) -> None:
    named = {"name": contract.RUN_CONTEXT, "value": '{"team": "a"}'}
    lr = {"name": "LR", "value": "1"}
    sources = [{"configMapRef": {"name": "own"}}]
    containers = [
        container(),
        container("tuned", env=[lr]),
        container("named", env=[named]),
        container("may-be-named", envFrom=sources),
        container("mesh"),
    ]
    skipped = {contract.SKIP_CONTAINERS_ANNOTATION: "mesh"}
    admitted = team.submit(pod("team-a", annotations=skipped, containers=containers))
    env = {item["name"]: item.get("env", []) for item in admitted["spec"]["containers"]}
    name, context = env["train"]
    assert name["name"] == contract.POD_NAME
    assert name["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    assert context["name"] == contract.RUN_CONTEXT
    assert json.loads(context["value"]) == {
        contract.TAG_WORKSPACE: "team/team-a",
        contract.TAG_BINDING: "team/team-a",
        contract.TAG_POD: f"$({contract.POD_NAME})",
    }
    assert env["tuned"] == [lr, name, context]
    assert (env["named"], env["may-be-named"], env["mesh"]) == ([named], [], [])
    assert [item.get("env") for item in admitted["spec"]["initContainers"]] == [None]


def test_annotations_of_the_author_stay(team: World) -> None:
    admitted = team.submit(pod("team-a", annotations={"example.com/owner": "ada"}))
    assert admitted["metadata"]["annotations"] == {
        "example.com/owner": "ada",
        contract.INJECTED_ANNOTATION: "team-a",
    }


def test_every_container_gets_it(team: World) -> None:
    sidecar = container("airflow-xcom-sidecar", volumeMounts=[])
    admitted = team.submit(pod("team-a", containers=[container(), sidecar]))
    assert [sources_of(item) for item in admitted["spec"]["containers"]] == [BOUND, BOUND]
    assert all(contract.MOUNT_PATH in _paths(item) for item in admitted["spec"]["containers"])


def test_own_sources_stay_and_the_binding_comes_last_because_the_last_one_wins(
    team: World,
) -> None:
    own = [{"configMapRef": {"name": "own"}}, {"secretRef": {"name": "own"}}]
    admitted = team.submit(pod("team-a", containers=[container(envFrom=own), container("second")]))
    first, second = admitted["spec"]["containers"]
    assert sources_of(first) == ["configMapRef/own", "secretRef/own", *BOUND]
    assert sources_of(second) == BOUND


def test_a_source_with_a_prefix_gives_other_variables_and_does_not_count(team: World) -> None:
    own = [{"prefix": "X_", "configMapRef": {"name": contract.published_name("team-a")}}]
    admitted = team.submit(pod("team-a", containers=[container(envFrom=own)]))
    assert sources_of(admitted["spec"]["containers"][0]) == [f"X_{BOUND[0]}", *BOUND]


def test_own_volumes_and_mounts_stay(team: World) -> None:
    mounts = [{"name": "data", "mountPath": "/data"}]
    admitted = team.submit(
        pod(
            "team-a",
            containers=[container(volumeMounts=mounts)],
            volumes=[{"name": "data", "emptyDir": {}}],
        )
    )
    assert {"data", contract.VOLUME_NAME} <= set(_volume_names(admitted))
    assert {"/data", contract.MOUNT_PATH} <= set(_paths(admitted["spec"]["containers"][0]))


def test_a_pod_without_a_service_account_token_has_no_lists_to_append_to(team: World) -> None:
    admitted = team.submit(pod("team-a", automountServiceAccountToken=False))
    assert _volume_names(admitted) == [contract.VOLUME_NAME]
    assert _paths(admitted["spec"]["containers"][0]) == [contract.MOUNT_PATH]


def test_the_guard_goes_first_and_the_author_s_init_containers_are_bound_too(
    team: World,
) -> None:
    init = [
        container("download", envFrom=[{"configMapRef": {"name": "own"}}]),
        container("unpack"),
    ]
    admitted = team.submit(pod("team-a", initContainers=init))
    assert _init_names(admitted) == [contract.GUARD_CONTAINER, "download", "unpack"]
    _, download, unpack = admitted["spec"]["initContainers"]
    assert sources_of(download) == ["configMapRef/own", *BOUND]
    assert sources_of(unpack) == BOUND
    assert contract.MOUNT_PATH in _paths(unpack)


def test_of_two_bindings_the_named_one_is_taken(team: World) -> None:
    team.bind("team-b")
    wait_until(lambda: team.injects(pod("team-b")), "binding team-b to be seen")
    first = team.submit(pod("team-a"))["spec"]["containers"][0]
    second = team.submit(pod("team-b"))["spec"]["containers"][0]
    assert sources_of(first) == BOUND
    assert sources_of(second) == bound_sources("team-b")


def test_a_fragment_without_a_guard_adds_all_else(team: World) -> None:
    team.answer("team-a", fragment("team-a") | {"initContainers": []})
    wait_until(lambda: not _init_names(team.submit(pod("team-a"))), "the new fragment to be seen")
    admitted = team.submit(pod("team-a"))
    assert sources_of(admitted["spec"]["containers"][0]) == BOUND
    assert contract.VOLUME_NAME in _volume_names(admitted)


def test_a_fragment_that_mounts_nothing_adds_nothing_but_env_and_guard(team: World) -> None:
    team.answer("team-a", fragment("team-a", token=False))
    wait_until(
        lambda: contract.VOLUME_NAME not in _volume_names(team.submit(pod("team-a"))),
        "the new fragment to be seen",
    )
    admitted = team.submit(pod("team-a", automountServiceAccountToken=False))
    assert "volumes" not in admitted["spec"]
    assert "volumeMounts" not in admitted["spec"]["containers"][0]
    assert sources_of(admitted["spec"]["containers"][0]) == BOUND
    assert _init_names(admitted) == [contract.GUARD_CONTAINER]


def _merged(binding: str) -> Pod:
    """Return a pod that MlflowPodOperator has merged the fragment into by itself."""
    part = fragment(binding)
    train = container(envFrom=part["envFrom"], volumeMounts=part["volumeMounts"])
    return pod(
        binding,
        annotations={contract.INJECTED_ANNOTATION: binding},
        containers=[train],
        initContainers=part["initContainers"],
        volumes=part["volumes"],
    )


def test_a_pod_that_brings_the_fragment_gets_nothing_twice(team: World) -> None:
    admitted = team.submit(_merged("team-a"))
    train = admitted["spec"]["containers"][0]
    assert sources_of(train) == BOUND
    assert _paths(train).count(contract.MOUNT_PATH) == 1
    assert _volume_names(admitted).count(contract.VOLUME_NAME) == 1
    assert _init_names(admitted) == [contract.GUARD_CONTAINER]
    assert sources_of(admitted["spec"]["initContainers"][0]) == BOUND


def test_a_pod_copied_from_a_running_one_gets_nothing_twice(team: World) -> None:
    stored = team.submit(pod("team-a", initContainers=[container("download")]))
    copied: Pod = {
        "metadata": {
            "generateName": "copy-",
            "labels": stored["metadata"]["labels"],
            "annotations": stored["metadata"]["annotations"],
        },
        "spec": stored["spec"],
    }
    again = team.submit(copied)
    for part in ("containers", "initContainers", "volumes"):
        assert again["spec"][part] == stored["spec"][part]


def test_pods_that_do_not_ask_are_left_alone(team: World) -> None:
    for untouched in (
        pod(),
        pod("team-a", labels={contract.SKIP_LABEL: "true"}),
        pod("team-a", labels={"app.kubernetes.io/managed-by": "mooring"}),
    ):
        admitted = team.submit(untouched)
        assert sources_of(admitted["spec"]["containers"][0]) == []
        assert _init_names(admitted) == []
