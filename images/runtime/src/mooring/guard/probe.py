"""The round trip of one small object, in any kind of store."""

import uuid
from contextlib import suppress

from mooring.finding import Finding
from mooring.guard.bucket import Call
from mooring.guard.explain import Refusal, corrupts, lists_nothing


def round_trip(call: Call, where: str, key: str) -> Finding | None:
    """Put an object at `key`, read it back, list it, delete it; what is wrong with the store.

    `where` names the store. Raises Refusal when the store refuses a step.
    """
    content = uuid.uuid4().bytes
    call("PUT", key, content)
    try:
        found, listed = call("GET", key), call("LIST", key)
    except Refusal:
        # each attempt would leave another one
        with suppress(Refusal):
            call("DELETE", key)
        raise
    call("DELETE", key)
    if found != content:
        return corrupts(where, key, len(found), len(content))
    if key.rpartition("/")[2].encode() not in listed:
        return lists_nothing(where, key)
    return None
