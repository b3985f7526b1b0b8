"""Every reason for which the guard refuses, and the exit code that tells it apart.

The codes are stable, as the names of `mooring.contract` are: scripts and dashboards read them. Ten
at a time belong together: 10 the contract, 20 the tracking server, 30 the experiment and the run,
40 the credentials, 50 the store, 60 the rest. docs/guard.md has the same table.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Its value stands in front of each message; `meaning` says in words when it is given."""

    code: int
    meaning: str

    def __new__(cls, value: str, code: int, meaning: str) -> "Reason":
        """A reason that is its CamelCase `value`, with its exit code."""
        made = str.__new__(cls, value)
        made._value_ = value
        made.code = code
        made.meaning = meaning
        return made

    GUARD_FAILED = "GuardFailed", 1, "the guard itself broke, which is a bug of it"

    URI_MISSING = "TrackingUriMissing", 10, "`MLFLOW_TRACKING_URI` is not set"
    URI_EMPTY = "TrackingUriEmpty", 11, "`MLFLOW_TRACKING_URI` is empty"
    URI_INVALID = "TrackingUriInvalid", 12, "it is no URL, or has white space at its ends"
    URI_LOCAL = "TrackingUriLocal", 13, "it names a file or a database, or has no scheme"
    NOT_BOUND = "NotBound", 14, "names that only a binding gives are not set"
    URI_FOREIGN = "TrackingUriForeign", 15, "it is not the one that the binding gave"

    SERVER_NAME_UNKNOWN = "ServerNameUnknown", 20, "DNS does not know the tracking server's name"
    SERVER_UNREACHABLE = "ServerUnreachable", 21, "it takes no connection, or does not answer"
    SERVER_UNTRUSTED = "ServerUntrusted", 22, "TLS failed: authority, host name or validity"
    HOST_REFUSED = "HostRefused", 23, "its `--allowed-hosts` lack the name in the URI"
    NOT_MLFLOW = "NotAnMlflowServer", 24, "something answers, and not as MLflow does"
    SERVER_NOT_READY = "ServerNotReady", 25, "it answers 429 or 5xx, as with its database down"
    LOGIN_REFUSED = "LoginRefused", 26, "it refuses the pod's login, or the pod has none"
    LOGIN_INVALID = "LoginInvalid", 27, "the login has a line end in it"
    WRONG_SERVER = "WrongServer", 28, "it keeps artifacts elsewhere than the workspace does"
    SERVER_TOO_OLD = (
        "ServerTooOld",
        29,
        "the client's major version of MLflow is later than its own",
    )

    EXPERIMENT_ELSEWHERE = "ExperimentElsewhere", 30, "its artifacts lie outside the workspace"
    EXPERIMENT_DELETED = "ExperimentDeleted", 31, "it was deleted, and MLflow keeps its name taken"
    EXPERIMENT_ID_WRONG = (
        "ExperimentIdWrong",
        32,
        "`MLFLOW_EXPERIMENT_ID` is not that of the experiment that the name is of",
    )
    RUN_UNKNOWN = "RunUnknown", 33, "there is no run of the id in `MLFLOW_RUN_ID`"
    RUN_DELETED = "RunDeleted", 34, "the run of `MLFLOW_RUN_ID` was deleted"
    RUN_ELSEWHERE = "RunElsewhere", 35, "the artifacts of that run lie outside the workspace"

    NO_CREDENTIALS = "NoCredentials", 40, "the pod has no credentials for the store"
    CREDENTIALS_INVALID = "CredentialsInvalid", 41, "they are there, and cannot be read as such"
    UPLOAD_INVALID = "UploadArgumentsInvalid", 42, "`MLFLOW_S3_UPLOAD_EXTRA_ARGS` is no JSON object"
    NO_TOKEN = "NoToken", 43, "the projected token cannot be read"
    TOKEN_EXPIRED = "TokenExpired", 44, "the token's time is over"
    ROLE_DENIED = "RoleDenied", 45, "the role's trust policy does not let this pod in"
    ROLE_REFUSED = "RoleRefused", 46, "the token service answers with another error"
    TOKEN_INVALID = "TokenInvalid", 47, "what lies at the token's place is none"
    TOKEN_FOR_OTHERS = "TokenForOthers", 48, "the token is for another audience"

    STORE_NAME_UNKNOWN = "StoreNameUnknown", 50, "DNS does not know the store's name"
    STORE_UNREACHABLE = "StoreUnreachable", 51, "it takes no connection, or does not answer"
    STORE_UNTRUSTED = "StoreUntrusted", 52, "TLS failed: authority, host name or validity"
    BUCKET_MISSING = "BucketMissing", 53, "the bucket or container does not exist"
    STORE_DENIED = "StoreDenied", 54, "it denies put, get, list or delete below the root"
    STORE_REFUSED = "StoreRefused", 55, "it answers with another error"
    STORE_CORRUPTS = (
        "StoreCorrupts",
        56,
        "it gave back other bytes than it was given, or does not list them",
    )
    STORE_UNKNOWN = "UnknownStore", 57, "the artifact root is of a kind that this guard cannot try"
    CREDENTIALS_UNKNOWN = "CredentialsUnknown", 58, "it does not know the key or signature"
    CREDENTIALS_WRONG = "CredentialsWrong", 59, "it knows the key, and its secret is another"

    CLOCK_SKEWED = (
        "ClockSkewed",
        60,
        "the node's clock and the server's or store's are 15 minutes apart",
    )
    PROXY_FAILS = "ProxyFails", 61, "the proxy that the pod names does not lead there"


def exit_code_of(reason: str) -> int:
    """The exit code of a finding's reason."""
    return next(known.code for known in Reason if known == reason)
