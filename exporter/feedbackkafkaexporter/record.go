// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"encoding/hex"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

// The names of the headers, in the order in which they are written.
const (
	headerEventType        = "event_type"
	headerEventID          = "event_id"
	headerTimestamp        = "timestamp"
	headerSchemaVersion    = "schema_version"
	headerContentType      = "content-type"
	headerTraceparent      = "traceparent"
	headerCollectorID      = "collector_id"
	headerCollectorVersion = "collector_version"
	headerClientID         = "client_id"
	headerDLQReason        = "dlq_reason"
	headerDLQStage         = "dlq_stage"

	maxHeaders = 11

	schemaVersion = "1.0"
	contentType   = "application/json"
)

// record is one Kafka record and what the exporter remembers about it until
// its fate is known. Its key, value and changing headers share one allocation.
type record struct {
	kgo.Record
	headers [maxHeaders]kgo.RecordHeader // what Record.Headers points to

	eventType uint8       // index into eventTypes
	topic     *topic      // where it goes
	dead      *deadLetter // set on a dead letter
	counted   int64       // bytes it counts for in the account
	request   *request    // who waits for it; nil in buffered mode
	handover  *handover   // with what it came; nil out of the spool
	spans     *eventSpans // nil unless they are recorded
	receipt   int64       // when it was received, in ns since 1970; 0: not known

	// Guarded by delivery.mu from the moment it is queued.

	lane      *lane
	at        time.Time      // of arrival
	seq       uint64         // order of arrival
	tries     int            // how often it came back
	cause     error          // why it came back the last time
	alone     bool           // nothing else of its lane was on the way in the last try
	sent      bool           // the client has it
	sentBytes int64          // for which it counts there
	settled   bool           // its fate is known: delivered, or safe on disk
	resolved  bool           // delivered
	drained   bool           // read from the spool: it counts for nothing but its entry
	position  spool.Position // of its entry in the lane; 0: none
	origin    *origin        // of a dead letter that was a stored record
	handled   func(*kgo.Record, error)
	volley    *volley // that it is part of; nil: none, or answered
}

// origin is the entry that a dead letter stands for.
type origin struct {
	lane     *lane
	position spool.Position
}

// size bounds from above what the record takes in a batch of its own,
// uncompressed.
func (r *record) size() int {
	return r.framing() + int(r.payload())
}

// framing is the most that Kafka's format adds to what a record carries.
func (r *record) framing() int {
	const batch, fixed, perField = 61 + 12, 32, 5
	return batch + fixed + 2*perField*len(r.Headers)
}

// carried is payload, as it was counted when the record came: to read its
// headers again costs more than all else that is done while it waits.
func (r *record) carried() int64 {
	if r.counted == 0 {
		return r.payload()
	}
	return r.counted - recordOverhead
}

// payload is what the record carries, in bytes.
func (r *record) payload() int64 {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return int64(n)
}

// recordOverhead is what a record costs in memory beside its payload.
const recordOverhead = 1024

func (r *record) eventID() string {
	for _, h := range r.Headers {
		if h.Key == headerEventID {
			return string(h.Value)
		}
	}
	return ""
}

// builder turns log records into Kafka records. What is the same for all of
// them is prepared once.
type builder struct {
	types   [len(eventTypes)]kgo.RecordHeader
	schema  kgo.RecordHeader
	content kgo.RecordHeader
	id      kgo.RecordHeader // collector_id
	version kgo.RecordHeader // collector_version

	topics     [len(eventTypes)]*topic
	deadLetter *topic // nil if dead letters are switched off

	scratch sync.Pool // of *[]byte
}

func newBuilder(collectorID, collectorVersion string, topics [len(eventTypes)]*topic, deadLetter *topic) *builder {
	b := &builder{
		schema:     kgo.RecordHeader{Key: headerSchemaVersion, Value: []byte(schemaVersion)},
		content:    kgo.RecordHeader{Key: headerContentType, Value: []byte(contentType)},
		id:         kgo.RecordHeader{Key: headerCollectorID, Value: []byte(collectorID)},
		version:    kgo.RecordHeader{Key: headerCollectorVersion, Value: []byte(collectorVersion)},
		topics:     topics,
		deadLetter: deadLetter,
	}
	b.scratch.New = func() any { return new([]byte) }
	for i, t := range eventTypes {
		b.types[i] = kgo.RecordHeader{Key: headerEventType, Value: []byte(t)}
	}
	return b
}

// maxScratch is the largest buffer that is kept for the next record.
const maxScratch = 256 << 10

// parts is what a record is put together from. key, id and time are strings of
// the log record; value is borrowed scratch space.
type parts struct {
	eventType   uint8
	key, id     string
	time        string
	timeValue   time.Time // written if time is empty
	client      string
	traceparent bool
	traceID     pcommon.TraceID
	spanID      pcommon.SpanID
	flags       byte
	receipt     int64
	spans       *eventSpans
	value       []byte
}

