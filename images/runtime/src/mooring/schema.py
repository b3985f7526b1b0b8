"""The schemas that MLflow keeps in a database: its backend store's, and its basic-auth app's.

Each has a table of its own that names its revision, so both lie in one database, and a copy of it
is a copy of both. MLflow is imported late: it takes seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Schema:
    """The revision that a database has, None without any, and the one of the installed MLflow.

    `scripts` are alembic's, `change` brings the database from the one to the other.
    """

    found: str | None
    wanted: str
    scripts: Any
    change: Callable[[], None]

    @property
    def current(self) -> bool:
        """Whether nothing has to be done."""
        return self.found == self.wanted

    @property
    def known(self) -> bool:
        """Whether the installed MLflow knows the revision that is there."""
        return self.found in {script.revision for script in self.scripts.walk_revisions()}


def schemas(engine: Any, *, auth: bool) -> list[Schema]:
    """The schemas in the database of `engine`, with `auth` that of the basic-auth app too.

    Raises SQLAlchemy's OperationalError where the database does not answer.
    """
    return [_backend_store(engine), *([_basic_auth(engine)] if auth else [])]


def _backend_store(engine: Any) -> Schema:
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from mlflow.store.db import utils  # noqa: PLC0415

    found = utils._get_schema_version(engine)

    def change() -> None:
        if found is None:
            # older releases upgrade only what has tables
            utils._initialize_tables(engine)
        else:
            utils._upgrade_db(engine)

    scripts = ScriptDirectory.from_config(utils._get_alembic_config(db_url=""))
    return Schema(found, utils._get_latest_schema_revision(), scripts, change)


def _basic_auth(engine: Any) -> Schema:
    from alembic.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from mlflow.server.auth.db import utils  # noqa: PLC0415

    with engine.connect() as connection:
        options = {"version_table": "alembic_version_auth"}
        found = MigrationContext.configure(connection, opts=options).get_current_revision()
    if found is None and utils._is_legacy_database(engine):
        found = utils.INITIAL_REVISION
    scripts = ScriptDirectory.from_config(utils._get_alembic_config(""))
    return Schema(
        found, str(scripts.get_current_head()), scripts, lambda: utils.migrate(engine, "head")
    )
