"""Why a store that is spoken to by urllib3 gave no answer, in words that a condition can carry."""

import re

from urllib3 import exceptions

from mooring_operator.stores.errors import Reason, StoreError


def no_answer(where: str, field: str, unknown_host: str, error: object) -> StoreError:
    """Tell why `where` did not answer; `field` says where to reach it.

    `unknown_host` is what to correct when there is no such host. `error` is urllib3's, or one that
    holds it as its reason.
    """
    cause = getattr(error, "reason", None) or error
    match cause:
        case exceptions.NameResolutionError():
            text = f"{where}: no such host: correct {unknown_host}."
            return StoreError(Reason.UNKNOWN_HOST, text, transient=False)
        case exceptions.SSLError():
            text = (
                f"{where}: TLS failed ({_without_place(cause)}): {field} must name a host whose "
                "certificate the operator trusts, and the right port."
            )
            return StoreError(Reason.TLS_REFUSED, text, transient=False)
    text = (
        f"{where} does not answer ({type(cause).__name__}): check that it runs, and that {field} "
        "has the right scheme, host and port."
    )
    return StoreError(Reason.UNREACHABLE, text, transient=True)


def _without_place(error: Exception) -> str:
    """What OpenSSL says, without the line of Python's source that it was said in."""
    return re.sub(r"\s*\(_ssl\.c:\d+\)", "", str(error.args[-1] if error.args else error))
