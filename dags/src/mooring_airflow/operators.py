"""MlflowPodOperator: a pod whose MLflow run and artifacts are known to have landed."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator
from airflow.providers.cncf.kubernetes.utils.pod_manager import OnKillAction, PodPhase
from airflow.sdk.definitions.context import Context
from airflow.sdk.exceptions import AirflowException
from kubernetes.client import ApiClient
from kubernetes.client import models as k8s
from kubernetes.client.exceptions import ApiException
from pendulum import DateTime

from mooring import contract
from mooring.ending import GONE, ending_of
from mooring.finding import Finding
from mooring_airflow import identity, report
from mooring_airflow import pod as manifests
from mooring_airflow.assets import announce, outlet
from mooring_airflow.binding import Binding, read_binding
from mooring_airflow.binding_name import BindingName
from mooring_airflow.checks import Expectation
from mooring_airflow.errors import MooringError
from mooring_airflow.links import OF_A_RUN
from mooring_airflow.pod_manager import MlflowPodManager
from mooring_airflow.ref import MlflowRunRef
from mooring_airflow.registration import registered, version_of
from mooring_airflow.require import requirements
from mooring_airflow.verify import (
    Outcome,
    close_runs,
    examine,
    resumable,
    supersede_earlier_tries,
    verify,
)

RUN_TAGS: Final = "mlflow_run_tags"
"""Key of the trigger's event: the run tags of the pod."""


