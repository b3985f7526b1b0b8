"""What the guard found out, in the forms in which it is told."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mooring import contract
from mooring.finding import Finding
from mooring.guard.reasons import exit_code_of

Verdict = Literal["Agrees", "Warns", "Refuses"]


@dataclass(frozen=True, slots=True)
class Result:
    """The findings in the order of the checks, none when all is well; no secret is in them.

    `warns` says that a finding is told and does not keep a training from starting.
    """

    findings: tuple[Finding, ...]
    seconds: float
    warns: bool = False

    @property
    def verdict(self) -> Verdict:
        """Whether a training may start, and whether without a word."""
        if not self.findings:
            return "Agrees"
        return "Warns" if self.warns else "Refuses"

    @property
    def exit_code(self) -> int:
        """0 where a training may start, else the code of the first finding's reason."""
        return exit_code_of(self.findings[0].reason) if self.verdict == "Refuses" else 0

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON has it; `seconds` is how long the checks took."""
        return {
            "verdict": self.verdict,
            "exitCode": self.exit_code,
            "seconds": round(self.seconds, 3),
            "findings": [
                {
                    "reason": str(finding.reason),
                    "exitCode": exit_code_of(finding.reason),
                    "message": finding.message,
                    "remedy": finding.remedy,
                }
                for finding in self.findings
            ],
        }

    def __str__(self) -> str:
        """What people read: a line for each finding, or one that all is well."""
        lines = [str(finding) for finding in self.findings]
        return "\n".join(lines) or f"mooring guard: all is well after {self.seconds:.2f} s"


def as_json(result: Result) -> str:
    """The result in one line for machines."""
    return json.dumps(result.as_dict())


def only_warns(environ: Mapping[str, str]) -> bool:
    """Whether the binding says that its guard only warns; any other value refuses."""
    return environ.get(contract.GUARD_MODE) == contract.GUARD_WARN
