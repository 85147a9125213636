// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package feedbackruntimeextension

import (
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/extensiontest"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension/internal/metadata"
)

// TestEarlySignals sends each signal while nobody but the extension listens,
// which would end this process, and begins to listen after it, as the
// collector does.
func TestEarlySignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			e := newExtension(extensiontest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config))
			require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()))
			require.NoError(t, syscall.Kill(os.Getpid(), sig))

			heard := make(chan os.Signal, 1)
			signal.Notify(heard, sig)
			defer signal.Stop(heard)
			assert.Equal(t, os.Signal(sig), <-heard)
			require.NoError(t, e.NotReady())
			require.NoError(t, e.Shutdown(t.Context()))
		})
	}
}

// TestEarlySignalsAreReleased: the extension takes no signal with it.
func TestEarlySignalsAreReleased(t *testing.T) {
	var s earlySignals
	s.release()
	s.hold(make(chan struct{}))
	s.release()
	assert.False(t, signal.Ignored(syscall.SIGTERM))
	s.hold(make(chan struct{}))
	s.release()
}
