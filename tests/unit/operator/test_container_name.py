"""The container that a workspace gets in a storage account."""

import re

from hypothesis import given
from hypothesis import strategies as st

from mooring_operator.api.azure import container_name

LABEL = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
AZURE = re.compile(r"[a-z0-9](-?[a-z0-9]){2,62}")
"""Azure, "Naming containers": 3 to 63 characters, every '-' between two letters or digits."""


@given(LABEL, LABEL)
def test_azure_takes_every_name(namespace: str, name: str) -> None:
    found = container_name(namespace, name)
    assert AZURE.fullmatch(found)
    assert len(found) <= 63


def test_no_two_workspaces_share_a_container() -> None:
    pairs = [("a-b", "c"), ("a", "b-c"), ("a--b", "c"), ("n" * 63, "m"), ("n" * 63, "mm")]
    assert len({container_name(*pair) for pair in pairs}) == len(pairs)
