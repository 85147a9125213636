// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
)

// TestStopWhileStarting sends SIGTERM as soon as events are accepted: the
// collector itself listens for signals only some time later, and would be
// ended by this one without a word, and without delivering what it holds.
func TestStopWhileStarting(t *testing.T) {
	s := newStream(t)
	for range 5 {
		c := collector.Launch(t, collector.Options{Configs: []string{collector.ConfigFile("collector.yaml")}, Env: s.env()})
		require.Eventually(t, func() bool { return strings.Contains(c.Log(), "Starting HTTP server") }, time.Minute, time.Millisecond)
		assertStops(t, c)
		assert.Contains(t, c.Log(), "Shutdown complete")
	}
}
