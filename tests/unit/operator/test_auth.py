"""Who may log in as bindings come and go, and passwords are replaced."""

from mooring import contract
from mooring.passwords import ADMIN
from mooring_operator.plan.auth import Users, is_stale, new_users, users_in, users_secret
from mooring_operator.plan.binding import decoded
from mooring_operator.plan.metadata import Owner
from mooring_operator.plan.rotation import Rotation

TEAM = Owner("MlflowWorkspace", "team-a", "models", "uid")
OWNER, GUEST = "team-a/models", "team-b/guest"
BOTH = frozenset({OWNER, GUEST})


def good(users: Users, login: dict[str, str]) -> bool:
    """Whether a server of `users` takes the login."""
    return users.logins.admit(
        users.key, login[contract.TRACKING_USERNAME], login[contract.TRACKING_PASSWORD]
    )


def test_a_user_that_goes_is_refused_and_one_that_comes_back_gets_another_password() -> None:
    users = new_users(TEAM).admitting(BOTH)
    first, owner = users.login(GUEST), users.login(OWNER)
    gone = users.admitting(frozenset({OWNER}))
    assert not good(gone, first)
    assert good(gone, owner)
    back = gone.admitting(BOTH)
    assert good(back, back.login(GUEST))
    assert not good(back, first)
    assert not is_stale(back, back.login(GUEST))


def test_new_passwords_are_good_at_once_and_old_ones_until_they_are_closed() -> None:
    users = new_users(TEAM).admitting(BOTH)
    old = [users.login(user) for user in (OWNER, GUEST, ADMIN)]
    renewed = users.renewed()
    new = [renewed.login(user) for user in (OWNER, GUEST, ADMIN)]
    assert all(good(users, login) for login in new), "servers that were told nothing take them"
    assert all(good(renewed, login) for login in old)
    closed = renewed.closed()
    assert not any(good(closed, login) for login in old)
    assert all(good(closed, login) for login in new)


def test_one_that_came_back_gets_another_password_with_the_next_rotation_too() -> None:
    users = new_users(TEAM).admitting(BOTH).admitting(frozenset({OWNER})).admitting(BOTH)
    before = users.login(GUEST)
    renewed = users.renewed()
    assert renewed.login(GUEST) != before
    assert is_stale(renewed, before)
    closed = renewed.closed()
    assert not good(closed, before)
    assert closed.logins.withdrawn == {}, "what nobody could use any more is forgotten"


def test_the_secret_says_all_there_is_to_know() -> None:
    users = new_users(TEAM).admitting(BOTH).renewed().admitting(frozenset({OWNER}))
    secret = users_secret(TEAM, users, Rotation("2026-01-01T00:00:00Z"))
    values = decoded(secret)
    assert users_in(values) == users
    assert good(users, {contract.TRACKING_USERNAME: values["username"],
                        contract.TRACKING_PASSWORD: values["password"]})  # fmt: skip


def test_what_makes_no_sense_counts_as_nothing() -> None:
    values = decoded(users_secret(TEAM, new_users(TEAM), Rotation("2026-01-01T00:00:00Z")))
    for key in (contract.AUTH_KEY_FILE, contract.AUTH_LOGINS_FILE, "state"):
        for spoiled in ("", "[]", "{}", "null"):
            if key != contract.AUTH_KEY_FILE or not spoiled:
                assert users_in({**values, key: spoiled}) is None
    assert users_in({}) is None
