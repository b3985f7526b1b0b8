"""Passwords that a key signs: which are good, and which are good no longer."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.passwords import ADMIN, Logins, is_minted, minted, serial_of, user_of

KEY, USER = "a-key", user_of("team-a", "models")


def test_a_password_is_good_for_its_user_and_its_key_alone() -> None:
    logins, password = Logins(USER), minted(KEY, USER, 1)
    assert logins.admit(KEY, USER, password)
    assert not logins.admit("another", USER, password)
    assert not logins.admit(KEY, user_of("team-a", "model"), password)
    assert not logins.admit(KEY, USER, password.replace("1-", "2-", 1))
    assert not logins.admit(KEY, USER, minted(KEY, USER, 0)), "below the oldest"


def test_names_and_numbers_cannot_be_put_together_another_way() -> None:
    assert minted(KEY, "1 a/b", 1) != minted(KEY, "a/b", 11)


def test_of_a_withdrawn_user_only_later_passwords_are_good() -> None:
    logins = Logins(USER, withdrawn={"b/guest": 4})
    assert not logins.admit(KEY, "b/guest", minted(KEY, "b/guest", 3))
    assert logins.admit(KEY, "b/guest", minted(KEY, "b/guest", 4))
    assert logins.admit(KEY, USER, minted(KEY, USER, 1))


@pytest.mark.parametrize("text", ["9" * 5000 + "-x", "-1-x", "²-x", "1-\ud800", "1-", "-"])
def test_what_looks_like_a_password_is_none(text: str) -> None:
    assert not Logins(USER).admit(KEY, USER, text)


@given(st.text())
def test_no_text_is_a_password(text: str) -> None:
    assert not Logins(USER).admit(KEY, USER, text)
    serial_of(text)


@given(st.text())
def test_no_text_but_logins_is_loaded(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Logins.loaded(text)


def test_logins_come_back_from_their_text() -> None:
    logins = Logins(USER, 3, {"b/guest": 7})
    assert Logins.loaded(logins.dumped()) == logins
    assert json.loads(logins.dumped())["owner"] == USER


@pytest.mark.parametrize(("user", "expected"), [(ADMIN, True), (USER, True), ("ada", False)])
def test_people_keep_the_passwords_that_mlflow_keeps(user: str, expected: bool) -> None:
    assert is_minted(user) is expected
