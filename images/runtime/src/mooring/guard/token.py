"""The projected token: what can be seen in it before anybody is asked.

A token service says of a token for somebody else, and of one that it cannot check, the same as of a
role that does not trust this pod.
"""

import base64
import json
import time
from pathlib import Path
from typing import Any

from mooring import contract
from mooring.finding import Finding
from mooring.guard.explain import FRESH_PATIENCE_S, Refusal
from mooring.guard.reasons import Reason

_MOUNT = (
    f"Mount the volume {contract.VOLUME_NAME} at {contract.MOUNT_PATH}, as the binding's "
    "status.pod does."
)


def fresh_token(file: str, audience: str) -> str:
    """The token in `file`; Refusal when it is not one for `audience` whose time is not over."""
    try:
        token = Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        what = getattr(error, "strerror", None) or "it is no text"
        found = f"{contract.AWS_TOKEN_FILE} names {file}, which cannot be read ({what})."
        raise Refusal(Finding(Reason.NO_TOKEN, found, _MOUNT)) from None
    claims = _claims(token)
    if claims is None:
        found = f"{file} holds no token of a service account ({len(token)} characters)."
        raise Refusal(Finding(Reason.TOKEN_INVALID, found, _MOUNT))
    audiences = claims.get("aud")
    if audience not in (audiences if isinstance(audiences, list) else [audiences]):
        found = f"the token in {file} is for {audiences!r} and not for {audience!r}."
        raise Refusal(Finding(Reason.TOKEN_FOR_OTHERS, found, _MOUNT))
    over_s = time.time() - _number(claims.get("exp"))
    if over_s >= 0:
        raise Refusal(
            Finding(
                Reason.TOKEN_EXPIRED,
                f"the time of the token in {file} was over {over_s:.0f} s ago, by this node's "
                "clock.",
                "The kubelet renews it: start the pod again, and check the node's kubelet and "
                "clock.",
                FRESH_PATIENCE_S,
            )
        )
    return token


def _claims(token: str) -> dict[str, Any] | None:
    """What the token says of itself; the signature is the token service's to check."""
    match token.split("."):
        case [_, payload, _]:
            try:
                found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            except ValueError:
                return None
            return found if isinstance(found, dict) else None
    return None


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
