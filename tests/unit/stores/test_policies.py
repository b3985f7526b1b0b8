import fnmatch

import pytest

from mooring_operator.stores.errors import Reason, StoreError
from mooring_operator.stores.policies import provider_arn, store_policy, trust_policy


def test_store_policy_names_only_the_prefix() -> None:
    objects, listing = store_policy("mlflow", "team-a/models")["Statement"]

    assert objects["Resource"] == "arn:aws:s3:::mlflow/team-a/models/*"
    assert set(objects["Action"]) == {
        "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload",
    }  # fmt: skip
    assert listing["Action"] == "s3:ListBucket"
    assert listing["Resource"] == "arn:aws:s3:::mlflow"
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "team-a/models/*"}}


def test_store_policy_allows_the_key_of_the_class_and_no_other() -> None:
    key = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd"
    *others, own = store_policy("mlflow", "team-a/models", key)["Statement"]

    assert others == store_policy("mlflow", "team-a/models")["Statement"]
    assert own == {
        "Effect": "Allow",
        "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
        "Resource": key,
    }


def test_a_pattern_in_a_prefix_would_open_other_prefixes() -> None:
    assert fnmatch.fnmatchcase("team-b/models/x", "team-*/models/*")

    for prefix in ("team-*/models", "team-?/models", "${aws:username}", "/a", "a/", "", "ä"):
        with pytest.raises(StoreError) as raised:
            store_policy("mlflow", prefix)
        assert raised.value.reason is Reason.INVALID_PREFIX
        assert repr(prefix) in raised.value.message
        assert "artifactStore.s3.prefix" in raised.value.message


def test_trust_policy_names_provider_audience_and_subjects() -> None:
    arn = provider_arn("000000000000", "https://kubernetes.default.svc")
    assert arn == "arn:aws:iam::000000000000:oidc-provider/kubernetes.default.svc"

    (statement,) = trust_policy(arn, ("system:serviceaccount:b:*", "system:serviceaccount:a:*"))[
        "Statement"
    ]
    assert statement["Principal"] == {"Federated": arn}
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {"kubernetes.default.svc:aud": "sts.amazonaws.com"},
        "StringLike": {
            "kubernetes.default.svc:sub": [
                "system:serviceaccount:a:*",
                "system:serviceaccount:b:*",
            ]
        },
    }


def test_an_issuer_with_a_path_keeps_it() -> None:
    issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC"
    (statement,) = trust_policy(provider_arn("1", issuer), ("x",))["Statement"]
    assert "oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub" in statement["Condition"]["StringLike"]


def test_the_order_of_subjects_does_not_matter() -> None:
    assert trust_policy("a:oidc-provider/x", ("1", "2")) == trust_policy(
        "a:oidc-provider/x", ("2", "1", "1")
    )
