"""What `verify` concludes from what a tracking server has."""

import pytest

from mooring.cli.verify.evidence import READY, Evidence, File, Part, problems_of

FILE = File("MLmodel", 3, 3, "abc")
RUN = Part("the run", "", (FILE,))


def evidence(*parts: Part, status: str = "FINISHED") -> Evidence:
    """Return the evidence of a run."""
    return Evidence("r", status, "s3://b", parts)


@pytest.mark.parametrize(
    ("found", "reasons"),
    [
        (evidence(RUN, Part("model m", READY, (FILE,))), []),
        (evidence(Part("the run", "", (File("only-listed", None),))), []),
        (evidence(RUN, status="RUNNING"), ["RunNotFinished"]),
        (evidence(Part("the run", "", ())), ["NothingLogged"]),
        (evidence(Part("the run", "", (), "HTTP 500, no")), ["NotListed"]),
        (evidence(RUN, Part("model m", "LOGGED_MODEL_UPLOAD_FAILED", ())), ["ModelNotReady"]),
        (evidence(RUN, Part("model m", READY, ())), ["ModelMissing"]),
        (evidence(RUN, Part("model m", READY, (), "HTTP 500, no")), ["NotListed"]),
        (evidence(Part("the run", "", (File("a", 3, error="HTTP 404."),))), ["NotReadable"]),
        (evidence(Part("the run", "", (File("a", 3, 2, "abc"),))), ["SizeDiffers"]),
    ],
)
def test_says_what_did_not_land(found: Evidence, reasons: list[str]) -> None:
    assert [problem.reason for problem in problems_of(found)] == reasons
