"""Who a request to the tracking server is from, as MLflow's basic-auth app asks it.

MLflow calls `authenticate` where its own check of a password would be (`authorization_function`:
https://mlflow.org/docs/latest/self-hosting/security/custom/), and decides by the user's name what
it may do. Of the users that Mooring makes it keeps the names and rights, and no password that
works. People whom an admin makes in MLflow log in as without Mooring.
"""

import os
import secrets
from pathlib import Path
from typing import Final

from flask import current_app, g, make_response, request
from mlflow.exceptions import MlflowException
from mlflow.server import auth
from mlflow.server.auth.permissions import MANAGE
from werkzeug.datastructures import Authorization
from werkzeug.wrappers import Response

from mooring import contract
from mooring.passwords import ADMIN, Logins, is_minted

METRICS: Final = "/metrics"
OWNED: Final = ("experiment", "registered_model", "prompt")
"""What the workspace's own user manages, whoever made it."""

_FOLDER: Final = Path(os.environ[contract.AUTH])


class _Files:
    """The key and the logins, read again when the kubelet has put others in their place."""

    def __init__(self) -> None:
        self._seen: tuple[int, int] = (0, 0)
        self._read = ("", Logins(""))

    def current(self) -> tuple[str, Logins]:
        """The key, and which passwords are good. Raises OSError, ValueError."""
        found = (_FOLDER / contract.AUTH_LOGINS_FILE).stat()
        if (found.st_ino, found.st_mtime_ns) != self._seen:
            key = (_FOLDER / contract.AUTH_KEY_FILE).read_text()
            logins = Logins.loaded((_FOLDER / contract.AUTH_LOGINS_FILE).read_text())
            self._read, self._seen = (key, logins), (found.st_ino, found.st_mtime_ns)
        return self._read


_FILES: Final = _Files()
_OWNERS: Final[set[str]] = set()
"""Users that this process has given what an owner may do."""


def authenticate() -> Authorization | Response:
    """The login of the current request, or the answer to a request without a good one.

    MLflow asks several times for each request.
    """
    if request.path == contract.PROBE_PATH and contract.PROBE_HEADER in request.headers:
        # raises what MLflow answers as 503 when the database does not answer
        auth.store.has_user(ADMIN)
        return make_response("the database answers")
    given = request.authorization
    if given is None or given.type != "basic" or not given.username:
        if request.path == METRICS and request.endpoint:
            # numbers of requests, for a Prometheus that has no user
            return make_response(current_app.view_functions[request.endpoint]())
        return _refusal()
    if not is_minted(given.username):
        answer: Authorization | Response = auth.authenticate_request_basic_auth()
        return answer
    key, logins = _FILES.current()
    if not logins.admit(key, given.username, given.password or ""):
        return _refusal()
    if g.get("mooring_user") != given.username:
        _know(given.username, given.username == logins.owner)
        g.mooring_user = given.username
    return given


def _refusal() -> Response:
    answer: Response = auth.make_basic_auth_response()
    return answer


def _know(user: str, owner: bool) -> None:
    """Have MLflow know `user`, who has a good password; the owner manages what there is."""
    if not auth.store.has_user(user):
        try:
            # nobody knows this password, and `is_minted` keeps MLflow from asking for it
            auth.store.create_user(user, secrets.token_urlsafe(24), is_admin=user == ADMIN)
        except MlflowException:
            # another server was first
            if not auth.store.has_user(user, use_primary=True):
                raise
    if owner and user not in _OWNERS:
        for kind in OWNED:
            auth.store.grant_user_permission(user, kind, "*", MANAGE.name)
        _OWNERS.add(user)
