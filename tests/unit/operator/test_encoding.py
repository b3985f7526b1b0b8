"""What looks as if it had been encoded twice."""

import base64

import pytest

from mooring_operator.plan.encoding import encoded_twice, looks_encoded


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (base64.b64encode(b"correct horse").decode(), True),
        (base64.b64encode(b"-----BEGIN CERTIFICATE-----\nAAAA\n").decode(), True),
        (base64.encodebytes(b"longer than one line of base64 may be, " * 3).decode(), True),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", False),
        ("AKIAIOSFODNN7EXAMPLE", False),
        ("correct horse battery staple", False),
        ("postgres", False),
        ("", False),
    ],
)
def test_only_base64_of_text_does(value: str, found: bool) -> None:
    assert looks_encoded(value) is found


def test_the_value_is_not_told() -> None:
    value = base64.b64encode(b"nobody may read this").decode()
    told = encoded_twice(username="postgres", password=value)
    assert told == "password looks like base64 of a text: encoded twice?"
    assert encoded_twice(username="postgres") == ""
