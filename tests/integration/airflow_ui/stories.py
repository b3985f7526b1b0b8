"""DAG runs that the page has to tell apart."""

from typing import Any, Final

from tests.integration.airflow_ui.world import Story, TaskStory

TRACKING: Final = "https://mlflow.example.com/team-a"
EVIL: Final = '<script>alert("1")</script>'


def reference(run: str, **changes: Any) -> dict[str, Any]:
    """What MlflowPodOperator hands on."""
    return {
        "run_id": run,
        "experiment_id": "7",
        "artifact_uri": f"s3://bucket/team-a/7/{run}/artifacts",
        "status": "FINISHED",
        "metrics": {"accuracy": 0.97},
        "url": f"{TRACKING}/#/experiments/7/runs/{run}",
        "model_id": f"m-{run}",
        "model_uri": f"models:/m-{run}",
        "model_name": "churn-model",
        **changes,
    }


MIXED: Final = Story(
    "manual__2026-11-22T01:00:00+00:00",
    [
        TaskStory("prepare", "success", rendered={}),
        TaskStory("train", "success", 0, reference=reference("r0")),
        TaskStory("train", "failed", 1, try_number=3),
        TaskStory("train", "running", 2),
        TaskStory(
            "evaluate",
            "success",
            rendered={"labels": {"mooring.dev/binding": "team-a"}, "binding": None},
        ),
        TaskStory("deploy", "upstream_failed"),
    ],
    state="failed",
)

HOSTILE: Final = Story(
    "manual__hostile",
    [
        TaskStory(
            "train",
            "success",
            0,
            reference=reference(
                EVIL, url="javascript:alert(1)/#/experiments/7/runs/1", model_name=EVIL
            ),
        ),
        TaskStory("train", "success", 1, reference="kept elsewhere: s3://xcom/1.json"),
        TaskStory("evaluate", "success", reference=reference("r1", run_id=["no", "text"])),
    ],
)

WITHOUT: Final = Story("manual__without", [])

STORIES: Final = (MIXED, HOSTILE, WITHOUT)
