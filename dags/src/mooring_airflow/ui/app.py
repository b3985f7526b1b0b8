"""The page as a FastAPI application inside Airflow's API server.

Airflow mounts a plugin's application without asking who is there; each route asks by Airflow's own
dependencies, as its API does for the same records (airflow.api_fastapi.core_api.security).
"""

from pathlib import Path
from typing import Any, Final

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.utils.session import create_session
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException as RefusedByStarlette

from mooring_airflow.ui.mount import MOUNTED_AT
from mooring_airflow.ui.page import page_of
from mooring_airflow.ui.records import read_dag_run
from mooring_airflow.ui.servers import ask

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; "
        "frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""No answer may be kept, and none may load anything but the two files beside it."""

SHOWN: Final = (DagAccessEntity.RUN, DagAccessEntity.TASK_INSTANCE, DagAccessEntity.XCOM)
"""What of a DAG the page shows, and so what its reader must have the right to read."""

templates: Final = Environment(
    loader=PackageLoader("mooring_airflow.ui"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)

app: Final = FastAPI(title="MLflow", docs_url=None, redoc_url=None, openapi_url=None)
app.mount("/static", StaticFiles(directory=Path(__file__).with_name("static")), name="static")


@app.get(
    "/dags/{dag_id}/runs/{run_id:path}",
    dependencies=[Depends(requires_access_dag("GET", entity)) for entity in SHOWN],
)
def dag_run(request: Request, dag_id: str, run_id: str) -> HTMLResponse:
    """The MLflow runs of one DAG run."""
    with create_session(scoped=False) as session:
        recorded = read_dag_run(session, dag_id, run_id)
    if recorded is None:
        raise HTTPException(404, f"DAG {dag_id} has no run {run_id}.")
    # Without the session: a server that is slow must hold no connection to Airflow's database.
    answers = ask(dag_id, run_id, [task.binding for task in recorded.tasks if task.binding])
    airflow = request.scope["root_path"].removesuffix(f"/{MOUNTED_AT}")
    return _html(request, "dag_run.html", page=page_of(recorded, answers, airflow))


@app.exception_handler(RefusedByStarlette)
def refused(request: Request, error: RefusedByStarlette) -> HTMLResponse:
    """Why there is nothing to see, as a page: it stands in a tab of Airflow's."""
    said = {
        401: "Log in to Airflow to see this page.",
        403: "You may not read this DAG, so there is nothing to see here.",
    }.get(error.status_code, error.detail)
    return _html(request, "refused.html", error.status_code, said=said)


def _html(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    static = f"{request.scope['root_path']}/static"
    text = templates.get_template(template).render(static=static, **values)
    return HTMLResponse(text, status, HEADERS)
