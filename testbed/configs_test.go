// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
)

// started names the test that starts each configuration.
var started = map[string]func(*testing.T){
	"collector.yaml":    TestCollectorConfig,
	"daemon.yaml":       TestDaemonConfig,
	"durable.yaml":      TestDurableConfig,
	"exactly-once.yaml": TestExactlyOnceConfig,
	"quickstart.yaml":   TestQuickstartConfig,
	"secure.yaml":       TestSecureConfig,
	"sidecar.yaml":      TestSidecarConfig,
	"stock-kafka.yaml":  TestStockKafkaConfig,
}

// required are the variables without which a configuration is refused.
var required = map[string][]string{
	"exactly-once.yaml": {"COLLECTOR_SERVICE__INSTANCE_ID=" + instanceID},
	"secure.yaml": {
		"COLLECTOR_TLS__CERT_FILE=marker-cert.pem", "COLLECTOR_TLS__KEY_FILE=marker-key.pem", "COLLECTOR_AUTH__HMAC_SECRET_FILE=marker-hmac",
		"COLLECTOR_KAFKA__SASL_USERNAME=marker-user", "COLLECTOR_KAFKA__SASL_PASSWORD=marker-password",
	},
}

// validate runs the validate command and returns what it says.
func validate(t *testing.T, env []string, configs ...string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, collector.Binary(t), append([]string{"validate"}, collector.Args(configs)...)...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestValidateAcceptsEveryConfig(t *testing.T) {
	collector.Binary(t)
	files, err := filepath.Glob(collector.ConfigFile("*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Contains(t, started, name, "no test starts this configuration")
			assert.Contains(t, variables, name, "no test knows its variables")
			out, err := validate(t, required[name], file)
			assert.NoError(t, err, out)
		})
	}
}

// TestFileGate: the feature gate that daemon.yaml rests on is on, without a flag.
func TestFileGate(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), collector.Binary(t), "featuregate", "stanza.synchronousLogEmitter").Output()
	require.NoError(t, err)
	assert.Contains(t, string(out), "Enabled: true\n")
}

// variables says which environment variables each configuration reads. Those of
// parts that a configuration lacks are missing in it.
var variables = func() map[string][]string {
	shared := []string{
		"SERVICE__NAME", "SERVICE__NAMESPACE", "SERVICE__ENVIRONMENT", "SERVICE__INSTANCE_ID",
		"HTTP__ENDPOINT", "GRPC__ENDPOINT", "HTTP__ENQUEUE_TIMEOUT", "HTTP__CORS_ALLOWED_ORIGINS",
		"INGESTION__MAX_EVENT_SIZE_BYTES", "INGESTION__RATE_LIMIT_PER_CLIENT", "INGESTION__RATE_LIMIT_PEERS", "BUFFER__CAPACITY", "BUFFER__MAX_BYTES", "PII__HASH_KEY",
		"TELEMETRY__METRICS_HOST", "TELEMETRY__METRICS_PORT", "TELEMETRY__TRACE_SAMPLING_RATE",
	}
	otlp := []string{"OTLP__GRPC_ENDPOINT", "OTLP__HTTP_ENDPOINT"}
	batch := []string{"BATCHING__MAX_BATCH_SIZE", "BATCHING__MAX_BATCH_AGE"}
	topic := []string{"KAFKA__TOPIC", "KAFKA__CLIENT_ID", "KAFKA__COMPRESSION_TYPE"}
	brokers := []string{"KAFKA__BROKERS"}
	dead := []string{"ERROR_HANDLING__DLQ_TOPIC"}
	spool := []string{"SPOOL__DIRECTORY", "SPOOL__MAX_SIZE_MIB"}
	breaker := []string{"ERROR_HANDLING__CIRCUIT_BREAKER_FAILURE_THRESHOLD", "ERROR_HANDLING__CIRCUIT_BREAKER_TIMEOUT"}
	return map[string][]string{
		"collector.yaml":    slices.Concat(shared, otlp, batch, brokers, topic, dead, spool, breaker),
		"durable.yaml":      slices.Concat(shared, otlp, brokers, topic, dead, spool, breaker),
		"quickstart.yaml":   slices.Concat(shared, otlp, batch, topic, dead, []string{"EMBEDDED_KAFKA__ENDPOINT"}),
		"daemon.yaml":       slices.Concat(shared, brokers, topic, dead, spool, breaker, []string{"DAEMON__DIRECTORY", "DAEMON__SCAN_INTERVAL"}),
		"exactly-once.yaml": slices.Concat(shared, otlp, brokers, topic, dead, spool, breaker),
		"secure.yaml": slices.Concat(shared, otlp, brokers, topic, dead, spool, breaker, []string{
			"TLS__CERT_FILE", "TLS__KEY_FILE", "TLS__CLIENT_CA_FILE",
			"AUTH__HMAC_SECRET_FILE", "AUTH__PUBLIC_KEY_FILE", "AUTH__JWKS_FILE", "AUTH__JWKS_URL", "AUTH__ISSUER", "AUTH__AUDIENCE",
			"KAFKA__SASL_MECHANISM", "KAFKA__SASL_USERNAME", "KAFKA__SASL_PASSWORD", "KAFKA__SSL_CA_LOCATION",
		}),
		"sidecar.yaml":     slices.Concat(shared, otlp),
		"stock-kafka.yaml": slices.Concat(shared, otlp, brokers, topic),
	}
}()

