// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:generate mdatagen metadata.yaml

// Package piiredactionprocessor takes personal data out of what people write
// freely in a feedback event. What it cannot redact does not pass.
package piiredactionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/piiredactionprocessor"
