"""MlflowBinding: a claim on a workspace, in the namespace where pods run."""

from typing import Annotated, Any, Literal

from pydantic import Field

from mooring_operator.api.base import ApiModel, Launcher, Name, ObjectName, matches, rules
from mooring_operator.api.conditions import Condition
from mooring_operator.api.workspace import BindingRef


class WorkspaceRef(ApiModel):
    """The workspace that a binding claims."""

    name: Annotated[Name, Field(description="Name of the MlflowWorkspace.")]
    namespace: Annotated[
        Name | None, Field(description="Its namespace; left out, the binding's own.")
    ] = None


class Airflow(ApiModel):
    """What Airflow is given besides the pods."""

    connection: Annotated[
        bool,
        Field(
            description="Publish Secret <binding>-mlflow-airflow, which Airflow's Kubernetes "
            "secrets backend finds as connection mlflow_<binding>. It looks in one namespace, so "
            "make the binding there. The connection holds no key of the store."
        ),
    ] = False


GuardMode = Literal["Enforce", "Warn", "Off"]


class BindingSpec(ApiModel):
    """Spec of an MlflowBinding."""

    workspace_ref: Annotated[WorkspaceRef, Field(description="The workspace.")]
    service_accounts: Annotated[
        list[ObjectName],
        Field(
            max_length=32,
            description="The service accounts of this namespace whose pods may assume the "
            "workspace's role; left out or empty, any. Needs a store with WorkloadIdentity. Of "
            "several bindings in a namespace to the same workspace, one without the list opens it "
            "to any.",
            json_schema_extra={"x-kubernetes-list-type": "set"},
        ),
    ] = Field(default_factory=list)
    experiment: Annotated[
        str | None,
        Field(
            # MLflow takes 500 characters, its table of experiments on PostgreSQL 256
            max_length=256,
            description="The experiment that runs of the pods go to when their code names none; "
            "left out, one of the binding's name.",
            json_schema_extra=rules(
                matches(
                    r"^[^[:cntrl:][:space:]]([^[:cntrl:]]*[^[:cntrl:][:space:]])?$",
                    "an experiment's name is not empty, has no control characters, and no white "
                    "space at its ends",
                )
            ),
        ),
    ] = None
    guard: Annotated[
        GuardMode,
        Field(
            description="Enforce: a pod whose runs or artifacts would be lost does not start. "
            "Warn: it starts, and its init container mooring-guard says what is wrong. Off: "
            "nothing is checked before it starts, and of parallel pods each may try to make the "
            "experiment."
        ),
    ] = "Enforce"
    airflow: Annotated[Airflow, Field(description="What Airflow is given besides the pods.")] = (
        Airflow()
    )
    launcher: Annotated[
        Launcher | None,
        Field(
            description="A service account, mostly Airflow's, that may start pods beside this "
            "binding; those of the class may anyhow."
        ),
    ] = None


class BindingStatus(ApiModel):
    """Status of an MlflowBinding."""

    observed_generation: Annotated[int, Field(description="Generation last reconciled.")] = 0
    url: Annotated[str | None, Field(max_length=512, description="The tracking URI.")] = None
    external_url: Annotated[
        str | None,
        Field(max_length=512, description="The same outside the cluster, for people, if exposed."),
    ] = None
    artifact_root: Annotated[
        str | None, Field(max_length=1024, description="Where the artifacts lie.")
    ] = None
    mlflow_workspace: Annotated[
        str | None,
        Field(max_length=63, description="The workspace of MLflow, on a server that has several."),
    ] = None
    workspace: Annotated[
        WorkspaceRef | None, Field(description="The workspace it is bound to.")
    ] = None
    binding: Annotated[
        BindingRef | None, Field(description="The Secret, as the Service Binding spec names it.")
    ] = None
    config_map: Annotated[BindingRef | None, Field(description="The ConfigMap.")] = None
    pod: Annotated[
        dict[str, Any] | None,
        Field(
            description="What pods carry: envFrom, env, volumes, volumeMounts, initContainers.",
            json_schema_extra={"x-kubernetes-preserve-unknown-fields": True},
        ),
    ] = None
    conditions: Annotated[list[Condition], Field(max_length=16, description="Accepted, Ready.")] = (
        Field(default_factory=list)
    )
