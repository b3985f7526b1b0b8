"""Every fault of the matrix."""

from typing import Final

from tests.faults.corpus import credential, identity, platform, uri
from tests.faults.fault import FRESH, IN_SCENES, KEPT, OUTSIDE, Family, Fault, Way

CONTROLS: Final = (
    Fault(
        "nothing is wrong",
        Family.CONTROL,
        dict.fromkeys(sorted(set(Way) - OUTSIDE - IN_SCENES - {Way.VOLUME}), KEPT),
    ),
    Fault(
        "nothing is wrong, with a role instead of a key",
        Family.CONTROL,
        {Way.LABEL: KEPT, Way.VOLUME: KEPT},
        keyless=True,
        token=FRESH,
    ),
    Fault(
        "nothing is wrong, with a pause in the training",
        Family.CONTROL,
        dict.fromkeys(sorted(OUTSIDE), KEPT),
        outside="nothing",
    ),
)
"""What proves that the matrix can see a model that was kept."""

FAULTS: Final[tuple[Fault, ...]] = (
    *uri.FAULTS,
    *credential.FAULTS,
    *identity.FAULTS,
    *platform.FAULTS,
)
