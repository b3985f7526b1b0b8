"""The one exception of the stores, and the reasons that it can carry."""

from enum import StrEnum


class Reason(StrEnum):
    """Why the outside refused, in the form that a condition's `reason` takes."""

    UNREACHABLE = "Unreachable"
    UNKNOWN_HOST = "UnknownHost"
    TLS_REFUSED = "TlsRefused"
    WRONG_CREDENTIALS = "WrongCredentials"
    ACCESS_DENIED = "AccessDenied"
    INVALID_BUCKET_NAME = "InvalidBucketName"
    BUCKET_NOT_OWNED = "BucketNotOwned"
    MISSING_BUCKET = "MissingBucket"
    INVALID_PREFIX = "InvalidPrefix"
    INVALID_TOKEN_ISSUER = "InvalidTokenIssuer"
    TOKEN_ISSUER_UNREACHABLE = "TokenIssuerUnreachable"
    TOO_MANY_SUBJECTS = "TooManySubjects"
    QUOTA_EXCEEDED = "QuotaExceeded"
    NAME_TAKEN = "NameTaken"
    OTHER_CLUSTER = "OtherCluster"
    MISSING_DATABASE = "MissingDatabase"
    MISSING_PRIVILEGE = "MissingPrivilege"
    UNSUPPORTED_VERSION = "UnsupportedVersion"
    TOO_MANY_CONNECTIONS = "TooManyConnections"
    BUSY = "Busy"
    UNEXPECTED_ANSWER = "UnexpectedAnswer"


class StoreError(Exception):
    """An object store or a database server did not do what was asked.

    `reason` is for the condition, `message` for a person: it names the object, the field, what
    was found and what to do, and never holds a secret. `transient` says that nobody has to act:
    the same request may succeed later. All are retried, with a growing wait.
    """

    def __init__(self, reason: Reason, message: str, *, transient: bool) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.transient = transient