// build returns the Kafka record of an event.
func (b *builder) build(lr plog.LogRecord) *record {
	attrs, body := lr.Attributes(), lr.Body()
	p := commonParts(lr, attrs)
	if body.Type() == pcommon.ValueTypeMap {
		m := body.Map()
		if v, ok := m.Get("timestamp"); ok && v.Type() == pcommon.ValueTypeStr {
			p.time = v.Str()
		}
		if p.id == "" {
			p.id = strAttr(m, "event_id")
		}
		if p.key = strAttr(attrs, feedback.AttrPartitionKey); p.key == "" {
			p.key = feedback.PartitionKey(m)
		}
	}
	scratch := b.scratch.Get().(*[]byte)
	p.value = feedback.AppendJSON((*scratch)[:0], body)
	r := &record{eventType: p.eventType, topic: b.topics[p.eventType]}
	b.assemble(r, &p)
	b.release(scratch, p.value)
	return r
}

func (b *builder) release(scratch *[]byte, used []byte) {
	if cap(used) <= maxScratch {
		*scratch = used[:0]
		b.scratch.Put(scratch)
	}
}

// commonParts reads what events and refused events have in common.
func commonParts(lr plog.LogRecord, attrs pcommon.Map) parts {
	p := parts{
		eventType: typeIndex(strAttr(attrs, feedback.AttrEventType)),
		id:        strAttr(attrs, feedback.AttrRecordUID),
		client:    strAttr(attrs, feedback.AttrClientID),
		traceID:   lr.TraceID(),
		spanID:    lr.SpanID(),
		flags:     byte(lr.Flags()),
	}
	p.traceparent = !p.traceID.IsEmpty() && !p.spanID.IsEmpty()
	p.receipt = int64(lr.ObservedTimestamp())
	if carried := strAttr(attrs, feedback.AttrSpan); carried != "" {
		p.spans = newEventSpans(carried, &p)
	}
	switch {
	case lr.Timestamp() != 0:
		p.timeValue = lr.Timestamp().AsTime()
	case lr.ObservedTimestamp() != 0:
		p.timeValue = lr.ObservedTimestamp().AsTime()
	}
	return p
}

func strAttr(m pcommon.Map, name string) string {
	if v, ok := m.Get(name); ok && v.Type() == pcommon.ValueTypeStr {
		return v.Str()
	}
	return ""
}

const (
	traceparentLen = 55
	timeLen        = len("2006-01-02T15:04:05.000000000Z")
)

// assemble copies the parts into one allocation and points the record at it.
func (b *builder) assemble(r *record, p *parts) {
	backing := make([]byte, 0, len(p.value)+len(p.key)+len(p.id)+max(len(p.time), timeLen)+len(p.client)+traceparentLen)
	rest := func(from int) []byte { return backing[from:len(backing):len(backing)] }

	backing = append(backing, p.value...)
	r.Value = rest(0)
	if p.key != "" {
		n := len(backing)
		backing = append(backing, p.key...)
		r.Key = rest(n)
	}
	h := append(r.headers[:0], b.types[p.eventType])
	if p.id != "" {
		n := len(backing)
		backing = append(backing, p.id...)
		h = append(h, kgo.RecordHeader{Key: headerEventID, Value: rest(n)})
	}
	if n := len(backing); p.time != "" {
		backing = append(backing, p.time...)
		h = append(h, kgo.RecordHeader{Key: headerTimestamp, Value: rest(n)})
	} else if !p.timeValue.IsZero() {
		backing = p.timeValue.UTC().AppendFormat(backing, time.RFC3339Nano)
		h = append(h, kgo.RecordHeader{Key: headerTimestamp, Value: rest(n)})
	}
	h = append(h, b.schema, b.content)
	if p.traceparent {
		n := len(backing)
		backing = appendTraceparent(backing, p.traceID, p.spanID, p.flags)
		h = append(h, kgo.RecordHeader{Key: headerTraceparent, Value: rest(n)})
	}
	h = append(h, b.id, b.version)
	if p.client != "" {
		n := len(backing)
		backing = append(backing, p.client...)
		h = append(h, kgo.RecordHeader{Key: headerClientID, Value: rest(n)})
	}
	r.Headers = h
	r.Topic = r.topic.name
	r.receipt, r.spans = p.receipt, p.spans
}

// appendTraceparent writes a W3C traceparent of version 00.
func appendTraceparent(dst []byte, trace pcommon.TraceID, span pcommon.SpanID, flags byte) []byte {
	dst = append(dst, "00-"...)
	dst = hex.AppendEncode(dst, trace[:])
	dst = append(dst, '-')
	dst = hex.AppendEncode(dst, span[:])
	dst = append(dst, '-')
	return hex.AppendEncode(dst, []byte{flags})
}
