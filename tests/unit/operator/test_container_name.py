"""The container that a workspace gets in a storage account, and the bucket it gets on S3."""

import re

from hypothesis import given
from hypothesis import strategies as st

from mooring_operator.api.azure import container_name
from mooring_operator.api.s3 import S3Store, bucket_of
from mooring_operator.stores.s3_bucket import NAME

LABEL = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
AZURE = re.compile(r"[a-z0-9](-?[a-z0-9]){2,62}")
"""Azure, "Naming containers": 3 to 63 characters, every '-' between two letters or digits."""
TEMPLATES = st.sampled_from(
    ["{namespace}-{name}", "a-{name}{namespace}-b", "m" * 44 + "{namespace}{name}"]
)


@given(LABEL, LABEL)
def test_azure_takes_every_name(namespace: str, name: str) -> None:
    found = container_name(namespace, name)
    assert AZURE.fullmatch(found)
    assert len(found) <= 63


def test_no_two_workspaces_share_a_container() -> None:
    pairs = [("a-b", "c"), ("a", "b-c"), ("a--b", "c"), ("n" * 63, "m"), ("n" * 63, "mm")]
    assert len({container_name(*pair) for pair in pairs}) == len(pairs)


@given(TEMPLATES, LABEL, LABEL)
def test_s3_takes_every_name(template: str, namespace: str, name: str) -> None:
    assert NAME.fullmatch(bucket_of(store(template), namespace, name))


def test_no_two_workspaces_share_a_bucket() -> None:
    pairs = [("a-b", "c"), ("a", "b-c"), ("n" * 63, "m"), ("n" * 63, "mm")]
    own = store("mlflow-{namespace}-{name}")
    assert len({bucket_of(own, *pair) for pair in pairs}) == len(pairs)


def store(template: str) -> S3Store:
    admin = {"name": "admin", "namespace": "platform"}
    return S3Store.model_validate({"bucketTemplate": template, "adminSecret": admin})
