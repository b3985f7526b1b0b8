"""A pod that asked for a binding and would lose its runs never starts."""

import pytest

from mooring import contract
from tests.cluster.process import wait_until
from tests.integration.admission.world import (
    Pod,
    Refused,
    World,
    container,
    fragment,
    pod,
)


def _refusal(world: World, refused_pod: Pod) -> str:
    with pytest.raises(Refused) as refused:
        world.submit(refused_pod)
    return str(refused.value)


def test_a_label_with_a_typo_although_another_binding_is_there(team: World) -> None:
    assert (
        f"no MlflowBinding named team-zzz is ready in namespace {team.namespace}; the pod would "
        f"log nowhere. See: kubectl get mlflowbindings -n {team.namespace}"
    ) in _refusal(team, pod("team-zzz"))


def test_a_binding_of_another_namespace_does_not_count(team: World, elsewhere: World) -> None:
    assert f"named team-a is ready in namespace {elsewhere.namespace}" in _refusal(
        elsewhere, pod("team-a")
    )


def test_a_binding_is_of_use_from_its_answer_on(team: World) -> None:
    team.ask("team-b")
    assert "no MlflowBinding named team-b is ready" in _refusal(team, pod("team-b"))
    team.answer("team-b", fragment("team-b"))
    wait_until(lambda: team.injects(pod("team-b")), "the answer to be seen")


def test_an_annotation_alone_does_not_pass(team: World) -> None:
    team.ask("team-b")
    copied = pod("team-b", annotations={contract.INJECTED_ANNOTATION: "team-b"})
    message = _refusal(team, copied)
    assert "container train does not take ConfigMap team-b-mlflow in envFrom" in message
    assert "Take that annotation out of the pod template" in message


@pytest.mark.parametrize("name", contract.OWNED_BY_BINDING)
def test_an_own_value_for_what_the_binding_gives(team: World, name: str) -> None:
    env = [{"name": "EPOCHS", "value": "3"}, {"name": name, "value": "own-value"}]
    message = _refusal(team, pod("team-a", containers=[container(), container("b", env=env)]))
    assert f"container b sets {name}" in message
    assert "would win over MlflowBinding team-a" in message
    assert f"Remove {name} from the container's env" in message
    assert ("own-value" in message) is (name == contract.TRACKING_URI)


def test_an_empty_tracking_uri(team: World) -> None:
    env = [{"name": contract.TRACKING_URI, "value": ""}]
    message = _refusal(team, pod("team-a", containers=[container(env=env)]))
    assert 'container train sets MLFLOW_TRACKING_URI="" in its env' in message


def test_a_tracking_uri_from_elsewhere_is_named_without_a_value(team: World) -> None:
    source = {"secretKeyRef": {"name": "own", "key": "uri"}}
    env = [{"name": contract.TRACKING_URI, "valueFrom": source}]
    message = _refusal(team, pod("team-a", containers=[container(env=env)]))
    assert "container train sets MLFLOW_TRACKING_URI in its env" in message


def test_init_containers_are_looked_at_too(team: World) -> None:
    env = [{"name": contract.AWS_ACCESS_KEY_ID, "value": "AKIA"}]
    message = _refusal(team, pod("team-a", initContainers=[container("download", env=env)]))
    assert "container download sets AWS_ACCESS_KEY_ID in its env" in message
    assert "AKIA" not in message


def test_other_variables_are_the_author_s_own(team: World) -> None:
    env = [
        {"name": "EPOCHS", "value": "3"},
        {"name": contract.EXPERIMENT_NAME, "value": "iris"},
        {"name": contract.RUN_CONTEXT, "value": "{}"},
    ]
    assert team.injects(pod("team-a", containers=[container(env=env)]))


def test_a_refusal_never_holds_up_pods_that_do_not_ask(team: World) -> None:
    env = [{"name": contract.TRACKING_URI, "value": "http://own"}]
    assert team.admits(pod(containers=[container(env=env)]))
    assert team.admits(pod("team-zzz", labels={contract.SKIP_LABEL: "true"}))
    assert team.admits(pod("team-zzz", labels={"app.kubernetes.io/managed-by": "mooring"}))


def test_a_line_end_in_the_value_does_not_hide_the_sentence(team: World) -> None:
    env = [{"name": contract.TRACKING_URI, "value": "http://mlflow:5000\n"}]
    message = _refusal(team, pod("team-a", containers=[container(env=env)]))
    assert 'container train sets MLFLOW_TRACKING_URI="http://mlflow:5000\\n" in its env' in message
