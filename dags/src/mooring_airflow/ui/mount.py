"""Where the page is mounted in Airflow's API server. Imports next to nothing."""

from typing import Any, Final

MOUNTED_AT: Final = "mooring"


class Page:
    """The page as an ASGI application, imported by its first request."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """See the ASGI specification."""
        from mooring_airflow.ui.app import app  # noqa: PLC0415

        await app(scope, receive, send)
