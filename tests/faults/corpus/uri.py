"""The run goes elsewhere, or nowhere: mostly to a file in the pod, with exit code 0."""

from typing import Final

from mooring import contract
from mooring.guard.reasons import Reason
from tests.faults.fault import Family, Fault, Way

URI: Final = contract.TRACKING_URI
_OWNED: Final = f"Remove {URI} from the container's env"
_MISSING: Final = "RunMissing"
_NOTHING: Final = "NothingLogged"


def _everywhere(uri: str) -> dict[str, str | None]:
    """A wrong URI in all that is published, so that nothing gives it away."""
    return {URI: uri, contract.BOUND_URI: uri}


FAULTS: Final = (
    Fault(
        "URI empty",
        Family.URI,
        {
            Way.LABEL: _OWNED,
            Way.JOB: _OWNED,
            Way.NAMESPACE: _OWNED,
            Way.BINDING: Reason.URI_EMPTY,
            Way.RUN: Reason.URI_EMPTY,
            Way.AIRFLOW: _MISSING,
        },
        {URI: ""},
    ),
    Fault(
        "URI not set",
        Family.URI,
        {Way.BINDING: Reason.URI_MISSING, Way.RUN: Reason.URI_MISSING, Way.AIRFLOW: _MISSING},
        {URI: None},
    ),
    Fault(
        "URI names a SQLite file",
        Family.URI,
        {Way.LABEL: _OWNED, Way.BINDING: Reason.URI_LOCAL, Way.RUN: Reason.URI_LOCAL},
        {URI: "sqlite:////tmp/mlflow.db"},
    ),
    Fault(
        "URI names a folder",
        Family.URI,
        {Way.JOB: _OWNED, Way.BINDING: Reason.URI_LOCAL},
        {URI: "./mlruns"},
    ),
    Fault(
        "URI names the bucket",
        Family.URI,
        {Way.NAMESPACE: _OWNED, Way.BINDING: Reason.URI_LOCAL},
        {URI: "s3://$bucket/mlflow"},
    ),
    Fault(
        "URI without a scheme",
        Family.URI,
        {Way.LABEL: _OWNED, Way.BINDING: Reason.URI_LOCAL},
        {URI: "$host:5000"},
    ),
    Fault(
        "URI with a line end",
        Family.URI,
        {Way.LABEL: _OWNED, Way.BINDING: Reason.URI_INVALID},
        {URI: "$uri\n"},
    ),
    Fault(
        "URI says https, the server speaks http",
        Family.URI,
        {Way.LABEL: _OWNED, Way.BINDING: Reason.SERVER_UNTRUSTED},
        _everywhere("https://$host:5000"),
    ),
    Fault(
        "authority of the server is not the one that the pod knows",
        Family.URI,
        # as after a change of it: of all that speaks TLS every cluster has its API server
        {Way.LABEL: _OWNED, Way.BINDING: Reason.SERVER_UNTRUSTED},
        _everywhere("https://kubernetes.default.svc"),
    ),
    Fault(
        "URI with a name that DNS does not know",
        Family.URI,
        {Way.LABEL: _OWNED, Way.BINDING: Reason.SERVER_NAME_UNKNOWN},
        _everywhere("http://mlflow.nowhere.svc:5000"),
    ),
    Fault(
        "URI with a wrong port",
        Family.URI,
        {Way.BINDING: Reason.SERVER_UNREACHABLE},
        _everywhere("http://$host:5001"),
    ),
    Fault(
        "URI with a path",
        Family.URI,
        {Way.BINDING: Reason.NOT_MLFLOW},
        _everywhere("$uri/mlflow"),
    ),
    Fault(
        "URI of something else that answers",
        Family.URI,
        {Way.BINDING: Reason.NOT_MLFLOW},
        _everywhere("$endpoint"),
    ),
    Fault(
        "URI with an address that the server refuses as host",
        Family.URI,
        {Way.BINDING: Reason.HOST_REFUSED},
        _everywhere("http://$ip:5000"),
    ),
    Fault(
        "URI of another team's server",
        Family.URI,
        {
            Way.LABEL: _OWNED,
            Way.BINDING: Reason.URI_FOREIGN,
            Way.RUN: Reason.URI_FOREIGN,
            Way.AIRFLOW: _MISSING,
        },
        {URI: "$other_uri"},
    ),
    Fault(
        "URI of another team's server in all that says it",
        Family.URI,
        {Way.BINDING: Reason.WRONG_SERVER, Way.RUN: Reason.WRONG_SERVER},
        _everywhere("$other_uri"),
    ),
    Fault(
        "the code sets a local URI",
        Family.URI,
        {Way.CODE: _NOTHING, Way.STRICT: "RunElsewhere", Way.AIRFLOW: _MISSING},
        code="import mlflow\nmlflow.set_tracking_uri('sqlite:////tmp/mlflow.db')",
    ),
    Fault(
        "a proxy that is not there",
        Family.URI,
        {Way.LABEL: Reason.PROXY_FAILS, Way.STRICT: "LoggingSwallowed", Way.AIRFLOW: _MISSING},
        {"HTTP_PROXY": "http://proxy.nowhere.svc:3128"},
    ),
)
