"""What pods read: the ConfigMap and the Secrets of a binding."""

from concurrent.futures import wait

from mooring_operator.api.binding import BindingSpec
from mooring_operator.plan.binding import published_objects
from mooring_operator.plan.connection import Connection
from mooring_operator.plan.metadata import Owner
from mooring_operator.reconcile.world import World, ensure


def publish(world: World, binding: Owner, spec: BindingSpec, connection: Connection) -> None:
    """Have the objects beside the binding, written at the same time. Raises Blocked."""
    public, *secrets = published_objects(binding, spec, connection)
    beside = world.threads.submit(ensure, world, public)
    try:
        for secret in secrets:
            ensure(world, secret)
    finally:
        # nothing of one look at a binding may still be under way when the next one begins
        wait((beside,))
    beside.result()