var variable = regexp.MustCompile(`\$\{env:COLLECTOR_([A-Z0-9_]+)`)

func TestVariablesOfEveryConfig(t *testing.T) {
	for name, want := range variables {
		text, err := os.ReadFile(collector.ConfigFile(name))
		require.NoError(t, err)
		var found []string
		for _, m := range variable.FindAllStringSubmatch(string(text), -1) {
			found = append(found, m[1])
		}
		slices.Sort(found)
		slices.Sort(want)
		assert.Equal(t, want, slices.Compact(found), name)
	}
}

// faultyConfigs are refused by validate, each for what it names.
var faultyConfigs = []struct {
	name string
	// overlay is merged into collector.yaml.
	overlay string
	env     []string
	// says is what the error must name.
	says []string
}{
	{name: "unknown component", overlay: "processors::feedbackvalidator: {}", says: []string{"feedbackvalidator"}},
	{name: "unknown key of runtime", overlay: "extensions::feedbackruntime::capasity: 1", says: []string{"feedbackruntime", "capasity"}},
	{name: "unknown key of receiver", overlay: "receivers::feedback::protocols::http::endpint: a:1", says: []string{"feedback", "endpint"}},
	{name: "unknown protocol", overlay: "receivers::feedback::protocols::quic: {}", says: []string{"quic"}},
	{name: "unknown key of admission", overlay: "processors::feedbackadmission::rat: 1", says: []string{"feedbackadmission", "rat"}},
	{name: "unknown key of validation", overlay: "processors::feedbackvalidation::max_size: 1", says: []string{"feedbackvalidation", "max_size"}},
	{name: "unknown key of redaction", overlay: "processors::piiredaction::entitys: {}", says: []string{"piiredaction", "entitys"}},
	{name: "unknown key of partition key", overlay: "processors::partitionkey::key: {}", says: []string{"partitionkey", "key"}},
	{name: "unknown key of exporter", overlay: "exporters::feedbackkafka::broker: a:1", says: []string{"feedbackkafka", "broker"}},
	{name: "capacity", overlay: "extensions::feedbackruntime::capacity: 0", says: []string{"feedbackruntime", "capacity"}},
	{name: "capacity by variable", env: []string{"COLLECTOR_BUFFER__CAPACITY=many"}, says: []string{"feedbackruntime", "capacity"}},
	{name: "enqueue timeout by variable", env: []string{"COLLECTOR_HTTP__ENQUEUE_TIMEOUT=soon"}, says: []string{"feedbackruntime", "enqueue_timeout"}},
	{name: "ports alike", env: []string{"COLLECTOR_GRPC__ENDPOINT=localhost:8080"}, says: []string{"http::endpoint", "grpc::endpoint"}},
	{name: "request events", overlay: "receivers::feedback::protocols::http::max_request_events: 0", says: []string{"http", "max_request_events"}},
	{name: "trusted proxy", overlay: "receivers::feedback::protocols::http::trusted_proxies: [here]", says: []string{"trusted_proxies"}},
	{name: "on_invalid", overlay: "processors::feedbackvalidation::on_invalid: perhaps", says: []string{"feedbackvalidation", "on_invalid"}},
	{name: "unknown_fields", overlay: "processors::feedbackvalidation::unknown_fields: maybe", says: []string{"feedbackvalidation", "unknown_fields"}},
	{name: "event size", env: []string{"COLLECTOR_INGESTION__MAX_EVENT_SIZE_BYTES=0"}, says: []string{"feedbackvalidation", "max_event_size"}},
	{name: "depth", overlay: "processors::feedbackvalidation::max_depth: 1", says: []string{"max_depth"}},
	{name: "key of no type", overlay: "processors::partitionkey::keys::opinion: session_id", says: []string{"partitionkey", "opinion"}},
	{name: "key of no field", overlay: "processors::partitionkey::keys::user_feedback: mood", says: []string{"keys::user_feedback", "mood"}},
	{name: "redaction", overlay: "processors::piiredaction::entities::email: shred", says: []string{"piiredaction", "email"}},
	{name: "batch", overlay: "processors::batch::send_batch_max_size: 1", says: []string{"batch", "send_batch_max_size"}},
	{name: "no brokers", overlay: "exporters::feedbackkafka::brokers: []", says: []string{"feedbackkafka", "brokers"}},
	{name: "broker by variable", env: []string{"COLLECTOR_KAFKA__BROKERS=kafka://a:1"}, says: []string{"feedbackkafka", "brokers"}},
	{name: "acknowledge", overlay: "exporters::feedbackkafka::acknowledge: never", says: []string{"feedbackkafka", "acknowledge"}},
	{name: "acks", overlay: "exporters::feedbackkafka::producer::required_acks: 1", says: []string{"feedbackkafka", "required_acks"}},
	{name: "compression", env: []string{"COLLECTOR_KAFKA__COMPRESSION_TYPE=rar"}, says: []string{"feedbackkafka", "compression"}},
	{name: "topic", env: []string{"COLLECTOR_KAFKA__TOPIC=no such topic"}, says: []string{"feedbackkafka", "topics::events"}},
	{name: "dead-letter topic", env: []string{"COLLECTOR_ERROR_HANDLING__DLQ_TOPIC=feedback-events"}, says: []string{"feedbackkafka", "dead_letter::topic"}},
	{name: "queue", overlay: "exporters::feedbackkafka::sending_queue: {enabled: true}", says: []string{"feedbackkafka", "sending_queue"}},
	{name: "retry", overlay: "exporters::feedbackkafka::retry_on_failure: {enabled: true}", says: []string{"feedbackkafka", "retry_on_failure"}},
}

