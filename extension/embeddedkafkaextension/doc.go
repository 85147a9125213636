// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:generate mdatagen metadata.yaml

// Package embeddedkafkaextension runs a Kafka-compatible broker inside the
// collector, so that a first run needs nothing else. It is for development and
// tests only.
package embeddedkafkaextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/embeddedkafkaextension"
