"""What a task asks of Kubernetes: every request of its client, counted by verb and kind."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from airflow.sdk import BaseOperator
from airflow.sdk.definitions.context import Context
from kubernetes.client.rest import RESTClientObject

CALLS: Final = "calls"
"""Key of the XCom: how many of which."""


class Counted(BaseOperator):
    """Goes before an operator, and pushes how often that one asks Kubernetes for what."""

    def execute(self, context: Context) -> Any:
        """As the operator."""
        with counted() as calls:
            result = super().execute(context)
        context["ti"].xcom_push(key=CALLS, value=dict(calls))
        return result


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """The requests of all Kubernetes clients of this process while the block runs."""
    calls: Counter[str] = Counter()
    request = RESTClientObject.request

    def counting(self: RESTClientObject, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        calls[f"{method} {_kind(url)}"] += 1
        return request(self, method, url, *args, **kwargs)

    RESTClientObject.request = counting
    try:
        yield calls
    finally:
        RESTClientObject.request = request


def _kind(url: str) -> str:
    """`pods` for a list, `pod` for one object, `pod/log` for what belongs to it."""
    _, _, path = urlsplit(url).path.partition("/namespaces/")
    _, kind, *rest = path.split("/")
    return "/".join([kind.removesuffix("s"), *rest[1:]]) if rest else kind
