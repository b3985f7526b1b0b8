"""What is told of experiments that keep their artifacts elsewhere."""

from mooring_operator.api.conditions import MESSAGE_LIMIT
from mooring_operator.status.experiments import elsewhere

ROOT = "s3://mlflow/team-a/models"


def test_nothing_is_told_of_none() -> None:
    assert elsewhere(ROOT, [], 0) is None


def test_names_and_places_are_told_and_the_others_counted() -> None:
    found = elsewhere(ROOT, [("old", "./mlruns/1"), ("theirs", "s3://theirs/2")], 7)
    assert found is not None
    assert found.reason == "ExperimentsElsewhere"
    assert not found.waiting, "no event tells that somebody deleted them"
    for part in (ROOT, "7 active", "'old' at './mlruns/1', 'theirs' at 's3://theirs/2' and 5 more"):
        assert part in found.message


def test_what_users_chose_is_shown_without_logins_and_short() -> None:
    named = [("a\nb" + 300 * "x", "http://me:not-to-be-seen@host/" + 300 * "y")] * 4
    found = elsewhere(ROOT, named, 4)
    assert found is not None
    assert len(found.message) < MESSAGE_LIMIT
    assert "not-to-be-seen" not in found.message
    assert "\n" not in found.message
    assert "more" not in found.message
