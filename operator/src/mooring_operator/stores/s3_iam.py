"""An S3 bucket whose prefixes are guarded by IAM: AWS, and what speaks its API."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mooring.contract import (
    AWS_ACCESS_KEY_ID,
    AWS_AUDIENCE,
    AWS_ROLE_ARN,
    AWS_SECRET_ACCESS_KEY,
    CA_FILE,
)
from mooring_operator.stores.aws import Api, ApiError, account, apis
from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.policies import (
    POLICY_NAME,
    Document,
    mark,
    mark_of,
    provider_arn,
    store_policy,
    trust_policy,
)
from mooring_operator.stores.protocol import S3Connection, StoreAccess, StoreGrant
from mooring_operator.stores.s3_bucket import S3Bucket

ISSUER_FIELD: Final = "artifactStore.s3.tokenIssuer"

_MISSING: Final = "NoSuchEntity"
_EXISTS: Final = "EntityAlreadyExists"


@dataclass(frozen=True, slots=True)
class S3IamStore:
    """The artifact store behind `connection`; see `protocol.ArtifactStore`.

    Cheap to make: clients and the account's number are kept per connection.
    """

    connection: S3Connection

    def check(self) -> None:
        """Prove the key at STS, S3 and IAM; make the bucket and the OIDC provider when missing."""
        apis(self.connection).sts.call("get_caller_identity")
        S3Bucket(self.connection).check()
        if self.connection.credentials == "Minted":
            apis(self.connection).iam.find("get_user", _MISSING, UserName="mooring")
        else:
            self._ensure_provider()

    def ensure(self, grant: StoreGrant) -> StoreAccess:
        """Make the bucket and the role or user of `grant`; see `protocol.ArtifactStore`."""
        server = self.connection
        policy = store_policy(server.bucket, grant.prefix, server.kms_key, server.cluster)
        S3Bucket(self.connection).ensure()
        files = {CA_FILE: self.connection.ca} if self.connection.ca else {}
        if self.connection.credentials == "Minted":
            return StoreAccess(self._ensure_user(grant, policy), files)
        return StoreAccess({AWS_ROLE_ARN: self._ensure_role(grant, policy)}, files)

    def revoke_leftover(self, identity: str) -> None:
        """Delete the user where the class has roles now, the role where it has users now."""
        if self.connection.credentials == "Minted":
            self._delete_role(identity)
        else:
            self._delete_user(identity)

    def revoke(self, identity: str) -> None:
        """Delete the user and the role called `identity`, with all that hangs on them."""
        self._delete_user(identity)
        self._delete_role(identity)

    def _user_policy(self, name: str) -> Document | None:
        """The policy of the user, None without; StoreError where it is of another cluster."""
        found = apis(self.connection).iam.find(
            "get_user_policy", _MISSING, UserName=name, PolicyName=POLICY_NAME
        )
        return self._ours("user", name, found)

    def _role_policy(self, name: str) -> Document | None:
        """The same of the role."""
        found = apis(self.connection).iam.find(
            "get_role_policy", _MISSING, RoleName=name, PolicyName=POLICY_NAME
        )
        return self._ours("role", name, found)

    def _ours(self, kind: str, name: str, found: Mapping[str, Any] | None) -> Document | None:
        """The policy in an answer of IAM; StoreError where it bears the mark of another cluster."""
        policy: Document | None = found["PolicyDocument"] if found else None
        bears, cluster = mark_of(policy) if policy else None, self.connection.cluster
        if bears is None or cluster is None or bears == mark(cluster):
            return policy
        raise StoreError(
            Reason.OTHER_CLUSTER,
            f"IAM at {apis(self.connection).iam.where}: {kind} {name} is that of a workspace of "
            f"the same name in another cluster (its policy {POLICY_NAME} says {bears}; this "
            f"cluster is {mark(cluster)}) and is left alone, as are the artifacts: give the "
            "workspace or its namespace another name, or its class another account "
            "(artifactStore.s3.adminSecret); where that cluster is no more, take it over: delete "
            f"the policy {POLICY_NAME} of {kind} {name}.",
            transient=False,
        )

    def _delete_user(self, name: str) -> None:
        self._user_policy(name)
        _delete_user(apis(self.connection).iam, name)

    def _delete_role(self, name: str) -> None:
        self._role_policy(name)
        _delete_role(apis(self.connection).iam, name)

    def _ensure_provider(self) -> str:
        """Register the cluster's token issuer with IAM; return the ARN of the provider."""
        iam, issuer = apis(self.connection).iam, self.connection.token_issuer
        arn = provider_arn(account(self.connection), issuer)
        found = iam.find("get_open_id_connect_provider", _MISSING, OpenIDConnectProviderArn=arn)
        if found is None:
            self._create_provider(iam, issuer)
        elif AWS_AUDIENCE not in found.get("ClientIDList", ()):
            iam.call(
                "add_client_id_to_open_id_connect_provider",
                OpenIDConnectProviderArn=arn,
                ClientID=AWS_AUDIENCE,
            )
        return arn

    def _create_provider(self, iam: Api, issuer: str) -> None:
        try:
            iam.find(
                "create_open_id_connect_provider",
                _EXISTS,
                Url=issuer,
                ClientIDList=[AWS_AUDIENCE],
            )
        except ApiError as error:
            if error.code == "InvalidInput":
                raise StoreError(
                    Reason.INVALID_TOKEN_ISSUER,
                    f"IAM at {iam.where} does not take {issuer!r} as token issuer: set "
                    f"{ISSUER_FIELD} to the https:// URL, without a port, that the cluster's API "
                    "server has as --service-account-issuer.",
                    transient=False,
                ) from None
            if error.code == "OpenIdIdpCommunicationError":
                raise StoreError(
                    Reason.TOKEN_ISSUER_UNREACHABLE,
                    f"IAM at {iam.where} cannot fetch {issuer} ({ISSUER_FIELD}): it must reach "
                    "that host over TLS and trust its certificate.",
                    transient=True,
                ) from None
            raise

    def _ensure_role(self, grant: StoreGrant, policy: Document) -> str:
        """Make the role of `grant`; return its ARN."""
        iam, name = apis(self.connection).iam, grant.identity
        trust = trust_policy(self._ensure_provider(), grant.subjects)
        found = iam.find("get_role", _MISSING, RoleName=name)
        held = self._role_policy(name) if found else None
        if found is None:
            found = self._trusting(
                iam, grant, "create_role", RoleName=name, AssumeRolePolicyDocument=json.dumps(trust)
            )
        elif found["Role"]["AssumeRolePolicyDocument"] != trust:
            self._trusting(
                iam,
                grant,
                "update_assume_role_policy",
                RoleName=name,
                PolicyDocument=json.dumps(trust),
            )
        if held != policy:
            iam.call(
                "put_role_policy",
                RoleName=name,
                PolicyName=POLICY_NAME,
                PolicyDocument=json.dumps(policy),
            )
        return str(found["Role"]["Arn"])

    def _trusting(
        self, iam: Api, grant: StoreGrant, operation: str, **parameters: Any
    ) -> Mapping[str, Any]:
        try:
            return iam.call(operation, **parameters)
        except ApiError as error:
            if error.code != "LimitExceeded":
                raise
            raise StoreError(
                Reason.TOO_MANY_SUBJECTS,
                f"role {grant.identity}: the trust policy for {len(grant.subjects)} namespaces and "
                "service accounts is longer than IAM allows: shorten the bindings' "
                "spec.serviceAccounts, remove bindings, or make a second workspace for some.",
                transient=False,
            ) from None

    def _ensure_user(self, grant: StoreGrant, policy: Document) -> Mapping[str, str] | None:
        """Make the user of `grant`; return a new key, None when the held one is live."""
        iam, name = apis(self.connection).iam, grant.identity
        if grant.held_key_id is None and iam.find("create_user", _EXISTS, UserName=name):
            # pods wait for this: a user that was not there has neither policy nor keys to look for
            _put_policy(iam, name, policy)
            return _new_key(iam, name)
        held = self._user_policy(name)
        if held is None:
            iam.find("create_user", _EXISTS, UserName=name)
        if held != policy:
            _put_policy(iam, name, policy)
        return _ensure_key(iam, grant)


