"""The operator, killed by itself after each thing that it changes: kill -9 at every moment."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import psycopg
from botocore.client import BaseClient

from mooring_operator import main
from mooring_operator.apiserver import ApiServer
from tests.cluster.process import die_with_parent

_READS: Final = re.compile(r"(Get|Head|List)\w*$|GET /|SELECT |SET |\s*$")
_AWS: Final = "_make_api_call"


def crash_after_each_change(seen: Path) -> None:
    """Run the operator, which is killed after it has changed something for the first time, again.

    It goes on like that until nothing is left that it has not been killed after. A change is a
    write to the API server, a call of S3 or IAM that does more than look, a statement of SQL.
    `seen` gets a line for each. Every run is a process of its own, made from this one, which has
    imported all and done nothing.
    """
    while True:
        child = os.fork()
        if child == 0:
            die_with_parent()
            _run(seen)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return


def _run(seen: Path) -> None:
    known = set(seen.read_text().splitlines()) if seen.exists() else set()

    def changed(what: str) -> None:
        line = " ".join(what.split())
        if _READS.match(line) or line in known:
            return
        with seen.open("a") as log:
            log.write(f"{line}\n")
        os.kill(os.getpid(), signal.SIGKILL)

    def watched(method: Callable[..., Any], name: Callable[..., str]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            answer = method(*arguments, **named)
            changed(name(*arguments, **named))
            return answer

        return call

    def of_kube(_: object, verb: str, path: str, **__: Any) -> str:
        return f"{verb} {path}"

    def of_aws(_: object, operation: str, parameters: Any) -> str:
        return f"{operation} {parameters}"

    def of_sql(session: psycopg.Connection[Any], statement: Any, *_: object) -> str:
        return statement if isinstance(statement, str) else statement.as_string(session)

    ApiServer._call = watched(ApiServer._call, of_kube)  # type: ignore[method-assign]
    setattr(BaseClient, _AWS, watched(getattr(BaseClient, _AWS), of_aws))
    psycopg.Connection.execute = watched(psycopg.Connection.execute, of_sql)  # type: ignore[method-assign]
    main.main()
