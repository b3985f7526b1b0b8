"""The Secrets and ConfigMaps that a spec names: what they hold, or what is wrong with them."""

import ssl
from collections.abc import Sequence

from mooring.contract import CA_FILE
from mooring_operator.api.base import CaBundle, SecretRef
from mooring_operator.api.conditions import Finding
from mooring_operator.kube import CONFIG_MAP, SECRET, Kube
from mooring_operator.plan.binding import decoded
from mooring_operator.plan.encoding import ENCODED_TWICE, looks_encoded
from mooring_operator.reconcile.world import Blocked


def admin_values(kube: Kube, ref: SecretRef, field: str, *keys: str) -> list[str]:
    """The values of `keys` in the admin Secret; raises Blocked for what cannot be a credential."""
    values = secret_values(kube, ref, f"class, {field}", keys)
    return [values[key] for key in keys]


def secret_values(
    kube: Kube, ref: SecretRef, field: str, keys: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, str]:
    """The values of a Secret with `keys`; raises Blocked for what cannot be a credential."""
    where, values = found_secret(kube, ref, field)
    wanted = " and ".join(keys)
    for key in (*keys, *(key for key in optional if key in values)):
        found = _flaw(values, key)
        if found:
            raise Blocked(Finding("InvalidSecret", f"{where} has {found}; it must have {wanted}"))
    return values


def found_secret(kube: Kube, ref: SecretRef, field: str) -> tuple[str, dict[str, str]]:
    """A Secret in words, and its values; raises Blocked when it is not there."""
    secret = kube.get(SECRET, ref.namespace, ref.name)
    where = f"{field}: Secret {ref.namespace}/{ref.name}"
    if secret is None:
        raise Blocked(Finding("SecretNotFound", f"{where} does not exist; create it"))
    return where, decoded(secret)


def ca_bundle(kube: Kube, ref: CaBundle | None, field: str) -> str | None:
    """The authorities that `ref` names, as PEM; raises Blocked for what is none."""
    if ref is None:
        return None
    kind = SECRET if ref.kind == "Secret" else CONFIG_MAP
    live = kube.get(kind, ref.namespace, ref.name)
    where = f"class, {field}: {ref.kind} {ref.namespace}/{ref.name}"
    if live is None:
        raise Blocked(Finding(f"{ref.kind}NotFound", f"{where} does not exist; create it"))
    values = decoded(live) if ref.kind == "Secret" else live.get("data", {})
    pem = values.get(ref.key)
    if pem is None:
        found = ", ".join(sorted(values)) or "(none)"
        message = f"{where} has no key {ref.key!r} but {found}; correct {field}.key"
        raise Blocked(Finding("InvalidCaBundle", message))
    _require_pem(pem, f"{where}, key {ref.key}")
    return pem


def own_authorities(values: dict[str, str], ref: SecretRef, field: str) -> str | None:
    """The authorities in a team's own Secret, as PEM; raises Blocked for what is none."""
    pem = values.get(CA_FILE)
    if pem is not None:
        _require_pem(pem, f"{field}: Secret {ref.namespace}/{ref.name}, key {CA_FILE}")
    return pem


def _require_pem(pem: str, where: str) -> None:
    found = _pem_flaw(pem)
    if found:
        message = f"{where}: {found}; it must hold PEM certificates and nothing else"
        raise Blocked(Finding("InvalidCaBundle", message))


def _pem_flaw(pem: str) -> str:
    """What is wrong with authorities that pods are to get; empty when nothing is."""
    if not pem.strip():
        return "it is empty"
    if not pem.isascii():
        return "there are characters in it that are not ASCII"
    if "PRIVATE KEY" in pem:
        return "there is a private key in it"
    try:
        ssl.create_default_context(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        if "-----" not in pem and looks_encoded(pem):
            return ENCODED_TWICE
        return f"it cannot be read ({error})"
    return ""


def _flaw(values: dict[str, str], key: str) -> str:
    """What is wrong with a key of an admin Secret; empty when nothing is."""
    value = values.get(key, "")
    if not value:
        return f"the keys {', '.join(sorted(values)) or '(none)'}"
    if value != value.strip():
        return f"{key} with white space around its value"
    if not value.isprintable() or "\N{REPLACEMENT CHARACTER}" in value:
        return f"{key} with bytes that are no printable text"
    return ""
