{{/* In: a list of the root context and the component. What selects its pods. */}}
{{- define "playground.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ index . 1 }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
{{- end -}}

{{/* In: a list of the root context and the component. */}}
{{- define "playground.labels" -}}
{{- $root := index . 0 -}}
{{ include "playground.selectorLabels" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: mooring
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/*
The full name of one image. In: a list of the root context and a key of .Values.images.
The tag defaults to the chart's appVersion; a digest, where one is given, wins.
*/}}
{{- define "playground.image" -}}
{{- $root := index . 0 -}}
{{- $image := index $root.Values.images (index . 1) -}}
{{- printf "%s:%s" $image.repository (default $root.Chart.AppVersion $image.tag) -}}
{{- with $image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{/*
One value of a Secret, base64: what the cluster holds already, else a new one.
In: a list of the root context, the Secret's name, the key and the new value.
*/}}
{{- define "playground.kept" -}}
{{- $root := index . 0 -}}
{{- $secret := lookup "v1" "Secret" $root.Release.Namespace (index . 1) -}}
{{- dig "data" (index . 2) (index . 3 | b64enc) (default dict $secret) -}}
{{- end -}}

{{/* The restricted Pod Security Standard, for a pod whose image runs as 10001. */}}
{{- define "playground.podSecurity" -}}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "playground.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* In: a list of the root context, the component and its size. */}}
{{- define "playground.volumeClaim" -}}
{{- $root := index . 0 -}}
metadata:
  name: data
  labels: {{- include "playground.selectorLabels" . | nindent 4 }}
spec:
  accessModes: [ReadWriteOnce]
  {{- with $root.Values.storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources:
    requests:
      storage: {{ index . 2 }}
{{- end -}}

{{/* What the S3 and the IAM server have in common. */}}
{{- define "playground.versitygw.env" -}}
- name: ROOT_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef:
      name: versitygw-admin
      key: AWS_ACCESS_KEY_ID
- name: ROOT_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef:
      name: versitygw-admin
      key: AWS_SECRET_ACCESS_KEY
- name: VGW_REGION
  value: {{ .Values.versitygw.region }}
{{- end -}}

{{/* What all containers of Airflow have in common. */}}
{{- define "playground.airflow.container" -}}
image: {{ include "playground.image" (list . "airflow") }}
imagePullPolicy: {{ .Values.images.airflow.pullPolicy }}
securityContext: {{- include "playground.containerSecurity" . | nindent 2 }}
{{- end -}}

{{- define "playground.airflow.mounts" -}}
- name: home
  mountPath: /opt/airflow
- name: tmp
  mountPath: /tmp
{{- end -}}

{{/* Every Airflow container has the same settings, as Airflow asks for. */}}
{{- define "playground.airflow.env" -}}
{{- /* The provider reads this field as a string of JSON. */ -}}
{{- $sidecarSecurity := toJson (dict
      "allowPrivilegeEscalation" false
      "runAsNonRoot" true
      "capabilities" (dict "drop" (list "ALL"))
      "seccompProfile" (dict "type" "RuntimeDefault")) -}}
{{- $kubernetes := dict
      "conn_type" "kubernetes"
      "extra" (dict
        "in_cluster" true
        "xcom_sidecar_container_image" (include "playground.image" (list . "runtime"))
        "xcom_sidecar_container_security_context" $sidecarSecurity) -}}
{{- $settings := dict
      "AIRFLOW_CONN_KUBERNETES_DEFAULT" (toJson $kubernetes)
      "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION" "False"
      "AIRFLOW__CORE__EXECUTION_API_SERVER_URL" "http://localhost:8080/execution/"
      "AIRFLOW__CORE__EXECUTOR" "LocalExecutor"
      "AIRFLOW__CORE__LOAD_EXAMPLES" "False"
      "AIRFLOW__CORE__PARALLELISM" (toString .Values.airflow.parallelism)
      "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS" "True"
      "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES" "1"
      "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL" "5"
      "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK" "True"
      "TRAINING_IMAGE" (include "playground.image" (list . "training")) -}}
{{- range $name, $value := $settings }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- range $name, $key := dict
      "AIRFLOW__API__SECRET_KEY" "secret-key"
      "AIRFLOW__API_AUTH__JWT_SECRET" "jwt-secret"
      "AIRFLOW__CORE__FERNET_KEY" "fernet-key"
      "AIRFLOW_DATABASE_PASSWORD" "database-password" }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: airflow
      key: {{ $key }}
{{- end }}
- name: AIRFLOW__DATABASE__SQL_ALCHEMY_CONN
  value: postgresql+psycopg2://airflow:$(AIRFLOW_DATABASE_PASSWORD)@postgresql:5432/airflow
{{- with .Values.airflow.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}
