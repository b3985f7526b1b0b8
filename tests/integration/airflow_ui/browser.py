"""A real browser: Debian's Chromium without a window, driven by its DevTools protocol.

A hundred lines over the websocket client that the Kubernetes client brings, in place of a driver
with a package and a program of its own.
"""

import base64
import itertools
import json
import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx
import websocket

from tests.cluster.process import PATIENCE_S, wait_until
from tests.services.process import service

FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
"""Without the network in the background: it only fails, where a machine has none."""


class RefusedError(Exception):
    """The browser answered with an error."""


class Tab:
    """A tab of the browser."""

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(
            address, timeout=PATIENCE_S, suppress_origin=True
        )
        self._numbers = itertools.count(1)

    def close(self) -> None:
        """Leave the tab."""
        self._socket.close()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol, and wait for its answer."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            said = json.loads(self._socket.recv())
            if said.get("id") == number:
                if "error" in said:
                    raise RefusedError(f"{method}: {said['error']}")
                return dict(said["result"])

    def log_in(self, url: str, token: str) -> None:
        """Have the cookie that Airflow gives when somebody logs in."""
        self.call("Network.setCookie", name="_token", value=token, url=url, httpOnly=True)

    def open(self, url: str) -> None:
        """Go to `url`."""
        self.call("Page.navigate", url=url)

    def look(self, size: tuple[int, int], theme: str) -> None:
        """Take a size in pixels, and a system whose colours are light or dark."""
        width, height = size
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        feature = {"name": "prefers-color-scheme", "value": theme}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; None while it cannot be had, as between pages."""
        try:
            answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        except RefusedError:
            return None
        return None if "exceptionDetails" in answer else answer["result"].get("value")

    def wait_for(self, expression: str) -> Any:
        """The value of `expression` once it is true."""
        wait_until(lambda: bool(self.evaluate(expression)), f"the browser to see {expression}")
        return self.evaluate(expression)

    def click(self, x: float, y: float) -> None:
        """Click as a hand does."""
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self) -> bytes:
        """What is to be seen, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])


class Browser:
    """A running browser."""

    def __init__(self, port: int) -> None:
        self._origin = f"http://127.0.0.1:{port}"

    @contextmanager
    def tab(self) -> Iterator[Tab]:
        """A new tab, until the block ends."""
        made = httpx.put(f"{self._origin}/json/new", timeout=60).json()
        tab = Tab(made["webSocketDebuggerUrl"])
        try:
            yield tab
        finally:
            tab.close()

    def addresses(self) -> Sequence[str]:
        """Where its tabs are."""
        tabs = httpx.get(f"{self._origin}/json/list", timeout=60).json()
        return [str(tab["url"]) for tab in tabs if tab["type"] == "page"]


@contextmanager
def browser() -> Iterator[Browser]:
    """Run Chromium until the block ends."""
    program = shutil.which("chromium")
    if program is None:
        raise RuntimeError("chromium: not found; python -m tests.cluster host installs it")
    with TemporaryDirectory(prefix="mooring-test-", ignore_cleanup_errors=True) as made:
        home = Path(made)
        port = home / "DevToolsActivePort"
        command = [program, *FLAGS, f"--user-data-dir={home}", "about:blank"]
        # No wish of this machine's for a proxy: all that is looked at is on this machine.
        env = {"HOME": made, "no_proxy": "127.0.0.1"}
        log = home / "chromium.log"
        with service(command, env=env, log=log, ready=lambda: bool(_port(port))) as process:
            try:
                yield Browser(_port(port))
            finally:
                # All of its processes: one that ends in peace writes into a folder that goes.
                os.killpg(process.pid, signal.SIGKILL)


def _port(written: Path) -> int:
    lines = written.read_text().split() if written.exists() else []
    return int(lines[0]) if len(lines) == 2 else 0
