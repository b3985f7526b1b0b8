"""The guard: the init container that lets a pod start only when its work will be kept.

It makes the checks below with exactly the environment and mounts of the training container, and
refuses by the exit code of its reason (`mooring.guard.reasons`), or only tells what it found where
the binding says `guard: Warn`. Standard library and urllib3 only, and botocore's signer or
google-auth for a store that needs it: it runs before every training, so its imports are part of
every pod's start. `check()` is the same for a program that wants to look for itself.
"""

import os
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

from mooring.finding import Finding, redacted, say, secrets_of
from mooring.guard import environment, experiment, patience, store, tracking, version
from mooring.guard.http import Http
from mooring.guard.patience import Budget, GivenUp, patiently
from mooring.guard.reasons import Reason
from mooring.guard.result import Result, as_json, only_warns

Check = Callable[[Mapping[str, str], Http], Finding | None]

FIRST: Final[tuple[Check, ...]] = (
    environment.uri_is_remote,
    environment.pod_is_bound,
    environment.uri_is_the_bindings,
    environment.login_fits_a_header,
)
"""What needs no network, and what all others rely on."""

OF_THE_SERVER: Final[tuple[Check, ...]] = (
    tracking.server_answers,
    version.server_knows_the_client,
    tracking.server_is_the_workspaces,
    experiment.experiment_is_the_workspaces,
    experiment.experiment_id_is_the_named_ones,
    experiment.run_can_go_on,
)

OF_THE_STORE: Final[tuple[Check, ...]] = (store.round_trip,)
"""Made at the same time as those of the server, unless the server is the way to the store."""


def check(environ: Mapping[str, str] | None = None) -> Result:
    """Make every check with `environ`, by default this process's own; raises nothing.

    It waits for what may pass by itself, up to `patience.DEADLINE_S`, and says so on standard
    error. It makes the experiment when it is missing, and leaves nothing else behind.
    """
    given = os.environ if environ is None else environ
    secrets = secrets_of(given)
    started = time.monotonic()
    try:
        found = _found(given, secrets)
    except Exception as error:  # noqa: BLE001 (whatever it is: a pod that only warns must start)
        found = (_broken(error),)
    told = tuple(
        replace(f, message=redacted(f.message, secrets), remedy=redacted(f.remedy, secrets))
        for f in found
    )
    return Result(told, time.monotonic() - started, only_warns(given))


def run(environ: Mapping[str, str], arguments: Sequence[str] = ()) -> int:
    """`mooring guard [-o json]`: make every check and tell the result; the exit code.

    It is 0 when nothing was found, and where `contract.GUARD_MODE` says that the guard only warns.
    Findings also stand in the termination log.
    """
    result = check(environ)
    if result.findings:
        say(str(result))
    if arguments:
        print(as_json(result), flush=True)
    elif not result.findings:
        print(result, flush=True)
    return result.exit_code


def _found(environ: Mapping[str, str], secrets: Sequence[str]) -> tuple[Finding, ...]:
    http, budget = Http(environ), Budget(patience.DEADLINE_S)

    def first_of(checks: Iterable[Check]) -> Finding | None:
        for check in checks:
            try:
                found = patiently(lambda check=check: check(environ, http), secrets, budget)  # type: ignore[misc]
            except GivenUp:
                return None
            if found is not None:
                budget.give_up()
                return found
        return None

    found = first_of(FIRST)
    if found is not None:
        return (found,)
    if store.is_behind_the_server(environ):
        sides = [first_of((*OF_THE_SERVER, *OF_THE_STORE))]
    else:
        with ThreadPoolExecutor(2) as threads:
            sides = list(threads.map(first_of, (OF_THE_SERVER, OF_THE_STORE)))
    return tuple(found for found in sides if found is not None)


def _broken(error: Exception) -> Finding:
    """What broke and where; not in the words of the exception, which may hold a secret."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    return Finding(
        Reason.GUARD_FAILED,
        f"the guard itself broke ({type(error).__name__} at {where}), so nobody knows whether "
        "anything would be kept.",
        "Report it to who maintains Mooring; guard: Warn in the binding lets pods start meanwhile.",
    )
