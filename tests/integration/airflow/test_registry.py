"""The model registry's operators and sensor against a real tracking server."""

import asyncio
import http.server
import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk._shared.module_loading import import_string
from airflow.sdk.exceptions import AirflowSkipException, TaskDeferred
from airflow.sdk.execution_time.context import OutletEventAccessors

from mooring import contract
from mooring_airflow.assets import described
from mooring_airflow.errors import MooringError
from mooring_airflow.hooks import MlflowHook
from mooring_airflow.registry import (
    MlflowPromoteModelOperator,
    MlflowRegisterModelOperator,
    MlflowSetAliasOperator,
)
from mooring_airflow.sensors import MlflowModelVersionSensor
from mooring_operator.plan.airflow import connection_value
from tests.integration.airflow import emitting
from tests.integration.airflow.runs import Pod, emitted, task_tags
from tests.integration.airflow.world import Workspace

DAGS = Path(__file__).parent / "registry_dags"
CONNECTION = contract.connection_id("team-a")
VARIABLE = f"AIRFLOW_CONN_{CONNECTION.upper()}"
PASSWORD = "nobody-may-see-this"


class Task:
    """What Airflow gives a task instance, and what it takes from it; `again` is its next try."""

    def __init__(self, run_id: str = "") -> None:
        self.pushed: dict[str, Any] = {}
        self.run_id = run_id or f"manual__{uuid.uuid4()}"
        self.context: Any = {"ti": self._instance(), "outlet_events": OutletEventAccessors()}

    def again(self) -> "Task":
        """The next try."""
        return Task(self.run_id)

    def emitted(self) -> dict[str, Any]:
        """See `emitted`."""
        return emitted(self.context)

    def _instance(self) -> SimpleNamespace:
        return SimpleNamespace(
            dag_id="d", task_id="t", run_id=self.run_id, map_index=-1, try_number=1,
            log_url="http://airflow/log", xcom_push=self._push,
        )  # fmt: skip

    def _push(self, key: str, value: Any) -> None:
        self.pushed[key] = json.loads(json.dumps(value, allow_nan=False))


class Registry:
    """A registered model that no other test has, and operators on it."""

    def __init__(self, team: Workspace) -> None:
        self.team = team
        self.name = f"model-{uuid.uuid4().hex[:8]}"
        self.hook = MlflowHook(CONNECTION)
        self._where: dict[str, Any] = {
            "task_id": "t",
            "model_name": self.name,
            "mlflow_conn_id": CONNECTION,
        }

    @property
    def asset(self) -> str:
        """URI of the registered model."""
        return f"mlflow://team-a/{self.name}"

    def trained(self, *, upload: bool = True, ready: bool = True, **metrics: Any) -> str:
        """The URI of a logged model; its metrics are those of its run."""
        pod = Pod(self.team, task_tags("train"))
        run = pod.start_run()
        for key, value in metrics.items():
            body = {"run_id": run["run_id"], "key": key, "value": value, "timestamp": 1}
            self.team.api("runs/log-metric", body)
        model = pod.log_model(run, "model", upload=upload)
        pod.end_run(run)
        if ready:
            pod.finalize(model)
        return f"models:/{model['model_id']}"

    def register(self, model_uri: str, **changes: Any) -> MlflowRegisterModelOperator:
        """The operator."""
        return MlflowRegisterModelOperator(**self._where, model_uri=model_uri, **changes)

    def registered(self, **metrics: Any) -> str:
        """The number of a new version."""
        found = self.register(self.trained(**metrics)).execute(Task().context)
        return str(found["version"])

    def promote(self, version: str, **changes: Any) -> MlflowPromoteModelOperator:
        """The operator; by metric `auc` where nothing else is said."""
        how = {"metric": "auc", **changes}
        return MlflowPromoteModelOperator(**self._where, version=version, **how)

    def set_alias(self, alias: str, version: str) -> MlflowSetAliasOperator:
        """The operator."""
        return MlflowSetAliasOperator(**self._where, alias=alias, version=version)

    def sensor(self, **changes: Any) -> MlflowModelVersionSensor:
        """The sensor, which looks again at once."""
        return MlflowModelVersionSensor(**self._where, poke_interval=0.05, **changes)

    def champion(self) -> str | None:
        """The number of the version that holds the alias."""
        found = self.hook.get_model_version_by_alias(self.name, "champion")
        return found.version if found else None


@pytest.fixture
def registry(team: Workspace, monkeypatch: pytest.MonkeyPatch) -> Registry:
    login = {contract.TRACKING_USERNAME: "airflow", contract.TRACKING_PASSWORD: PASSWORD}
    monkeypatch.setenv(VARIABLE, connection_value({**team.environment, **login}))
    return Registry(team)


