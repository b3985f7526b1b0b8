"""`make ui`: the way to the pages for a browser on this machine, until Ctrl-C."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from threading import Event, Thread
from typing import Final, NamedTuple

from tests.cluster import cluster
from tests.cluster.report import say
from tests.demo.airflow import PORT
from tests.demo.cluster import keep_forwarded
from tests.demo.store import TRACKING_PORT
from tests.demo.system import PLAYGROUND, TEAMS

FIRST_LOCAL_PORT: Final = 5001


class Page(NamedTuple):
    """A page, and the Service that gives it."""

    title: str
    paths: tuple[str, ...]
    service: str
    namespace: str
    port: int
    local_port: int

    def tell(self, news: str) -> None:
        """Say where the page is, or why it is not there."""
        found = [news + path for path in self.paths] if news.startswith("http") else [news]
        say(f"{self.title:20}{'  '.join(found)}")


def _pages() -> Iterator[Page]:
    yield Page("Airflow, no log-in", ("/dags",), "airflow", PLAYGROUND, PORT, PORT)
    for number, team in enumerate(TEAMS):
        local_port = FIRST_LOCAL_PORT + number
        # MLflow's start page shows neither runs nor models.
        paths = ("/#/experiments", "/#/models")
        service = (f"{team}-mlflow", team, TRACKING_PORT, local_port)
        yield Page(f"MLflow of {team}", paths, *service)


def open_pages() -> None:
    """Have the pages on fixed ports of this machine, and wait.

    Raises ClusterError when there is no cluster.
    """
    cluster.kubeconfig()
    for page in _pages():
        target = (page.service, page.namespace, page.port, page.local_port)
        keep = partial(keep_forwarded, *target, tell=page.tell)
        Thread(target=keep, daemon=True).start()
    say("Ctrl-C ends it. Wait for the addresses:")
    with suppress(KeyboardInterrupt):
        Event().wait()
