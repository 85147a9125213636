// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package events makes feedback events for tests, each with what must become of
// it on Kafka. What is expected is computed here from the contract alone: none
// of the collector's own code is used.
package events // import "github.com/otelcol-feedback/otelcol-feedback/testbed/events"