def test_a_registered_version_says_where_it_is_from(registry: Registry) -> None:
    task, uri = Task(), registry.trained()
    found = registry.register(uri, alias="candidate", tags={"stage": "trial"}).execute(task.context)
    assert found["model_uri"] == f"models:/{registry.name}/1"
    assert f"models:/{found['model_id']}" == uri
    version = registry.hook.get_model_version(registry.name, "1")
    assert version is not None
    assert version.tags["stage"] == "trial"
    assert version.tags[contract.TAG_RUN_ID] == task.run_id
    assert task.emitted() == {
        registry.asset: found,
        f"{registry.asset}@candidate": {**found, "alias": "candidate"},
    }


def test_a_retry_registers_nothing_twice(registry: Registry) -> None:
    task, uri = Task(), registry.trained()
    first = registry.register(uri, alias="candidate").execute(task.context)
    again = task.again()
    assert registry.register(uri, alias="candidate").execute(again.context) == first
    # What the first try could not hand to Airflow, because it died, the second does.
    assert again.emitted() == task.emitted()
    assert registry.registered() == "2"


@pytest.mark.parametrize(
    ("upload", "ready", "message"),
    [
        (True, False, "ModelNotReady: .* is LOGGED_MODEL_PENDING: its files did not all reach"),
        (False, True, "ModelMissing: .* says READY, but the store has no MLmodel"),
    ],
)
def test_what_did_not_land_is_not_registered(
    registry: Registry, message: str, *, upload: bool, ready: bool
) -> None:
    task = Task()
    with pytest.raises(MooringError, match=message):
        registry.register(registry.trained(upload=upload, ready=ready)).execute(task.context)
    assert registry.hook.get_latest_version(registry.name) is None
    assert task.emitted() == {}


@pytest.mark.parametrize("uri", ["None", "runs:/abc/model", "models:/churn/1"])
def test_what_names_no_logged_model_is_refused(registry: Registry, uri: str) -> None:
    with pytest.raises(MooringError, match=r"ModelUriUnusable: .*: pass models:/m-…"):
        registry.register(uri).execute(Task().context)


def test_an_alias_moves(registry: Registry) -> None:
    for number in (registry.registered(), registry.registered()):
        task = Task()
        found = registry.set_alias("champion", number).execute(task.context)
        assert registry.champion() == number
        assert task.emitted() == {f"{registry.asset}@champion": {**found, "alias": "champion"}}
    unmoved = Task()
    registry.set_alias("champion", "2").execute(unmoved.context)
    assert unmoved.emitted() == {}, "no DAG starts where nothing changed"
    with pytest.raises(
        MooringError, match=r"VersionMissing: .* no version '9' \(its latest is 2\)"
    ):
        registry.set_alias("champion", "9").execute(Task().context)
    assert registry.champion() == "2"


def test_only_a_better_version_is_promoted(registry: Registry) -> None:
    good, worse, better = (registry.registered(auc=value) for value in (0.8, 0.7, 0.9))
    first = Task()
    found = registry.promote(good).execute(first.context)
    assert (found["promoted"], found["value"], found["holder"]) == (True, 0.8, None)
    assert list(first.emitted()) == [f"{registry.asset}@champion"]

    skipped = Task()
    said = rf"auc of version {worse} is 0.7, of version {good} 0.8\. Version {good} keeps the alias"
    with pytest.raises(AirflowSkipException, match=said):
        registry.promote(worse).execute(skipped.context)
    assert skipped.pushed["return_value"]["holder"] == {"version": good, "value": 0.8}
    ended = Task()
    found = registry.promote(worse, when_not_better="succeed").execute(ended.context)
    assert (found["promoted"], ended.emitted()) == (False, {})
    assert registry.champion() == good

    won = Task()
    found = registry.promote(better).execute(won.context)
    assert (found["promoted"], found["holder"]) == (True, {"version": good, "value": 0.8})
    assert registry.champion() == better
    again = won.again()
    assert registry.promote(better).execute(again.context)["promoted"]
    assert again.emitted() == won.emitted()
    with pytest.raises(AirflowSkipException, match=f"Version {better} keeps the alias"):
        registry.promote(better).execute(Task().context)


def test_the_metric_of_the_model_counts_before_that_of_its_run(registry: Registry) -> None:
    uri = registry.trained(auc=0.5)
    number = registry.register(uri).execute(Task().context)
    body = {"run_id": number["run_id"], "key": "auc", "value": 0.9, "timestamp": 2}
    registry.team.api("runs/log-metric", {**body, "model_id": number["model_id"]})
    assert registry.promote(number["version"]).execute(Task().context)["value"] == 0.9


