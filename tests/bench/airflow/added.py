"""What Mooring adds to one task: the same training by either operator, in turns on a real node."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

from tests.bench.airflow.dags.counting import CALLS, PROCESSOR
from tests.bench.airflow.playground import installed
from tests.bench.figures import Figure, middle
from tests.cluster.process import ClusterError
from tests.cluster.report import say
from tests.demo.airflow import Airflow

PLAIN: Final = "bench_plain"
MOORED: Final = "bench_moored"
WALL_GOAL_S: Final = 1.0
CALLS_GOAL: Final = 2.0
POLL: Final = "GET pod"
"""What a task that waits asks at each look."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task instance that ended well: by Airflow's clock, of its process, and its API calls."""

    seconds: float
    processor_s: float
    calls: Mapping[str, int]

    @property
    def per_poll(self) -> float:
        """API calls for each look at the pod."""
        return sum(self.calls.values()) / self.calls[POLL]


def added(pairs: int) -> list[Figure]:
    """What is added to a task in seconds, and in API calls for each poll, over pairs of tasks."""
    plain: list[Task] = []
    moored: list[Task] = []
    with installed([PLAIN, MOORED]) as airflow:
        # Each begins every other pair: the later one would have the warmer or the busier machine.
        orders = [[(PLAIN, plain), (MOORED, moored)], [(MOORED, moored), (PLAIN, plain)]]
        turns = [orders[number % 2] for number in range(pairs)]
        for dag_id, tasks in chain.from_iterable(turns):
            tasks.append(_ran(airflow, dag_id))
            say(f"  {dag_id}: {tasks[-1].seconds:.2f} s")
    return [_wall(plain, moored), _calls(plain, moored)]


def _ran(airflow: Airflow, dag_id: str) -> Task:
    run = airflow.run(dag_id)
    (task,) = run.tasks
    if task.state != "success" or task.seconds is None:
        raise ClusterError(f"{dag_id} is {task.state}:\n{airflow.log(dag_id, run.run_id, task)}")
    told = (airflow.xcom(dag_id, run.run_id, task, key) for key in (PROCESSOR, CALLS))
    return Task(task.seconds, *told)


def _wall(plain: list[Task], moored: list[Task]) -> Figure:
    differences = [m.seconds - p.seconds for p, m in zip(plain, moored, strict=True)]
    without, with_ = ([task.seconds for task in tasks] for tasks in (plain, moored))
    worked, works = ([task.processor_s for task in tasks] for tasks in (plain, moored))
    return Figure(
        name=f"added to one task, median of {len(differences)} pairs",
        unit="s",
        measured=middle(differences),
        floor=middle(without),
        floor_is=f"a plain KubernetesPodOperator; {middle(with_):.3g} s MlflowPodOperator; of the "
        f"worker's processor {middle(worked):.3g} and {middle(works):.3g} s",
        goal=WALL_GOAL_S,
        raw={
            "plain_s": without,
            "moored_s": with_,
            "plain_processor_s": worked,
            "moored_processor_s": works,
        },
    )


def _calls(plain: list[Task], moored: list[Task]) -> Figure:
    without, with_ = ([task.per_poll for task in tasks] for tasks in (plain, moored))
    whole = [middle([sum(task.calls.values()) for task in tasks]) for tasks in (plain, moored)]
    return Figure(
        name="API calls added to each poll of a pod",
        unit="calls",
        measured=middle(with_) - middle(without),
        floor=middle(without),
        floor_is=f"a plain KubernetesPodOperator; whole tasks {whole[0]:.3g} and {whole[1]:.3g}",
        goal=CALLS_GOAL,
        raw={"plain_calls_per_poll": without, "moored_calls_per_poll": with_},
    )
