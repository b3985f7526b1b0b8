"""`make ui`: the way to the pages for a browser on this machine, until Ctrl-C."""

import signal
from contextlib import ExitStack
from typing import Final

from tests.cluster.report import say
from tests.demo.airflow import PORT
from tests.demo.cluster import forwarded
from tests.demo.store import TRACKING_PORT
from tests.demo.system import PLAYGROUND, TEAMS

FIRST_LOCAL_PORT: Final = 5001


def open_pages() -> None:
    """Forward the pages to fixed ports of this machine, and wait."""
    with ExitStack() as open_ways:
        url = open_ways.enter_context(forwarded("airflow", PLAYGROUND, PORT, PORT))
        say(f"Airflow           {url}")
        for number, team in enumerate(TEAMS):
            way = forwarded(f"{team}-mlflow", team, TRACKING_PORT, FIRST_LOCAL_PORT + number)
            say(f"MLflow of {team}  {open_ways.enter_context(way)}")
        say("Ctrl-C ends it.")
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
