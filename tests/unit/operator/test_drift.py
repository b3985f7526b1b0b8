"""Drift: what is right already is not written again, what is not right is."""

from typing import Any

import pytest

from mooring_operator.plan.drift import differs, marked

DESIRED: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "a-mlflow", "namespace": "a"},
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "server",
                        "image": "mooring/server:1",
                        "resources": {"limits": {"memory": "1024Mi", "cpu": "0.5"}},
                        "env": [{"name": "A", "value": "1"}],
                    }
                ],
                "volumes": [{"name": "tmp", "emptyDir": {}}],
            }
        }
    },
    "data": {},
}


def live_of(desired: dict[str, Any], **container: Any) -> dict[str, Any]:
    """What the API server stores: defaults filled in, quantities rewritten, empty maps gone."""
    wanted = marked(desired)
    pod = wanted["spec"]["template"]["spec"]
    stored = pod["containers"][0] | {
        "resources": {"limits": {"memory": "1Gi", "cpu": "500m"}},
        "imagePullPolicy": "IfNotPresent",
        **container,
    }
    template = {"spec": {**pod, "containers": [stored], "restartPolicy": "Always"}}
    metadata = wanted["metadata"] | {"resourceVersion": "7"}
    kept = {k: v for k, v in wanted.items() if k != "data"}
    return kept | {"metadata": metadata, "spec": {"replicas": 3, "template": template}}


def test_what_the_api_server_makes_of_it_is_no_difference() -> None:
    assert not differs(marked(DESIRED), live_of(DESIRED))


def test_a_missing_object_differs() -> None:
    assert differs(marked(DESIRED), None)


@pytest.mark.parametrize(
    "edited",
    [
        {"image": "mooring/server:2"},
        {"env": []},
        {"env": [{"name": "A", "value": "2"}]},
        {"resources": {"limits": {"memory": "2Gi", "cpu": "500m"}}},
    ],
)
def test_an_edit_by_hand_differs(edited: dict[str, Any]) -> None:
    assert differs(marked(DESIRED), live_of(DESIRED, **edited))


def test_a_field_that_is_given_up_differs() -> None:
    before = DESIRED | {"spec": DESIRED["spec"] | {"paused": True}}
    assert differs(marked(DESIRED), live_of(before))
