"""Looking at the tab in Airflow's own page with a real browser."""

from pathlib import Path
from typing import Final

from tests.cluster.process import wait_until
from tests.integration.airflow_ui.browser import Tab

SIZE: Final = (1200, 800)
FRAME: Final = "document.querySelector('iframe[title=MLflow]')"
PAGE: Final = f"{FRAME}.contentDocument"
TEXT: Final = f"getComputedStyle({PAGE}.body).color"
DARK_TEXT: Final = "rgb(24, 24, 27)"
LIGHT_TEXT: Final = "rgb(250, 250, 250)"


def click(tab: Tab, selector: str) -> None:
    """Click on what `selector` finds in the page, until it was hit: what loads late moves it."""
    place = (
        f"(() => {{ const at = {FRAME}.getBoundingClientRect(), "
        f"it = {PAGE}.querySelector('{selector}').getClientRects()[0]; "
        "return [at.x + it.x + it.width / 2, at.y + it.y + it.height / 2]; })()"
    )
    tab.evaluate(
        f"{PAGE}.addEventListener('click', event => {{ "
        f"{FRAME}.dataset.hit = event.target.closest('{selector}') !== null }}, true)"
    )

    def hit() -> bool:
        x, y = tab.wait_for(place)
        tab.click(x, y)
        # No frame any more: the click has led away.
        return bool(tab.evaluate(f"{FRAME} === null || {FRAME}.dataset.hit === 'true'"))

    tab.evaluate(f"delete {FRAME}.dataset.hit")
    wait_until(hit, f"a click on {selector}")


def keep(tab: Tab, path: Path) -> None:
    """Keep what is to be seen."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(tab.screenshot())
