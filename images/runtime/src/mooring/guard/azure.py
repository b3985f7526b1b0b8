"""Azure Blob Storage, with the shared access signature that the pod was given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from urllib.parse import SplitResult, quote

from mooring import contract
from mooring.finding import Finding
from mooring.guard.bucket import Call
from mooring.guard.explain import (
    UNAVAILABLE_PATIENCE_S,
    Refusal,
    body_of,
    error_of,
)
from mooring.guard.http import Answer, Http
from mooring.guard.reasons import Reason

FRESH_PATIENCE_S: Final = 30.0
"""Azure: a stored access policy may take 30 s until every part of the service knows it."""

_UNKNOWN: Final = frozenset({"AuthenticationFailed", "AuthorizationFailure"})


@dataclass(frozen=True, slots=True)
class Container:
    """A container, and the query string that lets its holder in."""

    endpoint: str
    name: str
    ca_file: str
    sas: str = field(repr=False)

    def url(self, blob: str) -> str:
        """The URL of a blob, signature and all."""
        return f"{self.endpoint.rstrip('/')}/{self.name}/{quote(blob)}?{self.sas}"

    def listing(self, prefix: str) -> str:
        """The URL that lists the blobs whose names begin with `prefix`, signature and all."""
        query = f"restype=container&comp=list&prefix={quote(prefix, safe='')}"
        return f"{self.endpoint.rstrip('/')}/{self.name}?{query}&{self.sas}"


def opened(environ: Mapping[str, str], http: Http, root: SplitResult) -> Call:
    """How to call the container that `root` names; Refusal without a credential."""
    name = contract.AZURE_CONNECTION_STRING
    text = environ.get(name, "")
    parts = dict(part.partition("=")[::2] for part in text.split(";"))
    endpoint, sas = parts.get("BlobEndpoint", ""), parts.get("SharedAccessSignature", "")
    if not text:
        raise Refusal(
            Finding(
                Reason.NO_CREDENTIALS,
                f"this pod has no credentials for the store: {name} is not set.",
                "Remove what unsets it; the binding provides it.",
            )
        )
    if not endpoint or not sas or text != text.strip():
        raise Refusal(
            Finding(
                Reason.CREDENTIALS_INVALID,
                f"{name} is not BlobEndpoint=URL;SharedAccessSignature=TEXT without white space at "
                "its ends.",
                "Remove what sets it; the binding provides it.",
            )
        )
    # MLflow hands the tracking server's authorities to Azure's client (azure_blob_artifact_repo)
    ca_file = environ.get(contract.TRACKING_CERT_PATH, "")
    return partial(_call, http, Container(endpoint, root.username or "", ca_file, sas))


def _call(http: Http, container: Container, method: str, blob: str, content: bytes = b"") -> bytes:
    headers = {"x-ms-blob-type": "BlockBlob"} if method == "PUT" else {}
    lists = method == "LIST"
    verb, url = ("GET", container.listing(blob)) if lists else (method, container.url(blob))
    answer = http.request(verb, url, headers=headers, body=content, ca_file=container.ca_file)
    variables = (contract.TRACKING_CERT_PATH, contract.AZURE_CONNECTION_STRING)
    where = f"the store {container.endpoint}"
    return body_of(answer, lambda found: refusal(found, container, method, blob), where, *variables)


def refusal(answer: Answer, container: Container, method: str, blob: str) -> Finding:
    """Why the store refused `method` on `blob`."""
    error = error_of(answer)
    code = error.get("Code") or f"HTTP {answer.status}"
    here = f"the store {container.endpoint}"
    if code == "ContainerNotFound":
        return Finding(
            Reason.BUCKET_MISSING,
            f"the container {container.name} does not exist at {here}: no artifact can be kept.",
            "Restore it. See: kubectl describe mlflowworkspace",
        )
    if code in _UNKNOWN:
        return Finding(
            Reason.CREDENTIALS_UNKNOWN,
            f"{here} does not accept this pod's signature for container {container.name} ({code}): "
            "it was revoked, or the container is gone, or something in the pod sets another "
            f"{contract.AZURE_CONNECTION_STRING}.",
            "Start the pod again; if that does not help, see: kubectl describe mlflowbinding",
            FRESH_PATIENCE_S,
        )
    if code == "AuthorizationPermissionMismatch":
        return Finding(
            Reason.STORE_DENIED,
            f"{here} denies {method} on {blob} in container {container.name} ({code}).",
            "The stored access policy must allow read, write, delete and list. See: kubectl "
            "describe mlflowworkspace",
            FRESH_PATIENCE_S,
        )
    said = (error.get("Message") or answer.text).partition("\n")[0]
    return Finding(
        Reason.STORE_REFUSED,
        f"{here} answers {method} of {blob} in container {container.name} with {code}: {said}",
        patience=UNAVAILABLE_PATIENCE_S if answer.status >= 500 or code == "ServerBusy" else 0.0,
    )
