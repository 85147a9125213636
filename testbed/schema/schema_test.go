// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package schema holds the JSON Schema of the configuration to what people
// write: the files that are shipped, the documents' examples, and mistakes.
package schema

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const root = "../.."

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(filepath.Join(root, "distribution", "schema", "otelcol-feedback.schema.json"))
	require.NoError(t, err)
	return s
}

// validate reads YAML as the collector does and holds it to the schema.
func validate(s *jsonschema.Schema, text string) error {
	var document any
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return err
	}
	encoded, err := json.Marshal(document)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(encoded)))
	if err != nil {
		return err
	}
	return s.Validate(value)
}

// Every configuration that is shipped passes, and names the schema so that an
// editor checks it.
func TestShippedConfigurations(t *testing.T) {
	s := compiled(t)
	var files []string
	for _, pattern := range []string{"config/*.yaml", "config/overlays/*.yaml"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, found)
		files = append(files, found...)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.NoError(t, validate(s, string(text)), file)
		line, _, _ := strings.Cut(string(text), "\n")
		named, ok := strings.CutPrefix(line, "# yaml-language-server: $schema=")
		if assert.True(t, ok, "%s: the first line names no schema", file) {
			assert.FileExists(t, filepath.Join(filepath.Dir(file), named))
		}
	}
}

