{{/* A connection's name as its objects carry it. */}}
{{- define "sc-extension.normalisedName" -}}
{{- regexReplaceAll "[^A-Za-z0-9]" .name "" | lower -}}
{{- end }}

{{- define "sc-extension.secretName" -}}
sc-{{ include "sc-extension.normalisedName" . }}-secret
{{- end }}

{{- define "sc-extension.secretProviderClassName" -}}
sc-{{ include "sc-extension.normalisedName" . }}-secretprovider
{{- end }}

{{/* Empty unless the client id is a literal: object names follow from it. The job refuses the connection then. */}}
{{- define "sc-extension.serviceAccountName" -}}
{{- $clientId := (.credentials | default dict).clientId -}}
{{- if kindIs "string" $clientId }}sc-account-{{ lower $clientId }}{{ end -}}
{{- end }}

{{/*
The objects that the job makes, as JSON: {namespace: {resource: {name: true}}}.
The maps are sets, so that thousands of connections still render in seconds, and sorted by their keys.
*/}}
{{- define "sc-extension.plannedObjects" -}}
{{- $planned := dict -}}
{{- range .Values.connections -}}
  {{- $names := dict "secrets" (include "sc-extension.secretName" .) -}}
  {{- if eq .authType "workload-identity" -}}
    {{- $_ := set $names "serviceaccounts" (include "sc-extension.serviceAccountName" .) -}}
  {{- else if eq .authType "csi" -}}
    {{- $_ := set $names "secretproviderclasses" (include "sc-extension.secretProviderClassName" .) -}}
  {{- end -}}
  {{- $namespace := .namespace | default "default" -}}
  {{- $resources := get $planned $namespace | default dict -}}
  {{- range $resource, $name := $names -}}
    {{- if $name -}}
      {{- $_ := set $resources $resource (set (get $resources $resource | default dict) $name true) -}}
    {{- end -}}
  {{- end -}}
  {{- $_ := set $planned $namespace $resources -}}
{{- end -}}
{{- toJson $planned -}}
{{- end }}

{{/* The Secrets of the release namespace that the job reads, as JSON: sc-config and those that a secretKeyRef names. */}}
{{- define "sc-extension.readSecrets" -}}
{{- $names := dict "sc-config" true -}}
{{- range .Values.connections -}}
  {{- range .credentials -}}
    {{- if kindIs "map" . -}}
      {{- $_ := set $names .secretKeyRef.name true -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- keys $names | sortAlpha | toJson -}}
{{- end }}

{{/* Gives the job's ServiceAccount the Role of the same name. Arguments: root, name, namespace. */}}
{{- define "sc-extension.roleBinding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name }}
  namespace: {{ quote .namespace }}
  labels:
    {{- include "sc-extension.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: sc-job
    namespace: {{ .root.Release.Namespace | quote }}
{{- end }}
