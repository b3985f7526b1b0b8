"""Kubernetes quantities: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/."""

import re
from decimal import Decimal
from typing import Any, Final

_QUANTITY: Final = re.compile(r"^(?P<number>\d+(\.\d+)?)(?P<suffix>m|[kMGTPE]|[KMGTPE]i)?$")
_FACTORS: Final = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{s: Decimal(1000) ** (i + 1) for i, s in enumerate("kMGTPE")},
    **{f"{s}i": Decimal(1024) ** (i + 1) for i, s in enumerate("KMGTPE")},
}


def quantity(value: Any) -> Decimal | None:
    """The number that a text such as 500m or 1.5Gi stands for; None where it is no quantity."""
    match = _QUANTITY.match(value) if isinstance(value, str) else None
    return Decimal(match["number"]) * _FACTORS[match["suffix"] or ""] if match else None
