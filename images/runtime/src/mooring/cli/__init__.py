"""The command line for people, `mooring` and `kubectl mooring`; it needs `mooring[cli]`.

Nothing that runs before a training imports it.
"""

import sys
from pathlib import Path
from typing import Final

from mooring.cli import commands as _commands  # noqa: F401 (adds its commands to the app)
from mooring.cli.base import app
from mooring.cli.demodata import command as _demo_data  # noqa: F401 (as well)
from mooring.cli.verify import command as _verify  # noqa: F401 (as well)

PLUGIN: Final = "kubectl-mooring"


def run() -> None:
    """Run the command that the arguments name, and exit as `mooring.cli.codes` says."""
    called = Path(sys.argv[0]).name
    app(prog_name=called.replace("-", " ") if called == PLUGIN else called)
