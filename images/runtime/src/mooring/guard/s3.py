"""S3, with requests that botocore signs.

Only the signer is botocore's: a whole boto3 client takes a quarter of a second more to make, in
every pod. Credentials are looked up in botocore's order: keys in the environment, then the token.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import SplitResult

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest

from mooring import contract
from mooring.finding import Finding
from mooring.guard.bucket import Bucket, Call
from mooring.guard.credentials import current_credentials
from mooring.guard.explain import Refusal, body_of, error_of, refusal
from mooring.guard.http import Answer, Failure, Http
from mooring.guard.reasons import Reason

ENCRYPTION: Final = {
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
}
"""Headers of an upload by the names that boto3 has for them."""

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials


def opened(environ: Mapping[str, str], http: Http, root: SplitResult) -> Call:
    """How to call the bucket that `root` names; Refusal without credentials."""
    bucket = Bucket(
        endpoint=environ.get(contract.S3_ENDPOINT_URL, ""),
        name=root.netloc,
        region=environ.get(contract.AWS_REGION, "us-east-1"),
        ca_file=environ.get(contract.AWS_CA_BUNDLE, ""),
        credentials=current_credentials(environ, http),
        upload_headers=_upload_headers(environ.get(contract.S3_UPLOAD_ARGUMENTS, "")),
    )
    return partial(_call, http, bucket)


def _upload_headers(arguments: str) -> Mapping[str, str]:
    """The encryption that MLflow asks for: a bucket's policy may refuse uploads without it."""
    if not arguments:
        return {}
    try:
        found = json.loads(arguments)
        return {header: found[name] for name, header in ENCRYPTION.items() if name in found}
    except (ValueError, TypeError):
        found = f"{contract.S3_UPLOAD_ARGUMENTS} is {arguments!r}, which is no JSON object."
        raise Refusal(Finding(Reason.UPLOAD_INVALID, found, "Do not set it in the pod.")) from None


def _call(http: Http, bucket: Bucket, method: str, key: str, content: bytes = b"") -> bytes:
    answer = _ask(http, bucket, method, key, content)
    region = region_told(answer)
    if region not in ("", bucket.region):
        bucket = replace(bucket, region=region)
        answer = _ask(http, bucket, method, key, content)
    where = f"the store of bucket {bucket.name}"
    return body_of(answer, lambda found: refusal(found, bucket, method, key), where)


def region_told(answer: Answer | Failure) -> str:
    """The region that a store sends a request to which came to another; empty where it does not.

    boto3 follows it, and MLflow with it (botocore.utils.S3RegionRedirectorv2), so nothing is lost.
    """
    if isinstance(answer, Failure) or answer.status < 300:
        return ""
    error = error_of(answer)
    if error.get("Code") not in ("AuthorizationHeaderMalformed", "PermanentRedirect"):
        return ""
    return answer.region or error.get("Region", "")


def _ask(http: Http, bucket: Bucket, method: str, key: str, content: bytes) -> Answer | Failure:
    lists = method == "LIST"
    verb, url = ("GET", bucket.listing(key)) if lists else (method, bucket.url(key))
    headers = dict(bucket.upload_headers) if method == "PUT" else {}
    request = AWSRequest(method=verb, url=url, data=content, headers=headers)
    # The signer reads three attributes; botocore.credentials would take 40 ms to import.
    signer = S3SigV4Auth(cast("ReadOnlyCredentials", bucket.credentials), "s3", bucket.region)
    signer.add_auth(request)
    return http.request(
        verb,
        url,
        headers=dict(request.headers),
        body=content,
        ca_file=bucket.ca_file,
        client="botocore",
    )
