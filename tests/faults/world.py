"""The workspaces that faults are tried on, and what a fault may name: keys, experiments, runs."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from string import Template
from typing import Any, Final

import httpx

from mooring import contract
from mooring_operator.plan.deletion import FORCE_ANNOTATION
from tests.cluster.process import wait_until
from tests.demo.cluster import apply, forwarded, get, kubectl
from tests.demo.store import TRACKING_PORT, iam
from tests.demo.system import wait_injected, wait_ready
from tests.e2e.workspaces import (
    OwnWorkspace,
    hand_wired,
    own_bucket,
    own_workspace,
    training_image,
)
from tests.faults import tokens
from tests.faults.fault import Fault

MINTED: Final = "faults"
KEYLESS: Final = "faults-keyless"
BY_DEFAULT: Final = "faults-default"
"""A namespace whose default binding gives itself to every pod."""
OTHER: Final = "team-b"
"""Another team, of the demo."""
STRANGER: Final = "faults-stranger"

IN_PLACE: Final = (
    contract.TRACKING_URI,
    contract.S3_ENDPOINT_URL,
    contract.AWS_REGION,
    contract.AWS_ACCESS_KEY_ID,
    contract.AWS_SECRET_ACCESS_KEY,
    contract.AWS_ROLE_ARN,
    contract.AWS_TOKEN_FILE,
    contract.AWS_STS_ENDPOINT,
    "AWS_EC2_METADATA_DISABLED",
)
"""What people set by hand without Mooring: server, store and credential."""


@dataclass(frozen=True, slots=True)
class World:
    """What faults are brought about with."""

    facts: Mapping[str, str] = field(repr=False)
    image: str
    volumes: Mapping[str, list[dict[str, Any]]]
    mounts: Mapping[str, list[dict[str, Any]]]

    def of(self, fault: Fault) -> str:
        """The workspace that the fault is tried on."""
        return KEYLESS if fault.keyless else MINTED

    def filled(self, text: str) -> str:
        """The text with every `$name` of a fact replaced."""
        return Template(text).safe_substitute(self.facts)

    def env(self, fault: Fault) -> dict[str, str | None]:
        """The fault's environment, with the facts in it."""
        return {k: None if v is None else self.filled(v) for k, v in fault.env.items()}

    def by_hand(self, fault: Fault) -> dict[str, str]:
        """The environment of a pod that was wired by hand, with the fault in it."""
        right = _published(self.of(fault))
        given: dict[str, str | None] = {k: right[k] for k in IN_PLACE if k in right}
        given |= {k: v for k, v in self.env(fault).items() if not k.startswith("MOORING_")}
        return {name: value for name, value in given.items() if value is not None}


def _break_off(name: str) -> None:
    """Have the deletion of a workspace wait for no run: those without Mooring may never end."""
    kubectl("annotate", "mlw", "--all", "-n", name, f"{FORCE_ANNOTATION}=true", "--overwrite")


@contextmanager
def world() -> Iterator[World]:
    """Two workspaces of their own, with a key and with a role, and what is wrong with them."""
    with ExitStack() as standing:
        for name, credentials in ((MINTED, "Minted"), (KEYLESS, "WorkloadIdentity")):
            spec = {"allowedNamespaces": {"from": "All"}}
            _break_off(name)
            standing.enter_context(own_workspace(name, own_bucket(name, credentials), spec))
            standing.callback(_break_off, name)
        standing.callback(_remove, BY_DEFAULT)
        apply(_namespace(BY_DEFAULT, {contract.DEFAULT_BINDING_LABEL: MINTED}))
        apply(binding(MINTED, BY_DEFAULT, MINTED))
        wait_ready("mlb", MINTED, BY_DEFAULT)
        wait_injected(MINTED)
        apply(tokens.secret(KEYLESS))
        standing.callback(_forget_stranger)
        wired = {
            name: hand_wired(name, name)["pod_template_dict"]["spec"] for name in (MINTED, KEYLESS)
        }
        yield World(
            facts=_facts(),
            image=training_image(),
            volumes={name: spec["volumes"] for name, spec in wired.items()},
            mounts={name: spec["containers"][0]["volumeMounts"] for name, spec in wired.items()},
        )


def binding(name: str, namespace: str, workspace: str) -> dict[str, Any]:
    """A binding to a workspace that has its own name for a namespace."""
    return {
        "apiVersion": contract.API_VERSION,
        "kind": "MlflowBinding",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"workspaceRef": {"name": workspace, "namespace": workspace}},
    }


