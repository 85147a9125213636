{{- /*
Copyright The otelcol-feedback Authors
SPDX-License-Identifier: Apache-2.0
*/ -}}

{{- /* The overlay that goes over the files of config/: what only a pod knows. */ -}}
{{- define "otelcol-feedback.overlay" -}}
{{- $v := .Values -}}
{{- $plan := include "otelcol-feedback.plan" . | fromYaml -}}
extensions:
  feedbackruntime:
    shutdown_delay: {{ int $v.shutdown.delaySeconds }}s
    shutdown_timeout: {{ int $v.shutdown.timeoutSeconds }}s
  {{- if eq $plan.basis "daemon" }}
  file_storage:
    directory: /var/lib/otelcol-feedback/positions
  {{- end }}
{{- if and (ne $plan.spool "none") (ne $plan.basis "secure") (or $v.kafka.tls.enabled $v.kafka.sasl.enabled) }}
exporters:
  feedbackkafka:
    {{- if $v.kafka.tls.enabled }}
    tls:
      {{- include "otelcol-feedback.kafkaTLS" . | nindent 6 }}
    {{- end }}
    {{- if $v.kafka.sasl.enabled }}
    auth:
      sasl:
        mechanism: ${env:COLLECTOR_KAFKA__SASL_MECHANISM}
        username: ${env:COLLECTOR_KAFKA__SASL_USERNAME}
        password: ${env:COLLECTOR_KAFKA__SASL_PASSWORD}
    {{- end }}
{{- else if eq $plan.basis "secure" }}
exporters:
  feedbackkafka:
    {{- if $v.kafka.tls.client.secretName }}
    tls:
      {{- include "otelcol-feedback.kafkaTLS" . | nindent 6 }}
    {{- end }}
    {{- if eq $v.delivery "exactly-once" }}
    transactions:
      transactional_id: ${env:COLLECTOR_SERVICE__INSTANCE_ID}
    {{- else }}
    acknowledge: delivered
    {{- end }}
{{- end }}
{{- end }}

{{- define "otelcol-feedback.kafkaTLS" -}}
{{- with .Values.kafka.tls }}
{{- if .ca.secretName }}
ca_file: ${env:COLLECTOR_KAFKA__SSL_CA_LOCATION}
{{- end }}
{{- if .client.secretName }}
cert_file: /secrets/kafka-client/tls.crt
key_file: /secrets/kafka-client/tls.key
{{- end }}
{{- if not (or .ca.secretName .client.secretName) }}
insecure: false
{{- end }}
{{- end }}
{{- end }}

{{- /* The files of the ConfigMap, in the order in which they are merged. */ -}}
{{- define "otelcol-feedback.files" -}}
{{- $plan := include "otelcol-feedback.plan" . | fromYaml -}}
- {{ $plan.basis }}.yaml
{{- if .Values.telemetry.otlpEndpoint }}
- otlp-telemetry.yaml
{{- end }}
- kubernetes.yaml
{{- if .Values.config }}
- custom.yaml
{{- end }}
{{- end }}

{{- define "otelcol-feedback.configData" -}}
{{- $root := . -}}
{{- range (include "otelcol-feedback.files" . | fromYamlArray) }}
{{ . }}: |
  {{- if eq . "kubernetes.yaml" }}
  {{- include "otelcol-feedback.overlay" $root | nindent 2 }}
  {{- else if eq . "custom.yaml" }}
  {{- toYaml $root.Values.config | nindent 2 }}
  {{- else if eq . "otlp-telemetry.yaml" }}
  {{- $root.Files.Get "files/config/overlays/otlp-telemetry.yaml" | trim | nindent 2 }}
  {{- else }}
  {{- $root.Files.Get (printf "files/config/%s" .) | trim | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}
