// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package config holds the runnable configurations; this test holds
// docs/configuration.md to them.
package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// documentKeys are the configuration keys of the original architecture.
var documentKeys = strings.Fields(`
	service.name service.namespace service.environment service.version
	ingestion.max_event_size_bytes ingestion.rate_limit_per_client ingestion.enable_validation
	buffer.capacity buffer.enable_backpressure
	batching.max_batch_size batching.max_batch_age_secs batching.flush_interval_ms
	kafka.brokers kafka.topic kafka.client_id kafka.acks kafka.enable_idempotence kafka.max_in_flight_requests
	kafka.compression_type kafka.retries kafka.retry_backoff_ms kafka.message_timeout_ms kafka.linger_ms kafka.batch_size
	kafka.buffer_memory kafka.partitioner kafka.security_protocol kafka.sasl_mechanism kafka.sasl_username
	kafka.sasl_password kafka.ssl_ca_location
	telemetry.otlp_endpoint telemetry.export_interval_secs telemetry.trace_sampling_rate telemetry.enable_metrics telemetry.enable_tracing
	error_handling.enable_circuit_breaker error_handling.circuit_breaker_failure_threshold error_handling.circuit_breaker_timeout_ms
	error_handling.enable_dlq error_handling.dlq_topic`)

// rows reads a table of the page by the heading above it: first cell to the rest.
func rows(t *testing.T, heading string) map[string][]string {
	t.Helper()
	page, err := os.ReadFile("../docs/configuration.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "\n## "+heading+"\n")
	require.True(t, found, heading)
	section, _, _ = strings.Cut(section, "\n## ")
	table := map[string][]string{}
	for line := range strings.Lines(section) {
		if cells := strings.Split(line, "|"); len(cells) > 3 && strings.Contains(cells[1], "`") {
			table[strings.Trim(cells[1], " `")] = cells[2 : len(cells)-1]
		}
	}
	return table
}

var variable = regexp.MustCompile(`\$\{env:(COLLECTOR_[A-Z_]+)(?::-((?:[^{}]|\$\{[^}]*\})*))?\}`)

// Every variable that a configuration reads is on the page, with its default.
func TestVariablesAreDocumented(t *testing.T) {
	table := rows(t, "Variables")
	words := map[string]string{ // defaults that the page words
		"": "none", "[]": "none", "COLLECTOR_TELEMETRY__OTLP_ENDPOINT must be set": "none (required", "${hostname:}": "the host name",
		"${env:COLLECTOR_SERVICE__NAME:-llm-optimizer-collector}": "the service name",
	}
	files, err := filepath.Glob("*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	overlays, err := filepath.Glob("overlays/*.yaml")
	require.NoError(t, err)
	for _, file := range append(files, overlays...) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range variable.FindAllStringSubmatch(string(text), -1) {
			name, value := m[1], m[2]
			if !assert.Contains(t, table, name, file) {
				continue
			}
			if word, ok := words[value]; ok {
				value = word
			}
			assert.Contains(t, table[name][0], value, "%s in %s", name, file)
		}
	}
}

// Every key of the original architecture has its place or the reason why it has none.
func TestDocumentKeysHaveTheirPlace(t *testing.T) {
	table, variables := rows(t, "Keys of the architecture document"), rows(t, "Variables")
	for _, key := range documentKeys {
		if !assert.Contains(t, table, key) {
			continue
		}
		place := strings.TrimSpace(table[key][0])
		if strings.HasPrefix(place, "`COLLECTOR_") && !strings.Contains(place, "not read yet") {
			name := strings.Trim(strings.FieldsFunc(place, func(r rune) bool { return r == ';' || r == ',' })[0], "` ")
			assert.Contains(t, variables, name, key)
		} else {
			assert.NotEmpty(t, place, key)
		}
	}
	assert.Len(t, table, len(documentKeys), "no row without a key")
}
