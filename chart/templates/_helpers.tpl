{{/* Labels of every object of the chart. */}}
{{- define "sc-extension.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "sc-extension.selectorLabels" . }}
{{- end }}

{{/* Labels that a new version of the chart leaves alone. */}}
{{- define "sc-extension.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* "true" for true and "true", empty for all else: installers that only hand over strings say "false". Use it in `if`. */}}
{{- define "sc-extension.isTrue" -}}
{{- if eq (toString .) "true" }}true{{ end -}}
{{- end }}

{{/* What the job reads: compact JSON. The hash that a run proves is taken over exactly these bytes. */}}
{{- define "sc-extension.config" -}}
{{- $read := pick .Values "compatibility" "cloud" "targetServices" -}}
{{- with .Values.connectionsDocument }}{{ $_ := set $read "connectionsDocument" . }}{{ end -}}
{{- with .Values.connectionSets }}{{ $_ := set $read "connectionSets" . }}{{ end -}}
{{- set $read "connections" (.Values.connections | default list) | mustToJson -}}
{{- end }}

{{- define "sc-extension.configHash" -}}
{{- include "sc-extension.config" . | sha256sum -}}
{{- end }}

{{- define "sc-extension.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}

{{- /*
The namespaces in the manifest, joined by commas. Only what is absent is made, and what this release made earlier stays: a rollback needs it there. A namespace of
someone else is left alone. `helm template` and Argo CD have no cluster to look at, and render all of them; `keep` holds them against deletion there too.
Helm deletes what goes out of the manifest and does not say `keep`, as a namespace that was deleted and made anew by hand: `sc-config` knows which were in it.
The release namespace is never among them: Helm makes it after rendering (--create-namespace).
*/}}
{{- define "sc-extension.namespaces" -}}
{{- $before := dig "metadata" "annotations" "sc-extension.dev/namespaces" "" (lookup "v1" "Secret" .Release.Namespace "sc-config") | splitList "," | compact -}}
{{- $own := printf "%s/%s" .Release.Namespace .Release.Name -}}
{{- $names := list -}}
{{- range without (uniq (concat .Values.namespaces.create $before)) .Release.Namespace -}}
  {{- $live := lookup "v1" "Namespace" "" . -}}
  {{- $annotations := dig "metadata" "annotations" dict $live -}}
  {{- $owner := printf "%s/%s" (get $annotations "meta.helm.sh/release-namespace") (get $annotations "meta.helm.sh/release-name") -}}
  {{- $is_asked_for := and (has . $.Values.namespaces.create) (or (not $live) (eq $owner $own)) -}}
  {{- $is_unkept := and (has . $before) $live (ne (get $annotations "helm.sh/resource-policy") "keep") -}}
  {{- if or $is_asked_for $is_unkept -}}
    {{- $names = append $names . -}}
  {{- end -}}
{{- end -}}
{{- join "," $names -}}
{{- end }}
