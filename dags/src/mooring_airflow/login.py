"""The login of a binding, for a tracking server that asks for one."""

import base64
from collections.abc import Callable, Generator
from typing import Any

import httpx
from kubernetes.client.exceptions import ApiException

from mooring import contract
from mooring.finding import Finding
from mooring_airflow.errors import MooringError

ReadLogin = Callable[[], str | None]
"""Gives the value of an authorization header, None where there is none; raises MooringError."""


class LoginWhenAsked(httpx.Auth):
    """Logs in once the server asks, and again when it no longer takes what was read before."""

    requires_response_body = True

    def __init__(self, read: ReadLogin) -> None:
        self._read = read
        self._login: str | None = None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """See `httpx.Auth.auth_flow`."""
        if self._login is not None:
            request.headers["authorization"] = self._login
        answer = yield request
        if answer.status_code != httpx.codes.UNAUTHORIZED or _is_of_the_store(answer):
            return
        self._login = self._read()
        if self._login is not None:
            request.headers["authorization"] = self._login
            yield request


def _is_of_the_store(answer: httpx.Response) -> bool:
    """Whether it is the server whose key the store does not know: that is a 401 too.

    mlflow/store/artifact/s3_artifact_repo.py turns InvalidAccessKeyId into UNAUTHENTICATED, which
    the REST API tells by that name; who is to log in is told in plain text, or by a proxy.
    """
    try:
        said = answer.json()
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("error_code") == "UNAUTHENTICATED"


def read_login(hook: Any, namespace: str, binding: str) -> str | None:
    """The login in the Secret of a binding, read with a KubernetesHook, as MLflow's client says it.

    None where the Secret has none.

    Raises MooringError where the Secret cannot be read.
    """
    name = contract.published_name(binding)
    try:
        data = hook.core_v1_client.read_namespaced_secret(name, namespace).data or {}
    except ApiException as error:
        raise MooringError(_unreadable(f"{namespace}/{name}", error)) from None
    keys = (contract.TRACKING_USERNAME, contract.TRACKING_PASSWORD)
    if all(key in data for key in keys):
        user, password = (base64.b64decode(data[key]) for key in keys)
        return f"Basic {base64.b64encode(user + b':' + password).decode()}"
    if contract.TRACKING_TOKEN in data:
        return f"Bearer {base64.b64decode(data[contract.TRACKING_TOKEN]).decode()}"
    return None


def _unreadable(secret: str, error: ApiException) -> Finding:
    if error.status == 403:
        return Finding(
            "LoginForbidden",
            f"the tracking server asks for a login, and Airflow may not read Secret {secret}: "
            "give its service account the right to get Secrets there, as ClusterRole "
            "mooring-launcher-login of the chart has it.",
        )
    return Finding(
        "LoginUnreadable",
        f"the tracking server asks for a login, and Secret {secret} could not be read: HTTP "
        f"{error.status} {error.reason}. See: kubectl describe mlflowbinding -n "
        f"{secret.partition('/')[0]}",
    )
