"""What makes and watches a pod. XCom of its sidecar may be lost: the run is found by its tags."""

from collections.abc import Callable
from typing import Any

from airflow.providers.cncf.kubernetes.utils.pod_manager import EMPTY_XCOM_RESULT, PodManager
from airflow.sdk.exceptions import AirflowException
from kubernetes.client import models as k8s

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
