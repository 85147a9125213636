// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"encoding/hex"
	"strings"

	"github.com/google/uuid"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// accept brings a record whose event has passed into the form of contract §4.
func (c *check) accept(lr plog.LogRecord, m pcommon.Map) {
	if c.extra || c.crlf {
		c.clean(m, c.schema.Fields)
		c.seen = c.fill(m)
	}
	for i := range c.schema.Fields {
		if c.restyle && c.has(i) {
			normalise(&c.schema.Fields[i], c.slots[i])
		}
	}
	// New members come last: they may move those that the slots point at.
	before := m.Len()
	c.stampTime(lr, m)
	c.stampTrace(lr, m)
	c.stampID(m)
	if c.schema.Type == TypePerformanceMetrics && !c.has(fieldIndex(c.schema.Fields, "cache_hit", 0)) {
		m.PutBool("cache_hit", false)
	}
	if m.Len() != before {
		c.seen = c.fill(m)
	}
	lr.SetEventName(eventNames[c.schema.Type])
	c.setSeverity(lr)
	c.setAttributes(lr.Attributes())
}

var eventNames = func() map[string]string {
	names := map[string]string{}
	for _, s := range schemas {
		names[s.Type] = EventNamePrefix + s.Type
	}
	return names
}()

// fill points the slots at the members of m.
func (c *check) fill(m pcommon.Map) (seen uint32) {
	hint := 0
	for name, v := range m.All() {
		if i := fieldIndex(c.schema.Fields, name, hint); i >= 0 {
			c.slots[i] = v
			seen |= 1 << i
			hint = i + 1
		}
	}
	return seen
}

// clean removes nulls of known fields and, if so set, unknown fields, and
// normalises line ends in text and names.
func (c *check) clean(m pcommon.Map, fields []Field) {
	m.RemoveIf(func(name string, v pcommon.Value) bool {
		f := fieldByName(fields, name)
		if f == nil {
			return c.UnknownFields == DropUnknown
		}
		if f.Kind == KindObject && v.Type() == pcommon.ValueTypeMap {
			c.clean(v.Map(), f.Fields)
		}
		return v.Type() == pcommon.ValueTypeEmpty
	})
	if c.crlf {
		_ = rewriteMap(m, func(string) bool { return true }, func(s string) (string, error) { return normaliseLines(s), nil })
	}
}

// normalise writes a value of a known field as it is published.
func normalise(f *Field, v pcommon.Value) {
	switch f.Kind {
	case KindUUID, KindHex:
		if s := v.Str(); s != lower(s) {
			v.SetStr(lower(s))
		}
	case KindEnum:
		if s := v.Str(); s != canonical(s) {
			v.SetStr(canonical(s))
		}
	case KindInteger:
		if v.Type() == pcommon.ValueTypeDouble {
			v.SetInt(int64(v.Double()))
		}
	case KindNumber:
		// Beyond 2^53 a double is not every integer; say what it is.
		if v.Type() == pcommon.ValueTypeInt && (v.Int() > maxExactDouble || v.Int() < -maxExactDouble) {
			v.SetDouble(float64(v.Int()))
		}
	case KindObject:
		for name, e := range v.Map().All() {
			if n := fieldByName(f.Fields, name); n != nil {
				normalise(n, e)
			}
		}
	case KindNumberMap:
		for _, e := range v.Map().All() {
			normalise(numberElement, e)
		}
	default: // text stays as it is
	}
}

// lower is strings.ToLower for hexadecimal digits: no allocation if there is
// nothing to do.
func lower(s string) string {
	for i := range len(s) {
		if s[i]-'A' < 6 {
			return strings.ToLower(s)
		}
	}
	return s
}

// stampTime sets the event's time in record and body.
func (c *check) stampTime(lr plog.LogRecord, m pcommon.Map) {
	if lr.ObservedTimestamp() == 0 {
		lr.SetObservedTimestamp(pcommon.NewTimestampFromTime(c.now))
	}
	if !c.has(posTimestamp) {
		m.PutStr("timestamp", FormatTime(c.time))
	} else if !c.steady {
		c.slots[posTimestamp].SetStr(FormatTime(c.time))
	}
	lr.SetTimestamp(pcommon.NewTimestampFromTime(c.time))
}

// stampTrace settles the event's trace context: its own ids win, the record's
// (of the request's traceparent) fill gaps. An event that names its trace but no
// span takes nothing from the record: that span is of another trace.
func (c *check) stampTrace(lr plog.LogRecord, m pcommon.Map) {
	trace, span := lr.TraceID(), lr.SpanID()
	if c.has(posTraceID) {
		var own pcommon.TraceID
		lowerHex(own[:], c.slots[posTraceID].Str())
		if own != trace {
			lr.SetFlags(plog.DefaultLogRecordFlags)
		}
		trace, span = own, pcommon.SpanID{}
	}
	if c.has(posSpanID) {
		lowerHex(span[:], c.slots[posSpanID].Str())
	}
	lr.SetTraceID(trace)
	lr.SetSpanID(span)
	if !c.has(posTraceID) && !trace.IsEmpty() {
		m.PutStr("trace_id", hex.EncodeToString(trace[:]))
	}
	if !c.has(posSpanID) && !span.IsEmpty() {
		m.PutStr("span_id", hex.EncodeToString(span[:]))
	}
}

// stampID gives an event without an id a UUIDv7 (RFC 9562 §5.7).
func (c *check) stampID(m pcommon.Map) {
	if !c.has(posEventID) {
		m.PutStr("event_id", uuid.Must(uuid.NewV7()).String())
	}
}

func (c *check) setSeverity(lr plog.LogRecord) {
	severity := plog.SeverityNumberInfo
	switch c.schema.Type {
	case TypePerformanceMetrics:
		if !c.slot("success").Bool() {
			severity = plog.SeverityNumberWarn
		}
	case TypeSystemHealth:
		switch c.slot("status").Str() {
		case "degraded":
			severity = plog.SeverityNumberWarn
		case "unhealthy":
			severity = plog.SeverityNumberError
		}
	}
	lr.SetSeverityNumber(severity)
	lr.SetSeverityText("")
}

// slot is the value of a field that is there.
func (c *check) slot(name string) pcommon.Value {
	return c.slots[fieldIndex(c.schema.Fields, name, numCommon)]
}

func (c *check) setAttributes(attrs pcommon.Map) {
	attrs.EnsureCapacity(attrs.Len() + 6)
	attrs.PutStr(AttrRecordUID, c.slots[posEventID].Str())
	attrs.PutStr(AttrEventType, c.schema.Type)
	switch c.schema.Type {
	case TypeUserFeedback:
		attrs.PutStr(AttrSessionID, c.slot("session_id").Str())
	case TypePerformanceMetrics:
		attrs.PutStr(AttrRequestModel, c.slot("model_id").Str())
		attrs.PutStr(AttrProviderName, c.slot("provider").Str())
	case TypeModelResponse:
		attrs.PutStr(AttrRequestModel, c.slot("model_id").Str())
	case TypeSystemHealth:
		attrs.PutStr(AttrServiceName, c.slot("service_name").Str())
	}
}
