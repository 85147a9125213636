// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package faults does to the built binary, and to three Apache Kafka brokers,
// what happens to them in operation, while events come in, and counts with a
// ledger what became of what was promised. "make test-faults" runs a short form
// of every row of the table in docs/faults.md, "make chaos" the long one.
package faults // import "github.com/otelcol-feedback/otelcol-feedback/testbed/faults"
