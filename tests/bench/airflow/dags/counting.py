"""What a task asks of Kubernetes, by verb and kind, and the processor time of its process."""

import time
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
PROCESSOR: Final = "processor_s"
"""Key of the XCom: seconds since the process of the task began, so with reading the DAG."""


class Counted(BaseOperator):
    """Goes before an operator, and pushes what that one asked Kubernetes and how much it worked."""

    def execute(self, context: Context) -> Any:
        """As the operator."""
        with counted() as calls:
            result = super().execute(context)
        context["ti"].xcom_push(key=CALLS, value=dict(calls))
        context["ti"].xcom_push(key=PROCESSOR, value=time.process_time())
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
