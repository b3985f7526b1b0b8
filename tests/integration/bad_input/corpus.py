"""What people write wrongly and the schema can know: the object, and what they must be told.

An entry changes one object that nothing is wrong with. A path is as in `spec.server.image`, `*` in
it stands for the only entry of a list; REMOVED takes the field away.
"""

import copy
from dataclasses import dataclass
from typing import Any, Final

from mooring.contract import API_VERSION

Manifest = dict[str, Any]

REMOVED: Final = object()

SECRET: Final = {"name": "admin", "namespace": "platform"}
CLASS: Final[Manifest] = {
    "apiVersion": API_VERSION,
    "kind": "MlflowWorkspaceClass",
    "metadata": {"name": "standard"},
    "spec": {
        "artifactStore": {
            "s3": {
                "endpoint": "https://s3.example.com",
                "region": "eu-central-1",
                "bucket": "mlflow",
                "prefix": "teams/{namespace}/{name}",
                "iam": {"endpoint": "https://iam.example.com"},
                "sts": {"endpoint": "https://sts.example.com"},
                "adminSecret": dict(SECRET),
                "credentials": "Minted",
                "tokenIssuer": "https://oidc.eks.eu-central-1.amazonaws.com/id/ABC",
                "caBundle": {"name": "store-ca", "namespace": "platform"},
            }
        },
        "backendStore": {
            "postgresql": {"host": "db.example.com", "port": 5432, "adminSecret": dict(SECRET)}
        },
        "server": {
            "image": "registry.example.com:5000/mooring/server:1",
            "resources": {"requests": {"cpu": "100m", "memory": "512Mi"},
                          "limits": {"memory": "1Gi"}},
        },
        "guard": {"image": "mooring/runtime@sha256:" + 64 * "0"},
        "launchers": [{"namespace": "airflow", "serviceAccount": "worker"}],
    },
}  # fmt: skip
WORKSPACE: Final[Manifest] = {
    "apiVersion": API_VERSION,
    "kind": "MlflowWorkspace",
    "metadata": {"name": "models", "namespace": "default"},
    "spec": {
        "className": "standard",
        "allowedNamespaces": {"from": "Selector", "selector": {"matchLabels": {"a.b/tier": "x"}}},
    },
}
BINDING: Final[Manifest] = {
    "apiVersion": API_VERSION,
    "kind": "MlflowBinding",
    "metadata": {"name": "models", "namespace": "default"},
    "spec": {
        "workspaceRef": {"name": "models", "namespace": "team"},
        "serviceAccounts": ["train"],
        "experiment": "Häuserpreise / 2026",
        "guard": "Warn",
        "airflow": {"connection": True},
        "launcher": {"namespace": "airflow", "serviceAccount": "worker"},
    },
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """An object with one thing wrong, and what its author must read."""

    how: str
    base: Manifest
    path: str
    value: Any
    told: str

    @property
    def manifest(self) -> Manifest:
        """The object as somebody would apply it."""
        return changed(self.base, self.path, self.value)

    def __str__(self) -> str:
        return f"{self.base['kind']} {self.path}: {self.how}"


def changed(base: Manifest, path: str, value: Any) -> Manifest:
    """A copy of `base` with one field set or taken away."""
    made = copy.deepcopy(base)
    node: Any = made
    *parents, last = path.split(".")
    for part in parents:
        node = node[0] if part == "*" else node.setdefault(part, {})
    if value is REMOVED:
        del node[last]
    elif last == "*":
        node[0] = value
    else:
        node[last] = value
    return made


def _each(base: Manifest, path: str, told: str, **values: Any) -> tuple[Wrong, ...]:
    return tuple(
        Wrong(how.replace("_", " "), base, path, value, told) for how, value in values.items()
    )


S3 = "spec.artifactStore.s3"
PG = "spec.backendStore.postgresql"
ENDPOINT = "an endpoint is http:// or https://, a host and perhaps a port"
ISSUER = "an issuer is the https:// URL that the API server has as --service-account-issuer"
BUCKET = "a bucket name has 3 to 63 characters"
LABEL = "a name is made of a-z, 0-9 and '-', and starts and ends with a letter or a digit"
KMS = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OBJECT = "a name is made of a-z, 0-9, '-' and '.'"
IMAGE = "an image is a reference as in registry.example.com/mooring/server:1.0"
URI = "uri is http:// or https://, a host, and perhaps a port and a path"
EXTERNAL = {"uri": "https://mlflow.example.com"}
VERSION = "a version is one of MLflow with all its parts, as in 3.17.2"
QUANTITY = "a quantity is a number with perhaps a unit, as in 500m, 2 or 1Gi"
NAME = "metadata.name has at most 35 characters of a-z, 0-9 and '-', and starts with a letter"
DURATION = "a duration is hours, minutes and seconds, as in 720h or 1h30m"
EXPERIMENT = "an experiment's name is not empty, has no control characters, and no white space"

OF_A_CLASS: Final = (
    *_each(CLASS, "metadata.name", NAME, of_63=63 * "c", of_36=36 * "c", begins_with_a_digit="1st"),
    *_each(CLASS, "metadata.name", "must consist of lower case", capitals="Standard",
           unicode="größe", underscore="my_class"),
    *_each(CLASS, f"{S3}.bucket", "set exactly one of bucket", neither=REMOVED),
    *_each(CLASS, f"{S3}.bucketTemplate", "set exactly one of bucket", both="m-{namespace}-{name}"),
    *_each(CLASS, f"{S3}.bucketTemplate", "bucketTemplate must contain {namespace} and {name}",
           no_placeholder="mlflow", half="mlflow-{namespace}"),
    *_each(CLASS, f"{S3}.bucketTemplate", "bucketTemplate is made of a-z, 0-9 and '-'",
           capitals="MLflow-{namespace}-{name}", unknown="{cluster}-{namespace}-{name}",
           underscore="{namespace}_{name}", a_dash_first="-{namespace}-{name}"),
    *_each(CLASS, f"{S3}.bucket", BUCKET, capitals="MlFlow", underscore="ml_flow", short="ml",
           long=64 * "b", as_a_URI="s3://mlflow", with_a_folder="mlflow/teams", unicode="müll",
           a_space="ml flow", ends_with_a_hyphen="mlflow-", empty=""),
    *_each(CLASS, f"{S3}.endpoint", ENDPOINT, no_scheme="s3.example.com", trailing_slash="https://s3/",
           a_path="https://s3.example.com/mlflow", another_scheme="s3://s3.example.com",
           a_space="https://s3 .example.com", a_login="https://root:x@s3.example.com", empty="",
           a_query="https://s3.example.com?a=b", a_line_feed="https://s3.example.com\n"),
    *_each(CLASS, f"{S3}.iam.endpoint", ENDPOINT, no_scheme="iam.example.com:7071"),
    *_each(CLASS, f"{S3}.sts.endpoint", ENDPOINT, trailing_slash="http://sts:7072/"),
    *_each(CLASS, f"{S3}.region", "a region is one word", words="eu central", empty=""),
    *_each(CLASS, f"{S3}.prefix", "prefix must contain {namespace}/{name}", empty="",
           no_placeholder="teams", half="{namespace}", turned="{name}/{namespace}",
           a_hyphen="{namespace}-{name}"),
    *_each(CLASS, f"{S3}.prefix", "prefix neither starts nor ends with '/'",
           slash_first="/{namespace}/{name}", slash_last="{namespace}/{name}/",
           slashes="a//{namespace}/{name}"),
    *_each(CLASS, f"{S3}.prefix", "prefix is made of letters, digits and !_.'()/-",
           a_star="*/{namespace}/{name}", a_variable="${aws:userid}/{namespace}/{name}",
           another_placeholder="{team}/{namespace}/{name}"),
    *_each(CLASS, f"{S3}.credentials", 'supported values: "WorkloadIdentity", "Minted"',
           unknown="Keys", lower_case="minted"),
    *_each(CLASS, f"{S3}.encryption", 'supported values: "AES256", "KMS"',
           as_boto3_says={"type": "aws:kms"}),
    *_each(CLASS, f"{S3}.encryption", "encryption.type: Required value",
           a_key_alone={"kmsKeyId": KMS}),
    *_each(CLASS, f"{S3}.encryption", "kmsKeyId goes with type KMS",
           a_key_for_nothing={"type": "AES256", "kmsKeyId": KMS}),
    *_each(CLASS, f"{S3}.encryption", "kmsKeyId is the ARN of a key",
           an_alias={"type": "KMS", "kmsKeyId": "arn:aws:kms:eu-central-1:111122223333:alias/a"},
           an_id={"type": "KMS", "kmsKeyId": "1234abcd-12ab-34cd-56ef-1234567890ab"},
           empty={"type": "KMS", "kmsKeyId": ""}),
    *_each(CLASS, f"{S3}.tokenIssuer", ISSUER, http="http://kubernetes.default.svc",
           no_scheme="kubernetes.default.svc", trailing_slash="https://issuer.example/"),
    *_each(CLASS, f"{S3}.adminSecret.name", OBJECT, capitals="Admin", with_its_namespace="a/admin",
           empty=""),
    *_each(CLASS, f"{S3}.adminSecret.namespace", LABEL, dots="platform.team", empty=""),
    *_each(CLASS, f"{S3}.adminSecret.namespace", "namespace: Required value", missing=REMOVED),
    *_each(CLASS, f"{S3}.adminSecret", "must be of type object", a_bare_name="admin"),
    *_each(CLASS, f"{S3}.adminSecret", "adminSecret: Required value", missing=REMOVED),
    *_each(CLASS, f"{S3}.caBundle.key", "a key is made of letters, digits", a_path="certs/ca.crt"),
    *_each(CLASS, f"{S3}.caBundle.kind", 'supported values: "ConfigMap", "Secret"', a_file="File"),
    *_each(CLASS, "spec.artifactStore", "set exactly one of s3, azure, gcs, volume", empty={}),
    *_each(CLASS, f"{PG}.host", "host is a name or an address alone", with_a_port="db:5432",
           as_a_URI="postgresql://db", a_login="user@db", a_space="db .example.com", empty="",
           with_the_database="db/mlflow"),
    *_each(CLASS, f"{PG}.port", "should be greater than or equal to 1", zero=0, negative=-5432),
    *_each(CLASS, f"{PG}.port", "should be less than or equal to 65535", too_big=65536),
    *_each(CLASS, f"{PG}.port", "must be of type integer", a_text="5432"),
    *_each(CLASS, f"{PG}.sslMode", "Unsupported value", yes="yes", underscore="verify_full"),
    *_each(CLASS, f"{PG}.sslMode", "caBundle goes with sslMode verify-ca or verify-full",
           nobody_to_ask="verify-full"),
    *_each(CLASS, f"{PG}.caBundle", "caBundle goes with sslMode verify-ca or verify-full",
           never_asked={"name": "database-ca", "namespace": "platform"}),
    *_each(CLASS, f"{PG}.caBundle", "caBundle.namespace: Required value", bare={"name": "ca"}),
    *_each(CLASS, f"{PG}.adminSecret.name", OBJECT, underscore="db_admin"),
    *_each(CLASS, f"{PG}.copies", "copies", none=0, many=17),
    *_each(CLASS, "spec.server.image", IMAGE, empty="", a_space="mooring/server: 1",
           no_tag_after_the_colon="mooring/server:"),
    *_each(CLASS, "spec.server.image", IMAGE, a_line_feed="mooring/server:1\n"),
    *_each(CLASS, "spec.guard.image", "an image has no scheme", a_URL="https://example.com/guard:1"),
    *_each(CLASS, "spec.server.imagePullPolicy", "Unsupported value", lower_case="always"),
    *_each(CLASS, "spec.server.resources.limits.memory", QUANTITY, two_letters="1GB", words="a lot",
           a_space="1 Gi", negative="-1Gi", empty=""),
    *_each(CLASS, "spec.server.resources.requests", "what is requested is at most",
           above_its_limit={"memory": "2Gi"}),
    *_each(CLASS, "spec.server.resources.limits", "a resource is cpu, memory",
           misnamed={"cpus": "1"}),
    *_each(CLASS, "spec.server.versions", VERSION,
           an_image=[{"version": "mlflow:3.17.2", "image": "a"}],
           a_v=[{"version": "v3.17.2", "image": "a"}], empty=[{"version": "", "image": "a"}]),
    *_each(CLASS, "spec.server.versions", IMAGE, a_space=[{"version": "3.17.2", "image": "a b"}]),
    *_each(CLASS, "spec.server.versions", "image: Required value", bare=[{"version": "3.17.2"}]),
    *_each(CLASS, "spec.server.versions", "Duplicate value",
           twice=2 * [{"version": "3.17.2", "image": "a/b"}]),
    *_each(CLASS, "spec.server.replicas", "should be greater than or equal to 1", none=0),
    *_each(CLASS, "spec.server.replicas", "should be less than or equal to 32", many=33),
    *_each(CLASS, "spec.server.workers", "should be less than or equal to 16", many=17),
    *_each(CLASS, "spec.server.user", 'supported values: "Fixed", "Assigned"', number="0"),
    *_each(CLASS, "spec.server.imagePullSecrets", OBJECT, capitals=[{"name": "Registry"}]),
    *_each(CLASS, "spec.server.imagePullSecrets", "must be of type object", bare=["registry"]),
    *_each(CLASS, "spec.server.tolerations", "must be of type object", bare=["gpu"]),
    *_each(CLASS, "spec.server.affinity", "must be of type object", a_list=[]),
    *_each(CLASS, "spec.server.topologyKeys", "Too many", of_5=[f"k{n}" for n in range(5)]),
    *_each(CLASS, "spec.limits.memory", QUANTITY, words="plenty"),
    *_each(CLASS, "spec.limits.replicas", "should be greater than or equal to 1", none=0),
    *_each(CLASS, "spec.networkPolicy.enabled", "must be of type boolean", a_text="on"),
    *_each(CLASS, "spec.networkPolicy.alsoFrom", "must be of type object", bare=["monitoring"]),
    *_each(CLASS, "spec.artifactStore", "set exactly one of s3, azure, gcs, volume",
           two={**CLASS["spec"]["artifactStore"], "volume": {}}),
    *_each(CLASS, "spec.artifactStore", "size is a quantity above zero, as in 10Gi",
           size_without_a_number={"volume": {"size": "big"}}, size_zero={"volume": {"size": "0"}},
           size_in_GB={"volume": {"size": "10GB"}}),
    *_each(CLASS, "spec.artifactStore", OBJECT, capitals={"volume": {"storageClass": "Fast"}}),
    *_each(CLASS, "spec.artifactStore", 'supported values: "ReadWriteOnce"',
           short={"volume": {"accessMode": "RWO"}}),
    *_each(CLASS, "spec.backendStore", "backendStore.sqlite is a file on the volume",
           beside_a_bucket={"sqlite": {}}),
    *_each(CLASS, "spec.backendStore", "set exactly one of postgresql, sqlite",
           two={**CLASS["spec"]["backendStore"], "sqlite": {}}),
    *_each(CLASS, "spec.exposure", "set exactly one of gateway, ingress",
           neither={"host": "{name}.{namespace}.example.com"}),
    *_each(CLASS, "spec.exposure", "host is {name}.{namespace}. or {namespace}.{name}.",
           no_placeholder={"host": "mlflow.example.com", "ingress": {}},
           one_for_all={"host": "{name}.example.com", "ingress": {}},
           a_URL={"host": "https://{name}.{namespace}.example.com", "ingress": {}},
           capitals={"host": "{name}.{namespace}.Example.com", "ingress": {}}),
    *_each(CLASS, "spec.rotation.every", DURATION, days="30days", words="monthly", a_number="30",
           ISO="P30D", negative="-1h", empty=""),
    *_each(CLASS, "spec.rotation.every", "must be of type string", an_integer=720),
    *_each(CLASS, "spec.rotation", "every is more than nothing", never={"every": "0h"}),
    *_each(CLASS, "spec.rotation.grace", DURATION, days="1d"),
    *_each(CLASS, "spec.launchers.*.serviceAccount", OBJECT,
           as_a_subject="system:serviceaccount:a:b"),
    *_each(CLASS, "spec.launchers", "Duplicate value", twice=2 * CLASS["spec"]["launchers"]),
    *_each(CLASS, "spec", "spec: Required value", missing=REMOVED),
    *_each(CLASS, "spec.server", "server: Required value", missing=REMOVED),
    *_each(CLASS, "spec.deletionPolicy", 'supported values: "Retain", "Delete"', orphan="Orphan"),
)  # fmt: skip

OF_A_WORKSPACE: Final = (
    *_each(WORKSPACE, "metadata.name", NAME, of_63=63 * "w", of_36=36 * "w", a_dot="my.models"),
    *_each(WORKSPACE, "metadata.name", "must consist of lower case", unicode="modèles"),
    *_each(WORKSPACE, "spec.className", LABEL, capitals="Standard", unicode="größe", a_space="a b",
           empty="", a_dot="gold.example.com"),
    *_each(WORKSPACE, "spec.className", "must be of type string", a_number=1),
    *_each(WORKSPACE, "spec.className", "Too long", of_64=64 * "c"),
    *_each(WORKSPACE, "spec.allowedNamespaces.from", "Unsupported value", unknown="Some"),
    *_each(WORKSPACE, "spec.allowedNamespaces", "must be of type object", a_list=["team"]),
    *_each(WORKSPACE, "spec.allowedNamespaces", "selector goes with from: Selector, and only",
           without_selector={"from": "Selector"},
           all_with_selector={"from": "All", "selector": {"matchLabels": {"a": "b"}}},
           same_with_selector={"selector": {"matchLabels": {"a": "b"}}}),
    *_each(WORKSPACE, "spec.allowedNamespaces.selector.matchLabels", "name a label", empty={}),
    *_each(WORKSPACE, "spec.allowedNamespaces.selector.matchLabels", "the value of a label is made",
           a_space={"tier": "very gold"}, ends_with_a_dot={"tier": "gold."}),
    *_each(WORKSPACE, "spec.allowedNamespaces.selector.matchLabels", "the key of a label is a name",
           a_space_in_the_key={"my tier": "gold"}, empty_key={"": "gold"}),
    *_each(WORKSPACE, "spec.allowedNamespaces.selector.matchLabels", "Too long",
           of_64={"tier": 64 * "g"}),
    *_each(WORKSPACE, "spec.artifactAccess", 'supported values: "Direct", "Proxied"',
           lower_case="proxied", unknown="Presigned"),
    *_each(WORKSPACE, "spec.server.version", VERSION, half="3.17", latest="latest",
           a_range=">=3.17.0"),
    *_each(WORKSPACE, "spec.server.version", "must be of type string", a_number=3.17),
    *_each(WORKSPACE, "spec.server.replicas", "should be greater than or equal to 1", negative=-1),
    *_each(WORKSPACE, "spec.server.replicas", "must be of type integer", a_text="2"),
    *_each(WORKSPACE, "spec.server.resources.limits", QUANTITY, unit={"memory": "4GB"}),
    *_each(WORKSPACE, "spec.server.env", "the operator sets this variable itself",
           tracking_URI=[{"name": "MLFLOW_TRACKING_URI", "value": "sqlite://"}],
           a_key=[{"name": "AWS_ACCESS_KEY_ID", "value": "x"}]),
    *_each(WORKSPACE, "spec.server.env", "set exactly one of value and valueFrom",
           neither=[{"name": "A"}]),
    *_each(WORKSPACE, "spec.server.env", "a variable is made of letters, digits and '_'",
           a_hyphen=[{"name": "MY-VARIABLE", "value": "x"}], empty=[{"name": "", "value": "x"}]),
    *_each(WORKSPACE, "spec.server.env", "Duplicate", twice=2 * [{"name": "A", "value": "a"}]),
    *_each(WORKSPACE, "spec.server.env", "must be of type array", a_map={"A": "x"}),
    *_each(WORKSPACE, "spec.deletionPolicy", 'supported values: "Retain", "Delete"',
           lower_case="delete", of_volumes="Recycle"),
    *_each(WORKSPACE, "spec.deletionPolicy", "must be of type string", a_boolean=True),
    *_each(WORKSPACE, "spec.server.external.uri", URI, no_scheme="mlflow.example.com",
           a_database="postgresql://db/mlflow", trailing_slash="https://mlflow.example.com/",
           a_login="https://me:pw@mlflow.example.com", a_query="https://mlflow.example.com?a=b",
           a_page="https://mlflow.example.com/#/experiments/1", a_space="https://ml flow", empty="",
           two_slashes="https://mlflow.example.com//x", a_line_feed="https://mlflow\n"),
    *_each(WORKSPACE, "spec.server.external", "uri: Required value", nothing={}),
    *_each(WORKSPACE, "spec.server.external", "must be of type object", bare="http://x"),
    *_each(WORKSPACE, "spec.server.external", "a workspace of MLflow has a name of 2 to 63",
           capitals={**EXTERNAL, "mlflowWorkspace": "TeamA"},
           one={**EXTERNAL, "mlflowWorkspace": "a"},
           underscore={**EXTERNAL, "mlflowWorkspace": "team_a"}),
    *_each(WORKSPACE, "spec.server.external", OBJECT,
           a_secret_with_capitals={**EXTERNAL, "secretRef": {"name": "Login"}}),
    *_each(WORKSPACE, "spec.server", "for a server that the operator runs: with external",
           replicas={"external": EXTERNAL, "replicas": 2},
           a_version={"external": EXTERNAL, "version": "3.17.2"},
           resources={"external": EXTERNAL, "resources": {"limits": {"memory": "1Gi"}}},
           a_variable={"external": EXTERNAL, "env": [{"name": "TZ", "value": "UTC"}]}),
    *_each(WORKSPACE, "spec", "backendStore is for a server that the operator runs",
           a_database={"server": {"external": EXTERNAL},
                       "backendStore": {"existing": {"secretRef": {"name": "db"}}}}),
    *_each(WORKSPACE, "spec", "garbageCollection is for a server that the operator runs",
           gc={"server": {"external": EXTERNAL}, "garbageCollection": {"schedule": "@daily"}}),
    *_each(WORKSPACE, "spec", "set artifactAccess: Direct, or leave artifactStore out",
           unreachable={"server": {"external": EXTERNAL},
                        "artifactStore": {"existing": {"uri": "s3://mlflow/a",
                                                       "secretRef": {"name": "s3"}}}}),
    *_each(WORKSPACE, "spec.auth", "set basic", nothing={}, another_name={"oidc": {}}),
    *_each(WORKSPACE, "spec.auth", "must be of type object", a_word="Basic", yes=True),
    *_each(WORKSPACE, "spec.auth.basic", "must be of type object", yes=True),
    *_each(WORKSPACE, "spec", "auth is for a server that the operator runs",
           auth={"server": {"external": EXTERNAL}, "auth": {"basic": {}}}),
    *_each(WORKSPACE, "spec.rotation.every", DURATION, days="30days", a_space="1 h"),
    *_each(WORKSPACE, "spec.rotation.grace", DURATION, words="a day"),
    *_each(WORKSPACE, "spec.rotation", "every is more than nothing", never={"every": "0s"}),
)  # fmt: skip

OF_A_BINDING: Final = (
    *_each(BINDING, "metadata.name", NAME, of_63=63 * "b", of_36=36 * "b"),
    *_each(BINDING, "spec", "spec: Required value", missing=REMOVED),
    *_each(BINDING, "spec.workspaceRef", "workspaceRef: Required value", missing=REMOVED),
    *_each(BINDING, "spec.workspaceRef", "must be of type object", a_bare_name="models"),
    *_each(BINDING, "spec.workspaceRef.name", "name: Required value", missing=REMOVED),
    *_each(BINDING, "spec.workspaceRef.name", LABEL, with_its_namespace="team/models", empty="",
           unicode="modèles", a_line_feed="models\n"),
    *_each(BINDING, "spec.workspaceRef.namespace", LABEL, capitals="Team", empty="", up="../team"),
    *_each(BINDING, "spec.serviceAccounts", "must be of type array", a_bare_name="train"),
    *_each(BINDING, "spec.serviceAccounts.*", OBJECT, a_pattern="*", a_subject="team:train",
           with_its_namespace="team/train", empty=""),
    *_each(BINDING, "spec.serviceAccounts", "Duplicate value", twice=["train", "train"]),
    *_each(BINDING, "spec.serviceAccounts", "Too many", of_33=[f"sa-{n}" for n in range(33)]),
    *_each(BINDING, "spec.experiment", EXPERIMENT, empty="", a_space=" ", space_last="prices ",
           a_line_feed="prices\n", a_tab="house\tprices", a_nul="a\x00b"),
    *_each(BINDING, "spec.experiment", "Too long", of_257=257 * "e"),
    *_each(BINDING, "spec.guard", 'supported values: "Enforce", "Warn", "Off"', lower_case="off",
           unknown="Strict"),
    *_each(BINDING, "spec.guard", "must be of type string", a_boolean=False),
    *_each(BINDING, "spec.airflow.connection", "must be of type boolean", a_text="yes"),
    *_each(BINDING, "spec.launcher.namespace", "namespace: Required value", missing=REMOVED),
    *_each(BINDING, "spec.launcher.serviceAccount", OBJECT, capitals="Worker", a_pattern="*"),
)  # fmt: skip

REFUSED: Final = (*OF_A_CLASS, *OF_A_WORKSPACE, *OF_A_BINDING)
