"""A workspace's identity at the artifact store, and the credential that comes with it.

A new credential, and what becomes of the old one, are kept in one write before anything else.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from typing import Final

from mooring.contract import AWS_ROLE_ARN, GROUP
from mooring_operator.api.artifactstore import ArtifactStore, VolumeStore, artifact_prefix
from mooring_operator.api.azure import AzureStore, container_name
from mooring_operator.api.external import ExternalArtifacts
from mooring_operator.api.gcs import GcsStore
from mooring_operator.api.s3 import ExistingArtifacts, S3Store
from mooring_operator.kube import SECRET, Kube, Manifest
from mooring_operator.plan.artifactstore import is_file
from mooring_operator.plan.binding import decoded, encoded
from mooring_operator.plan.metadata import STORE, Owner, belongs, child, digest
from mooring_operator.plan.rotation import ROTATION_KEY, Policy, Rotation, loaded
from mooring_operator.plan.trust import Account
from mooring_operator.reconcile.outside import artifact_store, asked_of_store
from mooring_operator.reconcile.pacing import question
from mooring_operator.reconcile.world import World, apply, ask, require_ours
from mooring_operator.stores.names import identity, subject
from mooring_operator.stores.protocol import StoreAccess, StoreGrant, held_key_id

CREDENTIAL_ANNOTATION: Final = f"{GROUP}/credential"
"""On the store Secret: the digest of the credential as the operator wrote it, and its id.

A person may edit the id in the Secret too; the one here tells which credential pods still have.
"""

ACCOUNTS_KEY: Final = "accounts"
"""Key of the store Secret that lists the service accounts that the store trusts."""


@dataclass(frozen=True, slots=True)
class StoreCredentials:
    """What the store Secret of a workspace holds.

    `values` are variables by contract names and files; the store trusts `accounts`; `state` is
    that of the credential's rotation, as text.
    """

    values: dict[str, str] = field(repr=False)
    accounts: frozenset[Account] = frozenset()
    state: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """What the store answered, and the state of the credential under `policy`.

    `rotation` is None where there is no credential at all, `changed` says that bindings have to
    be told, `answered` is the question, see `pacing.question`; None of what is asked each time.
    """

    values: dict[str, str] = field(repr=False)
    rotation: Rotation | None
    policy: Policy
    changed: bool
    answered: str | None


def ensure_store(
    world: World,
    workspace: Owner,
    store: ArtifactStore,
    accounts: Sequence[Account],
    policy: Policy,
    *,
    answered: str | None,
) -> Access:
    """Have the store know the workspace and trust the accounts; keep the answer in a Secret.

    A credential that is due is replaced; those whose grace is over are revoked. Where nothing is
    to be done, a question that was `answered` is not asked. Raises Blocked with what to tell the
    user.
    """
    head = child(workspace, "v1", "Secret", workspace.child_name_for(STORE), STORE)
    live = world.kube.get(SECRET, workspace.namespace, workspace.child_name_for(STORE))
    require_ours(head, live)
    held, now = _credentials(live), world.now()
    before = loaded(held.state, policy, now)
    keyless = _keyless(store)
    edited = not keyless and _is_edited(live, held.values)
    if keyless:
        # there is nothing to replace: whom the role no longer trusts has nothing
        policy = replace(policy, every=None, asked=before.asked)
        before = replace(before, owed=False)
    elif _namespaces(held.accounts) - _namespaces(accounts):
        # a namespace that is no longer admitted still knows the key
        before = replace(before, owed=True)
    old, over = credential_id(held.values), before.over(policy, now)
    if edited:
        old = _written(live)[1] or old
        # IAM knows two keys of a user: the one before makes room
        over = tuple(before.retiring)
    state = before.revoked(over)
    retiring = [*state.retiring]
    grant = replace(_grant(store, workspace, accounts), held_key_id=held_key_id(held.values))
    rotate = old is not None and (edited or state.due(policy, now))
    if rotate and old:
        retiring.append(old)
        grant = replace(grant, held_key_id=None)
    outside = artifact_store(world.kube, store, workspace)
    grant = replace(grant, retiring_key_ids=tuple(retiring))
    stays = not rotate and not over and answered is not None
    asked = asked_of_store(world.kube, store, workspace)
    if stays and _question(asked, grant, held.values) == answered:
        made = StoreAccess(None, _files(held.values))
    else:
        made = ask(lambda: outside.ensure(grant))
    if _has_leftover(before, keyless) and not _has_leftover(state, keyless):
        ask(lambda: outside.revoke_leftover(grant.identity))
    kept = _variables(held.values)
    values = {**(kept if made.env is None else made.env), **made.files}
    new = credential_id(values)
    if old and new and (rotate or made.held_works or _is_role(old) != _is_role(new)):
        state = state.replaced(old, policy, now)
    elif new != old:
        state = replace(state, made=now, asked=policy.asked, owed=False)
    record = {ACCOUNTS_KEY: " ".join(map(str, accounts))}
    if new is not None:
        record[ROTATION_KEY] = state.dumped()
    mark = f"{digest(_variables(values))} {new or ''}".rstrip()
    head["metadata"]["annotations"] = {CREDENTIAL_ANNOTATION: mark}
    apply(world, head | {"type": "Opaque", "data": encoded({**values, **record})}, live)
    changed = (values, frozenset(accounts)) != (held.values, held.accounts)
    again = replace(grant, held_key_id=held_key_id(values), retiring_key_ids=tuple(state.retiring))
    return Access(values, state if new else None, policy, changed, _question(asked, again, values))


def _question(asked: object, grant: StoreGrant, values: Mapping[str, str]) -> str | None:
    """Digest of what the store is asked for `grant`, where the `values` are held already."""
    return None if asked is None else question(asked, astuple(grant), dict(values))


def _is_edited(live: Manifest | None, values: Mapping[str, str]) -> bool:
    """Whether somebody changed the credential in the Secret, which the store cannot tell again."""
    return _written(live)[0] not in {"", digest(_variables(values))}


def _written(live: Manifest | None) -> tuple[str, str]:
    """Digest and id of the credential that the operator wrote; empty where it did not say."""
    annotations = live["metadata"].get("annotations", {}) if live else {}
    written, _, id_ = annotations.get(CREDENTIAL_ANNOTATION, "").partition(" ")
    return written, id_


def _variables(values: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in values.items() if not is_file(key)}


def _files(values: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in values.items() if is_file(key)}


def credential_id(values: Mapping[str, str]) -> str | None:
    """Id of the key, or ARN of the role, among the variables of a store's client."""
    return held_key_id(values) or values.get(AWS_ROLE_ARN)


