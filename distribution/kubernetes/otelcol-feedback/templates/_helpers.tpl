{{- /*
Copyright The otelcol-feedback Authors
SPDX-License-Identifier: Apache-2.0
*/ -}}

{{- define "otelcol-feedback.name" -}}
{{- default .Release.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{- define "otelcol-feedback.fullname" -}}
{{- default (include "otelcol-feedback.name" .) .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{- define "otelcol-feedback.selector" -}}
app.kubernetes.io/name: otelcol-feedback
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: {{ .Values.mode }}
{{- end }}

{{- define "otelcol-feedback.labels" -}}
{{ include "otelcol-feedback.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "otelcol-feedback.metadata" -}}
name: {{ include "otelcol-feedback.fullname" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "otelcol-feedback.labels" . | nindent 2 }}
{{- end }}

{{- define "otelcol-feedback.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ $tag }}{{ end }}
{{- end }}

{{- define "otelcol-feedback.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "otelcol-feedback.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end -}}
{{- end }}

{{- /* The sizing table of the architecture document. */ -}}
{{- define "otelcol-feedback.sizes" -}}
sidecar: {requests: {cpu: 100m, memory: 128Mi}, limits: {cpu: 500m, memory: 512Mi}}
small: {requests: {cpu: 500m, memory: 512Mi}, limits: {cpu: 2000m, memory: 2Gi}}
medium: {requests: {cpu: 1000m, memory: 1Gi}, limits: {cpu: 4000m, memory: 4Gi}}
large: {requests: {cpu: 2000m, memory: 2Gi}, limits: {cpu: 8000m, memory: 8Gi}}
{{- end }}

{{- define "otelcol-feedback.resources" -}}
{{- if .Values.resources -}}
{{ toYaml .Values.resources }}
{{- else -}}
{{- $size := default (eq .Values.mode "standalone" | ternary "small" "sidecar") .Values.size -}}
{{ get (include "otelcol-feedback.sizes" . | fromYaml) $size | toYaml }}
{{- end -}}
{{- end }}

{{- /* What follows from the values, decided once:
basis  the file of config/ that is started
kind   of the workload
spool  where the spool is: a claim, an emptyDir, a directory of the node, or nowhere
bind   where its servers listen */ -}}
{{- define "otelcol-feedback.plan" -}}
{{- $v := .Values -}}
{{- if eq $v.mode "daemon" -}}
{basis: daemon, kind: DaemonSet, spool: hostPath, bind: 0.0.0.0, spoolMiB: {{ int $v.daemon.spoolMaxSizeMiB }}}
{{- else if eq $v.mode "sidecar" -}}
{{- if eq $v.sidecar.to "gateway" -}}
{basis: sidecar, kind: Deployment, spool: none, bind: localhost, spoolMiB: 0}
{{- else -}}
{basis: collector, kind: Deployment, spool: emptyDir, bind: localhost, spoolMiB: {{ mul (int $v.spool.emptyDirSizeGiB) 819 }}}
{{- end -}}
{{- else -}}
{{- $basis := ternary "secure" (get (dict "buffered" "collector" "durable" "durable" "exactly-once" "exactly-once") $v.delivery) $v.security.enabled -}}
{{- $volume := default (eq $v.delivery "buffered" | ternary "emptyDir" "persistentVolumeClaim") $v.spool.volume -}}
{{- if eq $volume "emptyDir" -}}
{basis: {{ $basis }}, kind: Deployment, spool: emptyDir, bind: 0.0.0.0, spoolMiB: {{ mul (int $v.spool.emptyDirSizeGiB) 819 }}}
{{- else -}}
{basis: {{ $basis }}, kind: StatefulSet, spool: persistentVolumeClaim, bind: 0.0.0.0, spoolMiB: {{ mul (int $v.spool.sizeGiB) 819 }}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* The two metrics that scale beside CPU and memory: are they asked for? */ -}}
{{- define "otelcol-feedback.podMetrics" -}}
{{- $served := or (.Capabilities.APIVersions.Has "custom.metrics.k8s.io/v1beta1") (.Capabilities.APIVersions.Has "custom.metrics.k8s.io/v1beta2") -}}
{{- if or (eq .Values.autoscaling.podMetrics "enabled") (and (eq .Values.autoscaling.podMetrics "auto") $served) -}}true{{- end -}}
{{- end }}

{{- define "otelcol-feedback.scaled" -}}
{{- if and (eq .Values.mode "standalone") (ne .Values.autoscaling.kind "none") -}}true{{- end -}}
{{- end }}
