"""botocore's descriptions of the services are leaner here, and say the same."""

import json
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.session import Session

from mooring_operator.stores.aws_models import SERVICES, lean_session


class Sent(Exception):
    """Instead of an answer: method, URL and body of the request."""

    def __init__(self, request: Any) -> None:
        super().__init__()
        self.request = request.method, request.url, request.body


def send(request: Any, **_: Any) -> None:
    raise Sent(request)


def described(session: Session, service: str) -> Any:
    return session.get_component("data_loader").load_service_model(service, "service-2")


def without_texts(value: Any) -> Any:
    if isinstance(value, list):
        return [without_texts(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {
        key: ""
        if key.startswith("documentation") and isinstance(part, str)
        else without_texts(part)
        for key, part in value.items()
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_description_lacks_nothing_but_texts(service: str) -> None:
    whole = Loader().load_service_model(service, "service-2")
    lean = described(lean_session(), service)
    assert len(json.dumps(lean)) < 0.9 * len(json.dumps(whole))
    assert lean == without_texts(whole)


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("s3", "head_bucket", {"Bucket": "models"}),
        ("s3", "delete_bucket", {"Bucket": "models"}),
        ("iam", "get_user", {"UserName": "u"}),
        ("sts", "get_caller_identity", {}),
    ],
)
def test_it_asks_what_botocore_asks(
    service: str, operation: str, parameters: dict[str, Any]
) -> None:
    def asked(session: Session) -> Any:
        client = session.create_client(
            service,
            region_name="eu-central-1",
            aws_access_key_id="id",
            aws_secret_access_key="secret",
        )
        client.meta.events.register("before-send", send)
        with pytest.raises(Sent) as sent:
            getattr(client, operation)(**parameters)
        return sent.value.request

    assert asked(lean_session()) == asked(Session())
