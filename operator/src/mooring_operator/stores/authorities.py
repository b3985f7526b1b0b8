"""Certificate authorities in the form that the clients want: a file."""

import tempfile
from functools import lru_cache


@lru_cache(maxsize=64)
def authorities_file(pem: str) -> str:
    """A file with `pem`, one for each text; it stays for as long as this process lives."""
    with tempfile.NamedTemporaryFile("w", suffix=".crt", delete=False) as file:
        file.write(pem)
    return file.name
