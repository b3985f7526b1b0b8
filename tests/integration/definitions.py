"""Our definitions on an API server."""

from collections.abc import Iterable
from functools import partial

from kubernetes import client

from tests.chart.rendering import Manifest
from tests.cluster.process import wait_until
from tests.integration.admission.world import apply


def define(api: client.ApiClient, definitions: Iterable[Manifest]) -> None:
    """Apply definitions, and return when the API server serves their kinds.

    That is some time after their condition Established: until then it answers 404.
    """
    for definition in definitions:
        apply(api, definition)
        wait_until(partial(_is_served, api, definition), definition["metadata"]["name"])


def _is_served(api: client.ApiClient, definition: Manifest) -> bool:
    spec = definition["spec"]
    try:
        client.CustomObjectsApi(api).list_cluster_custom_object(
            spec["group"], spec["versions"][0]["name"], spec["names"]["plural"]
        )
    except client.ApiException as error:
        if error.status == 404:
            return False
        raise
    return True
