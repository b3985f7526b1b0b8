"""DAG runs that the page has to tell apart, with the runs that their pods left in MLflow."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mooring import contract
from tests.integration.airflow.runs import Pod
from tests.integration.airflow.world import Workspace
from tests.integration.airflow_ui.world import Story, TaskStory

TRACKING: Final = "https://mlflow.example.com/team-a"
EVIL: Final = '<script>alert("1")</script>'

LIVE: Final = "manual__2026-11-22T02:00:00+00:00"
RECORDED: Final = "manual__2026-11-22T01:00:00+00:00"
HOSTILE: Final = "manual__hostile"
WITHOUT: Final = "manual__without"
DOWN: Final = "manual__down"
TAGGED: Final = "manual__tagged"


def bound(binding: str) -> Mapping[str, Any]:
    """The template fields of a task with this binding."""
    return {"binding": binding}


def handed_on(run: str, **changes: Any) -> dict[str, Any]:
    """What MlflowPodOperator hands on."""
    return {
        "run_id": run,
        "experiment_id": "7",
        "artifact_uri": f"s3://bucket/team-a/7/{run}/artifacts",
        "status": "FINISHED",
        "metrics": {"accuracy": 0.97},
        "ui_url": f"{TRACKING}/#/experiments/7/runs/{run}",
        "model_id": f"m-{run}",
        "model_uri": f"models:/m-{run}",
        "model_name": "churn-model",
        **changes,
    }


def stories(team: Workspace) -> Sequence[Story]:
    """Every story; those that are about MLflow are told to the server of `team` first."""
    evaluated = TaskStory("evaluate", "success", rendered=bound("down"), reference=handed_on("r0"))
    return (
        live(team),
        recorded(),
        hostile(),
        Story(WITHOUT, []),
        Story(DOWN, [evaluated]),
        tagged(team),
    )


def recorded() -> Story:
    """One of a binding that Airflow has no connection for."""
    labels = {"labels": {contract.BINDING_LABEL: "unknown"}, "binding": None}
    return Story(
        RECORDED,
        [
            TaskStory("prepare", "success", rendered={}),
            TaskStory("train", "success", 0, rendered=bound("unknown"), reference=handed_on("r0")),
            TaskStory("train", "failed", 1, try_number=3, rendered=bound("team-x/unknown")),
            TaskStory("train", "running", 2, rendered=bound("unknown")),
            TaskStory("evaluate", "success", rendered=labels),
            TaskStory("deploy", "upstream_failed", rendered=bound("unknown")),
        ],
        state="failed",
    )


def hostile() -> Story:
    """One whose author pushed what no operator of ours would."""
    evil = handed_on(EVIL, ui_url="javascript:alert(1)/#/experiments/7/runs/1", model_name=EVIL)
    no_text = handed_on("r1", run_id=["no", "text"])
    return Story(
        HOSTILE,
        [
            TaskStory("train", "success", 0, rendered=bound("unknown"), reference=evil),
            TaskStory("train", "success", 1, rendered=bound("unknown"), reference="s3://x/1.json"),
            TaskStory("evaluate", "success", rendered=bound("unknown"), reference=no_text),
        ],
    )


def tagged(team: Workspace) -> Story:
    """One of plain KubernetesPodOperators, which got their binding by the tag of their DAG."""
    tags = {contract.TAG_DAG_ID: "tagged", contract.TAG_RUN_ID: TAGGED, contract.TAG_TASK_ID: "fit"}
    fitted = Pod(team, tags)
    fitted.end_run(fitted.start_run())
    plain = {"base_container_name": "base", "namespace": "team-a", "labels": {}}
    skipped = {**plain, "labels": {contract.SKIP_LABEL: "true"}}
    return Story(
        TAGGED,
        [
            TaskStory("fit", "success", rendered=plain),
            TaskStory("report", "success", rendered=skipped),
            TaskStory("mail", "success", rendered={"to": "team"}),
        ],
        dag_id="tagged",
    )


def live(team: Workspace) -> Story:
    """One with real runs: verified, killed and tried again, going on, deleted afterwards."""
    pods = {index: pod(team, "train", index) for index in range(3)}
    verified, model = train(pods[0])
    tag(team, verified, contract.TAG_VERIFIED, "true")
    earlier = pod(team, "train", 1, try_number="1")
    superseded = earlier.start_run(**{contract.TAG_FINDING: "Superseded"})
    earlier.end_run(superseded, "KILLED")
    killed = pods[1].start_run(**{contract.TAG_FINDING: "OOMKilled, limit 512Mi"})
    pods[1].end_run(killed, "FAILED")
    pods[2].start_run()
    gone, _ = train(pod(team, "evaluate"))
    team.api("runs/delete", {"run_id": gone})
    return Story(
        LIVE,
        [
            TaskStory("prepare", "success", rendered={}),
            TaskStory("train", "success", 0, try_number=2, reference=at(team, verified, model)),
            TaskStory("train", "failed", 1, try_number=2),
            TaskStory("train", "running", 2, try_number=2),
            TaskStory("evaluate", "success", try_number=2, reference=at(team, gone, model)),
            TaskStory("deploy", "upstream_failed"),
        ],
        state="failed",
    )


def at(team: Workspace, run: str, model: str) -> dict[str, Any]:
    """What is handed on of a run that is there."""
    url = f"{team.url}/#/experiments/0/runs/{run}"
    return handed_on(run, experiment_id="0", ui_url=url, model_id=model)


def pod(team: Workspace, task: str, index: int = -1, try_number: str = "2") -> Pod:
    """The pod of a task instance of the live DAG run."""
    tags = {
        contract.TAG_DAG_ID: "churn",
        contract.TAG_RUN_ID: LIVE,
        contract.TAG_TASK_ID: task,
        contract.TAG_MAP_INDEX: str(index),
        contract.TAG_TRY_NUMBER: try_number,
    }
    return Pod(team, tags)


def train(trained: Pod) -> tuple[str, str]:
    """A run of two files with a model of two, 3,000 bytes in all; the ids of both."""
    run = trained.start_run()
    trained.put(run["artifact_uri"], "coefficients.csv", b"c" * 900)
    trained.put(run["artifact_uri"], "plots/roc.png", b"p" * 1600)
    model = trained.log_model(run, "churn-model", upload=False)
    trained.put(model["artifact_uri"], "MLmodel", b"m" * 100)
    trained.put(model["artifact_uri"], "data/weights.bin", b"w" * 400)
    trained.finalize(model)
    trained.end_run(run)
    return run["run_id"], model["model_id"]


def tag(team: Workspace, run: str, key: str, value: str) -> None:
    """Tag a run, as the operator does that verified it."""
    team.api("runs/set-tag", {"run_id": run, "key": key, "value": value})
