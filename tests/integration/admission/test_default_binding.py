"""A namespace may give its binding to every pod that does not ask otherwise."""

import pytest

from mooring import contract
from tests.cluster.process import wait_until
from tests.integration.admission.world import (
    Refused,
    World,
    bound_sources,
    container,
    pod,
    sources_of,
)

MANAGED = {"app.kubernetes.io/managed-by": "mooring"}
SKIP = {contract.SKIP_LABEL: "true"}


@pytest.fixture
def home(team: World) -> World:
    """A namespace whose default is `team-a` and that also holds `team-b`."""
    team.bind("team-b")
    team.label(**{contract.DEFAULT_BINDING_LABEL: "team-a"})
    wait_until(lambda: team.injects(pod()) and team.injects(pod("team-b")), "both to be seen")
    return team


@pytest.mark.parametrize("labels", [None, {"app": "train"}])
def test_a_pod_that_says_nothing_gets_the_default(
    home: World, labels: dict[str, str] | None
) -> None:
    admitted = home.submit(pod(labels=labels))
    assert sources_of(admitted["spec"]["containers"][0]) == bound_sources("team-a")
    assert admitted["spec"]["initContainers"][0]["name"] == contract.GUARD_CONTAINER
    assert admitted["metadata"]["labels"] == {contract.BINDING_LABEL: "team-a", **(labels or {})}
    assert admitted["metadata"]["annotations"] == {
        contract.INJECTED_ANNOTATION: "team-a",
        contract.LOGS_ANNOTATION: contract.LOGS_OPTIONAL,
    }


def test_a_pod_s_own_word_on_whether_it_logs_stays(home: World) -> None:
    own = {contract.LOGS_ANNOTATION: contract.LOGS_NONE}
    admitted = home.submit(pod(annotations=own))
    assert admitted["metadata"]["annotations"] == {contract.INJECTED_ANNOTATION: "team-a", **own}


def test_the_pod_s_own_label_wins(home: World) -> None:
    admitted = home.submit(pod("team-b"))
    assert sources_of(admitted["spec"]["containers"][0]) == bound_sources("team-b")


@pytest.mark.parametrize("labels", [SKIP, MANAGED])
def test_pods_that_opt_out_and_the_operator_s_own_are_left_alone(
    home: World, labels: dict[str, str]
) -> None:
    admitted = home.submit(pod(labels=labels))
    assert sources_of(admitted["spec"]["containers"][0]) == []
    assert "initContainers" not in admitted["spec"]
    assert admitted["metadata"]["labels"] == labels


def test_a_default_that_is_not_there_stops_pods_and_says_how_to_opt_out(home: World) -> None:
    home.label(**{contract.DEFAULT_BINDING_LABEL: "team-c"})
    wait_until(lambda: not home.admits(pod()), "the new default to be seen")
    with pytest.raises(Refused) as refused:
        home.submit(pod())
    message = str(refused.value)
    assert f"no MlflowBinding named team-c is ready in namespace {home.namespace}" in message
    assert 'label a pod that does not use MLflow mooring.dev/skip: "true"' in message
    assert home.admits(pod(labels=SKIP))
    assert home.admits(pod(labels=MANAGED))
    assert home.injects(pod("team-a"))


def test_an_override_is_refused_here_too(home: World) -> None:
    env = [{"name": contract.TRACKING_URI, "value": "sqlite:///mlflow.db"}]
    with pytest.raises(Refused, match='container train sets MLFLOW_TRACKING_URI="sqlite:///mlf'):
        home.submit(pod(containers=[container(env=env)]))
