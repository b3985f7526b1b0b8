"""What a check found, and how a command of this package tells it."""

import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mooring import contract

TERMINATION_LOG: Final = Path("/dev/termination-log")
"""The kubelet copies this file into the container's status, where Airflow and kubectl read it."""

TERMINATION_LOG_BYTES: Final = 4096
"""The kubelet cuts longer messages (kubernetes.io: determine-reason-pod-failure)."""

SHORTEST_SECRET: Final = 6


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a check refuses: a CamelCase reason, one sentence with what was found, the way out.

    `message` has the way out in it where `remedy` is empty. `patience` is for how many seconds the
    same check is worth trying again before the finding stands: 0 for what does not go away by
    itself.
    """

    reason: str
    message: str
    remedy: str = ""
    patience: float = 0.0

    def __str__(self) -> str:
        return f"{self.reason}: {self.message} {self.remedy}".rstrip()


def secrets_of(environ: Mapping[str, str]) -> list[str]:
    """The credentials in `environ`, to be blanked in everything that is written.

    A user's name is none, and says in a message whose login was refused.
    """
    names = {*contract.SECRET_KEYS, contract.AWS_SESSION_TOKEN} - {contract.TRACKING_USERNAME}
    return [environ[name] for name in names if name in environ]


def tell(finding: Finding, secrets: Iterable[str]) -> None:
    """Write `finding` to standard error and to the termination log, without any of `secrets`."""
    say(redacted(str(finding), secrets))


def say(text: str) -> None:
    """Write `text`, which must hold no secret, to standard error and to the termination log."""
    print(text, file=sys.stderr, flush=True)
    # Outside a pod, and in a pod with another terminationMessagePath, the file is not there.
    with suppress(OSError):
        TERMINATION_LOG.write_bytes(text.encode()[:TERMINATION_LOG_BYTES])


def redacted(text: str, secrets: Iterable[str]) -> str:
    """`text` with every secret replaced by ***; values too short to be secrets are left alone."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text
