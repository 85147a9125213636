// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension/internal/metadatatest"
)

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

func TestFind(t *testing.T) {
	e := newTestExtension(t, nil)
	_, err := Find(host{})
	require.ErrorContains(t, err, "service::extensions")
	found, err := Find(host{component.MustNewIDWithName("feedbackruntime", "x"): e})
	require.NoError(t, err)
	assert.Same(t, e, found)
	assert.Same(t, e.account, found.Account())
	assert.Equal(t, 5*time.Second, found.EnqueueTimeout())
	assert.Equal(t, 20*time.Second, found.ShutdownTimeout())
}

func TestShutdownWithDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newTestExtension(t, func(c *Config) { c.ShutdownDelay = 5 * time.Second })
		require.NoError(t, e.Ready())

		done := make(chan error, 1)
		go func() { done <- e.NotReady() }()
		synctest.Wait()
		assert.True(t, isClosed(e.Draining()), "at once")
		h := e.Account().Open()
		require.NoError(t, h.Grow(t.Context(), 1, 1), "requests are still taken")
		h.Release()

		pass(5*time.Second - time.Nanosecond)
		assert.False(t, isClosed(e.Stopping()), "receivers are held open")
		pending(t, done)
		pass(time.Nanosecond)
		require.NoError(t, <-done)
		assert.True(t, isClosed(e.Stopping()))

		began := time.Now()
		require.NoError(t, e.Shutdown(t.Context()))
		require.NoError(t, e.Shutdown(t.Context()))
		assert.Zero(t, time.Since(began))
	})
}

func TestShutdownWithoutDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, shutDown := range map[string]func(e *runtimeExtension) error{
			"no delay":                          func(e *runtimeExtension) error { e.cfg.ShutdownDelay = 0; return e.NotReady() },
			"the pipelines never ran":           func(e *runtimeExtension) error { e.started = make(chan struct{}); return e.NotReady() },
			"NotReady did not come":             func(e *runtimeExtension) error { return e.Shutdown(t.Context()) },
			"neither started nor ever notified": func(e *runtimeExtension) error { return e.Shutdown(t.Context()) },
		} {
			e := newTestExtension(t, func(c *Config) { c.ShutdownDelay = 5 * time.Second })
			require.NoError(t, e.Ready(), name)
			began := time.Now()
			require.NoError(t, shutDown(e), name)
			assert.Zero(t, time.Since(began), name)
			assert.True(t, isClosed(e.Draining()), name)
			assert.True(t, isClosed(e.Stopping()), name)
		}
	})
}

func TestShutdownEndsTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newTestExtension(t, func(c *Config) { c.ShutdownDelay = time.Hour })
		require.NoError(t, e.Ready())
		began := time.Now()
		done := make(chan error, 1)
		go func() { done <- e.NotReady() }()
		synctest.Wait()
		require.NoError(t, e.Shutdown(t.Context()))
		require.NoError(t, <-done)
		assert.Zero(t, time.Since(began))
		require.NoError(t, e.NotReady(), "once more")
	})
}

func TestBufferMetrics(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	cfg := createDefaultConfig().(*Config)
	cfg.Capacity, cfg.MaxBytes = 10, 1000
	e := newExtension(extension.Settings{ID: component.NewID(metadata.Type), TelemetrySettings: tel.NewTelemetrySettings()}, cfg)
	require.NoError(t, e.Start(t.Context(), host{}))
	h := e.Account().Open()
	require.NoError(t, h.Grow(t.Context(), 4, 700))

	ignore := metricdatatest.IgnoreTimestamp()
	metadatatest.AssertEqualFeedbackBufferSize(t, tel, []metricdata.DataPoint[int64]{{Value: 4}}, ignore)
	metadatatest.AssertEqualFeedbackBufferCapacity(t, tel, []metricdata.DataPoint[int64]{{Value: 10}}, ignore)
	metadatatest.AssertEqualFeedbackBufferUtilization(t, tel, []metricdata.DataPoint[float64]{{Value: 0.7}}, ignore)
	h.Release()
	metadatatest.AssertEqualFeedbackBufferSize(t, tel, []metricdata.DataPoint[int64]{{Value: 0}}, ignore)
	require.NoError(t, e.Shutdown(t.Context()))
}

func TestConfigErrorsNameTheirKey(t *testing.T) {
	for key, breakIt := range map[string]func(*Config){
		"capacity":         func(c *Config) { c.Capacity = 0 },
		"max_bytes":        func(c *Config) { c.MaxBytes = -1 },
		"enqueue_timeout":  func(c *Config) { c.EnqueueTimeout = 0 },
		"shutdown_delay":   func(c *Config) { c.ShutdownDelay = -time.Second },
		"shutdown_timeout": func(c *Config) { c.ShutdownTimeout = 0 },
	} {
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, cfg.Validate())
		breakIt(cfg)
		require.ErrorContains(t, cfg.Validate(), key+" must")
	}
}
