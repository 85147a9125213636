// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package setting names settings to people: by the key in YAML, and by the
// environment variable that the files in config/ take the value from.
package setting // import "github.com/otelcol-feedback/otelcol-feedback/internal/setting"

import "strings"

// variables are those of the settings that a start can fail with, by the types
// of components. A test holds them to the files in config/.
var variables = map[string]string{ //nolint:gosec // names, no secrets
	"receivers::feedback::protocols::http::endpoint":            "COLLECTOR_HTTP__ENDPOINT",
	"receivers::feedback::protocols::http::tls::cert_file":      "COLLECTOR_TLS__CERT_FILE",
	"receivers::feedback::protocols::http::tls::key_file":       "COLLECTOR_TLS__KEY_FILE",
	"receivers::feedback::protocols::http::tls::client_ca_file": "COLLECTOR_TLS__CLIENT_CA_FILE",
	"receivers::feedback::protocols::grpc::endpoint":            "COLLECTOR_GRPC__ENDPOINT",
	"receivers::otlp::protocols::grpc::endpoint":                "COLLECTOR_OTLP__GRPC_ENDPOINT",
	"receivers::otlp::protocols::http::endpoint":                "COLLECTOR_OTLP__HTTP_ENDPOINT",
	"exporters::feedbackkafka::brokers":                         "COLLECTOR_KAFKA__BROKERS",
	"exporters::feedbackkafka::tls::ca_file":                    "COLLECTOR_KAFKA__SSL_CA_LOCATION",
	"exporters::feedbackkafka::auth::sasl::mechanism":           "COLLECTOR_KAFKA__SASL_MECHANISM",
	"exporters::feedbackkafka::auth::sasl::username":            "COLLECTOR_KAFKA__SASL_USERNAME",
	"exporters::feedbackkafka::auth::sasl::password":            "COLLECTOR_KAFKA__SASL_PASSWORD",
	"exporters::feedbackkafka::spool::directory":                "COLLECTOR_SPOOL__DIRECTORY",
	"exporters::feedbackkafka::topics::events":                  "COLLECTOR_KAFKA__TOPIC",
	"exporters::feedbackkafka::dead_letter::topic":              "COLLECTOR_ERROR_HANDLING__DLQ_TOPIC",
	"extensions::embeddedkafka::endpoint":                       "COLLECTOR_EMBEDDED_KAFKA__ENDPOINT",
	"extensions::jwtauth::jwks_file":                            "COLLECTOR_AUTH__JWKS_FILE",
	"extensions::jwtauth::public_key_file":                      "COLLECTOR_AUTH__PUBLIC_KEY_FILE",
	"extensions::jwtauth::hmac_secret_file":                     "COLLECTOR_AUTH__HMAC_SECRET_FILE",

	"service::telemetry::metrics::readers::pull::exporter::prometheus::host":   "COLLECTOR_TELEMETRY__METRICS_HOST",
	"service::telemetry::metrics::readers::pull::exporter::prometheus::port":   "COLLECTOR_TELEMETRY__METRICS_PORT",
	"service::telemetry::metrics::readers::periodic::exporter::otlp::endpoint": "COLLECTOR_TELEMETRY__OTLP_ENDPOINT",
	"service::telemetry::traces::processors::batch::exporter::otlp::endpoint":  "COLLECTOR_TELEMETRY__OTLP_ENDPOINT",
}

// Variable is the environment variable of a setting, or "".
func Variable(path ...string) string {
	plain := make([]string, len(path))
	for i, name := range path {
		name, _, _ = strings.Cut(name, "[") // an element of a list
		if i == 1 {
			name, _, _ = strings.Cut(name, "/") // receivers::feedback/2
		}
		plain[i] = name
	}
	return variables[strings.Join(plain, "::")]
}

// Name is the key of a setting, with its variable behind it if it has one.
func Name(path ...string) string {
	key := strings.Join(path, "::")
	if v := Variable(path...); v != "" {
		return key + " (" + v + ")"
	}
	return key
}
