// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/tracing"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

var requestSpan = trace.NewSpanContext(trace.SpanContextConfig{
	TraceID: trace.TraceID{1, 15: 1}, SpanID: trace.SpanID{1, 7: 1}, TraceFlags: trace.FlagsSampled,
})

// traced marks a record as one whose request's spans are recorded.
func traced(lr plog.LogRecord, queued time.Time) {
	lr.Attributes().PutStr(feedback.AttrSpan, tracing.Queued(tracing.Format(requestSpan), queued))
}

// ended are the spans of a name, in the order of the events' ids.
func (r *rig) ended(name string, n int) []sdktrace.ReadOnlySpan {
	r.t.Helper()
	var out []sdktrace.ReadOnlySpan
	require.Eventually(r.t, func() bool {
		out = nil
		for _, s := range r.tel.SpanRecorder.Ended() {
			if s.Name() == name {
				out = append(out, s)
			}
		}
		return len(out) >= n
	}, 10*time.Second, 5*time.Millisecond, "%d spans %q", n, name)
	slices.SortFunc(out, func(a, b sdktrace.ReadOnlySpan) int {
		return strings.Compare(attrOf(a, "event.id").AsString(), attrOf(b, "event.id").AsString())
	})
	return out
}

func attrOf(s sdktrace.ReadOnlySpan, name string) attribute.Value {
	for _, kv := range s.Attributes() {
		if string(kv.Key) == name {
			return kv.Value
		}
	}
	return attribute.Value{}
}

func TestSpansOfEvents(t *testing.T) {
	for mode, change := range map[string]func(*Config, *testRuntime){
		"lanes": delivers(AcknowledgeDelivered),
		"transactions": func(cfg *Config, rt *testRuntime) {
			delivers(AcknowledgeDelivered)(cfg, rt)
			cfg.Spool.Directory = t.TempDir()
			cfg.Transactions = &TransactionsConfig{TransactionalID: "t"}
		},
	} {
		t.Run(mode, func(t *testing.T) { testSpansOfEvents(t, change) })
	}
}

