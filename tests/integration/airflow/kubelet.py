"""A kubelet that runs containers as processes: what an operator needs to see of a node.

Nothing starts a pod on an API server without nodes. Init containers run one after another, then
the first container, each with the environment of its ConfigMaps, Secrets and `env`; images,
volumes and limits are ignored. A pod that is deleted gets its process terminated.

What no process can bring about, a pod's annotation `PLAYED` says: its status at the end.
"""

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kubernetes import client

from tests.cluster.process import die_with_parent

Json = dict[str, Any]

PLAYED = "played"
"""Annotation, a JSON object: the status that the pod ends with, over that of its process.

`terminated` stands for the state of its container, `waiting` for that of one that never starts.
"""

POLL_S = 0.05
MESSAGE_BYTES = 2048
PROGRAMS = {
    "python": [sys.executable],
    "mooring": [sys.executable, "-c", "from mooring.main import main; main()"],
    "bash": ["bash"],
}
KEPT = ("PATH", "HOME", "LANG", "PYTHONPATH")
TEMPORARY = "/tmp/"  # noqa: S108 (what a pod calls its own)
REFERENCE = re.compile(r"\$\((\w+)\)")


@contextmanager
def kubelet(api: client.ApiClient, namespace: str) -> Iterator[None]:
    """Run every pod of `namespace` until the block ends."""
    core = client.CoreV1Api(api)
    stop = threading.Event()
    node = _Node(api, core, namespace)
    loop = threading.Thread(target=node.run_until, args=(stop,), daemon=True)
    loop.start()
    try:
        yield
    finally:
        stop.set()
        loop.join()


class _Node:
    def __init__(self, api: client.ApiClient, core: client.CoreV1Api, namespace: str) -> None:
        self._api = api
        self._core = core
        self._namespace = namespace
        self._seen: set[str] = set()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def run_until(self, stop: threading.Event) -> None:
        while not stop.wait(POLL_S):
            found = self._core.list_namespaced_pod(self._namespace).items
            pods = {pod.metadata.name: pod for pod in found}
            for name in pods.keys() - self._seen:
                self._seen.add(name)
                manifest = self._api.sanitize_for_serialization(pods[name])
                threading.Thread(target=self._run, args=(name, manifest), daemon=True).start()
            for name in self._processes.keys() - pods.keys():
                self._processes.pop(name).terminate()
        for process in self._processes.values():
            process.terminate()

    def _run(self, name: str, pod: Json) -> None:
        spec, init = pod["spec"], []
        for container in spec.get("initContainers", []):
            init.append(self._ended(name, container))
            if init[-1]["state"]["terminated"]["exitCode"]:
                waiting = {"waiting": {"reason": "PodInitializing"}}
                self._report(name, "Failed", init, [_status(spec["containers"][0], waiting)])
                return
        container = spec["containers"][0]
        played = json.loads((pod["metadata"].get("annotations") or {}).get(PLAYED, "{}"))
        if waiting := played.pop("waiting", None):
            self._report(name, "Pending", init, [_status(container, {"waiting": waiting})])
            return
        self._report(name, "Running", init, [_status(container, {"running": {}})])
        done = self._ended(name, container)
        done["state"]["terminated"] |= played.pop("terminated", {})
        phase = "Failed" if done["state"]["terminated"]["exitCode"] else "Succeeded"
        self._report(name, phase, init, [done], played)

    def _ended(self, name: str, container: Json) -> Json:
        with tempfile.TemporaryDirectory(prefix="mooring-pod-") as folder:
            out = Path(folder, "out")
            given: list[str] = container["command"] + container.get("args", [])
            command = [each.replace(TEMPORARY, f"{folder}/") for each in given]
            with out.open("wb") as log:
                process = subprocess.Popen(
                    [*PROGRAMS[command[0]], *command[1:]],
                    env=self._environment(name, container),
                    cwd=folder,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    preexec_fn=die_with_parent,
                )
            self._processes[name] = process
            code = process.wait()
            self._processes.pop(name, None)
            said = out.read_bytes()[-MESSAGE_BYTES:].decode(errors="replace") if code else ""
        # The shell's convention for an end by a signal, which Popen tells by its negative.
        ended = {"exitCode": code if code >= 0 else 128 - code, "message": said}
        return _status(container, {"terminated": ended})

    def _environment(self, pod: str, container: Json) -> dict[str, str]:
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        for source in container.get("envFrom", []):
            environment |= self._published(source)
        for entry in container.get("env", []):
            # The one field of a pod that anybody here asks for is its name.
            value = pod if "valueFrom" in entry else entry.get("value", "")
            environment[entry["name"]] = REFERENCE.sub(
                lambda found: environment.get(found[1], found[0]), value
            )
        return environment

    def _published(self, source: Mapping[str, Any]) -> dict[str, str]:
        if "configMapRef" in source:
            name = source["configMapRef"]["name"]
            return dict(self._core.read_namespaced_config_map(name, self._namespace).data or {})
        name = source["secretRef"]["name"]
        data = self._core.read_namespaced_secret(name, self._namespace).data or {}
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def _report(
        self,
        name: str,
        phase: str,
        init: list[Json],
        containers: list[Json],
        played: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        status = {
            "phase": phase,
            "conditions": [{"type": "PodScheduled", "status": "True"}],
            "initContainerStatuses": init,
            "containerStatuses": containers,
            **played,
        }
        try:
            self._core.patch_namespaced_pod_status(name, self._namespace, {"status": status})
        except client.ApiException as error:
            if error.status != 404:
                raise


def _status(container: Json, state: Json) -> Json:
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": state,
    }
