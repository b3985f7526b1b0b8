"""Completion of `kubectl mooring`: kubectl asks the program `kubectl_complete-mooring` for words.

It takes the words so far and writes a word a line, then a directive (kubernetes.io: kubectl
plugins, cobra's protocol).
"""

import os
import shlex
import sys
from contextlib import suppress
from typing import Final

from mooring import main
from mooring.cli.base import app

FILES_WHERE_THERE_IS_NONE: Final = ":0"
"""Cobra's directive that leaves the rest to the shell, which then completes the names of files."""


def run() -> None:
    """Answer with the words that may stand in the place of the last argument."""
    words = ["mooring", *sys.argv[1:]]
    os.environ[main.COMPLETING] = "complete_bash"
    os.environ["COMP_WORDS"] = shlex.join(words)
    os.environ["COMP_CWORD"] = str(len(words) - 1)
    with suppress(SystemExit):
        app(prog_name="mooring")
    print(FILES_WHERE_THERE_IS_NONE)
