{{/* A connection's name as its objects carry it. */}}
{{- define "sc-extension.normalisedName" -}}
{{- regexReplaceAll "[^A-Za-z0-9]" .name "" | lower -}}
{{- end }}

{{- define "sc-extension.secretName" -}}
sc-{{ include "sc-extension.normalisedName" . }}-secret
{{- end }}

{{/* The Secrets of a connection, as JSON: {name: true}. */}}
{{- define "sc-extension.secretNames" -}}
{{- $formats := .format | default (list "env") -}}
{{- $names := dict -}}
{{- if and (has "env" $formats) (not (has "configuration" (.optOut | default list))) -}}
  {{- $_ := set $names (include "sc-extension.secretName" .) true -}}
{{- end -}}
{{- if has "servicebinding" $formats -}}
  {{- $_ := set $names (printf "sc-%s-binding" (include "sc-extension.normalisedName" .)) true -}}
{{- end -}}
{{- toJson $names -}}
{{- end }}

{{- define "sc-extension.secretProviderClassName" -}}
sc-{{ include "sc-extension.normalisedName" . }}-secretprovider
{{- end }}

{{/* Empty unless the client id is a GUID written out: object names follow from it, and what else stands there is not to be shown. The job refuses it. */}}
{{- define "sc-extension.serviceAccountName" -}}
{{- $clientId := (.credentials | default dict).clientId -}}
{{- if and (kindIs "string" $clientId) (regexMatch "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$" (toString $clientId)) }}sc-account-{{ lower $clientId }}{{ end -}}
{{- end }}

{{/*
All connections, as a JSON list: those of `connections`, and of `connectionsDocument` those that the chart can read. The schema has not seen the
latter, so what has not the form of a connection is passed over here: the job refuses it, with its place. `fromYaml` puts what it cannot read into a field
`Error`, with the text around it, and that is never shown.
*/}}
{{- define "sc-extension.connections" -}}
{{- $connections := .Values.connections | default list -}}
{{- with .Values.connectionsDocument -}}
  {{- $tree := fromYaml . -}}
  {{- $listed := hasKey $tree "connections" | ternary $tree.connections (fromYamlArray .) -}}
  {{- range kindIs "slice" $listed | ternary $listed list -}}
    {{- if include "sc-extension.isConnection" . }}{{ $connections = append $connections . }}{{ end -}}
  {{- end -}}
{{- end -}}
{{- mustToJson $connections -}}
{{- end }}

{{/* "true" if this is a mapping whose fields, as far as the chart reads them, have their form. */}}
{{- define "sc-extension.isConnection" -}}
{{- if kindIs "map" . -}}
  {{- $kinds := dict "name" "string" "namespace" "string" "authType" "string" "credentials" "map" "format" "slice" "optOut" "slice" -}}
  {{- $fits := and (kindIs "string" .name) (kindIs "string" .authType) -}}
  {{- range $field, $kind := $kinds -}}
    {{- $value := get $ $field -}}
    {{- if not (or (kindIs $kind $value) (not (hasKey $ $field)) (kindIs "invalid" $value)) }}{{ $fits = false }}{{ end -}}
  {{- end -}}
  {{- if $fits -}}
    {{- $namespace := .namespace | default "default" -}}
    {{- if and (regexMatch "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" $namespace) (le (len $namespace) 63) (regexMatch "^[A-Za-z0-9._-]{1,63}$" .name) }}true{{ end -}}
  {{- end -}}
{{- end -}}
{{- end }}

{{/*
The objects that the job makes, as JSON: {namespace: {resource: {name: true}}}.
The maps are sets, so that thousands of connections still render in seconds, and sorted by their keys.
*/}}
{{- define "sc-extension.plannedObjects" -}}
{{- $planned := dict -}}
{{- range include "sc-extension.connections" . | fromJsonArray -}}
  {{- $names := dict "secrets" (include "sc-extension.secretNames" . | fromJson) -}}
  {{- if eq .authType "workload-identity" -}}
    {{- $_ := set $names "serviceaccounts" (dict (include "sc-extension.serviceAccountName" .) true) -}}
  {{- else if eq .authType "csi" -}}
    {{- $_ := set $names "secretproviderclasses" (dict (include "sc-extension.secretProviderClassName" .) true) -}}
  {{- end -}}
  {{- $namespace := .namespace | default "default" -}}
  {{- $resources := get $planned $namespace | default dict -}}
  {{- range $resource, $made := $names -}}
    {{- range $name := keys (omit $made "") -}}
      {{- $_ := set $resources $resource (set (get $resources $resource | default dict) $name true) -}}
    {{- end -}}
  {{- end -}}
  {{- if $resources }}{{ $_ := set $planned $namespace $resources }}{{ end -}}
{{- end -}}
{{- toJson $planned -}}
{{- end }}

{{/* The Secrets of the release namespace that the job reads, as JSON: sc-config and those that a secretKeyRef names. */}}
{{- define "sc-extension.readSecrets" -}}
{{- $names := dict "sc-config" true -}}
{{- range include "sc-extension.connections" . | fromJsonArray -}}
  {{- range .credentials -}}
    {{- $reference := get (kindIs "map" . | ternary . dict) "secretKeyRef" -}}
    {{- $name := get (kindIs "map" $reference | ternary $reference dict) "name" -}}
    {{- if and (kindIs "string" $name) (regexMatch "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$" (toString $name)) -}}
      {{- $_ := set $names $name true -}}
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
