"""Which binding a task means: the name as its author wrote it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BindingName:
    """Name and namespace of an MlflowBinding; pods run in the same namespace."""

    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str, pod_namespace: str | None) -> "BindingName":
        """Read `name` or `namespace/name`.

        A bare name means the pod's namespace if the task sets one, else the namespace of the
        binding's own name: a workspace has a binding of its name, and a team a namespace of its.
        Raises ValueError.
        """
        namespace, slash, name = text.rpartition("/")
        if not name or (slash and not namespace) or "/" in namespace:
            raise ValueError(
                f"binding is {text!r}: write the name of an MlflowBinding, or namespace/name"
            )
        if namespace and pod_namespace and namespace != pod_namespace:
            raise ValueError(
                f"binding is {text!r} but namespace is {pod_namespace!r}: a pod can "
                f"only use a binding of its own namespace. Drop namespace, or make "
                f"an MlflowBinding in {pod_namespace}"
            )
        return cls(namespace or pod_namespace or name, name)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"
