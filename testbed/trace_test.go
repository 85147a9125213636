// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/topic"
)

// telemetrySink takes traces and metrics over OTLP/gRPC and keeps them in memory.
type telemetrySink struct {
	ptraceotlp.UnimplementedGRPCServer
	addr string

	mu        sync.Mutex // guards all below
	spans     []ptrace.Span
	wire      []string // all that came, as text
	metrics   map[string]bool
	exemplars int
}

type metricsSink struct {
	pmetricotlp.UnimplementedGRPCServer
	*telemetrySink
}

func newTelemetrySink(t *testing.T) *telemetrySink {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing to cancel
	require.NoError(t, err)
	s := &telemetrySink{addr: listener.Addr().String(), metrics: map[string]bool{}}
	server := grpc.NewServer()
	ptraceotlp.RegisterGRPCServer(server, s)
	pmetricotlp.RegisterGRPCServer(server, &metricsSink{telemetrySink: s})
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() { server.Stop(); serving.Wait() })
	return s
}

// Export implements ptraceotlp.GRPCServer.
func (s *telemetrySink) Export(_ context.Context, req ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	text, err := req.MarshalJSON()
	if err != nil {
		return ptraceotlp.NewExportResponse(), err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wire = append(s.wire, string(text))
	for _, rs := range req.Traces().ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				kept := ptrace.NewSpan()
				span.CopyTo(kept)
				s.spans = append(s.spans, kept)
			}
		}
	}
	return ptraceotlp.NewExportResponse(), nil
}

// Export implements pmetricotlp.GRPCServer.
func (s *metricsSink) Export(_ context.Context, req pmetricotlp.ExportRequest) (pmetricotlp.ExportResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rm := range req.Metrics().ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				s.telemetrySink.metrics[m.Name()] = true
				if m.Type() == pmetric.MetricTypeHistogram {
					for _, p := range m.Histogram().DataPoints().All() {
						s.exemplars += p.Exemplars().Len()
					}
				}
			}
		}
	}
	return pmetricotlp.NewExportResponse(), nil
}

// of returns the spans of a trace.
func (s *telemetrySink) of(id pcommon.TraceID) (found []ptrace.Span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, span := range s.spans {
		if span.TraceID() == id {
			found = append(found, span)
		}
	}
	return found
}

// await returns the spans of a trace once those names are among them.
func (s *telemetrySink) await(t *testing.T, id pcommon.TraceID, names ...string) []ptrace.Span {
	t.Helper()
	var spans []ptrace.Span
	require.Eventually(t, func() bool {
		spans = s.of(id)
		return !slices.ContainsFunc(names, func(name string) bool { return named(spans, name) == nil })
	}, 30*time.Second, 50*time.Millisecond, "spans %v", names)
	return spans
}

func named(spans []ptrace.Span, name string) *ptrace.Span {
	if i := slices.IndexFunc(spans, func(s ptrace.Span) bool { return s.Name() == name }); i >= 0 {
		return &spans[i]
	}
	return nil
}

func spanAttr(s *ptrace.Span, name string) string {
	v, ok := s.Attributes().Get(name)
	if !ok {
		return ""
	}
	return v.AsString()
}

// draw shows a trace as a tree, in order of time.
func draw(spans []ptrace.Span) string {
	slices.SortFunc(spans, func(a, b ptrace.Span) int { return int(a.StartTimestamp()) - int(b.StartTimestamp()) })
	known := map[pcommon.SpanID]bool{}
	for _, s := range spans {
		known[s.SpanID()] = true
	}
	var out strings.Builder
	var below func(parent pcommon.SpanID, depth int)
	line := func(s ptrace.Span, depth int) {
		took := time.Duration(s.EndTimestamp() - s.StartTimestamp())
		fmt.Fprintf(&out, "%s%-14s +%-10s %-10s", strings.Repeat("  ", depth), s.Name(),
			time.Duration(s.StartTimestamp()-spans[0].StartTimestamp()).Round(time.Microsecond), took.Round(time.Microsecond))
		var attrs []string
		for name, v := range s.Attributes().All() {
			attrs = append(attrs, name+"="+v.AsString())
		}
		slices.Sort(attrs)
		fmt.Fprintf(&out, " %s\n", strings.Join(attrs, " "))
		below(s.SpanID(), depth+1)
	}
	below = func(parent pcommon.SpanID, depth int) {
		for _, s := range spans {
			if s.ParentSpanID() == parent {
				line(s, depth)
			}
		}
	}
	for _, s := range spans {
		if !known[s.ParentSpanID()] {
			line(s, 0)
		}
	}
	return out.String()
}