def test_what_cannot_be_compared_is_not_promoted(registry: Registry) -> None:
    without, broken = registry.registered(loss=0.1), registry.registered(auc="NaN")
    for number, found in ((without, "missing .* have: loss"), (broken, "not a finite number")):
        with pytest.raises(
            MooringError, match=f"MetricMissing: metric auc of .*/{number} is {found}"
        ):
            registry.promote(number).execute(Task().context)
    assert registry.champion() is None


def test_a_sensor_waits_for_a_version(registry: Registry) -> None:
    sensor = registry.sensor(timeout=0)
    with pytest.raises(Exception, match="Sensor has timed out"):
        sensor.execute(Task().context)
    number = registry.registered()
    assert sensor.execute(Task().context)["version"] == number
    assert not registry.sensor(version="2").poke(Task().context)
    assert not registry.sensor(alias="champion").poke(Task().context)
    registry.hook.set_alias(registry.name, "champion", number)
    assert registry.sensor(alias="champion").poke(Task().context)
    assert not registry.sensor(alias="champion", changed_from=number).poke(Task().context)


class Away(http.server.BaseHTTPRequestHandler):
    """Answers as a Service whose server restarts; `asked` is set once somebody saw that."""

    asked = threading.Event()

    def do_GET(self) -> None:
        """Answer."""
        self.send_error(503)
        self.asked.set()

    def log_message(self, *said: object) -> None:
        """Say nothing."""


@pytest.fixture
def away() -> Iterator[str]:
    """URL of a tracking server that is away."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Away)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


async def fired(trigger: Any) -> Any:
    async for event in trigger.run():
        return event.payload
    raise AssertionError("it ended without an event")


def test_a_deferred_sensor_outlasts_a_server_that_is_away(
    registry: Registry, away: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor = registry.sensor(alias="champion", deferrable=True)
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute(Task().context)
    path, kept = deferred.value.trigger.serialize()
    assert PASSWORD not in json.dumps(kept), "Airflow's database holds it"
    trigger = import_string(path)(**kept)
    number, there = registry.registered(), registry.team.environment
    registry.hook.set_alias(registry.name, "champion", number)
    monkeypatch.setenv(VARIABLE, connection_value({contract.TRACKING_URI: away}))

    async def come_back() -> None:
        assert await asyncio.to_thread(Away.asked.wait, 120)
        monkeypatch.setenv(VARIABLE, connection_value(there))

    async def both() -> Any:
        return (await asyncio.gather(fired(trigger), come_back()))[0]

    event = asyncio.run(asyncio.wait_for(both(), 240))
    assert sensor.execute_complete(Task().context, event)["version"] == number


def test_airflow_starts_what_waits_for_a_new_champion(registry: Registry, tmp_path: Path) -> None:
    """With a real Airflow: its database, its task runner, tasks that are mapped."""
    worse, better = registry.trained(auc=0.8), registry.trained(auc=0.9)
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        # The default of 30 s is short where other tests have the processors.
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "120",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "REGISTRY_MODEL": registry.name,
        "REGISTRY_MODELS": f"{better} {worse}",
    }
    ran = subprocess.run(
        [sys.executable, "-m", emitting.__name__, str(DAGS), "registering"],
        env=environment, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    print(ran.stdout, ran.stderr)
    assert PASSWORD not in ran.stdout + ran.stderr
    answer = json.loads(ran.stdout.splitlines()[-1])
    assert answer["states"] == {
        "register[0]": "success",
        "register[1]": "success",
        "promote_0[-1]": "success",
        "promote_1[-1]": "skipped",
    }
    versions = [registry.hook.get_model_version(registry.name, n) for n in ("1", "2")]
    told = [described(version) for version in versions if version]
    # Which of the mapped tasks came first is Airflow's choice.
    (champion,) = [version for version in told if f"models:/{version['model_id']}" == better]
    assert answer["events"] == [
        *([registry.asset, version] for version in told),
        [f"{registry.asset}@champion", {**champion, "alias": "champion"}],
    ]
    ids = {version["model_id"]: version["url"] for version in told}
    page = [ids[uri.removeprefix("models:/")] for uri in (better, worse)]
    assert page[0].startswith(f"{registry.team.url}/#/models/{registry.name}/versions/")
    assert answer["links"] == {
        "register[0]": page[0],
        "register[1]": page[1],
        "promote_0[-1]": page[0],
        "promote_1[-1]": page[1],
    }
    assert answer["queued"] == ["on_new_champion", "on_new_version"]
