"""What botocore knows of the services, without what only people read: a fifth of its memory."""

import sys
from typing import Any, Final

from botocore.loaders import JSONFileLoader, Loader
from botocore.session import Session

SERVICES: Final = ("s3", "iam", "sts")

_TEXTS: Final = frozenset({"documentation", "documentationUrl"})


def lean_session() -> Session:
    """A session that makes clients of `SERVICES`, and of no other service."""
    session = Session()
    session.register_component("data_loader", Loader(file_loader=_Files()))
    return session


class _Files(JSONFileLoader):
    """Descriptions of services as plain dicts, each string in them once."""

    def load_file(self, file_path: str) -> Any:
        found = super().load_file(file_path)
        if found and file_path.endswith("endpoints"):
            # of three hundred services in each partition
            for partition in found["partitions"]:
                services = partition["services"]
                partition["services"] = {n: services[n] for n in SERVICES if n in services}
        return _lean(found)


def _lean(value: Any) -> Any:
    match value:
        case dict():
            # a member of a structure may have such a name too, but is no text then; botocore asks
            # for some of the texts, so none is missing
            return {
                sys.intern(key): "" if key in _TEXTS and isinstance(part, str) else _lean(part)
                for key, part in value.items()
            }
        case list():
            return [_lean(part) for part in value]
        case str():
            return sys.intern(value)
        case _:
            return value