def publish(name: str, namespace: str, env: Mapping[str, str | None]) -> None:
    """Have a binding's objects say something else; only where no operator would mend them."""
    for kind, is_secret in (("secret", True), ("configmap", False)):
        data = {
            key: _encoded(value) if is_secret and value is not None else value
            for key, value in env.items()
            if (key in contract.SECRET_KEYS) == is_secret
        }
        if data:
            patch = json.dumps({"data": data})
            where = (contract.published_name(name), "-n", namespace)
            kubectl("patch", kind, *where, "--type=merge", "-p", patch)


def _published(name: str) -> dict[str, str]:
    public: dict[str, str] = get("configmap", contract.published_name(name), name)["data"]
    return {**public, **OwnWorkspace(name).secret()}


def _facts() -> dict[str, str]:
    right, other = _published(MINTED), _published(OTHER)
    host = f"{MINTED}-mlflow.{MINTED}.svc"
    service = get("service", f"{MINTED}-mlflow", MINTED)
    return {
        "uri": right[contract.TRACKING_URI],
        "host": host,
        "ip": service["spec"]["clusterIP"],
        "bucket": MINTED,
        "endpoint": right[contract.S3_ENDPOINT_URL],
        "key": right[contract.AWS_ACCESS_KEY_ID],
        "other_uri": other[contract.TRACKING_URI],
        "other_role": other[contract.AWS_ROLE_ARN],
        **_stranger(),
        **_in_mlflow(),
    }


def _stranger() -> dict[str, str]:
    """Two keys of somebody who may do nothing here; the second one is deleted."""
    _forget_stranger()
    with iam() as client:
        client.create_user(UserName=STRANGER)
        made = [client.create_access_key(UserName=STRANGER)["AccessKey"] for _ in range(2)]
        client.delete_access_key(UserName=STRANGER, AccessKeyId=made[1]["AccessKeyId"])
    return {
        f"{name}_{part}": key[entry]
        for name, key in zip(("stranger", "deleted"), made, strict=True)
        for part, entry in (("key", "AccessKeyId"), ("secret", "SecretAccessKey"))
    }


def _forget_stranger() -> None:
    with iam() as client:
        try:
            keys = client.list_access_keys(UserName=STRANGER)["AccessKeyMetadata"]
        except client.exceptions.NoSuchEntityException:
            return
        for key in keys:
            client.delete_access_key(UserName=STRANGER, AccessKeyId=key["AccessKeyId"])
        client.delete_user(UserName=STRANGER)


def _in_mlflow() -> dict[str, str]:
    """Experiments and a run as teams leave them behind."""
    suffix = uuid.uuid4().hex[:8]
    names = {name: f"{name}-{suffix}" for name in ("deleted", "elsewhere", "local")}
    with forwarded(f"{MINTED}-mlflow", MINTED, TRACKING_PORT) as url:

        def ask(path: str, **body: Any) -> dict[str, Any]:
            answer = httpx.post(f"{url}/api/2.0/mlflow/{path}", json=body, timeout=60)
            result: dict[str, Any] = answer.raise_for_status().json()
            return result

        deleted = ask("experiments/create", name=names["deleted"])
        ask("experiments/delete", **deleted)
        places = {"elsewhere": f"s3://{KEYLESS}/elsewhere", "local": "file:///tmp/artifacts"}
        for name, place in places.items():
            ask("experiments/create", name=names[name], artifact_location=place)
        run = ask("runs/create", experiment_id="0", run_name="deleted")["run"]["info"]["run_id"]
        ask("runs/delete", run_id=run)
    return {f"{name}_experiment": value for name, value in names.items()} | {"deleted_run": run}


def wait_answered(names: list[str], namespace: str) -> None:
    """Wait until all bindings of these names are ready."""
    wait_until(_all_ready(names, namespace), f"{len(names)} bindings of {namespace} to be ready")


def _all_ready(names: list[str], namespace: str) -> Callable[[], bool]:
    def look() -> bool:
        items = json.loads(kubectl("get", "mlb", "-n", namespace, "-o", "json"))["items"]
        ready = {
            item["metadata"]["name"]
            for item in items
            for each in item.get("status", {}).get("conditions", [])
            if each["type"] == "Ready" and each["status"] == "True"
        }
        return set(names) <= ready

    return look


def _namespace(name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "labels": dict(labels)}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _remove(namespace: str) -> None:
    kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false")


def _encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()
