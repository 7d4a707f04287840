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
{{- if and (eq .authType "csi") (eq (toString .login) "service-principal") -}}
  {{- $_ := set $names (include "sc-extension.vaultLoginName" .) true -}}
{{- end -}}
{{- toJson $names -}}
{{- end }}

{{- define "sc-extension.vaultLoginName" -}}
sc-{{ include "sc-extension.normalisedName" . }}-vaultlogin
{{- end }}

{{- define "sc-extension.secretProviderClassName" -}}
sc-{{ include "sc-extension.normalisedName" . }}-secretprovider
{{- end }}

{{/* Empty unless the client id is a GUID written out: object names follow from it, and what else stands there is not to be shown. The job refuses it. */}}
{{- define "sc-extension.serviceAccountName" -}}
{{- $clientId := (.credentials | default dict).clientId -}}
{{- if and (kindIs "string" $clientId) (regexMatch "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$" (toString $clientId)) }}sc-account-{{ lower $clientId }}{{ end -}}
{{- end }}

{{/* "true" if a ServiceAccount stands for the connection's identity. */}}
{{- define "sc-extension.isFederated" -}}
{{- if or (eq .authType "workload-identity") (and (eq .authType "csi") (eq (toString .login) "workload-identity")) }}true{{ end -}}
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
  {{- $kinds := dict "name" "string" "namespace" "string" "authType" "string" "state" "string" "login" "string" "credentials" "map" "format" "slice" "optOut" "slice" -}}
  {{- $fits := and (kindIs "string" .name) (kindIs "string" .authType) -}}
  {{- range $field, $kind := $kinds -}}
    {{- $value := get $ $field -}}
    {{- if not (or (kindIs $kind $value) (not (hasKey $ $field)) (kindIs "invalid" $value)) }}{{ $fits = false }}{{ end -}}
  {{- end -}}
  {{- if $fits -}}
    {{- $namespace := .namespace | default "default" -}}
    {{- if and (regexMatch "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" $namespace) (le (len $namespace) 63) (regexMatch "^[._-]*([A-Za-z0-9][._-]*){1,63}$" .name) }}true{{ end -}}
  {{- end -}}
{{- end -}}
{{- end }}

{{/* The objects of a connection, as JSON: {resource: {name: true}}. */}}
{{- define "sc-extension.objects" -}}
{{- $objects := dict "secrets" (include "sc-extension.secretNames" . | fromJson) -}}
{{- if include "sc-extension.isFederated" . -}}
  {{- $_ := set $objects "serviceaccounts" (dict (include "sc-extension.serviceAccountName" .) true) -}}
{{- end -}}
{{- if eq .authType "csi" -}}
  {{- $_ := set $objects "secretproviderclasses" (dict (include "sc-extension.secretProviderClassName" .) true) -}}
{{- end -}}
{{- toJson $objects -}}
{{- end }}

{{/*
The objects that the job makes and those that it deletes, as JSON: {make: {namespace: {resource: {name: true}}}, delete: the same}.
The maps are sets, so that thousands of connections still render in seconds, and sorted by their keys.
*/}}
{{- define "sc-extension.plannedObjects" -}}
{{- $planned := dict "make" dict "delete" dict -}}
{{- range include "sc-extension.connections" . | fromJsonArray -}}
  {{- $namespaces := eq (toString .state) "absent" | ternary $planned.delete $planned.make -}}
  {{- $namespace := .namespace | default "default" -}}
  {{- range $resource, $names := include "sc-extension.objects" . | fromJson -}}
    {{- range $name := keys (omit $names "") -}}
      {{- dict "namespaces" $namespaces "namespace" $namespace "resource" $resource "name" $name | include "sc-extension.note" -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- range include "sc-extension.inventory" . | fromJsonArray -}}
  {{- set . "namespaces" $planned.delete | include "sc-extension.note" -}}
{{- end -}}
{{- range $namespace := keys $planned.delete -}}
  {{- if and (not (hasKey $planned.make $namespace)) (include "sc-extension.isGone" (dict "root" $ "namespace" $namespace)) }}{{ $_ := unset $planned.delete $namespace }}{{ end -}}
{{- end -}}
{{- range $namespace, $resources := $planned.make -}}
  {{- range $resource, $names := $resources -}}
    {{- $deleted := dig $namespace $resource dict $planned.delete -}}
    {{- range $name := keys $deleted }}{{ if hasKey $names $name }}{{ $_ := unset $deleted $name }}{{ end }}{{ end -}}
  {{- end -}}
{{- end -}}
{{- toJson $planned -}}
{{- end }}

