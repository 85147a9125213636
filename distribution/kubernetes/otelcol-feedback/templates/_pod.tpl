{{- /*
Copyright The otelcol-feedback Authors
SPDX-License-Identifier: Apache-2.0
*/ -}}

{{- /* Variables of the collector: the names of docs/configuration.md. */ -}}
{{- define "otelcol-feedback.env" -}}
{{- $v := .Values -}}
{{- $plan := include "otelcol-feedback.plan" . | fromYaml -}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
{{- if eq $v.mode "daemon" }}
- name: NODE_NAME
  valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
- name: COLLECTOR_SERVICE__INSTANCE_ID
  value: $(NODE_NAME)
{{- else if and (eq $v.mode "standalone") (eq $v.delivery "exactly-once") }}
# The transactional id: one for each pod of all namespaces, the same after a restart.
- name: COLLECTOR_SERVICE__INSTANCE_ID
  value: $(POD_NAMESPACE).$(POD_NAME)
{{- else }}
- name: COLLECTOR_SERVICE__INSTANCE_ID
  value: $(POD_NAME)
{{- end }}
- name: COLLECTOR_SERVICE__NAME
  value: {{ $v.service.name | quote }}
- name: COLLECTOR_SERVICE__NAMESPACE
  value: {{ $v.service.namespace | quote }}
- name: COLLECTOR_SERVICE__ENVIRONMENT
  value: {{ $v.service.environment | quote }}
- name: COLLECTOR_HTTP__ENDPOINT
  value: {{ $plan.bind }}:8080
- name: COLLECTOR_GRPC__ENDPOINT
  value: {{ $plan.bind }}:9090
{{- if ne $v.mode "daemon" }}
- name: COLLECTOR_OTLP__GRPC_ENDPOINT
  value: {{ $plan.bind }}:4317
- name: COLLECTOR_OTLP__HTTP_ENDPOINT
  value: {{ $plan.bind }}:4318
{{- end }}
# Prometheus comes from another pod.
- name: COLLECTOR_TELEMETRY__METRICS_HOST
  value: 0.0.0.0
- name: COLLECTOR_BUFFER__CAPACITY
  value: {{ int $v.limits.bufferEvents | quote }}
- name: COLLECTOR_BUFFER__MAX_BYTES
  value: {{ int $v.limits.bufferBytes | quote }}
- name: COLLECTOR_INGESTION__RATE_LIMIT_PER_CLIENT
  value: {{ int $v.limits.ratePerClient | quote }}
- name: COLLECTOR_TELEMETRY__TRACE_SAMPLING_RATE
  value: {{ $v.telemetry.traceSamplingRate | quote }}
{{- with $v.telemetry.otlpEndpoint }}
- name: COLLECTOR_TELEMETRY__OTLP_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- with $v.pii.hashKey }}
{{- if .secretName }}
- name: COLLECTOR_PII__HASH_KEY
  valueFrom: {secretKeyRef: {name: {{ .secretName }}, key: {{ .key }}}}
{{- end }}
{{- end }}
{{- if eq $v.mode "daemon" }}
- name: COLLECTOR_DAEMON__DIRECTORY
  value: /events
- name: COLLECTOR_DAEMON__SCAN_INTERVAL
  value: {{ $v.daemon.scanInterval | quote }}
{{- end }}
{{- if eq $plan.spool "none" }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ $v.sidecar.gatewayEndpoint | quote }}
- name: OTEL_EXPORTER_OTLP_INSECURE
  value: {{ $v.sidecar.gatewayInsecure | quote }}
{{- else }}
- name: COLLECTOR_SPOOL__DIRECTORY
  value: /var/lib/otelcol-feedback/spool
- name: COLLECTOR_SPOOL__MAX_SIZE_MIB
  value: {{ $plan.spoolMiB | int | quote }}
{{- include "otelcol-feedback.kafkaEnv" . }}
{{- end }}
{{- if eq $plan.basis "secure" }}
{{- include "otelcol-feedback.securityEnv" . }}
{{- end }}
{{- with $v.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "otelcol-feedback.kafkaEnv" -}}
{{- with .Values.kafka }}
- name: COLLECTOR_KAFKA__BROKERS
  value: {{ join "," .brokers | quote }}
- name: COLLECTOR_KAFKA__TOPIC
  value: {{ .topic | quote }}
- name: COLLECTOR_ERROR_HANDLING__DLQ_TOPIC
  value: {{ .deadLetterTopic | quote }}
- name: COLLECTOR_KAFKA__COMPRESSION_TYPE
  value: {{ .compression | quote }}
{{- if and .tls.enabled .tls.ca.secretName }}
- name: COLLECTOR_KAFKA__SSL_CA_LOCATION
  value: /secrets/kafka-ca/ca.crt
{{- end }}
{{- if .sasl.enabled }}
- name: COLLECTOR_KAFKA__SASL_MECHANISM
  value: {{ .sasl.mechanism | quote }}
