"""How the worker logs in: only when it is asked to, and anew when its login is old."""

import base64
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from kubernetes.client.exceptions import ApiException

from mooring import contract
from mooring_airflow.errors import MooringError
from mooring_airflow.login import LoginWhenAsked, read_login


class Server:
    """Takes one password, which may change; it counts what it is asked."""

    def __init__(self, password: str | None) -> None:
        self.password = password
        self.asked = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.asked += 1
        if self.password is None:
            assert "authorization" not in request.headers
            return httpx.Response(200)
        good = request.headers.get("authorization") == basic(self.password)
        return httpx.Response(200 if good else 401)


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"a/b:{password}".encode()).decode()


def client(server: Server, *passwords: str) -> httpx.Client:
    logins = iter([basic(password) for password in passwords])
    auth = LoginWhenAsked(lambda: next(logins, None))
    transport = httpx.MockTransport(server)
    return httpx.Client(transport=transport, base_url="http://server", auth=auth)


def test_says_nothing_to_a_server_that_asks_nobody() -> None:
    server = Server(None)
    assert client(server).get("/").status_code == 200
    assert server.asked == 1


def test_reads_the_login_once_and_again_when_it_was_replaced() -> None:
    server = Server("1")
    with client(server, "1", "2") as http:
        assert [http.get("/").status_code for _ in range(3)] == [200, 200, 200]
        assert server.asked == 4, "one request more, for the first"
        server.password = "2"
        assert http.get("/").status_code == 200


def test_a_store_that_does_not_know_the_server_asks_nobody_for_a_login() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        assert "authorization" not in request.headers
        return httpx.Response(401, json={"error_code": "UNAUTHENTICATED", "message": "no key"})

    def read() -> str:
        raise AssertionError("nobody may read the login for it")

    transport, auth = httpx.MockTransport(handle), LoginWhenAsked(read)
    with httpx.Client(transport=transport, base_url="http://server", auth=auth) as http:
        assert http.get("/").status_code == 401


def test_a_login_that_is_refused_ends_in_the_servers_answer() -> None:
    assert client(Server("1"), "wrong").get("/").status_code == 401
    assert client(Server("1")).get("/").status_code == 401


def hook(answer: Any) -> Any:
    """A KubernetesHook whose API server gives `answer`, or raises it."""

    def read(name: str, namespace: str) -> Any:
        assert (name, namespace) == ("train-mlflow", "team-a")
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(data=answer)

    return SimpleNamespace(core_v1_client=SimpleNamespace(read_namespaced_secret=read))


def test_reads_the_login_of_the_binding() -> None:
    values = {contract.TRACKING_USERNAME: "a/b", contract.TRACKING_PASSWORD: "1-x"}
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    assert read_login(hook(data), "team-a", "train") == basic("1-x")
    token = {contract.TRACKING_TOKEN: base64.b64encode(b"t").decode()}
    assert read_login(hook(token), "team-a", "train") == "Bearer t"
    assert read_login(hook(None), "team-a", "train") is None


@pytest.mark.parametrize(
    ("status", "told"),
    [(403, "LoginForbidden: .*ClusterRole mooring-launcher"), (404, "LoginUnreadable: .*404")],
)
def test_says_which_secret_it_could_not_read(status: int, told: str) -> None:
    with pytest.raises(MooringError, match=told) as refused:
        read_login(hook(ApiException(status=status, reason="No")), "team-a", "train")
    assert "team-a/train-mlflow" in str(refused.value)
