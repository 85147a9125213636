// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"slices"
	"strings"

	"go.uber.org/zap"
)

const environmentPrefix = "COLLECTOR_"

// knownEnvironment are the variables that configurations in config/ read.
var knownEnvironment = []string{
	"COLLECTOR_SERVICE__NAME",
	"COLLECTOR_SERVICE__NAMESPACE",
	"COLLECTOR_SERVICE__ENVIRONMENT",
	"COLLECTOR_SERVICE__INSTANCE_ID",
	"COLLECTOR_HTTP__ENDPOINT",
	"COLLECTOR_HTTP__ENQUEUE_TIMEOUT",
	"COLLECTOR_HTTP__CORS_ALLOWED_ORIGINS",
	"COLLECTOR_GRPC__ENDPOINT",
	"COLLECTOR_OTLP__GRPC_ENDPOINT",
	"COLLECTOR_OTLP__HTTP_ENDPOINT",
	"COLLECTOR_INGESTION__MAX_EVENT_SIZE_BYTES",
	"COLLECTOR_INGESTION__RATE_LIMIT_PER_CLIENT",
	"COLLECTOR_INGESTION__RATE_LIMIT_PEERS",
	"COLLECTOR_BUFFER__CAPACITY",
	"COLLECTOR_BUFFER__MAX_BYTES",
	"COLLECTOR_BATCHING__MAX_BATCH_SIZE",
	"COLLECTOR_BATCHING__MAX_BATCH_AGE",
	"COLLECTOR_KAFKA__BROKERS",
	"COLLECTOR_KAFKA__TOPIC",
	"COLLECTOR_KAFKA__CLIENT_ID",
	"COLLECTOR_KAFKA__COMPRESSION_TYPE",
	"COLLECTOR_KAFKA__SASL_MECHANISM",
	"COLLECTOR_KAFKA__SASL_USERNAME",
	"COLLECTOR_KAFKA__SASL_PASSWORD",
	"COLLECTOR_KAFKA__SSL_CA_LOCATION",
	"COLLECTOR_TLS__CERT_FILE",
	"COLLECTOR_TLS__KEY_FILE",
	"COLLECTOR_TLS__CLIENT_CA_FILE",
	"COLLECTOR_AUTH__JWKS_FILE",
	"COLLECTOR_AUTH__JWKS_URL",
	"COLLECTOR_AUTH__PUBLIC_KEY_FILE",
	"COLLECTOR_AUTH__HMAC_SECRET_FILE",
	"COLLECTOR_AUTH__ISSUER",
	"COLLECTOR_AUTH__AUDIENCE",
	"COLLECTOR_ERROR_HANDLING__DLQ_TOPIC",
	"COLLECTOR_ERROR_HANDLING__CIRCUIT_BREAKER_FAILURE_THRESHOLD",
	"COLLECTOR_ERROR_HANDLING__CIRCUIT_BREAKER_TIMEOUT",
	"COLLECTOR_PII__HASH_KEY",
	"COLLECTOR_SPOOL__DIRECTORY",
	"COLLECTOR_SPOOL__MAX_SIZE_MIB",
	"COLLECTOR_TELEMETRY__METRICS_HOST",
	"COLLECTOR_TELEMETRY__METRICS_PORT",
	"COLLECTOR_TELEMETRY__TRACE_SAMPLING_RATE",
	"COLLECTOR_TELEMETRY__OTLP_ENDPOINT",
	"COLLECTOR_DAEMON__DIRECTORY",
	"COLLECTOR_DAEMON__SCAN_INTERVAL",
	"COLLECTOR_EMBEDDED_KAFKA__ENDPOINT",
	"COLLECTOR_CONSOLE__ENDPOINT",
}

// unknownEnvironment returns the names in environ ("NAME=value") that look
// like this collector's and are not.
func unknownEnvironment(environ []string) []string {
	var unknown []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, environmentPrefix) && !slices.Contains(knownEnvironment, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return slices.Compact(unknown)
}

// warnUnknownEnvironment logs one warning, with names and no values.
func (e *runtimeExtension) warnUnknownEnvironment(environ []string) {
	if unknown := unknownEnvironment(environ); len(unknown) > 0 {
		e.telemetry.Logger.Warn("Environment variables that begin with COLLECTOR_ but that no configuration reads",
			zap.Strings("names", unknown))
	}
}
