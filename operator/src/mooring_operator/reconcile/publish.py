"""What pods read: the ConfigMap and the Secrets of a binding."""

from concurrent.futures import wait

from mooring_operator.plan.metadata import Manifest
from mooring_operator.reconcile.world import World, ensure


def publish(world: World, objects: list[Manifest]) -> None:
    """Have the objects of `published_objects`, the first beside the others. Raises Blocked."""
    public, *secrets = objects
    beside = world.threads.submit(ensure, world, public)
    try:
        for secret in secrets:
            ensure(world, secret)
    finally:
        # nothing of one look at a binding may still be under way when the next one begins
        wait((beside,))
    beside.result()
