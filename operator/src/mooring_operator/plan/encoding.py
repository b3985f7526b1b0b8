"""Values that somebody encoded before Kubernetes did: `data` of a Secret is base64 of the value.

Pure.
"""

import base64
from typing import Final

ENCODED_TWICE: Final = "it looks like base64 of a text, encoded twice"
_SHORTEST: Final = 8


def encoded_twice(**values: str) -> str:
    """Which of `values` look like base64 of a text, in words for a message; empty for none.

    A key may look so by chance, so this explains a refusal and is no reason for one. The text is
    no part of the answer.
    """
    found = " and ".join(name for name, value in values.items() if looks_encoded(value))
    return f"{found} looks like base64 of a text: encoded twice?" if found else ""


def looks_encoded(value: str) -> bool:
    """Whether the value is base64 of printable text."""
    plain = "".join(value.split())
    if len(plain) < _SHORTEST:
        return False
    try:
        text = base64.b64decode(plain, validate=True).decode("ascii")
    except ValueError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)