// The spans of an event that came over HTTP or gRPC, in order.
var path = []string{"receive", "validate", "redact", "queue", "publish"}

// traceID is a trace id that is easily read.
func traceID(b byte) pcommon.TraceID { return pcommon.TraceID{b, 15: b} }

func traceparent(id pcommon.TraceID, flags string) string {
	return fmt.Sprintf("00-%x-%x-%s", id[:], callerSpan[:], flags)
}

var callerSpan = pcommon.SpanID{0xca, 7: 0x11}

// traced is a collector whose spans go to a sink.
type traced struct {
	*collector.Collector
	t      *testing.T
	sink   *telemetrySink
	reader *topic.Reader
}

func newTraced(t *testing.T, more ...string) *traced {
	t.Helper()
	x := &traced{t: t, sink: newTelemetrySink(t)}
	x.Collector = collector.Run(t, collector.Options{
		Configs: append([]string{
			collector.ConfigFile("quickstart.yaml"), collector.ConfigFile("overlays/otlp-telemetry.yaml"), "yaml:extensions::zpages::endpoint: localhost:0",
		}, more...),
		Env: []string{"COLLECTOR_TELEMETRY__OTLP_ENDPOINT=http://" + x.sink.addr, "COLLECTOR_TELEMETRY__TRACE_SAMPLING_RATE=0"},
	})
	var err error
	x.reader, err = topic.NewReader([]string{x.Kafka})
	require.NoError(t, err)
	t.Cleanup(x.reader.Close)
	return x
}

// record waits for the record of an event.
func (x *traced) record(id string) *kgo.Record {
	x.t.Helper()
	var found *kgo.Record
	require.Eventually(x.t, func() bool {
		all, err := x.reader.All(x.t.Context(), "feedback-events")
		require.NoError(x.t, err)
		i := slices.IndexFunc(all, func(r *kgo.Record) bool { got, _ := topic.Header(r, "event_id"); return got == id })
		if i >= 0 {
			found = all[i]
		}
		return i >= 0
	}, 20*time.Second, 100*time.Millisecond)
	return found
}

func (x *traced) post(body, traceparent string) {
	x.t.Helper()
	headers := []string{"traceparent", traceparent}
	if traceparent == "" {
		headers = nil
	}
	resp, err := httpClient(x.t).Do(post(x.t, x.Collector, body, headers...))
	require.NoError(x.t, err)
	defer resp.Body.Close()
	require.Equal(x.t, http.StatusAccepted, resp.StatusCode)
}

// private holds the marker wherever a client may write.
func private(id string) string {
	return feedback(`"event_id":"` + id + `","session_id":"` + marker + `","user_id":"` + marker + `","comment":"` + marker + ` me@example.com","metadata":{"` + marker + `":"x"},"` + marker + `":1`)
}

