"""The run is there and the model is not: MLflow's autologging turns the error into a warning."""

from typing import Final

from mooring import contract
from mooring.guard.reasons import Reason
from tests.faults.fault import EXPIRED, KEPT, Family, Fault, Way

KEY: Final = contract.AWS_ACCESS_KEY_ID
SECRET: Final = contract.AWS_SECRET_ACCESS_KEY
ENDPOINT: Final = contract.S3_ENDPOINT_URL
TOKEN_FILE: Final = contract.AWS_TOKEN_FILE
ROLE: Final = contract.AWS_ROLE_ARN
STS: Final = contract.AWS_STS_ENDPOINT

_SWALLOWED: Final = "LoggingSwallowed"
_NOT_READY: Final = "its files did not all reach the store"


def _owned(name: str) -> str:
    return f"Remove {name} from the container's env"


FAULTS: Final = (
    Fault(
        "no key",
        Family.CREDENTIAL,
        {Way.BINDING: Reason.NO_CREDENTIALS, Way.RUN: Reason.NO_CREDENTIALS},
        {KEY: None, SECRET: None},
    ),
    Fault(
        "key without its secret",
        Family.CREDENTIAL,
        {Way.BINDING: Reason.NO_CREDENTIALS},
        {SECRET: None},
    ),
    Fault(
        "key that the store does not know",
        Family.CREDENTIAL,
        {Way.LABEL: _owned(KEY), Way.BINDING: Reason.CREDENTIALS_UNKNOWN},
        {KEY: "AKIAUNKNOWN000000000", SECRET: "w" * 40},
    ),
    Fault(
        "wrong secret of the key",
        Family.CREDENTIAL,
        {
            Way.LABEL: _owned(SECRET),
            Way.JOB: _owned(SECRET),
            Way.BINDING: Reason.CREDENTIALS_WRONG,
            Way.RUN: Reason.CREDENTIALS_WRONG,
            Way.CODE: "RunFailed",
            Way.STRICT: _SWALLOWED,
            Way.AIRFLOW: _NOT_READY,
        },
        {SECRET: "w" * 40},
    ),
    Fault(
        "key with a line end",
        Family.CREDENTIAL,
        {Way.BINDING: Reason.CREDENTIALS_INVALID},
        {KEY: "$key\n"},
    ),
    Fault(
        "key of another team",
        Family.CREDENTIAL,
        {Way.NAMESPACE: _owned(KEY), Way.BINDING: Reason.STORE_DENIED},
        {KEY: "$stranger_key", SECRET: "$stranger_secret"},
    ),
    Fault(
        "key that was deleted",
        Family.CREDENTIAL,
        {Way.BINDING: Reason.CREDENTIALS_UNKNOWN},
        {KEY: "$deleted_key", SECRET: "$deleted_secret"},
    ),
    Fault(
        "session token of another key",
        Family.CREDENTIAL,
        {
            Way.LABEL: _owned(contract.AWS_SESSION_TOKEN),
            Way.BINDING: Reason.CREDENTIALS_UNKNOWN,
        },
        {contract.AWS_SESSION_TOKEN: "stale" * 12},
    ),
    Fault(
        "profile that is not there",
        Family.CREDENTIAL,
        {
            Way.LABEL: _owned(contract.AWS_PROFILE),
            Way.STRICT: _SWALLOWED,
            Way.AIRFLOW: _NOT_READY,
        },
        {contract.AWS_PROFILE: "nobody"},
    ),
    Fault(
        "no endpoint, so the store is AWS",
        Family.CREDENTIAL,
        {Way.BINDING: Reason.STORE_NAME_UNKNOWN},
        {ENDPOINT: None},
    ),
    Fault(
        "endpoint with a name that DNS does not know",
        Family.CREDENTIAL,
        {Way.LABEL: _owned(ENDPOINT), Way.BINDING: Reason.STORE_NAME_UNKNOWN},
        {ENDPOINT: "http://s3.nowhere.svc:7070"},
    ),
    Fault(
        "endpoint with a wrong port",
        Family.CREDENTIAL,
        {Way.BINDING: Reason.STORE_UNREACHABLE},
        {ENDPOINT: "http://versitygw.playground.svc:7072"},
    ),
    Fault(
        "endpoint says https, the store speaks http",
        Family.CREDENTIAL,
        {Way.BINDING: Reason.STORE_UNTRUSTED},
        {ENDPOINT: "https://versitygw.playground.svc:7070"},
    ),
    Fault(
        "authority of the store is not the one that the pod knows",
        Family.CREDENTIAL,
        # as after a change of it: of all that speaks TLS every cluster has its API server
        {Way.LABEL: _owned(ENDPOINT), Way.BINDING: Reason.STORE_UNTRUSTED},
        {ENDPOINT: "https://kubernetes.default.svc"},
    ),
    Fault(
        "endpoint that is the tracking server",
        Family.CREDENTIAL,
        {Way.BINDING: Reason.STORE_REFUSED},
        {ENDPOINT: "$uri"},
    ),
    Fault(
        "wrong region",
        Family.CREDENTIAL,
        # the store names its own, and boto3 and the guard ask again for that
        {Way.LABEL: KEPT, Way.BINDING: KEPT},
        {contract.AWS_REGION: "eu-north-1"},
    ),
    Fault(
        "upload arguments that are no JSON",
        Family.CREDENTIAL,
        {
            Way.LABEL: _owned(contract.S3_UPLOAD_ARGUMENTS),
            Way.BINDING: Reason.UPLOAD_INVALID,
        },
        {contract.S3_UPLOAD_ARGUMENTS: "ServerSideEncryption=AES256"},
    ),
    Fault(
        "no role",
        Family.CREDENTIAL,
        {Way.BINDING: Reason.NO_CREDENTIALS, Way.RUN: Reason.NO_CREDENTIALS},
        {ROLE: None},
        keyless=True,
    ),
    Fault(
        "role of another team",
        Family.CREDENTIAL,
        {Way.LABEL: _owned(ROLE), Way.BINDING: Reason.ROLE_DENIED},
        {ROLE: "$other_role"},
        keyless=True,
    ),
    Fault(
        "role that does not exist",
        Family.CREDENTIAL,
        {Way.BINDING: Reason.ROLE_DENIED},
        {ROLE: "arn:aws:iam::000000000000:role/nobody"},
        keyless=True,
    ),
    Fault(
        "no token at the place",
        Family.CREDENTIAL,
        {Way.LABEL: _owned(TOKEN_FILE), Way.BINDING: Reason.NO_TOKEN},
        {TOKEN_FILE: "/var/run/secrets/nowhere/token"},
        keyless=True,
    ),
    Fault(
        "token for another audience",
        Family.CREDENTIAL,
        {Way.BINDING: Reason.TOKEN_FOR_OTHERS, Way.AIRFLOW: _NOT_READY},
        {TOKEN_FILE: "/var/run/secrets/kubernetes.io/serviceaccount/token"},
        keyless=True,
    ),
    Fault(
        "token expired",
        Family.CREDENTIAL,
        {Way.VOLUME: Reason.TOKEN_EXPIRED},
        keyless=True,
        token=EXPIRED,
    ),
    Fault(
        "no token in the file",
        Family.CREDENTIAL,
        {Way.BINDING: Reason.TOKEN_INVALID},
        {TOKEN_FILE: "/etc/hostname"},
        keyless=True,
    ),
    Fault(
        "token service with a name that DNS does not know",
        Family.CREDENTIAL,
        {Way.BINDING: Reason.STORE_NAME_UNKNOWN},
        {STS: "http://sts.nowhere.svc:7071"},
        keyless=True,
    ),
)
