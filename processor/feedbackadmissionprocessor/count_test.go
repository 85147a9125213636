// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-feedback/otelcol-feedback/internal/runtimetest"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor/internal/metadata"
)

// What came in is counted by type, the text of a limited request as unknown; and
// how long a request took that no receiver of ours brought.
func TestReceivedEventsAreCounted(t *testing.T) {
	tel := componenttest.NewTelemetry()
	defer func() { require.NoError(t, tel.Shutdown(context.Background())) }()
	set := processortest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	cfg := createDefaultConfig().(*Config)
	cfg.RateLimit = RateLimitConfig{EventsPerSecond: 1, PerPeer: true, MaxClients: 1}
	sink := new(consumertest.LogsSink)
	p, err := NewFactory().CreateLogs(context.Background(), set, cfg, sink)
	require.NoError(t, err)
	require.NoError(t, p.Start(context.Background(), runtimetest.Host(t, tel)))
	ctx := client.NewContext(context.Background(), client.Info{Addr: &net.IPAddr{IP: net.IPv4(192, 0, 2, 1)}})

	send := func() error {
		ld := plog.NewLogs()
		records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
		lr := records.AppendEmpty()
		lr.Body().SetStr(`{"type":"system_health"}`)
		lr.SetObservedTimestamp(1)
		records.AppendEmpty().Body().SetEmptyMap().PutStr("type", "user_feedback")
		records.AppendEmpty().SetEventName("feedback.opinion")
		return p.ConsumeLogs(ctx, ld)
	}
	began := time.Now()
	require.NoError(t, send())
	require.Error(t, send(), "over the rate")
	assert.Equal(t, map[string]int64{"system_health otlp": 1, "user_feedback otlp": 2, "unknown otlp": 3},
		runtimetest.Counts(t, tel, "otelcol_feedback_received_events"))
	assert.Equal(t, map[string]int64{"otlp": 3}, runtimetest.Counts(t, tel, "otelcol_feedback_rate_limited_events"))
	took, err := tel.GetMetric("otelcol_feedback_ingestion_duration")
	require.NoError(t, err)
	assert.EqualValues(t, 2, took.Data.(metricdata.Histogram[float64]).DataPoints[0].Count)
	for _, lr := range sink.AllLogs()[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		assert.GreaterOrEqual(t, lr.ObservedTimestamp(), pcommon.NewTimestampFromTime(began), "by our clock")
	}
}