- name: COLLECTOR_KAFKA__SASL_USERNAME
  {{- if .sasl.username }}
  value: {{ .sasl.username | quote }}
  {{- else }}
  valueFrom: {secretKeyRef: {name: {{ .sasl.secretName }}, key: {{ .sasl.usernameKey }}}}
  {{- end }}
- name: COLLECTOR_KAFKA__SASL_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ .sasl.secretName }}, key: {{ .sasl.passwordKey }}}}
{{- end }}
{{- end }}
{{- end }}

{{- define "otelcol-feedback.securityEnv" -}}
{{- with .Values.security }}
- name: COLLECTOR_TLS__CERT_FILE
  value: /secrets/tls/tls.crt
- name: COLLECTOR_TLS__KEY_FILE
  value: /secrets/tls/tls.key
{{- if .tls.clientCA.secretName }}
- name: COLLECTOR_TLS__CLIENT_CA_FILE
  value: /secrets/client-ca/ca.crt
{{- end }}
{{- if eq .auth.kind "jwksURL" }}
- name: COLLECTOR_AUTH__JWKS_URL
  value: {{ .auth.jwksURL | quote }}
{{- else }}
- name: {{ get (dict "hmac" "COLLECTOR_AUTH__HMAC_SECRET_FILE" "publicKey" "COLLECTOR_AUTH__PUBLIC_KEY_FILE" "jwks" "COLLECTOR_AUTH__JWKS_FILE") .auth.kind }}
  value: /secrets/auth/key
{{- end }}
{{- with .auth.issuer }}
- name: COLLECTOR_AUTH__ISSUER
  value: {{ . | quote }}
{{- end }}
{{- with .auth.audience }}
- name: COLLECTOR_AUTH__AUDIENCE
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Secrets that are mounted, as {folder, secret, files: {key in the secret: name of the file}}. */ -}}
{{- define "otelcol-feedback.secretFiles" -}}
{{- $plan := include "otelcol-feedback.plan" . | fromYaml -}}
{{- with .Values.kafka.tls }}
{{- if and .enabled (ne $plan.spool "none") }}
{{- if .ca.secretName }}
- {folder: kafka-ca, secret: {{ .ca.secretName }}, files: { {{ .ca.key }}: ca.crt }}
{{- end }}
{{- if .client.secretName }}
- {folder: kafka-client, secret: {{ .client.secretName }}, files: { {{ .client.certKey }}: tls.crt, {{ .client.keyKey }}: tls.key }}
{{- end }}
{{- end }}
{{- end }}
{{- if eq $plan.basis "secure" }}
{{- with .Values.security }}
- {folder: tls, secret: {{ .tls.secretName }}, files: {tls.crt: tls.crt, tls.key: tls.key}}
{{- if .tls.clientCA.secretName }}
- {folder: client-ca, secret: {{ .tls.clientCA.secretName }}, files: { {{ .tls.clientCA.key }}: ca.crt }}
{{- end }}
{{- if ne .auth.kind "jwksURL" }}
- {folder: auth, secret: {{ .auth.secretName }}, files: { {{ .auth.key }}: key }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "otelcol-feedback.probes" -}}
{{- $plan := include "otelcol-feedback.plan" . | fromYaml -}}
{{- $scheme := eq $plan.basis "secure" | ternary "HTTPS" "HTTP" -}}
{{- if or (eq $plan.bind "localhost") (and (eq $plan.basis "secure") .Values.security.tls.clientCA.secretName) }}
# The kubelet cannot reach this listener (loopback, or a client certificate is asked
# for): the probes run inside.
startupProbe:
  exec:
    command: {{ include "otelcol-feedback.healthcheck" (list . "--live") }}
  periodSeconds: 2
  failureThreshold: 30
  timeoutSeconds: 5