{{/* Notes an object in {namespace: {resource: {name: true}}}. Arguments: namespaces, namespace, resource, name. */}}
{{- define "sc-extension.note" -}}
{{- $resources := get .namespaces .namespace | default dict -}}
{{- $_ := set $resources .resource (set (get $resources .resource | default dict) .name true) -}}
{{- $_ := set .namespaces .namespace $resources -}}
{{- end }}

{{/*
What the inventory says is to be deleted when no connection asks for it, as JSON: [{namespace, resource, name}].
`helm template` and Argo CD have no cluster to look at, and find none; there `state: absent` is the way.
*/}}
{{- define "sc-extension.inventory" -}}
{{- $found := list -}}
{{- $form := "^([a-z0-9]([-a-z0-9]*[a-z0-9])?)/(secrets/sc-[a-z0-9]+-(secret|binding|vaultlogin)|serviceaccounts/sc-account-[0-9a-f-]{36}|secretproviderclasses/sc-[a-z0-9]+-secretprovider) (Delete|Retain)$" -}}
{{- range $page := until (include "sc-extension.inventoryPages" . | int) -}}
  {{- range regexFindAll "[^\n]+" (dig "data" "objects" "" (lookup "v1" "ConfigMap" $.Release.Namespace (printf "sc-inventory-%d" $page))) -1 -}}
    {{- if and (regexMatch $form .) (or (hasSuffix " Delete" .) (include "sc-extension.isTrue" $.Values.cleanup.enabled)) -}}
      {{- $parts := regexSplit "[/ ]" . -1 -}}
      {{- $found = append $found (dict "namespace" (index $parts 0) "resource" (index $parts 1) "name" (index $parts 2)) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- toJson $found -}}
{{- end }}

{{/* "true" if the namespace is gone or on its way out, as far as there is a cluster to look at: no Role can be made there. Arguments: root, namespace. */}}
{{- define "sc-extension.isGone" -}}
{{- if lookup "v1" "Namespace" "" .root.Release.Namespace -}}
  {{- $object := lookup "v1" "Namespace" "" .namespace -}}
  {{- if or (not $object) (dig "metadata" "deletionTimestamp" "" $object) }}true{{ end -}}
{{- end -}}
{{- end }}

{{/*
How many pages the inventory may have: what all connections ask for and as much of earlier ones, at 900 kB a page. A set of 1 MiB names its objects in
two pages at most, and the values in less than one and a half.
*/}}
{{- define "sc-extension.inventoryPages" -}}
{{- $live := lookup "v1" "ConfigMap" .Release.Namespace "sc-inventory-0" | dig "data" "pages" "0" | int -}}
{{- max $live (add 3 (mul 4 (len (.Values.connectionSets | default list)))) -}}
{{- end }}

{{/* The namespaces of connection sets, whose connections the chart cannot see, as JSON: {namespace: true}. */}}
{{- define "sc-extension.setNamespaces" -}}
{{- $namespaces := dict -}}
{{- range .Values.connectionSets }}{{ range .namespaces }}{{ $_ := set $namespaces . true }}{{ end }}{{ end -}}
{{- toJson $namespaces -}}
{{- end }}

{{/* The Secrets of the release namespace that the job reads, as JSON: sc-config, the connection sets, and those that a secretKeyRef names. */}}
{{- define "sc-extension.readSecrets" -}}
{{- $names := dict "sc-config" true -}}
{{- range .Values.connectionSets -}}
  {{- range append (.referencedSecrets | default list) .secretName }}{{ $_ := set $names . true }}{{ end -}}
{{- end -}}
{{- range include "sc-extension.connections" . | fromJsonArray -}}
  {{- /* One that is absent needs no credentials. */ -}}
  {{- range eq (toString .state) "absent" | ternary dict (.credentials | default dict) -}}
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
