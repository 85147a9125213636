// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package ledger sends events at a steady rate, writes down what was promised
// about each, and holds what arrived on Kafka against it.
//
// A sender has several keys and sends a request with one event of each; its
// next request follows the answer to the last one, so that the order of a key's
// events is known. Requests start at the rate's pace however slow the answers
// are: when no sender is free, another one begins.
package ledger // import "github.com/otelcol-feedback/otelcol-feedback/testbed/ledger"
