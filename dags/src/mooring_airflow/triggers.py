"""The trigger that waits for a model version without a worker."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from mooring_airflow.assets import described
from mooring_airflow.awaited import Awaited
from mooring_airflow.client import UNREACHABLE, ModelVersion
from mooring_airflow.errors import MooringError


class MlflowModelVersionTrigger(BaseTrigger):
    """Fires once the version that `awaited` describes is there; looks every `poke_interval` s.

    Its event is the version: {name, version, model_uri, run_id, model_id, url}. What it is made
    from again, and Airflow's database therefore holds, are names: it logs in by itself, each time.
    """

    def __init__(self, poke_interval: float, **awaited: Any) -> None:
        super().__init__()
        self.poke_interval = poke_interval
        self.awaited = Awaited(**awaited)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """See `BaseTrigger.serialize`."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {"poke_interval": self.poke_interval, **self.awaited.kept()}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """See `BaseTrigger.run`."""
        while True:
            found = await self._look()
            if found is not None:
                yield TriggerEvent(described(found))
                return
            await asyncio.sleep(self.poke_interval)

    async def _look(self) -> ModelVersion | None:
        """The version; None as well while the server is away, which a long wait must outlast."""
        try:
            # In a thread: a look takes its time where the server does.
            return await asyncio.to_thread(self.awaited.look, patience=0)
        except MooringError as error:
            if error.finding.reason != UNREACHABLE:
                raise
            self.log.warning("%s", error)
            return None
