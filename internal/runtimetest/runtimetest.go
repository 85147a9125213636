// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package runtimetest is a host with the feedbackruntime extension, for tests.
package runtimetest // import "github.com/otelcol-feedback/otelcol-feedback/internal/runtimetest"

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
)

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

// Host returns a host whose one extension is a started feedbackruntime with its
// default configuration, which counts into tel.
func Host(tb testing.TB, tel *componenttest.Telemetry) component.Host {
	tb.Helper()
	factory := feedbackruntimeextension.NewFactory()
	set := extensiontest.NewNopSettings(factory.Type())
	set.TelemetrySettings = tel.NewTelemetrySettings()
	ext, err := factory.Create(context.Background(), set, factory.CreateDefaultConfig())
	require.NoError(tb, err)
	h := host{set.ID: ext}
	require.NoError(tb, ext.Start(context.Background(), h))
	tb.Cleanup(func() { require.NoError(tb, ext.Shutdown(context.Background())) })
	return h
}

// Counts returns the values of a counter that are not 0, by their attributes'
// values in the order of the attributes' names, as in "invalid_type http".
func Counts(tb testing.TB, tel *componenttest.Telemetry, name string) map[string]int64 {
	tb.Helper()
	got := map[string]int64{}
	m, err := tel.GetMetric(name)
	if err != nil {
		return got // nothing was counted
	}
	sum, ok := m.Data.(metricdata.Sum[int64])
	require.True(tb, ok, "%s is no counter", name)
	for _, p := range sum.DataPoints {
		key := ""
		for _, kv := range p.Attributes.ToSlice() {
			if key != "" {
				key += " "
			}
			key += kv.Value.AsString()
		}
		if p.Value != 0 {
			got[key] += p.Value
		}
	}
	return got
}
