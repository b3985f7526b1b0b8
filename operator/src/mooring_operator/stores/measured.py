"""Stores that keep count: how long each call took, and how it ended."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from mooring_operator.metrics import STORE, timed
from mooring_operator.stores.errors import StoreError

Store = TypeVar("Store")


class _Measured:
    def __init__(self, store: object, name: str) -> None:
        self._store = store
        self._name = name

    def __getattr__(self, call: str) -> Callable[..., Any]:
        method = getattr(self._store, call)

        def measured(*arguments: Any, **named: Any) -> Any:
            with timed(STORE, self._name, call) as ended:
                try:
                    answer = method(*arguments, **named)
                except StoreError as error:
                    ended.name = error.reason
                    raise
                ended.name = "ok"
            return answer

        return measured


def measured(store: Store, name: str) -> Store:
    """The same store; its calls count under `name`, with the reason of a StoreError as result."""
    return cast("Store", _Measured(store, name))
