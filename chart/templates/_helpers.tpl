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