class MlflowPodOperator(KubernetesPodOperator):
    """KubernetesPodOperator for a pod that logs to the MLflow workspace of `binding`.

    The pod gets the binding's tracking URI, credentials and guard, and its runs the tags of the
    task instance. When the pod has ended well, the run and its artifacts are looked for on the
    tracking server: the task fails when they did not land. What landed is pushed as XCom
    `mlflow_run`, a dict of the fields of `MlflowRunRef`. All else is as in KubernetesPodOperator.

    :param binding: name of an MlflowBinding, or `namespace/name`; the pod runs in its namespace. A
        bare name means the operator's `namespace`, else that of the binding's own name. (templated)
    :param experiment: name of the experiment, instead of the binding's. (templated)
    :param require: logged models and artifacts that must have landed: names, paths, patterns, or
        dicts of the fields of `Requirement`. (templated)
    :param on_missing: "fail", or "warn" to let the task succeed, with what verification found told
        in its log and on the run. Then nothing is registered, and no asset has changed.
    :param register: name of a registered model that the run's model becomes a version of, once it
        is verified: the one that `require` names first, else the latest. (templated)
    :param resume: let a retry continue the run of the try before it, instead of making a new one.
    """

    template_fields: Sequence[str] = (
        *KubernetesPodOperator.template_fields,
        "binding",
        "experiment",
        "require",
        "register",
    )
    operator_extra_links = OF_A_RUN

    def __init__(
        self,
        *,
        binding: str,
        experiment: str = "",
        require: Sequence[str | Mapping[str, Any]] = (),
        on_missing: str = "fail",
        register: str = "",
        resume: bool = False,
        **kwargs: Any,
    ) -> None:
        requirements(require)
        if on_missing not in ("fail", "warn"):
            raise ValueError(f'on_missing is {on_missing!r}: write "fail" or "warn"')
        # The default of 5 s is a floor under every pod's duration.
        kwargs.setdefault("startup_check_interval_seconds", 1)
        super().__init__(**kwargs)
        self.binding = binding
        self.experiment = experiment
        self.require = require
        self.on_missing = on_missing
        self.register = register
        self.resume = resume
        # As it is written in the DAG: Airflow knows outlets before it renders templates.
        self._outlet = outlet(binding, register)
        self.outlets = [*self.outlets, self._outlet]
        self._bound: Binding | None = None
        self._deferred_tags: Mapping[str, str] = {}
        self._reentered: Any = None

    @cached_property
    def pod_manager(self) -> MlflowPodManager:
        """What makes and watches the pod."""
        return MlflowPodManager(
            kube_client=self.client, callbacks=self.callbacks, before_creation=self._continue_run
        )

    def execute(self, context: Context) -> Any:
        """Run the pod, then verify; raises MooringError when something did not land."""
        # Rendered by now; a pod that nothing can satisfy must not train first.
        requirements(self.require)
        self._bind(ready=True)
        result = super().execute(context)
        if self.deferrable:
            # The pod had ended before anybody could wait for it, and trigger_reentry has verified.
            return self._reentered
        self._verify(context)
        return result

    def invoke_defer_method(
        self, last_log_time: DateTime | None = None, context: Context | None = None
    ) -> None:
        """As KubernetesPodOperator; the trigger gives back the tags that the pod was started with.

        Nobody could ask the pod for them any more when it is gone before the task goes on.
        """
        self.trigger_kwargs = {**(self.trigger_kwargs or {}), RUN_TAGS: self._pod_tags()}
        super().invoke_defer_method(last_log_time, context)

    def trigger_reentry(self, context: Context, event: dict[str, Any]) -> Any:
        """Go on when the trigger has seen the pod's end, and verify; raises as `execute`.

        Also where the pod is gone by now: its run is found by its tags.
        """
        self._deferred_tags = event.get(RUN_TAGS) or {}
        self._bind(ready=False)
        try:
            self._reentered = super().trigger_reentry(context, event)
        except AirflowException:
            if self.pod is None:
                # It was gone, or went just now: nothing has cleaned up after it.
                self._close_runs(context, {})
            raise
        self._verify(context)
        return self._reentered

    def _continue_run(self, pod: k8s.V1Pod) -> None:
        if not self.resume or self._bound is None:
            return
        tags = manifests.run_tags(_manifest(pod))
        run_id = resumable(Expectation(self._bound, tags, ()))
        for container in pod.spec.containers if run_id else ():
            # The tracking URI is the binding's: neither is ever there without the other.
            entry = k8s.V1EnvVar(name=contract.RUN_ID, value=run_id)
            container.env = [*(container.env or []), entry]

    def _bind(self, *, ready: bool) -> None:
        name = BindingName.parse(self.binding, self.namespace)
        labelled = self.labels.get(contract.BINDING_LABEL, name.name)
        if labelled != name.name:
            raise MooringError(
                Finding(
                    "TwoBindings",
                    f"binding is {name}, and labels name {labelled} ({contract.BINDING_LABEL}): a "
                    "pod gets one. Remove the label, or correct binding.",
                )
            )
        self.namespace = name.namespace
        self._bound = read_binding(self.hook, name, ready=ready)

    def _verify(self, context: Context) -> None:
        if self._bound is None:
            return
        expected = self._expectation(context, self._bound)
        lenient = self.on_missing == "warn"
        outcome = examine(expected) if lenient else Outcome(verify(expected), None)
        reference = outcome.reference
        if reference is None:
            return
        if self.register and outcome.finding is None:
            reference = registered(expected, reference, self.register)
        self._hand_on(context, reference.as_dict())
        if outcome.finding is None:
            self._announce(context, self._bound, reference)
        elif self.register:
            self.log.warning("Nothing became a version of %s: see above", self.register)
        supersede_earlier_tries(expected, reference.run_id)

    def _announce(self, context: Context, binding: Binding, reference: MlflowRunRef) -> None:
        version = version_of(binding, reference)
        if version is not None:
            announce(context, self._outlet, str(binding.name), version, registered=True)

    def _hand_on(self, context: Context, reference: dict[str, Any]) -> None:
        context["ti"].xcom_push(key=contract.XCOM_KEY, value=reference)

    def build_pod_request_obj(
        self, context: Context | None = None, *, dry_run: bool = False
    ) -> k8s.V1Pod:
        """The pod with label, run tags and, when the binding was read, its fragment."""
        if self._bound is not None:
            # Before Airflow's policies see the pod: the task's own choice comes before the DAG's.
            self.labels = {**self.labels, contract.BINDING_LABEL: self._bound.name.name}
        request = super().build_pod_request_obj(context, dry_run=dry_run)
        pod = _manifest(request)
        finding = manifests.overridden(pod)
        if finding is not None:
            raise MooringError(finding)
        if self._bound is None:
            return request
        if self.experiment:
            # Before the fragment: its guard looks at the experiment that the pod names.
            pod = manifests.in_experiment(pod, self.experiment)
        pod = manifests.injected(pod, self._bound.name.name, self._bound.pod)
        if context is not None:
            tags = self._run_tags(context, self._bound, request.metadata.name)
            pod = manifests.tagged(pod, tags)
            self.log.info("%s", report.begun(self._bound, tags, manifests.experiment_of(pod)))
        return PodGenerator.deserialize_model_dict(pod)

    def await_init_containers_completion(  # type: ignore[override]  # tenacity hides its signature
        self, pod: k8s.V1Pod
    ) -> None:
        """Fail at once when the guard refused, instead of asking for logs that will never come."""
        super().await_init_containers_completion(pod)
        state = self._last_state(pod)
        refusal = manifests.guard_refusal(state)
        if refusal:
            raise MooringError(_refused(refusal))
        warning = manifests.guard_warning(state)
        if warning:
            self.log.warning("The pod starts although its guard warns (spec.guard): %s", warning)

    def cleanup(
        self,
        pod: k8s.V1Pod,
        remote_pod: k8s.V1Pod | None,
        xcom_result: dict[str, Any] | None = None,
        context: Context | None = None,
    ) -> None:
        """As KubernetesPodOperator; a failure also ends the runs that the pod left open."""
        # Before the pod is deleted: its status is all there is to know.
        state = self._last_state(remote_pod)
        try:
            super().cleanup(pod, remote_pod, xcom_result, context)
        except AirflowException:
            refusal = manifests.guard_refusal(state)
            if refusal:
                raise MooringError(_refused(refusal)) from None
            self._close_runs(context, state)
            raise

    def on_kill(self) -> None:
        """Delete the pod and end its runs; one that is to be kept goes on, and so do its runs."""
        super().on_kill()
        tags = {} if self.on_kill_action is OnKillAction.KEEP_POD else self._pod_tags()
        if tags and self._bound is not None:
            close_runs(Expectation(self._bound, tags, ()), "KILLED", "TaskKilled")

    def _run_tags(self, context: Context, binding: Binding, pod_name: str) -> dict[str, str]:
        return {
            **identity.context_tags(context),
            contract.TAG_WORKSPACE: binding.workspace,
            contract.TAG_BINDING: str(binding.name),
            contract.TAG_POD: pod_name,
        }

    def _pod_tags(self) -> dict[str, str]:
        """The run tags that the pod was started with: an earlier try's, when it was re-attached."""
        if self.pod is None:
            return dict(self._deferred_tags)
        return manifests.run_tags(_manifest(self.pod))

    def _expectation(self, context: Context, binding: Binding) -> Expectation:
        tags = self._run_tags(context, binding, self.pod.metadata.name if self.pod else "")
        return Expectation(binding, {**tags, **self._pod_tags()}, requirements(self.require))

    def _close_runs(self, context: Context | None, state: Mapping[str, Any]) -> None:
        if self._bound is None or context is None:
            return
        ending = ending_of(state) if state else GONE
        close_runs(self._expectation(context, self._bound), ending.status, ending.why)

    def _last_state(self, pod: k8s.V1Pod | None) -> dict[str, Any]:
        """The pod as the API server has it now; as last seen when it is gone or has succeeded."""
        if pod is None:
            return {}
        if pod.status is not None and pod.status.phase == PodPhase.SUCCEEDED:
            return _manifest(pod)
        try:
            return _manifest(self.hook.get_pod(pod.metadata.name, pod.metadata.namespace))
        except ApiException:
            self.log.warning("Pod %s could not be read once more", pod.metadata.name)
            return _manifest(pod)


def _manifest(pod: k8s.V1Pod) -> dict[str, Any]:
    return dict(ApiClient().sanitize_for_serialization(pod))


def _refused(said: str) -> Finding:
    return Finding(
        "GuardRefused", f"the pod was not started, because nothing would have been kept: {said}"
    )
