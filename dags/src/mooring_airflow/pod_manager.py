"""What makes and watches a pod. XCom of its sidecar may be lost: the run is found by its tags."""

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, Final

from airflow.providers.cncf.kubernetes.utils.container import container_is_completed
from airflow.providers.cncf.kubernetes.utils.pod_manager import (
    EMPTY_XCOM_RESULT,
    PodManager,
    PodPhase,
)
from airflow.sdk.exceptions import AirflowException
from kubernetes.client import models as k8s
from kubernetes.client.exceptions import ApiException
from kubernetes.watch import Watch
from urllib3.exceptions import HTTPError

END_S: Final = 2
"""How long the end of a pod is watched for once its log has ended: a kubelet tells it in one."""

LOST = "XCom of pod %s is lost: %s The task goes on, its MLflow run is found by its tags."


class MlflowPodManager(PodManager):
    """PodManager that treats a lost sidecar as one that was given nothing.

    The provider fails the task then, although the training and its artifacts landed
    (apache/airflow#45772, #60319). `before_creation` is given each pod that is about to be made, to
    change it: not one that an earlier try has left, which the provider goes on with.
    """

    def __init__(self, *, before_creation: Callable[[k8s.V1Pod], None], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._before_creation = before_creation

    def create_pod(self, pod: k8s.V1Pod) -> k8s.V1Pod:
        """Make the pod."""
        self._before_creation(pod)
        return super().create_pod(pod)

    def await_container_completion(
        self, pod: k8s.V1Pod, container_name: str, polling_time: float = 1
    ) -> None:
        """Wait for the end of a container, or of its pod.

        Of a container that its node has never told of, or will tell nothing more, the provider
        waits for the end for ever, although the pod is Failed: one that no node took (OutOfmemory),
        or whose node is gone.
        """
        while True:
            found = self.read_pod(pod)
            ended = found.status.phase in PodPhase.terminal_states
            if ended or container_is_completed(found, container_name):
                return
            time.sleep(polling_time)

    def await_pod_completion(
        self,
        pod: k8s.V1Pod,
        istio_enabled: bool = False,
        container_name: str = "base",
        do_xcom_push: bool = False,
    ) -> k8s.V1Pod:
        """The pod once it has ended, as soon as it has: PodManager looks every two seconds."""
        if not (istio_enabled or do_xcom_push):
            self._watch_for_end(pod)
        return super().await_pod_completion(pod, istio_enabled, container_name, do_xcom_push)

    def _watch_for_end(self, pod: k8s.V1Pod) -> None:
        """Return when the pod has ended; also after a while, and where it may not be watched."""
        of_pod = f"metadata.name={pod.metadata.name}"
        events = Watch().stream(
            self._client.list_namespaced_pod,
            pod.metadata.namespace,
            field_selector=of_pod,
            timeout_seconds=END_S,
        )
        try:
            with closing(events):
                for event in events:
                    phase = event["object"].status.phase
                    if event["type"] == "DELETED" or phase in PodPhase.terminal_states:
                        return
        except (ApiException, HTTPError) as error:
            self.log.debug("Pod %s is not watched: %s", pod.metadata.name, error)

    def await_xcom_sidecar_container_start(self, pod: k8s.V1Pod, *args: Any, **kwargs: Any) -> None:
        """Wait for the sidecar, unless it has ended already."""
        try:
            super().await_xcom_sidecar_container_start(pod, *args, **kwargs)
        except AirflowException as error:
            self.log.warning(LOST, pod.metadata.name, error)

    def extract_xcom(self, pod: k8s.V1Pod, **kwargs: Any) -> str:
        """What the sidecar holds; nothing when it cannot be asked."""
        try:
            return str(super().extract_xcom(pod, **kwargs))
        except AirflowException as error:
            self.log.warning(LOST, pod.metadata.name, error)
            return str(EMPTY_XCOM_RESULT)
