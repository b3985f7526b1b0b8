"""The tab in Airflow's own page, looked at with a real browser: one look, as it costs 10 s."""

import os
from pathlib import Path
from typing import Final

from tests.cluster.process import wait_until
from tests.integration.airflow.world import Workspace
from tests.integration.airflow_ui.browser import Tab, browser
from tests.integration.airflow_ui.stories import LIVE
from tests.integration.airflow_ui.world import Airflow

SIZE: Final = (1280, 720)
WANTED_AT: Final = "MOORING_SCREENSHOTS"
"""The folder that `make screenshots` wants the pictures in."""
FRAME: Final = "document.querySelector('iframe[title=MLflow]')"
PAGE: Final = f"{FRAME}.contentDocument"
TEXT: Final = f"getComputedStyle({PAGE}.body).color"
DARK_TEXT: Final = "rgb(24, 24, 27)"
LIGHT_TEXT: Final = "rgb(250, 250, 250)"


def click(tab: Tab, selector: str) -> None:
    """Click on what `selector` finds in the page, where the frame shows it."""
    x, y = tab.wait_for(
        f"(() => {{ const at = {FRAME}.getBoundingClientRect(), "
        f"it = {PAGE}.querySelector('{selector}').getClientRects()[0]; "
        "return [at.x + it.x + it.width / 2, at.y + it.y + it.height / 2]; })()"
    )
    tab.click(x, y)


def test_the_tab_in_airflow(ui: Airflow, team: Workspace, tmp_path: Path) -> None:
    pictures = Path(os.environ.get(WANTED_AT) or tmp_path)
    with browser() as chromium, chromium.tab() as tab:
        tab.look(SIZE, "light")
        tab.log_in(ui.url, ui.token("ann"))
        tab.open(f"{ui.url}/dags/churn/runs/{LIVE}/plugin/mlflow")
        tab.wait_for(f"{PAGE}.querySelectorAll('tbody th').length === 5")
        tab.wait_for(f"{TEXT} === '{DARK_TEXT}'")
        keep(tab, pictures / "airflow-page-light.png")
        loaded = tab.evaluate(
            f"{FRAME}.contentWindow.performance.getEntriesByType('resource').map(e => e.name)"
        )
        assert loaded == [f"{ui.url}/mooring/static/page.{kind}" for kind in ("css", "js")]

        tab.look(SIZE, "dark")
        tab.wait_for(f"{TEXT} === '{LIGHT_TEXT}'")
        keep(tab, pictures / "airflow-page-dark.png")

        # The frame may open nothing by itself: the page around it does.
        click(tab, "tbody a[target=_blank]")
        run = f"{team.url}/#/experiments/0/runs/"
        wait_until(
            lambda: any(address.startswith(run) for address in chromium.addresses()),
            f"a tab at {run}",
        )
        click(tab, "tbody a[target=_top]")
        tab.wait_for("location.pathname.endsWith('/tasks/evaluate')")


def keep(tab: Tab, path: Path) -> None:
    """Keep what is to be seen."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(tab.screenshot())