livenessProbe:
  exec:
    command: {{ include "otelcol-feedback.healthcheck" (list . "--live") }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  exec:
    command: {{ include "otelcol-feedback.healthcheck" (list .) }}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
{{- else }}
startupProbe:
  httpGet: {path: /health, port: http, scheme: {{ $scheme }}}
  periodSeconds: 2
  failureThreshold: 30
  timeoutSeconds: 2
livenessProbe:
  httpGet: {path: /health, port: http, scheme: {{ $scheme }}}
  periodSeconds: 10
  timeoutSeconds: 2
  failureThreshold: 3
readinessProbe:
  {{- if eq .Values.probes.readiness "grpc" }}
  grpc: {port: 9090}
  {{- else }}
  httpGet: {path: /ready, port: http, scheme: {{ $scheme }}}
  {{- end }}
  periodSeconds: 5
  timeoutSeconds: 2
  failureThreshold: 2
{{- end }}
{{- end }}

{{- define "otelcol-feedback.healthcheck" -}}
{{- $root := index . 0 -}}
{{- $command := concat (list "/usr/bin/feedbackctl" "healthcheck") (rest .) -}}
{{- if $root.Values.security.tls.clientCA.secretName -}}
{{- $command = concat $command (list "--tls-cert" "/secrets/tls/tls.crt" "--tls-key" "/secrets/tls/tls.key") -}}
{{- end -}}
{{ $command | toJson }}
{{- end }}

{{- define "otelcol-feedback.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "otelcol-feedback.container" -}}
{{- $plan := include "otelcol-feedback.plan" . | fromYaml -}}
name: collector
image: {{ include "otelcol-feedback.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args:
  {{- range (include "otelcol-feedback.files" . | fromYamlArray) }}
  - --config=/conf/{{ . }}
  {{- end }}
env:
  {{- include "otelcol-feedback.env" . | nindent 2 }}
ports:
  {{- if ne $plan.bind "localhost" }}
  - {name: http, containerPort: 8080}
  - {name: grpc, containerPort: 9090}
  {{- if ne .Values.mode "daemon" }}
  - {name: otlp-grpc, containerPort: 4317}
  - {name: otlp-http, containerPort: 4318}
  {{- end }}
  {{- end }}
  - {name: metrics, containerPort: 8888}
{{- include "otelcol-feedback.probes" . }}
{{- if ne $plan.spool "none" }}
lifecycle:
  preStop:
    # What the spool holds is sent before the pod goes, as long as the grace allows.
    exec:
      command: [/usr/bin/feedbackctl, spool, wait, --directory, /var/lib/otelcol-feedback/spool, --timeout, {{ int .Values.shutdown.spoolWaitSeconds }}s]
{{- end }}
resources:
  {{- include "otelcol-feedback.resources" . | nindent 2 }}
securityContext:
  {{- include "otelcol-feedback.securityContext" . | nindent 2 }}
volumeMounts:
  - {name: config, mountPath: /conf, readOnly: true}
  {{- if ne $plan.spool "none" }}
  - {name: data, mountPath: /var/lib/otelcol-feedback}
  {{- end }}
  {{- if eq .Values.mode "daemon" }}
  - {name: events, mountPath: /events, readOnly: true}
  {{- end }}
  {{- range (include "otelcol-feedback.secretFiles" . | fromYamlArray) }}
  - {name: {{ .folder }}, mountPath: /secrets/{{ .folder }}, readOnly: true}
  {{- end }}
{{- end }}

{{- define "otelcol-feedback.volumes" -}}
{{- $plan := include "otelcol-feedback.plan" . | fromYaml -}}
- name: config
  configMap: {name: {{ include "otelcol-feedback.fullname" . }}}
{{- if eq $plan.spool "emptyDir" }}
- name: data
  emptyDir: {sizeLimit: {{ int .Values.spool.emptyDirSizeGiB }}Gi}
{{- else if eq $plan.spool "hostPath" }}
- name: data
  hostPath: {path: {{ .Values.daemon.statePath | quote }}, type: DirectoryOrCreate}
{{- end }}
{{- if eq .Values.mode "daemon" }}
- name: events
  hostPath: {path: {{ .Values.daemon.eventsPath | quote }}, type: DirectoryOrCreate}
{{- end }}
{{- range (include "otelcol-feedback.secretFiles" . | fromYamlArray) }}
- name: {{ .folder }}
  secret:
    secretName: {{ .secret }}
    defaultMode: 0440
    items:
      {{- range $key, $path := .files }}
      - {key: {{ $key }}, path: {{ $path }}}
      {{- end }}
{{- end }}
{{- end }}

{{- define "otelcol-feedback.grace" -}}
{{- $s := .Values.shutdown -}}
{{- $plan := include "otelcol-feedback.plan" . | fromYaml -}}
{{- add (eq $plan.spool "none" | ternary 0 (int $s.spoolWaitSeconds)) (int $s.delaySeconds) (int $s.timeoutSeconds) (int $s.slackSeconds) -}}
{{- end }}

{{- /* All of a pod but its containers. */ -}}
{{- define "otelcol-feedback.podMetadata" -}}
annotations:
  # A changed configuration rolls the pods.
  checksum/config: {{ include "otelcol-feedback.configData" . | sha256sum }}
  {{- with .Values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
labels:
  {{- include "otelcol-feedback.labels" . | nindent 2 }}
  {{- with .Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "otelcol-feedback.podSpec" -}}
{{- $selector := include "otelcol-feedback.selector" . -}}
serviceAccountName: {{ include "otelcol-feedback.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ include "otelcol-feedback.grace" . }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  {{- if and (eq .Values.mode "daemon") .Values.daemon.supplementalGroups }}
  supplementalGroups: {{ .Values.daemon.supplementalGroups | toJson }}
  {{- end }}
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- if .Values.affinity }}
affinity:
  {{- toYaml .Values.affinity | nindent 2 }}
{{- else if ne .Values.mode "daemon" }}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- $selector | nindent 14 }}
{{- end }}
{{- if and .Values.topologySpread.enabled (ne .Values.mode "daemon") }}
topologySpreadConstraints:
  - maxSkew: {{ int .Values.topologySpread.maxSkew }}
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: {{ .Values.topologySpread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- $selector | nindent 8 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
