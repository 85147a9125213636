// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:generate mdatagen metadata.yaml

// Package feedbackruntimeextension is what the components of a collector have
// in common at run time: the one account of the events in flight, whether the
// collector is ready, and how far its shutdown has come. Components find it
// through their host with [Find].
package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
