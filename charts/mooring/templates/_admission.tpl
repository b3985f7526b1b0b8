{{/*
Which pods the policies look at. Matched before any CEL runs, so all other pods cost nothing.
mooring.dev/skip opts out of everything; the operator's own pods (servers, migrations, canaries)
carry what they need from the start. In: Exists for pods that ask by their label, DoesNotExist for
those that take the namespace's default.
*/}}
{{- define "mooring.podSelector" -}}
objectSelector:
  matchExpressions:
    - {key: mooring.dev/binding, operator: {{ . }}}
    - {key: mooring.dev/skip, operator: NotIn, values: ["true"]}
    - {key: app.kubernetes.io/managed-by, operator: NotIn, values: [mooring]}
resourceRules:
  - apiGroups: [""]
    apiVersions: [v1]
    operations: [CREATE]
    resources: [pods]
{{- end -}}

{{/*
The version of the API of the policies that inject. Kubernetes 1.36 has v1; 1.34 and 1.35 have
v1beta1 where the platform team switched it on (feature gate MutatingAdmissionPolicy and
--runtime-config=admissionregistration.k8s.io/v1beta1=true).
*/}}
{{- define "mooring.mutatingVersion" -}}
{{- $beta := "admissionregistration.k8s.io/v1beta1" -}}
{{- if semverCompare ">=1.36.0-0" .Capabilities.KubeVersion.Version -}}
admissionregistration.k8s.io/v1
{{- else if .Capabilities.APIVersions.Has (printf "%s/MutatingAdmissionPolicy" $beta) -}}
{{- $beta -}}
{{- else -}}
{{- fail (printf "admission.inject needs MutatingAdmissionPolicy, which Kubernetes has from 1.36 on, and 1.34 and 1.35 where its beta is switched on; this cluster has %s without it: set admission.inject=false; then MlflowPodOperator injects, and other pods that ask by the label are refused" .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- end -}}

{{/*
Whether the pod is for Windows, in CEL: the field that says so, or the selector that pods had before
that field and still have. The guard runs on Linux, and its securityContext is not valid there.
*/}}
{{- define "mooring.isWindows" -}}
has(object.spec.os) && object.spec.os.name == 'windows' ||
has(object.spec.nodeSelector) && 'kubernetes.io/os' in object.spec.nodeSelector &&
object.spec.nodeSelector['kubernetes.io/os'] == 'windows'
{{- end -}}

{{/*
The containers that the author wants left alone, in CEL: names in an annotation, with commas between.
*/}}
{{- define "mooring.skipped" -}}
has(object.metadata.annotations) && 'mooring.dev/skip-containers' in object.metadata.annotations
  ? object.metadata.annotations['mooring.dev/skip-containers'].split(',').map(name, name.trim()) : []
{{- end -}}

{{/*
Appends the fragment's envFrom and volumeMounts to every container of one list. In: "containers" or
"initContainers". Three things the API server forces on the form:
- A list that is not there must be added whole, one that is there must be appended to.
- Appended last, because of two envFrom sources with the same key the later one wins.
- Sources are compared by the name of the ConfigMap or Secret and mounts by their path, not by
  equality: the API server has already filled in defaults in what the pod carries. A source with a
  prefix gives other variables, so it does not count.
*/}}
{{- define "mooring.patchContainers" -}}
variables.{{ . }}.transformList(i, c, !(c.name in variables.skipped) && !has(c.envFrom) && size(variables.envFrom) > 0,
  JSONPatch{op: "add", path: "/spec/{{ . }}/" + string(i) + "/envFrom", value: variables.envFrom}) +
variables.{{ . }}.transformList(i, c, !(c.name in variables.skipped) && has(c.envFrom),
  variables.envFrom.filter(e, !c.envFrom.exists(x, !has(x.prefix) && (
    (has(x.configMapRef) && has(e.configMapRef) && x.configMapRef.name == e.configMapRef.name) ||
    (has(x.secretRef) && has(e.secretRef) && x.secretRef.name == e.secretRef.name)
  ))).map(e, JSONPatch{op: "add", path: "/spec/{{ . }}/" + string(i) + "/envFrom/-", value: e})
).flatten() +
variables.{{ . }}.transformList(i, c, !(c.name in variables.skipped) && !has(c.volumeMounts) && size(variables.volumeMounts) > 0,
  JSONPatch{op: "add", path: "/spec/{{ . }}/" + string(i) + "/volumeMounts", value: variables.volumeMounts}) +
variables.{{ . }}.transformList(i, c, !(c.name in variables.skipped) && has(c.volumeMounts),
  variables.volumeMounts.filter(m, !c.volumeMounts.exists(x, x.mountPath == m.mountPath))
    .map(m, JSONPatch{op: "add", path: "/spec/{{ . }}/" + string(i) + "/volumeMounts/-", value: m})
).flatten()
{{- end -}}

{{/*
Appends the fragment's env, the tags of the container's runs, to every container that names none
itself. One with sources of its own in envFrom is left out: MLFLOW_RUN_CONTEXT may be among what they
give, and env would win over it.
*/}}
{{- define "mooring.patchEnv" -}}
variables.containers.transformList(i, c, c.name in variables.untold && !has(c.env),
  JSONPatch{op: "add", path: "/spec/containers/" + string(i) + "/env", value: variables.env}) +
variables.containers.transformList(i, c, c.name in variables.untold && has(c.env),
  variables.env.filter(e, !c.env.exists(x, x.name == e.name))
    .map(e, JSONPatch{op: "add", path: "/spec/containers/" + string(i) + "/env/-", value: e})
).flatten()
{{- end -}}

{{/*
Sets one key of metadata.labels or metadata.annotations to the binding's name, where the map may be
missing. In: a list of the map and the key.
*/}}
{{- define "mooring.patchMap" -}}
{{- $path := printf "/metadata/%s" (index . 0) -}}
(variables.wanted && !has(object.metadata.{{ index . 0 }})
  ? [JSONPatch{op: "add", path: "{{ $path }}", value: {"{{ index . 1 }}": params.metadata.name}}] : []) +
(variables.wanted && has(object.metadata.{{ index . 0 }})
  ? [JSONPatch{op: "add", path: "{{ $path }}/{{ index . 1 | replace "/" "~1" }}", value: params.metadata.name}] : [])
{{- end -}}

{{/*
What merges binding.status.pod into a pod: variables and a mutation, the same for both policies. The
policy runs once for each binding of the pod's namespace (its paramRef has an empty selector); for
any but the wanted one, and for one that is not answered, the patch comes out empty. A match
condition is cheaper (mooring-inject has one), but namespaceObject is empty there (seen on Kubernetes
1.36.3). The values come from the fragment and are passed on untyped: a map written in CEL would have to hold
values of one type only. In: a list of the CEL expression of the wanted binding's name and whether
the namespace chose it, so that nobody has said of the pod that it trains.
*/}}
{{- define "mooring.injection" -}}
variables:
  - name: wanted
    expression: >-
      params.metadata.name == {{ index . 0 }} && has(params.status) && has(params.status.pod)
  {{- range $list := list "envFrom" "env" "volumeMounts" "volumes" }}
  - name: {{ $list }}
    expression: "variables.wanted && has(params.status.pod.{{ $list }}) ? params.status.pod.{{ $list }} : []"
  {{- end }}
  - name: skipped
    expression: >-
      {{- include "mooring.skipped" . | nindent 6 }}
  - name: containers
    expression: "object.spec.containers"
  - name: initContainers
    expression: "has(object.spec.initContainers) ? object.spec.initContainers : []"
  # The guard, unless the pod brings it (MlflowPodOperator merges the fragment itself).
  - name: guards
    expression: >-
      variables.wanted && has(params.status.pod.initContainers)
        ? params.status.pod.initContainers.filter(g, !variables.initContainers.exists(c, c.name == g.name))
        : []
  # Containers whose runs nobody has named yet.
  - name: untold
    expression: >-
      variables.containers.filter(c, size(variables.env) > 0 && !(c.name in variables.skipped) &&
        !(has(c.env) && c.env.exists(e, e.name == 'MLFLOW_RUN_CONTEXT')) &&
        (!has(c.envFrom) || c.envFrom.all(x, !has(x.prefix) && variables.envFrom.exists(e,
          (has(x.configMapRef) && has(e.configMapRef) && x.configMapRef.name == e.configMapRef.name) ||
          (has(x.secretRef) && has(e.secretRef) && x.secretRef.name == e.secretRef.name)
        )))).map(c, c.name)
  # What a container asks for itself, of MLflow and of the network: the guard is to ask the same.
  # mooring.contract ASKED_BY_CONTAINER. A value with $(NAME) in it leans on what the guard has not.
  - name: asking
    expression: >-
      variables.containers.filter(c, !(c.name in variables.skipped) && has(c.env))
        .map(c, c.env.filter(e, !(has(e.value) && e.value.contains('$(')) && e.name in [
          'MLFLOW_EXPERIMENT_NAME', 'MLFLOW_EXPERIMENT_ID', 'MLFLOW_RUN_ID',
          'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY',
          'http_proxy', 'https_proxy', 'all_proxy', 'no_proxy']))
        .filter(env, size(env) > 0)
  # One container's alone: the first that speaks of MLflow, else the first that names a proxy.
  - name: asked
    expression: >-
      (variables.asking.filter(env, env.exists(e, e.name.startsWith('MLFLOW_'))) + variables.asking
        + [[]])[0]
mutations:
  # One mutation, because each costs as much as all of them; patches apply in the order they stand.
  - patchType: JSONPatch
    jsonPatch:
      expression: |-
        // Says that the fragment is in; the policy mooring-require refuses a labelled pod without it.
        {{- include "mooring.patchMap" (list "annotations" "mooring.dev/injected") | nindent 8 }} +
        {{- if index . 1 }}
        (variables.wanted && !(has(object.metadata.annotations) && 'mooring.dev/logs' in object.metadata.annotations)
          ? [JSONPatch{op: "add", path: "/metadata/annotations/mooring.dev~1logs", value: "optional"}] : []) +
        {{- end }}
        {{- include "mooring.patchMap" (list "labels" "mooring.dev/binding") | nindent 8 }} +
        {{- include "mooring.patchContainers" "containers" | nindent 8 }} +
        {{- include "mooring.patchEnv" . | nindent 8 }} +
        // The author's init containers too: one that downloads a model loses as much as a training.
        {{- include "mooring.patchContainers" "initContainers" | nindent 8 }} +
        (has(object.spec.volumes)
          ? variables.volumes.filter(v, !object.spec.volumes.exists(x, x.name == v.name))
              .map(v, JSONPatch{op: "add", path: "/spec/volumes/-", value: v})
          : (size(variables.volumes) > 0 ? [JSONPatch{op: "add", path: "/spec/volumes", value: variables.volumes}] : [])) +
        // The guard goes before the author's init containers, so that nothing runs before it agreed;
        // after them in this list, because it shifts their indices.
        (has(object.spec.initContainers)
          ? variables.guards.transformList(i, g, JSONPatch{op: "add", path: "/spec/initContainers/" + string(i), value: g})
          : (size(variables.guards) > 0 ? [JSONPatch{op: "add", path: "/spec/initContainers", value: variables.guards}] : [])) +
        (size(variables.guards) > 0 && size(variables.asked) > 0
          ? (has(variables.guards[0].env)
              ? variables.asked.map(e, JSONPatch{op: "add", path: "/spec/initContainers/0/env/-", value: e})
              : [JSONPatch{op: "add", path: "/spec/initContainers/0/env", value: variables.asked}])
          : [])
{{- end -}}
