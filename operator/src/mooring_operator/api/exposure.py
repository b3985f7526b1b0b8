"""How people outside the cluster reach the tracking servers of a class."""

from typing import Annotated, Literal

from pydantic import Field

from mooring_operator.api.base import ApiModel, Name, ObjectName, OneOf, rule, rules

Annotations = Annotated[dict[str, Annotated[str, Field(max_length=4096)]], Field(max_length=32)]


class GatewayRef(ApiModel):
    """A Gateway of the platform team."""

    name: Annotated[ObjectName, Field(description="Name of the Gateway.")]
    namespace: Annotated[Name, Field(description="Namespace of the Gateway.")]
    section_name: Annotated[
        str | None, Field(max_length=253, description="Name of the listener; left out, all.")
    ] = None


class GatewayExposure(ApiModel):
    """An HTTPRoute of the Gateway API for every tracking server."""

    parent_refs: Annotated[
        list[GatewayRef],
        Field(min_length=1, max_length=8, description="The Gateways that the route attaches to."),
    ]
    scheme: Annotated[
        Literal["https", "http"],
        Field(description="What the listener speaks; its certificate is the Gateway's."),
    ] = "https"


class IngressTls(OneOf[str]):
    """Where the certificate of a host comes from."""

    secret_name: Annotated[
        ObjectName | None,
        Field(description="Name of a TLS Secret that is in the namespace of every workspace."),
    ] = None
    cluster_issuer: Annotated[
        ObjectName | None,
        Field(description="A ClusterIssuer of cert-manager, which makes a Secret for each host."),
    ] = None


class IngressExposure(ApiModel):
    """An Ingress for every tracking server."""

    class_name: Annotated[
        ObjectName | None, Field(description="The IngressClass; left out, the cluster's default.")
    ] = None
    annotations: Annotated[
        Annotations,
        Field(description="For the ingress controller: its login and its largest body, mostly."),
    ] = Field(default_factory=dict)
    tls: Annotated[
        IngressTls | None, Field(description="The certificate; left out, plain HTTP.")
    ] = None


class Exposure(ApiModel):
    """A name outside the cluster for every tracking server.

    A tracking server asks nobody who they are: the Gateway or the ingress controller must.
    """

    model_config = ApiModel.model_config | {
        "json_schema_extra": rules(
            rule("has(self.gateway) != has(self.ingress)", "set exactly one of gateway, ingress"),
            rule(
                "self.host.matches('^([{]name[}][.][{]namespace[}]|[{]namespace[}][.][{]name[}])"
                "([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)+$')",
                "host is {name}.{namespace}. or {namespace}.{name}. and a domain in small "
                "letters, so that no two workspaces share a name",
                fieldPath=".host",
            ),
        )
    }

    host: Annotated[
        str,
        Field(
            max_length=150,
            description="The host of each, such as {name}.{namespace}.mlflow.example.com.",
        ),
    ]
    gateway: Annotated[
        GatewayExposure | None, Field(description="By an HTTPRoute of the Gateway API.")
    ] = None
    ingress: Annotated[IngressExposure | None, Field(description="By an Ingress.")] = None
