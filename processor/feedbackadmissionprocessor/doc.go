// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:generate mdatagen metadata.yaml

// Package feedbackadmissionprocessor is the first of the feedback processors: it
// lets events in that their client may send, at its rate and for as long as there
// is room, takes off what only this collector may say about them, and stamps who
// sent them.
package feedbackadmissionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor"