def _is_role(credential: str) -> bool:
    return credential.startswith("arn:")


def _keyless(store: ArtifactStore) -> bool:
    """Whether no workspace of the class's store has a key of its own."""
    match store.chosen:
        case S3Store() as s3:
            return s3.credentials == "WorkloadIdentity"
        case AzureStore():
            return False
        case GcsStore() | VolumeStore() | ExistingArtifacts() | ExternalArtifacts():
            return True


def _has_leftover(state: Rotation, keyless: bool) -> bool:
    """Whether something retires that is of another kind than what the class has now."""
    return any(_is_role(id_) != keyless for id_ in state.retiring)


def _namespaces(accounts: Iterable[Account]) -> set[str]:
    return {account.namespace for account in accounts}


def _grant(store: ArtifactStore, workspace: Owner, accounts: Iterable[Account]) -> StoreGrant:
    name, owner = _identity(store, workspace), (workspace.namespace, workspace.name)
    match store.chosen:
        case AzureStore() | VolumeStore() | ExistingArtifacts() | ExternalArtifacts():
            return StoreGrant(name, prefix="")
        case GcsStore() as gcs:
            return StoreGrant(name, artifact_prefix(gcs, *owner))
        case S3Store() as s3:
            trusted = accounts if _keyless(store) else ()
            subjects = tuple(subject(a.namespace, a.name) for a in trusted)
            return StoreGrant(name, artifact_prefix(s3, *owner), subjects)


def _identity(store: ArtifactStore, workspace: Owner) -> str:
    """What the workspace is called at the store; see `protocol.StoreGrant`."""
    named = container_name if isinstance(store.chosen, AzureStore) else identity
    return named(workspace.namespace, workspace.name)


def held_credentials(kube: Kube, workspace: Owner) -> StoreCredentials:
    """What the store Secret of a workspace says; nothing where it has none (any more)."""
    secret = kube.get(SECRET, workspace.namespace, workspace.child_name_for(STORE))
    return _credentials(secret if secret and belongs(secret, workspace) else None)


def _credentials(secret: Manifest | None) -> StoreCredentials:
    values = decoded(secret) if secret else {}
    accounts = map(Account.parse, values.pop(ACCOUNTS_KEY, "").split())
    return StoreCredentials(values, frozenset(accounts), values.pop(ROTATION_KEY, ""))


def revoke_store(world: World, workspace: Owner, artifacts: ArtifactStore) -> None:
    """Take every credential of the store back, retiring ones too; data stays. Raises Blocked."""
    store = artifact_store(world.kube, artifacts, workspace)
    ask(lambda: store.revoke(_identity(artifacts, workspace)))
