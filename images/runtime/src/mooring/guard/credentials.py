"""The pod's credentials for the store: keys in its environment, or a role for its token."""

import socket
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from mooring import contract
from mooring.finding import Finding
from mooring.guard.bucket import Credentials
from mooring.guard.explain import Refusal, error_of, no_answer, role_refusal
from mooring.guard.http import Answer, Failure, Http
from mooring.guard.reasons import Reason
from mooring.guard.token import fresh_token

SESSION_S: Final = 900
"""The shortest session that AWS gives (AssumeRoleWithWebIdentity, DurationSeconds)."""

_KEYS: Final = (
    contract.AWS_ACCESS_KEY_ID,
    contract.AWS_SECRET_ACCESS_KEY,
    contract.AWS_SESSION_TOKEN,
)


def current_credentials(environ: Mapping[str, str], http: Http) -> Credentials:
    """The credentials that boto3 would use in this pod; Refusal when there are none."""
    key = environ.get(contract.AWS_ACCESS_KEY_ID)
    secret = environ.get(contract.AWS_SECRET_ACCESS_KEY)
    if key and secret:
        _refuse_white_space(environ)
        token = environ.get(contract.AWS_SESSION_TOKEN)
        return Credentials(key, secret, token, f"the access key {key}")
    role = environ.get(contract.AWS_ROLE_ARN)
    token_file = environ.get(contract.AWS_TOKEN_FILE)
    if role and token_file:
        return _assume(environ, http, role, token_file)
    raise Refusal(
        Finding(
            Reason.NO_CREDENTIALS,
            "this pod has no credentials for the store: neither "
            f"{contract.AWS_ACCESS_KEY_ID} and {contract.AWS_SECRET_ACCESS_KEY} nor "
            f"{contract.AWS_ROLE_ARN} and {contract.AWS_TOKEN_FILE} are set.",
            "Remove what unsets them; the binding provides them.",
        )
    )


def _refuse_white_space(environ: Mapping[str, str]) -> None:
    for name in _KEYS:
        value = environ.get(name, "")
        if value != value.strip():
            raise Refusal(
                Finding(
                    Reason.CREDENTIALS_INVALID,
                    f"{name} has white space at its ends, often the line end of a file.",
                    "Write it without.",
                )
            )


def _assume(environ: Mapping[str, str], http: Http, role: str, token_file: str) -> Credentials:
    region = environ.get(contract.AWS_REGION, "us-east-1")
    endpoint = environ.get(contract.AWS_STS_ENDPOINT) or f"https://sts.{region}.amazonaws.com"
    form = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": role,
        "RoleSessionName": f"mooring-guard-{socket.gethostname()}"[:64],
        "WebIdentityToken": fresh_token(token_file, contract.AWS_AUDIENCE),
        "DurationSeconds": str(SESSION_S),
    }
    answer = http.request(
        "POST",
        endpoint.rstrip("/") + "/",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(form).encode(),
        ca_file=environ.get(contract.AWS_CA_BUNDLE, ""),
        client="botocore",
    )
    if isinstance(answer, Failure):
        raise Refusal(no_answer(f"the token service {endpoint}", answer))
    return _session(answer, role, endpoint)


def _session(answer: Answer, role: str, endpoint: str) -> Credentials:
    found = error_of(answer)
    needed = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    if answer.status != 200 or not all(found.get(name) for name in needed):
        raise Refusal(role_refusal(answer, role, endpoint))
    key, secret, token = (found[name] for name in needed)
    return Credentials(key, secret, token, f"the role {role}")
