{{- /*
Copyright The otelcol-feedback Authors
SPDX-License-Identifier: Apache-2.0
*/ -}}

{{- define "otelcol-feedback.notes" -}}
{{- $plan := include "otelcol-feedback.plan" . | fromYaml -}}
{{ include "otelcol-feedback.fullname" . }}: mode {{ .Values.mode }}{{ if eq .Values.mode "standalone" }}, delivery {{ .Values.delivery }}{{ end }}.
{{- if eq .Values.mode "standalone" }}

Send feedback to
  {{ .Values.security.enabled | ternary "https" "http" }}://{{ include "otelcol-feedback.fullname" . }}.{{ .Release.Namespace }}.svc:8080/v1/feedback
  gRPC: {{ include "otelcol-feedback.fullname" . }}.{{ .Release.Namespace }}.svc:9090
{{- end }}
{{- if ne $plan.spool "none" }}

The topics have to be there:
  feedbackctl topics create --brokers {{ join "," .Values.kafka.brokers }} --events-topic {{ .Values.kafka.topic }} --dlq-topic {{ .Values.kafka.deadLetterTopic }}
{{- end }}
{{- if eq $plan.spool "emptyDir" }}

The spool is an emptyDir: what it holds is lost with the pod if Kafka stays away longer
than the preStop hook waits ({{ int .Values.shutdown.spoolWaitSeconds }} s).{{ if eq .Values.mode "standalone" }} delivery=durable keeps it.{{ end }}
{{- end }}
{{- if and (include "otelcol-feedback.scaled" .) (eq .Values.autoscaling.kind "hpa") }}
{{- if include "otelcol-feedback.podMetrics" . }}

The HorizontalPodAutoscaler looks at CPU, memory, collector_buffer_utilization and
collector_ingestion_rate. The last two come from prometheus-adapter; if it does not serve
them, nothing is scaled down (kubectl describe hpa {{ include "otelcol-feedback.fullname" . }}).
{{- else }}

The HorizontalPodAutoscaler looks at CPU and memory only:
{{- if eq .Values.autoscaling.podMetrics "disabled" }} autoscaling.podMetrics is disabled.
{{- else }} this cluster serves no
custom.metrics.k8s.io. Install prometheus-adapter with the rules of
autoscaling.adapter.rules and upgrade this release, or take autoscaling.kind=keda.
{{- end }}
{{- end }}
{{- end }}
{{- if and .Values.topologySpread.enabled (eq .Values.topologySpread.whenUnsatisfiable "DoNotSchedule") (ne .Values.mode "daemon") }}

Pods stay pending on nodes without the label topology.kubernetes.io/zone;
topologySpread.whenUnsatisfiable=ScheduleAnyway lets them run there.
{{- end }}
{{- end }}