func TestValidateNamesTheFault(t *testing.T) {
	collector.Binary(t)
	for _, tt := range faultyConfigs {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			configs := []string{collector.ConfigFile("collector.yaml")}
			if tt.overlay != "" {
				configs = append(configs, "yaml:"+tt.overlay)
			}
			out, err := validate(t, tt.env, configs...)
			assert.Error(t, err, "it was accepted")
			for _, word := range tt.says {
				assert.Contains(t, out, word)
			}
		})
	}
}

// TestStartNamesTheFault covers what only the whole configuration shows.
func TestStartNamesTheFault(t *testing.T) {
	collector.Binary(t)
	for _, tt := range []struct {
		name     string
		env      []string
		overlays []string
		says     []string
	}{
		{name: "no runtime", overlays: []string{"yaml:service::extensions: []"}, says: []string{"feedbackruntime"}},
		{name: "ports alike", env: []string{"COLLECTOR_OTLP__HTTP_ENDPOINT=localhost:4317", "COLLECTOR_OTLP__GRPC_ENDPOINT=localhost:4317"},
			says: []string{"receivers::otlp::protocols::grpc::endpoint", "receivers::otlp::protocols::http::endpoint"}},
		{name: "batch too large", env: []string{"COLLECTOR_BATCHING__MAX_BATCH_SIZE=10001"},
			says: []string{"batching::max_records", "10001"}},
		{name: "request above capacity", env: []string{"COLLECTOR_BUFFER__CAPACITY=500"}, says: []string{"max_request_events", "capacity"}},
		{name: "sampling", env: []string{"COLLECTOR_TELEMETRY__TRACE_SAMPLING_RATE=2"}, says: []string{"ratio"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := collector.Start(collector.Binary(t), collector.Options{
				Configs: append([]string{collector.ConfigFile("collector.yaml")}, tt.overlays...), Env: tt.env, Dir: t.TempDir(),
			})
			require.NoError(t, err)
			select {
			case <-c.Done():
				assert.Equal(t, 1, c.ExitCode())
			case <-time.After(30 * time.Second):
				c.Kill()
				t.Error("it started")
			}
			for _, word := range tt.says {
				assert.Contains(t, c.Log(), word)
			}
		})
	}
}