// One event, from the HTTP request to its offset on Kafka.
func TestTraceOfAnEvent(t *testing.T) {
	x := newTraced(t)
	id := uuid.NewString()
	x.post(private(id), traceparent(traceID(1), "01"))
	spans := x.sink.await(t, traceID(1), append(path, "publish batch")...)
	t.Logf("the trace of one event:\n%s", draw(spans))
	assert.Len(t, spans, 6)

	receive := named(spans, "receive")
	assert.Equal(t, callerSpan, receive.ParentSpanID(), "the client's trace goes on")
	assert.Equal(t, "202", spanAttr(receive, "http.response.status_code"))
	for i, name := range path {
		s := named(spans, name)
		if name != "receive" {
			assert.Equal(t, receive.SpanID(), s.ParentSpanID(), name)
			assert.GreaterOrEqual(t, s.StartTimestamp(), named(spans, path[i-1]).StartTimestamp(), "%s comes after %s", name, path[i-1])
		}
		assert.Equal(t, id, spanAttr(s, "event.id"), name)
		assert.Equal(t, "user_feedback", spanAttr(s, "event.type"), name)
		assert.Equal(t, "1", spanAttr(s, "batch.size"), name)
	}
	record, publish, batch := x.record(id), named(spans, "publish"), named(spans, "publish batch")
	assert.Equal(t, ptrace.SpanKindProducer, publish.Kind())
	assert.Equal(t, "kafka", spanAttr(publish, "messaging.system"))
	assert.Equal(t, record.Topic, spanAttr(publish, "messaging.destination.name"))
	assert.Equal(t, fmt.Sprint(record.Partition), spanAttr(publish, "messaging.destination.partition.id"))
	assert.Equal(t, fmt.Sprint(record.Offset), spanAttr(publish, "messaging.kafka.offset"))
	assert.Equal(t, spanAttr(batch, "batch.id"), spanAttr(publish, "batch.id"))
	require.Equal(t, 1, batch.Links().Len())
	assert.Equal(t, publish.SpanID(), batch.Links().At(0).SpanID())
	header, _ := topic.Header(record, "traceparent")
	assert.Equal(t, fmt.Sprintf("00-%s-%s-01", traceID(1), publish.SpanID()), header)

	// Not sampled by its caller: nothing is recorded, and what the caller said goes on.
	id = uuid.NewString()
	x.post(private(id), traceparent(traceID(2), "00"))
	header, _ = topic.Header(x.record(id), "traceparent")
	assert.Equal(t, traceparent(traceID(2), "00"), header)
	id = uuid.NewString()
	x.post(private(id), "")
	_, found := topic.Header(x.record(id), "traceparent")
	assert.False(t, found)

	x.overGRPC()
	x.overOTLP()
	assertStops(t, x.Collector)
	assert.Empty(t, x.sink.of(traceID(2)))
	x.sink.mu.Lock()
	defer x.sink.mu.Unlock()
	for _, text := range x.sink.wire {
		assert.NotContains(t, text, marker)
	}
	for _, name := range []string{"received_events", "end_to_end_duration", "produce_duration"} {
		assert.True(t, x.sink.metrics[ownMetrics+name], "%s over OTLP", name)
	}
	assert.Positive(t, x.sink.exemplars, "exemplars")
}

// overGRPC sends two events in a trace; one names another of its own.
func (x *traced) overGRPC() {
	t := x.t
	ids := []string{uuid.NewString(), uuid.NewString()}
	own := traceID(4)
	var events []*feedbackv1.FeedbackEvent
	for _, id := range ids {
		events = append(events, &feedbackv1.FeedbackEvent{EventId: &id, Event: &feedbackv1.FeedbackEvent_UserFeedback{
			UserFeedback: &feedbackv1.UserFeedback{SessionId: new(marker), RequestId: new(uuid.NewString())}}})
	}
	events[1].TraceId, events[1].SpanId = new(own.String()), new(callerSpan.String())
	ctx := metadata.AppendToOutgoingContext(t.Context(), "traceparent", traceparent(traceID(3), "01"))
	_, err := feedbackv1.NewFeedbackServiceClient(dial(t, x.GRPC)).Submit(ctx, &feedbackv1.SubmitRequest{Events: events})
	require.NoError(t, err)

	spans := x.sink.await(t, traceID(3), path...)
	assert.Equal(t, callerSpan, named(spans, "receive").ParentSpanID())
	assert.Equal(t, "2", spanAttr(named(spans, "receive"), "batch.size"))
	others := x.sink.await(t, own, "publish")
	require.Len(t, others, 1, "an event's own trace goes on in it")
	assert.Equal(t, callerSpan, others[0].ParentSpanID())
	assert.Equal(t, named(spans, "receive").SpanID(), others[0].Links().At(0).SpanID())
	header, _ := topic.Header(x.record(ids[1]), "traceparent")
	assert.Equal(t, fmt.Sprintf("00-%s-%s-01", own, others[0].SpanID()), header)
}

