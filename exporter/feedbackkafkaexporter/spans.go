// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/tracing"
)

// The names of spans. An event has one of queue and one of publish, if its
// request's are recorded; a batch has one of its own, linked to those.
const (
	spanQueue   = "queue"
	spanPublish = "publish"
	spanBatch   = "publish batch"
)

// handover is the batch that one call handed to the exporter.
type handover struct {
	id   uuid.UUID
	size int
	left atomic.Int64 // records without a fate
	span trace.Span   // nil if no event's is recorded
}

// newHandover makes the batch of records, and begins the spans of those whose
// request has one that is recorded.
func newHandover(tracer trace.Tracer, records []*record, now time.Time) *handover {
	h := &handover{id: uuid.Must(uuid.NewV7()), size: len(records)}
	h.left.Store(int64(len(records)))
	for _, r := range records {
		r.handover = h
		if r.spans == nil {
			continue
		}
		if h.span == nil {
			_, h.span = tracer.Start(trace.ContextWithSpanContext(context.Background(), r.spans.request), spanBatch, //nolint:spancheck // settle ends it
				trace.WithTimestamp(now), trace.WithAttributes(
					attribute.String("batch.id", h.id.String()), attribute.Int("batch.size", h.size), attribute.String("messaging.system", "kafka")))
		}
		r.spans.begin(r, tracer, now)
	}
	return h
}

// field names the batch in log lines.
func (h *handover) field() zap.Field {
	if h == nil {
		return zap.Skip() // it was read from the spool
	}
	return zap.Stringer("batch.id", h.id)
}

// settle notes that a record of the batch has its fate.
func (h *handover) settle() {
	if h != nil && h.left.Add(-1) == 0 && h.span != nil {
		h.span.End()
	}
}

// eventSpans are the spans of one event. They belong to whoever has the record.
type eventSpans struct {
	tracer  trace.Tracer
	request trace.SpanContext // of the request that the event came with
	event   trace.SpanContext // of the event itself, if it is of another trace
	random  trace.TraceFlags  // of the event's trace
	queued  time.Time         // when it was judged; zero if that is not known
	queue   trace.Span
	publish trace.Span // nil until it is handed to the client
}

// newEventSpans returns nil unless the request's spans are recorded.
func newEventSpans(carried string, p *parts) *eventSpans {
	request, queued := tracing.Parse(carried)
	if !request.IsSampled() {
		return nil
	}
	s := &eventSpans{request: request, queued: queued, random: trace.TraceFlags(p.flags) &^ trace.FlagsSampled}
	if id := trace.TraceID(p.traceID); id.IsValid() && id != request.TraceID() {
		s.event = trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: id, SpanID: parentOf(id, p.spanID), TraceFlags: trace.FlagsSampled, Remote: true,
		})
	}
	return s
}

// parentOf is the event's span. An event may name its trace and no span: a span
// of that trace needs a parent all the same, or it would begin another.
func parentOf(id trace.TraceID, span pcommon.SpanID) (parent trace.SpanID) {
	if !span.IsEmpty() {
		return trace.SpanID(span)
	}
	copy(parent[:], id[8:])
	if !parent.IsValid() {
		copy(parent[:], id[:8])
	}
	return parent
}

func (s *eventSpans) begin(r *record, tracer trace.Tracer, now time.Time) {
	s.tracer = tracer
	if s.queued.IsZero() || s.queued.After(now) {
		s.queued = now
	}
	_, s.queue = tracer.Start(trace.ContextWithSpanContext(context.Background(), s.request), spanQueue, //nolint:spancheck // handed or end ends it
		trace.WithTimestamp(s.queued), trace.WithAttributes(s.attributes(r)...))
}

func (s *eventSpans) attributes(r *record) []attribute.KeyValue {
	attrs := []attribute.KeyValue{attribute.String("event.type", eventTypes[r.eventType])}
	if id := r.eventID(); id != "" {
		attrs = append(attrs, attribute.String("event.id", id))
	}
	return append(attrs, attribute.String("batch.id", r.handover.id.String()), attribute.Int("batch.size", r.handover.size))
}

