"""Whether a live object is what was planned, so that nothing is written that is right already."""

from typing import Any, Final

from mooring.contract import GROUP
from mooring_operator.plan.metadata import Manifest, digest
from mooring_operator.plan.quantities import quantity

APPLIED_ANNOTATION: Final = f"{GROUP}/applied"


def marked(desired: Manifest) -> Manifest:
    """`desired` with the digest of its content, which shows later when a field was given up."""
    metadata = desired["metadata"]
    annotations = {**metadata.get("annotations", {}), APPLIED_ANNOTATION: digest(desired)}
    return desired | {"metadata": metadata | {"annotations": annotations}}


def differs(desired: Manifest, live: Manifest | None) -> bool:
    """Whether `desired` (see `marked`) must be applied again.

    Fields that only `live` has belong to others (defaults, replicas of an autoscaler, injected
    annotations) and do not count.
    """
    return live is None or not _covers(live, desired)


def _covers(live: Any, desired: Any) -> bool:
    # most of what is compared is the same, and the interpreter finds that out by itself; loops, and
    # dict instead of Mapping, because this is called for each part of each object of each look
    if live == desired:
        return True
    if isinstance(desired, dict):
        if not isinstance(live, dict):
            return False
        for key, value in desired.items():
            if not _covers(live.get(key), value) and not _is_empty(value):
                return False
        return True
    if isinstance(desired, list):
        return isinstance(live, list) and _covers_list(live, desired)
    return _same_quantity(live, desired)


def _covers_list(live: list[Any], desired: list[Any]) -> bool:
    if all(isinstance(item, dict) and "name" in item for item in desired):
        by_name = {item["name"]: item for item in live if isinstance(item, dict)}
        return all(_covers(by_name.get(item["name"]), item) for item in desired)
    return len(live) == len(desired) and all(map(_covers, live, desired))


def _is_empty(desired: Any) -> bool:
    """Whether the API server may have dropped it: it does not store an empty map or list."""
    return isinstance(desired, dict | list) and not desired


def _same_quantity(live: Any, desired: Any) -> bool:
    """Whether two texts are one quantity: the API server stores 1024Mi as 1Gi."""
    numbers = [quantity(value) for value in (live, desired)]
    return numbers[0] is not None and numbers[0] == numbers[1]