def _put_policy(iam: Api, user: str, policy: Document) -> None:
    iam.call(
        "put_user_policy",
        UserName=user,
        PolicyName=POLICY_NAME,
        PolicyDocument=json.dumps(policy),
    )


def _new_key(iam: Api, user: str) -> Mapping[str, str]:
    made = iam.call("create_access_key", UserName=user)["AccessKey"]
    return {AWS_ACCESS_KEY_ID: made["AccessKeyId"], AWS_SECRET_ACCESS_KEY: made["SecretAccessKey"]}


def _ensure_key(iam: Api, grant: StoreGrant) -> Mapping[str, str] | None:
    """Delete every key that is neither held nor retiring; make a key when no live one is held.

    A key that nobody holds is left when the operator stops between making a key and keeping it;
    it counts towards IAM's quota of two.
    """
    user, kept = grant.identity, False
    for key in iam.call("list_access_keys", UserName=user)["AccessKeyMetadata"]:
        if key["AccessKeyId"] == grant.held_key_id and key["Status"] == "Active":
            kept = True
        elif key["AccessKeyId"] not in grant.retiring_key_ids:
            iam.find("delete_access_key", _MISSING, UserName=user, AccessKeyId=key["AccessKeyId"])
    return None if kept else _new_key(iam, user)


def _delete_user(iam: Api, name: str) -> None:
    keys = iam.find("list_access_keys", _MISSING, UserName=name)
    if keys is None:
        return
    for key in keys["AccessKeyMetadata"]:
        iam.find("delete_access_key", _MISSING, UserName=name, AccessKeyId=key["AccessKeyId"])
    for policy in iam.call("list_user_policies", UserName=name)["PolicyNames"]:
        iam.find("delete_user_policy", _MISSING, UserName=name, PolicyName=policy)
    iam.find("delete_user", _MISSING, UserName=name)


def _delete_role(iam: Api, name: str) -> None:
    policies = iam.find("list_role_policies", _MISSING, RoleName=name)
    if policies is None:
        return
    for policy in policies["PolicyNames"]:
        iam.find("delete_role_policy", _MISSING, RoleName=name, PolicyName=policy)
    iam.find("delete_role", _MISSING, RoleName=name)