func testSpansOfEvents(t *testing.T, change func(*Config, *testRuntime)) {
	c := newCluster(t, seeded())
	r := newRig(t, c, change)
	queued := time.Now().Add(-time.Second)
	ld := feedbackLogs(0, 4, testSession)
	records := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
	// 0: of the request's trace. 1: without one. 2: of another. 3: of another, whose span it does not name.
	own := pcommon.TraceID{2, 15: 2}
	for i := range 4 {
		traced(records.At(i), queued)
	}
	records.At(0).SetTraceID(pcommon.TraceID(requestSpan.TraceID()))
	records.At(0).SetSpanID(pcommon.SpanID{9})
	records.At(0).SetFlags(3)
	records.At(2).SetTraceID(own)
	records.At(2).SetSpanID(pcommon.SpanID{8})
	records.At(3).SetTraceID(own)
	addFeedback(ld, 4, testSession) // of a request that is not recorded
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), ld))

	queues, published := r.ended(spanQueue, 4), r.ended(spanPublish, 4)
	require.Len(t, queues, 4)
	require.Len(t, published, 4)
	whole := r.ended(spanBatch, 1)[0]
	assert.Equal(t, requestSpan.TraceID(), whole.SpanContext().TraceID())
	assert.EqualValues(t, 5, attrOf(whole, "batch.size").AsInt64())
	id := attrOf(whole, "batch.id").AsString()
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-7`, id, "a UUIDv7")
	require.Len(t, whole.Links(), 4)

	arrived := map[string]int{}
	got := r.consume(testTopic, 5)
	for i, rec := range got {
		arrived[header(rec, headerEventID)] = i
	}
	for i, s := range published {
		rec := got[arrived[testID(i)]]
		assert.Equal(t, testID(i), attrOf(s, "event.id").AsString())
		assert.Equal(t, feedback.TypeUserFeedback, attrOf(s, "event.type").AsString())
		assert.Equal(t, id, attrOf(s, "batch.id").AsString())
		assert.EqualValues(t, 5, attrOf(s, "batch.size").AsInt64())
		assert.Equal(t, testTopic, attrOf(s, "messaging.destination.name").AsString())
		assert.EqualValues(t, rec.Partition, attrOf(s, "messaging.destination.partition.id").AsInt64())
		assert.Equal(t, rec.Offset, attrOf(s, "messaging.kafka.offset").AsInt64())
		assert.Equal(t, trace.SpanKindProducer, s.SpanKind())

		q := queues[i]
		assert.Equal(t, requestSpan.SpanID(), q.Parent().SpanID())
		assert.WithinDuration(t, queued, q.StartTime(), time.Microsecond)
		assert.False(t, s.StartTime().Before(q.EndTime()), "published after it was queued")

		sc, flags := s.SpanContext(), "01"
		if i == 0 {
			flags = "03" // that its trace id is random is the caller's word
		}
		assert.Equal(t, fmt.Sprintf("00-%s-%s-%s", sc.TraceID(), sc.SpanID(), flags), header(rec, headerTraceparent))
		linked := func(to trace.SpanContext) bool {
			return slices.ContainsFunc(s.Links(), func(l sdktrace.Link) bool { return l.SpanContext.SpanID() == to.SpanID() })
		}
		assert.True(t, linked(whole.SpanContext()))
		if i < 2 {
			assert.Equal(t, requestSpan.TraceID(), sc.TraceID())
			assert.Equal(t, requestSpan.SpanID(), s.Parent().SpanID())
			continue
		}
		assert.Equal(t, trace.TraceID(own), sc.TraceID(), "the event's own trace goes on")
		assert.True(t, linked(requestSpan))
	}
	assert.Equal(t, trace.SpanID{8}, published[2].Parent().SpanID())
	assert.Equal(t, headerContentType, got[arrived[testID(1)]].Headers[4].Key)
	assert.Equal(t, headerTraceparent, got[arrived[testID(1)]].Headers[5].Key)
	assert.Empty(t, header(got[arrived[testID(4)]], headerTraceparent))
	for _, s := range r.tel.SpanRecorder.Ended() {
		assert.NotContains(t, fmt.Sprint(s.Attributes(), s.Events()), testSession)
	}
}

// A span says that its event came back, became a dead letter or went to disk.
func TestSpansOfOtherFates(t *testing.T) {
	c := newCluster(t, seeded())
	r := newRig(t, c, delivers(AcknowledgeDelivered))
	ld := plog.NewLogs()
	lr := addFeedback(ld, 0, testSession)
	traced(lr, time.Now())
	lr.Body().Map().PutStr("comment", strings.Repeat("x", 2<<20))
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), ld))
	s := r.ended(spanPublish, 1)[0]
	assert.Equal(t, testDLQ, attrOf(s, "messaging.destination.name").AsString())
	q := r.ended(spanQueue, 1)[0]
	require.Len(t, q.Events(), 1)
	assert.Equal(t, "dead letter", q.Events()[0].Name)

	away := newRig(t, nil, spooling(t.TempDir(), freePort(t)))
	ld = feedbackLogs(0, 1, testSession)
	traced(ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0), time.Now())
	require.NoError(t, away.exp.ConsumeLogs(context.Background(), ld))
	q = away.ended(spanQueue, 1)[0]
	assert.Equal(t, "spooled", attrOf(q, "outcome").AsString())
	away.ended(spanBatch, 1)
}

func TestMetricsOfTheWire(t *testing.T) {
	c := newCluster(t, seeded())
	r := newRig(t, c, delivers(AcknowledgeDelivered))
	ld := feedbackLogs(0, 3, testSession)
	receipt := time.Now().Add(-time.Second)
	for _, lr := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		lr.SetObservedTimestamp(pcommon.NewTimestampFromTime(receipt))
	}
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), ld))
	count := func(name string) (count uint64, sum float64) {
		m, err := r.tel.GetMetric("otelcol_feedback_" + name)
		require.NoError(t, err, name)
		switch data := m.Data.(type) {
		case metricdata.Histogram[float64]:
			return data.DataPoints[0].Count, data.DataPoints[0].Sum
		case metricdata.Histogram[int64]:
			return data.DataPoints[0].Count, float64(data.DataPoints[0].Sum)
		default:
			t.Fatalf("%T", data)
			return 0, 0
		}
	}
	require.Eventually(t, func() bool { return r.value("compressed_bytes") > 0 }, 10*time.Second, time.Millisecond)
	n, sum := count("batch_size")
	assert.EqualValues(t, 1, n)
	assert.EqualValues(t, 3, sum)
	n, sum = count("batch_age")
	assert.EqualValues(t, 1, n)
	assert.Greater(t, sum, 1.0)
	n, sum = count("end_to_end_duration")
	assert.EqualValues(t, 3, n)
	assert.Greater(t, sum, 3.0)
	n, sum = count("record_size")
	assert.EqualValues(t, 3, n)
	assert.EqualValues(t, r.value("record_bytes"), sum)
	n, _ = count("produce_duration")
	assert.Positive(t, n)
	assert.Positive(t, r.value("kafka_connects"))

	c.Close()
	require.Eventually(t, func() bool {
		m, err := r.tel.GetMetric("otelcol_feedback_kafka_errors")
		require.NoError(t, err)
		var failed int64
		for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
			failed += p.Value
		}
		return failed > 0 && r.value("kafka_disconnects") > 0
	}, 20*time.Second, 10*time.Millisecond)
}
