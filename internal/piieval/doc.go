// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package piieval measures how well personal data is found: on labelled texts
// from a file, and on formats and look-alikes that it makes itself.
package piieval // import "github.com/otelcol-feedback/otelcol-feedback/internal/piieval"
