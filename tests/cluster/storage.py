"""Volumes on a node of our own making: a default StorageClass that a non-root pod can write to.

Without it kind falls back to folders of root with mode 0755 in the node's memory.
"""

import json
from typing import Any

Manifest = dict[str, Any]

_NAMESPACE = "local-path-storage"
_NAME = "local-path-provisioner"
_FOLDER = "/var/local-path-provisioner"
_READ = ["get", "list", "watch"]
_CHANGE = [*_READ, "create", "patch", "update", "delete"]


def storage_manifests(image: str) -> list[Manifest]:
    """Return the objects that kind applies from the node's default-storage.yaml.

    `image` holds the provisioner, sh, mkdir and rm. The provisioner is Rancher's, with its own
    rules and settings but for the folder.
    """
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata()},
        *_access(),
        _configuration(image),
        _deployment(image),
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": "standard",
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": "rancher.io/local-path",
            "volumeBindingMode": "WaitForFirstConsumer",
            "reclaimPolicy": "Delete",
        },
    ]


def _metadata() -> Manifest:
    return {"name": _NAME, "namespace": _NAMESPACE}


def _rule(group: str, resources: list[str], verbs: list[str]) -> Manifest:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}


def _access() -> list[Manifest]:
    group = "rbac.authorization.k8s.io"
    version = f"{group}/v1"
    subjects = [{"kind": "ServiceAccount", **_metadata()}]
    cluster = [
        _rule("", ["nodes", "persistentvolumeclaims", "configmaps", "pods", "pods/log"], _READ),
        _rule("", ["persistentvolumes"], _CHANGE),
        _rule("", ["events"], ["create", "patch"]),
        _rule("storage.k8s.io", ["storageclasses"], _READ),
    ]
    return [
        {"apiVersion": version, "kind": "Role", "metadata": _metadata(),
         "rules": [_rule("", ["pods"], _CHANGE)]},
        {"apiVersion": version, "kind": "ClusterRole", "metadata": {"name": _NAME},
         "rules": cluster},
        {"apiVersion": version, "kind": "RoleBinding", "metadata": _metadata(),
         "roleRef": {"apiGroup": group, "kind": "Role", "name": _NAME}, "subjects": subjects},
        {"apiVersion": version, "kind": "ClusterRoleBinding", "metadata": {"name": _NAME},
         "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": _NAME},
         "subjects": subjects},
    ]  # fmt: skip


def _configuration(image: str) -> Manifest:
    helper = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "helper-pod"},
        "spec": {
            "priorityClassName": "system-node-critical",
            "containers": [
                {"name": "helper-pod", "image": image, "imagePullPolicy": "IfNotPresent"}
            ],
        },
    }
    paths = [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [_FOLDER]}]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "local-path-config", "namespace": _NAMESPACE},
        "data": {
            "config.json": json.dumps({"nodePathMap": paths}),
            "setup": '#!/bin/sh\nset -eu\nmkdir -m 0777 -p "$VOL_DIR"\n',
            "teardown": '#!/bin/sh\nset -eu\nrm -rf "$VOL_DIR"\n',
            "helperPod.yaml": json.dumps(helper),
        },
    }


def _deployment(image: str) -> Manifest:
    container = {
        "name": _NAME,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/usr/local/bin/local-path-provisioner", "start",
                    "--config", "/etc/config/config.json"],
        "volumeMounts": [{"name": "config", "mountPath": "/etc/config/"}],
        "env": [
            {"name": "POD_NAMESPACE",
             "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            {"name": "CONFIG_MOUNT_PATH", "value": "/etc/config/"},
            {"name": "SERVICE_ACCOUNT_NAME", "value": _NAME},  # of its helper pods
        ],
    }  # fmt: skip
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(),
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": _NAME}},
            "template": {
                "metadata": {"labels": {"app": _NAME}},
                "spec": {
                    "serviceAccountName": _NAME,
                    "tolerations": [{"operator": "Exists"}],
                    "containers": [container],
                    "volumes": [{"name": "config", "configMap": {"name": "local-path-config"}}],
                },
            },
        },
    }
