{{/*
Spec of the Jobs sc-job and sc-job-rollback, of those that the CronJob makes, and of sc-cleanup and sc-test.
Arguments: root, trigger (hook, rollback, cron, cleanup or test), arguments (none: a run).

No ttlSecondsAfterFinished: it would take a failed Job and its log away. The job sets it itself, when it has succeeded.
*/}}
{{- define "sc-extension.jobSpec" -}}
{{- $job := .root.Values.job -}}
backoffLimit: {{ empty .arguments | ternary 1 0 }}
activeDeadlineSeconds: {{ int $job.activeDeadlineSeconds }}
podReplacementPolicy: Failed
podFailurePolicy:
  rules:
    # 2: the values are wrong; 3: objects were refused. Another try cannot help.
    - action: FailJob
      onExitCodes:
        containerName: sc-job
        operator: In
        values: [2, 3]
    # A drained or lost node does not use up the one retry.
    - action: Ignore
      onPodConditions:
        - type: DisruptionTarget
          status: "True"
template:
  metadata:
    labels:
      {{- include "sc-extension.podLabels" .root | nindent 6 }}
    annotations:
      {{- include "sc-extension.podAnnotations" . | nindent 6 }}
  spec:
    {{- include "sc-extension.podSpec" . | nindent 4 }}
{{- end }}

{{/* No service mesh: its sidecar would outlive the container, and the Job would never complete. */}}
{{- define "sc-extension.podLabels" -}}
{{- $own := include "sc-extension.selectorLabels" . | fromYaml -}}
{{- $_ := set $own "sidecar.istio.io/inject" "false" -}}
{{- merge (deepCopy .Values.job.podLabels) $own | toYaml -}}
{{- end }}

{{/*
Hash and revision make the template of each hook Job a new one: Helm 4 applies hooks, and would take an old Job with an equal template for this one.
The CronJob does without, so that an upgrade changes it only when there is something to change.
*/}}
{{- define "sc-extension.podAnnotations" -}}
{{- $own := dict "linkerd.io/inject" "disabled" -}}
{{- if ne .trigger "cron" -}}
  {{- $_ := set $own "sc-extension.dev/config-hash" (include "sc-extension.configHash" .root) -}}
  {{- $_ := set $own "sc-extension.dev/release-revision" (toString .root.Release.Revision) -}}
{{- end -}}
{{- merge (deepCopy .root.Values.job.podAnnotations) $own | toYaml -}}
{{- end }}

{{- define "sc-extension.podSpec" -}}
{{- $job := .root.Values.job -}}
{{- $image := .root.Values.image -}}
restartPolicy: Never
serviceAccountName: sc-job
automountServiceAccountToken: true
enableServiceLinks: false
terminationGracePeriodSeconds: 20
{{- with $image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $job.priorityClassName }}
priorityClassName: {{ quote . }}
{{- end }}
nodeSelector:
  {{- merge (deepCopy $job.nodeSelector) (dict "kubernetes.io/os" "linux") | toYaml | nindent 2 }}
{{- with $job.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
tolerations:
  # Kubernetes' own 300 s are more than a run may take.
  {{- range list "not-ready" "unreachable" }}
  - key: node.kubernetes.io/{{ . }}
    operator: Exists
    effect: NoExecute
    tolerationSeconds: 30
  {{- end }}
  {{- with $job.tolerations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
containers:
  - name: sc-job
    image: {{ include "sc-extension.image" .root | quote }}
    imagePullPolicy: {{ $image.pullPolicy }}
    {{- with .arguments }}
    args: {{ toJson . }}
    {{- end }}
    terminationMessagePolicy: FallbackToLogsOnError
    env:
      {{- include "sc-extension.env" . | nindent 6 }}
    resources:
      {{- toYaml $job.resources | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities:
        drop: [ALL]
{{- end }}

{{/* Who the pod is, and what it was told. The connections come from the Secret sc-config, read when the run begins. */}}
{{- define "sc-extension.env" -}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_UID
  valueFrom: {fieldRef: {fieldPath: metadata.uid}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: JOB_NAME
  valueFrom: {fieldRef: {fieldPath: "metadata.labels['batch.kubernetes.io/job-name']"}}
- name: JOB_UID
  valueFrom: {fieldRef: {fieldPath: "metadata.labels['batch.kubernetes.io/controller-uid']"}}
- name: SC_RELEASE
  value: {{ .root.Release.Name | quote }}
- name: SC_CHART_VERSION
  value: {{ .root.Chart.Version | quote }}
- name: SC_IMAGE
  value: {{ include "sc-extension.image" .root | quote }}
- name: SC_TRIGGER
  value: {{ .trigger }}
- name: ACTIVE_DEADLINE_SECONDS
  value: {{ .root.Values.job.activeDeadlineSeconds | int | quote }}
{{- end }}

{{/* Metadata of a hook Job. Arguments: root, name, annotations. */}}
{{- define "sc-extension.hookMetadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace | quote }}
labels:
  {{- include "sc-extension.labels" .root | nindent 2 }}
annotations:
  {{- merge .annotations (dict "helm.sh/hook-weight" "10" "helm.sh/hook-delete-policy" "before-hook-creation,hook-succeeded") | toYaml | nindent 2 }}
{{- end }}