// overOTLP sends an event as a log record of a trace, in a request of another.
func (x *traced) overOTLP() {
	t := x.t
	id := uuid.NewString()
	logs := plog.NewLogs()
	lr := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	lr.Body().SetStr(private(id))
	lr.SetTraceID(traceID(6))
	lr.SetSpanID(callerSpan)
	lr.SetFlags(1)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "traceparent", traceparent(traceID(5), "01"))
	_, err := plogotlp.NewGRPCClient(dial(t, x.OTLPGRPC)).Export(ctx, plogotlp.NewExportRequestFromLogs(logs))
	require.NoError(t, err)
	spans := x.sink.await(t, traceID(5), path[1:4]...)
	t.Logf("the trace of an OTLP request:\n%s", draw(spans))
	publish := x.sink.await(t, traceID(6), "publish")
	assert.Equal(t, callerSpan, publish[0].ParentSpanID(), "the record's trace goes on")
	header, _ := topic.Header(x.record(id), "traceparent")
	assert.Equal(t, fmt.Sprintf("00-%s-%s-01", traceID(6), publish[0].SpanID()), header)
}

// A caller's word is not taken: its sampled bit records nothing by itself, and what
// the collector records begins in a trace of its own.
func TestTraceparentIsNotTrusted(t *testing.T) {
	untrusted := "yaml:receivers::feedback::trust_traceparent: false"
	x := newTraced(t, untrusted)
	id := uuid.NewString()
	x.post(private(id), traceparent(traceID(1), "01"))
	header, _ := topic.Header(x.record(id), "traceparent")
	assert.Equal(t, traceparent(traceID(1), "01"), header, "the client's trace goes on all the same")
	assertStops(t, x.Collector)
	assert.Empty(t, x.sink.of(traceID(1)))

	x = newTraced(t, untrusted, "yaml:service::telemetry::traces::sampler::parent_based::root::trace_id_ratio_based::ratio: 1")
	id = uuid.NewString()
	x.post(private(id), traceparent(traceID(2), "00"))
	publish := x.sink.await(t, traceID(2), "publish")[0]
	assert.Equal(t, callerSpan, publish.ParentSpanID())
	header, _ = topic.Header(x.record(id), "traceparent")
	assert.Equal(t, fmt.Sprintf("00-%s-%s-01", traceID(2), publish.SpanID()), header)
	own := publish.Links().At(0).TraceID()
	receive := named(x.sink.await(t, own, path[:4]...), "receive")
	assert.True(t, receive.ParentSpanID().IsEmpty())
	require.Equal(t, 1, receive.Links().Len())
	assert.Equal(t, traceID(2), receive.Links().At(0).TraceID())
}

func TestTelemetryOverlayFitsEveryConfig(t *testing.T) {
	collector.Binary(t)
	for name := range started {
		env := append([]string{"COLLECTOR_TELEMETRY__OTLP_ENDPOINT=http://localhost:1"}, required[name]...)
		out, err := validate(t, env, collector.ConfigFile(name), collector.ConfigFile("overlays/otlp-telemetry.yaml"))
		assert.NoError(t, err, "%s: %s", name, out)
	}
}

// The overlay says what it needs.
func TestTelemetryOverlayNeedsItsEndpoint(t *testing.T) {
	c := collector.Launch(t, collector.Options{Configs: []string{collector.ConfigFile("collector.yaml"), collector.ConfigFile("overlays/otlp-telemetry.yaml")}})
	select {
	case <-c.Done():
	case <-time.After(time.Minute):
		t.Fatal("it started")
	}
	assert.NotZero(t, c.ExitCode())
	assert.Contains(t, c.Log(), "COLLECTOR_TELEMETRY__OTLP_ENDPOINT must be set")
}
