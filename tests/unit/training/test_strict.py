"""Which lines tell of a loss, and what is said of it."""

import logging

import pytest

from mooring.contract import BINDING, BOUND_URI, STRICT
from mooring.training.strict import (
    SWALLOWED,
    Loss,
    elsewhere,
    foreign,
    is_strict,
    loss_of,
    sentence,
)

AUTOLOG, DATA, IMAGES = SWALLOWED


def line(logger: str, text: str) -> logging.LogRecord:
    return logging.LogRecord(logger, logging.WARNING, "", 0, text, None, None)


@pytest.mark.parametrize(
    ("logger", "text", "loss"),
    [
        (AUTOLOG, "Encountered unexpected error during sklearn autologging: no key\nmore",
         Loss("", "what sklearn autologging was about to log, so perhaps the model", "no key")),
        (AUTOLOG, "Encountered unexpected error during autologging: no key.",
         Loss("", "what autologging was about to log, so perhaps the model", "no key")),
        (DATA, "Run Id abc: Failed to log run data: Exception: refused",
         Loss("abc", "metrics, parameters or tags that were logged asynchronously", "refused")),
        (IMAGES, "Failed to log artifact a.png. Exception: refused",
         Loss("", "artifact a.png", "refused")),
        (AUTOLOG, "You are using an unsupported version of sklearn.", None),
    ],
)  # fmt: skip
def test_the_lines_that_tell_of_a_loss(logger: str, text: str, loss: Loss | None) -> None:
    assert loss_of(line(logger, text)) == loss


def test_several_losses_are_one_sentence() -> None:
    said = str(sentence([Loss("abc", "artifact a.png", "refused"), Loss("", "x", "y")]))
    assert said.startswith(
        "LoggingSwallowed: run abc lost artifact a.png (1 more like it): refused."
    )


def test_a_run_elsewhere_is_told_without_a_login() -> None:
    environ = {BOUND_URI: "http://mlflow.team-a.svc:5000", BINDING: "team-a"}
    assert not foreign("http://mlflow.team-a.svc:5000/", environ)
    assert not foreign("sqlite:///mlflow.db", {})
    other = "http://ada:secret-word@other:5000"
    assert foreign(other, environ)
    told = str(elsewhere(other, environ))
    assert "logged to 'http://other:5000', and the binding team-a gave 'http://mlflow." in told
    assert "secret-word" not in told


def test_anything_but_no_is_yes() -> None:
    assert [is_strict({STRICT: value}) for value in ("1", "true", "yes")] == [True] * 3
    assert [is_strict({STRICT: value}) for value in ("", "0", "False")] == [False] * 3
    assert not is_strict({})
