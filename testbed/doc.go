// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package testbed holds the tests of the built binary against Apache Kafka.
// "make test-kafka" runs them; README.md says what they need.
package testbed // import "github.com/otelcol-feedback/otelcol-feedback/testbed"
