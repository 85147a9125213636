// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:generate mdatagen metadata.yaml

// Package feedbackreceiver takes LLM feedback events in over HTTP and gRPC.
//
// A request becomes one plog.Logs with a record per event. What was wrong with
// which event comes back through feedback.Verdicts, which the validation
// processor fills; the error of ConsumeLogs speaks of admission and delivery
// only. Both are turned into the answer by the transport.
package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"
