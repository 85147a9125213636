// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
)

// Runtime is what the other components ask of the feedbackruntime extension.
type Runtime interface {
	extension.Extension

	// Account is the one account of the events and bytes in flight.
	Account() *Account
	// EnqueueTimeout is the longest time a request waits for room or delivery.
	EnqueueTimeout() time.Duration
	// Readiness is nil when the pipeline takes events; otherwise its text says
	// why not, fit to be shown to anyone.
	Readiness() error
	// Draining is closed when shutdown begins: readiness turns, requests are
	// still taken.
	Draining() <-chan struct{}
	// Stopping is closed when the shutdown delay is over: receivers stop, and
	// ShutdownTimeout begins to run.
	Stopping() <-chan struct{}
	// ShutdownTimeout bounds all that happens after Stopping.
	ShutdownTimeout() time.Duration
}

var errNoRuntime = errors.New(`the feedbackruntime extension is missing: add "feedbackruntime:" under extensions and "feedbackruntime" to service::extensions`)

// Find returns the runtime that is configured in the collector.
func Find(host component.Host) (Runtime, error) {
	for _, e := range host.GetExtensions() {
		if r, ok := e.(Runtime); ok {
			return r, nil
		}
	}
	return nil, errNoRuntime
}