// Every example of a configuration in a document passes.
func TestExamplesInDocuments(t *testing.T) {
	s := compiled(t)
	examples := 0
	require.NoError(t, filepath.WalkDir(root, func(file string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && strings.HasPrefix(name, ".") && name != "." && name != ".." {
			return filepath.SkipDir
		}
		if filepath.Ext(file) != ".md" {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for i, part := range strings.Split(string(text), "```yaml\n") {
			block, _, _ := strings.Cut(part, "```")
			if i == 0 || !isConfiguration(block) {
				continue
			}
			examples++
			assert.NoError(t, validate(s, block), "%s:\n%s", file, block)
		}
		return nil
	}))
	assert.Greater(t, examples, 5)
}

// isConfiguration tells a collector's configuration from other YAML.
func isConfiguration(text string) bool {
	var sections map[string]any
	if yaml.Unmarshal([]byte(text), &sections) != nil {
		return false
	}
	for _, name := range []string{"receivers", "processors", "exporters", "extensions", "service"} {
		if _, ok := sections[name].(map[string]any); ok {
			return true
		}
	}
	return false
}

// What the schema refuses, and where it says the mistake is.
func TestMistakes(t *testing.T) {
	s := compiled(t)
	for text, want := range map[string]string{
		"receivers: {feedback: {protocols: {http: {endpint: localhost:8080}}}}":                "/receivers/feedback/protocols/http': additional properties 'endpint'",
		"receivers: {feedback/internal: {protocols: {htp: {}}}}":                               "/receivers/feedback~1internal/protocols': additional properties 'htp'",
		"receivers: {feedback: {protocols: {http: {tls: {cert_fiel: a.pem}}}}}":                "/receivers/feedback/protocols/http/tls': additional properties 'cert_fiel'",
		"receivers: {feedback: {protocols: {http: {max_request_events: many}}}}":               "/receivers/feedback/protocols/http/max_request_events'",
		"receivers: {feedback: {protocols: {http: {max_header_bytes: 100}}}}":                  "/receivers/feedback/protocols/http/max_header_bytes': minimum: got 100, want 1,024",
		"receivers: {feedback: {trust_traceparent: 1}}":                                        "/receivers/feedback/trust_traceparent': got number, want boolean",
		"processors: {feedbackadmission: {rate_limit: {burst: -1}}}":                           "/processors/feedbackadmission/rate_limit/burst': minimum",
		"processors: {feedbackadmission: {rate_limit: {overrides: [{burst: 1}]}}}":             "/processors/feedbackadmission/rate_limit/overrides/0': missing property 'client'",
		"processors: {feedbackvalidation: {max_depth: 64}}":                                    "/processors/feedbackvalidation/max_depth': maximum: got 64, want 63",
		"processors: {feedbackvalidation: {unknown_fields: keep}}":                             "/processors/feedbackvalidation/unknown_fields'",
		"processors: {feedbackvalidation: {max_age: 7d}}":                                      "/processors/feedbackvalidation/max_age'",
		"processors: {feedbackvalidation: {max_age: 0s}}":                                      "/processors/feedbackvalidation/max_age'",
		"processors: {feedbackvalidation: {max_age: 3600}}":                                    "/processors/feedbackvalidation/max_age': got number, want string",
		"processors: {piiredaction: {entities: {mail: redact}}}":                               "/processors/piiredaction/entities",
		"processors: {piiredaction: {entities: {email: remove}}}":                              "/processors/piiredaction/entities/email'",
		"processors: {piiredaction: {patterns: [{name: A}]}}":                                  "/processors/piiredaction/patterns/0': missing property 'regex'",
		"processors: {partitionkey: {keys: {feedback: session_id}}}":                           "/processors/partitionkey/keys",
		"exporters: {feedbackkafka: {acknowledge: always}}":                                    "/exporters/feedbackkafka/acknowledge'",
		"exporters: {feedbackkafka: {sending_queue: {}}}":                                      "/exporters/feedbackkafka': additional properties 'sending_queue'",
		"exporters: {feedbackkafka: {producer: {required_acks: 1}}}":                           "/exporters/feedbackkafka/producer/required_acks'",
		"exporters: {feedbackkafka: {spool: {max_size_mib: 4}}}":                               "/exporters/feedbackkafka/spool/max_size_mib': minimum: got 4, want 8",
		"exporters: {feedbackkafka: {spool_after: 3}}":                                         "/exporters/feedbackkafka/spool_after': got number, want string",
		"exporters: {feedbackkafka: {brokers: 9092}}":                                          "/exporters/feedbackkafka/brokers': got number",
		"exporters: {feedbackkafka/archive: {topics: {by_type: {user_feedback: 1}}}}":          "/exporters/feedbackkafka~1archive/topics/by_type/user_feedback': got number, want string",
		"exporters: {feedbackkafka: {transactions: {event_types: [ratings]}}}":                 "/exporters/feedbackkafka/transactions/event_types/0'",
		"extensions: {feedbackruntime: {capacity: 0}}":                                         "/extensions/feedbackruntime/capacity': minimum: got 0, want 1",
		"extensions: {feedbackruntime: {audit: {ingestion: everything}}}":                      "/extensions/feedbackruntime/audit/ingestion'",
		"extensions: {jwtauth: {leeway: 30}}":                                                  "/extensions/jwtauth/leeway'",
		"extensions: {embeddedkafka: {topics: [{name: a, partitions: 300}]}}":                  "/extensions/embeddedkafka/topics/0/partitions': maximum",
		"service: {pipelines: {logs: {receiver: [feedback]}}}":                                 "/service/pipelines/logs': additional properties 'receiver'",
		"service: {pipelines: {log: {receivers: [feedback]}}}":                                 "/service/pipelines': additional properties 'log'",
		"receiver: {feedback: {}}":                                                             "at '': additional properties 'receiver'",
		"service: {pipelines: {logs: {receivers: [feedback], processors: {feedbackkafka: }}}}": "/service/pipelines/logs/processors'",
	} {
		err := validate(s, text)
		if assert.Error(t, err, text) {
			assert.Contains(t, err.Error(), want, text)
		}
	}
}

// What looks unusual and is right.
func TestNotMistakes(t *testing.T) {
	s := compiled(t)
	for _, text := range []string{
		"{}",
		"receivers: {feedback: {protocols: {http: , grpc: {}}}}",
		"receivers: {feedback: {protocols: {http: {endpoint: '${env:A:-localhost:8080}', max_request_events: '${env:B}'}}}}",
		"receivers: {feedback: {protocols: {http: {tls: {enabled: false}, response_headers: {x: y}}}}}",
		"processors: {feedbackvalidation: {max_age: 1h30m, max_future_skew: 0, unknown_fields: '${env:A:-drop}'}}",
		"processors: {feedbackvalidation: {max_age: 0.5h}}",
		"exporters: {feedbackkafka: {brokers: 'a:9092,b:9092', auth: {sasl: null}, producer: {required_acks: all, linger: 0s}}}",
		"exporters: {feedbackkafka: {producer: {required_acks: -1}, circuit_breaker: {enabled: '${env:A}'}}}",
		"exporters: {otlp: {endpoint: 1, anything: [goes]}}",
		"processors: {feedbackvalidationx: {any: thing}}",
		"extensions: {feedbackruntime: {shutdown_delay: 0, audit: }}",
		"service: {extensions: [feedbackruntime], telemetry: {logs: {level: debug}}}",
		"connectors: {forward: }",
	} {
		assert.NoError(t, validate(s, text), text)
	}
}
