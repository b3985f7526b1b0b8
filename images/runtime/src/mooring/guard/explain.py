"""The refusals of S3 and STS, in words: what was found and what to do."""

from collections.abc import Callable, Mapping
from typing import Final
from xml.etree import ElementTree as ET

from mooring import contract
from mooring.finding import Finding
from mooring.guard import clock
from mooring.guard.bucket import Bucket
from mooring.guard.http import Answer, Failure
from mooring.guard.reasons import Reason

UNAVAILABLE_PATIENCE_S: Final = 30.0
"""A store that does not answer, or answers 5xx, may be starting."""

FRESH_PATIENCE_S: Final = 8.0
"""A new key, role or policy may need seconds until every part of the store knows it."""

_ACTIONS: Final = {
    "PUT": "s3:PutObject",
    "GET": "s3:GetObject",
    "LIST": "s3:ListBucket",
    "DELETE": "s3:DeleteObject",
}

_OLD_KEY: Final = (
    f"the pod was started with {contract.AWS_ACCESS_KEY_ID} and {contract.AWS_SECRET_ACCESS_KEY} "
    "of an earlier time, or something in it sets others."
)
_START_AGAIN: Final = "Start it again; if that does not help, see: kubectl describe mlflowbinding"


class Refusal(Exception):
    """Carries the finding of a step out of the round trip."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.reason)
        self.finding = finding


def error_of(answer: Answer) -> Mapping[str, str]:
    """The leaf elements of an XML answer by their local names; {} when it is no XML."""
    try:
        root = ET.fromstring(answer.body)  # noqa: S314 (from the configured store, and expat >= 2.4 bounds entities)
    except ET.ParseError:
        return {}
    return {element.tag.rpartition("}")[2]: element.text or "" for element in root.iter()}


def no_answer(
    where: str,
    failure: Failure,
    ca_variable: str = contract.AWS_CA_BUNDLE,
    place_variable: str = contract.S3_ENDPOINT_URL,
) -> Finding:
    """Why the store or the token service gave no answer, and the variables to look at."""
    if failure.stage == "trust":
        return Finding(
            Reason.STORE_UNTRUSTED,
            f"{where} cannot be asked: {failure.what}.",
            f"Check the file that {ca_variable} names, and the clock of the node.",
        )
    if failure.stage == "proxy":
        return Finding(
            Reason.PROXY_FAILS,
            f"{where} cannot be reached: {failure.what}.",
            failure.remedy,
            0 if failure.lasting else UNAVAILABLE_PATIENCE_S,
        )
    unknown = failure.stage == "name"
    return Finding(
        Reason.STORE_NAME_UNKNOWN if unknown else Reason.STORE_UNREACHABLE,
        f"{where} cannot be reached: {failure.what}. Artifacts would be lost.",
        f"Check {place_variable} and the store itself.",
        0 if failure.lasting else UNAVAILABLE_PATIENCE_S,
    )


def corrupts(where: str, key: str, found: int, written: int) -> Finding:
    """What to say of a store that gave back other bytes."""
    return Finding(
        Reason.STORE_CORRUPTS,
        f"{where} gave back {found} bytes of {key} that are not the {written} written to it.",
        "Do not use it before its owner has explained that.",
    )


def lists_nothing(where: str, key: str) -> Finding:
    """What to say of a store that has an object and does not list it."""
    return Finding(
        Reason.STORE_CORRUPTS,
        f"{where} does not list {key}, which was just written to it: MLflow lists artifacts "
        "before it reads them.",
        "Do not use it before its owner has explained that.",
        FRESH_PATIENCE_S,
    )


def body_of(
    answer: Answer | Failure, refused: Callable[[Answer], Finding], where: str, *variables: str
) -> bytes:
    """What the store at `where` sent; Refusal when it `refused`, or as `no_answer` when silent."""
    if isinstance(answer, Failure):
        raise Refusal(no_answer(where, answer, *variables))
    if answer.status >= 300:
        raise Refusal(refused(answer))
    return answer.body


def refusal(answer: Answer, bucket: Bucket, method: str, key: str) -> Finding:
    """Why the store refused `method` on the object `key`."""
    error = error_of(answer)
    code = error.get("Code") or f"HTTP {answer.status}"
    here = f"the store {bucket.endpoint}" if bucket.endpoint else "Amazon S3"
    action = _ACTIONS[method]
    match code:
        case "NoSuchBucket":
            return Finding(
                Reason.BUCKET_MISSING,
                f"the bucket {bucket.name} does not exist at {here}: no artifact can be kept.",
                "Restore it, or correct spec.artifactStore.s3.bucket of the MlflowWorkspaceClass.",
            )
        case "AccessDenied":
            return Finding(
                Reason.STORE_DENIED,
                f"{here} denies {action} on {key} in bucket {bucket.name} to "
                f"{bucket.credentials.source}.",
                f"Its policy must allow it below {contract.ARTIFACT_ROOT}. See: kubectl describe "
                "mlflowworkspace",
                FRESH_PATIENCE_S,
            )
        case "InvalidAccessKeyId" | "ExpiredToken" | "InvalidToken":
            return Finding(
                Reason.CREDENTIALS_UNKNOWN,
                f"{here} does not know {bucket.credentials.source} ({code}): {_OLD_KEY}",
                _START_AGAIN,
                FRESH_PATIENCE_S,
            )
        case "SignatureDoesNotMatch":
            return Finding(
                Reason.CREDENTIALS_WRONG,
                f"{here} knows {bucket.credentials.source} but its secret does not fit ({code}): "
                f"{_OLD_KEY}",
                _START_AGAIN,
                FRESH_PATIENCE_S,
            )
        case "RequestTimeTooSkewed":
            return clock.refused(here, answer.ahead_s, code)
    said = error.get("Message") or answer.text
    return Finding(
        Reason.STORE_REFUSED,
        f"{here} answers {action} on {key} in bucket {bucket.name} with {code}: {said}",
        patience=UNAVAILABLE_PATIENCE_S if answer.status >= 500 or code == "SlowDown" else 0.0,
    )


def role_refusal(answer: Answer, role: str, endpoint: str) -> Finding:
    """Why the token service gave no session for `role`."""
    error = error_of(answer)
    code = error.get("Code") or f"HTTP {answer.status}"
    here = f"the token service {endpoint}"
    match code:
        case "AccessDenied" | "InvalidIdentityToken" | "NoSuchEntity":
            return Finding(
                Reason.ROLE_DENIED,
                f"{here} does not let this pod's token assume {role} ({code}).",
                "The role's trust policy must name this pod's service account and the audience "
                f"{contract.AWS_AUDIENCE}. See: kubectl describe mlflowbinding",
                FRESH_PATIENCE_S,
            )
        case "ExpiredTokenException" | "ExpiredToken":
            return Finding(
                Reason.TOKEN_EXPIRED,
                f"{here} finds this pod's token for {role} expired ({code}).",
                "Start the pod again, and check the clocks of the node and of the store.",
            )
    said = error.get("Message") or "no credentials in the answer"
    return Finding(
        Reason.ROLE_REFUSED,
        f"{here} answers AssumeRoleWithWebIdentity for {role} with {code}: {said}",
        patience=UNAVAILABLE_PATIENCE_S if answer.status >= 500 else 0.0,
    )
