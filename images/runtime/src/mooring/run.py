"""`mooring run -- CMD`: the guard's checks, made in the process that then becomes the training.

For images that bring this package, where the binding says `guard: Off` or no init container can be
had. It sees what the guard cannot: the environment that the training ends up with. The checks need
the extra `mooring[guard]`.
"""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from mooring import contract, guard
from mooring.finding import say

CANNOT_RUN: Final = 126
NOT_FOUND: Final = 127
"""Exit codes of a command that could not be started, as a shell has them."""


def run(environ: Mapping[str, str], command: Sequence[str]) -> int:
    """Check `environ`, then become `command` with it; the exit code when that cannot be.

    `contract.GUARD_MODE` decides as `spec.guard` does: `Warn` tells and goes on, `Off` checks
    nothing. Signals reach the command itself, because it takes the place of this process.
    """
    if environ.get(contract.GUARD_MODE) != contract.GUARD_OFF:
        result = guard.check(environ)
        if result.findings:
            say(str(result))
        else:
            # standard output is the command's
            print(result, file=sys.stderr, flush=True)
        if result.exit_code:
            return result.exit_code
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
        # Python ignores them, and what is ignored stays so (docs.python.org, restore_signals)
        signal.signal(ignored, signal.SIG_DFL)
    try:
        os.execvpe(command[0], list(command), dict(environ))  # noqa: S606 (it is the caller's own)
    except FileNotFoundError:
        print(f"mooring run: {command[0]} is not there: check the command", file=sys.stderr)
        return NOT_FOUND
    except OSError as error:
        print(f"mooring run: {command[0]} cannot be run ({error.strerror})", file=sys.stderr)
        return CANNOT_RUN