// handed says that the record goes to the client, for the first or another time,
// and makes the span of that the parent in the record's traceparent.
func (s *eventSpans) handed(r *record) {
	if s == nil || s.publish != nil {
		return
	}
	s.queue.End()
	parent := s.request
	links := []trace.Link{}
	if s.event.IsValid() {
		parent = s.event
		links = append(links, trace.Link{SpanContext: s.request})
	}
	if b := r.handover.span; b != nil {
		links = append(links, trace.Link{SpanContext: b.SpanContext()})
	}
	_, s.publish = s.tracer.Start(trace.ContextWithSpanContext(context.Background(), parent), spanPublish, //nolint:spancheck // end ends it
		trace.WithSpanKind(trace.SpanKindProducer), trace.WithLinks(links...), trace.WithAttributes(append(s.attributes(r),
			attribute.String("messaging.system", "kafka"),
			attribute.String("messaging.operation.name", "send"),
			attribute.String("messaging.operation.type", "send"))...))
	if b := r.handover.span; b != nil {
		b.AddLink(trace.Link{SpanContext: s.publish.SpanContext()})
	}
	if s.publish.IsRecording() {
		r.setTraceparent(s.publish.SpanContext(), s.random)
	}
}

// setTraceparent makes a span of ours the parent of what consumers do.
func (r *record) setTraceparent(sc trace.SpanContext, more trace.TraceFlags) {
	h := kgo.RecordHeader{Key: headerTraceparent}
	h.Value = appendTraceparent(nil, pcommon.TraceID(sc.TraceID()), pcommon.SpanID(sc.SpanID()), byte(sc.TraceFlags()|more))
	after := 0
	for i, old := range r.Headers {
		switch old.Key {
		case headerTraceparent:
			r.Headers[i] = h
			return
		case headerContentType:
			after = i + 1
		}
	}
	r.Headers = slices.Insert(r.Headers, after, h)
}

// delivered ends the spans of a record that Kafka has. sent is the copy that was
// sent, with its place.
func (s *eventSpans) delivered(sent *record) {
	if s == nil || s.publish == nil {
		return
	}
	s.publish.SetAttributes(
		attribute.String("messaging.destination.name", sent.Topic),
		attribute.Int("messaging.destination.partition.id", int(sent.Partition)),
		attribute.Int64("messaging.kafka.offset", sent.Offset))
	s.publish.End()
}

// returned notes that Kafka gave a record back, and why.
func (s *eventSpans) returned(err error) {
	if s == nil || s.publish == nil {
		return
	}
	reason, _ := reasonOf(err)
	s.publish.AddEvent("returned", trace.WithAttributes(attribute.String("reason", reason)))
}

// buried notes that an event becomes a dead letter.
func (s *eventSpans) buried(code string) {
	if s == nil {
		return
	}
	span := s.queue
	if s.publish != nil {
		span = s.publish
	}
	span.AddEvent("dead letter", trace.WithAttributes(attribute.String("code", code)))
}

// committed ends the spans of a record that is on Kafka, nobody knows where: the
// answer that said so was never seen.
func (s *eventSpans) committed() { s.endElsewhere("committed") }

// spooled notes that a copy of the record is safe on disk. What becomes of that is
// not followed; the original may be on its way still.
func (s *eventSpans) spooled() {
	if s == nil {
		return
	}
	if s.publish != nil {
		s.publish.AddEvent("spooled")
		return
	}
	s.endElsewhere("spooled")
}

// lost ends the spans of a record without a fate.
func (s *eventSpans) lost() {
	if s == nil {
		return
	}
	if s.publish != nil {
		s.publish.SetStatus(codes.Error, "")
	}
	s.endElsewhere("undelivered")
}

func (s *eventSpans) endElsewhere(outcome string) {
	if s == nil {
		return
	}
	span := s.queue
	if s.publish != nil {
		span = s.publish
	}
	span.SetAttributes(attribute.String("outcome", outcome))
	span.End()
}

// context carries the span that an exemplar of the record's metrics points to.
func (r *record) context() context.Context {
	if r.spans == nil || r.spans.publish == nil {
		return context.Background()
	}
	return trace.ContextWithSpan(context.Background(), r.spans.publish)
}
