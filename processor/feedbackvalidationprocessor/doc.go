// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:generate mdatagen metadata.yaml

// Package feedbackvalidationprocessor is the one place that judges whether an
// event is valid. It tells the receiver, event by event, where the receiver can
// tell its sender; elsewhere on_invalid says what becomes of a refused event.
package feedbackvalidationprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackvalidationprocessor"
