// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// UnknownFields says what becomes of fields that the schema does not know.
type UnknownFields string

// The settings of unknown_fields.
const (
	PreserveUnknown UnknownFields = "preserve" // kept, redacted, published
	DropUnknown     UnknownFields = "drop"     // removed
	RejectUnknown   UnknownFields = "reject"   // the event is refused
)

// Limits on one event.
type Limits struct {
	// MaxEventSize is the largest event, in bytes of JSON text as received; of
	// an event that did not come as JSON, of its canonical JSON.
	MaxEventSize int
	// MaxDepth is the deepest nesting; the event object is 1. At most [MaxDepth].
	MaxDepth int
	// MaxStringLength bounds every string and name, in Unicode code points.
	MaxStringLength int
	// MaxAge and MaxFutureSkew bound the timestamp around the time of receipt.
	MaxAge, MaxFutureSkew time.Duration
}

// DefaultLimits are those of the contract.
func DefaultLimits() Limits {
	return Limits{
		MaxEventSize:    1 << 20,
		MaxDepth:        10,
		MaxStringLength: 10_000,
		MaxAge:          7 * 24 * time.Hour,
		MaxFutureSkew:   5 * time.Minute,
	}
}

// maxErrors is how many errors are told of one event.
const maxErrors = 10

// Validator judges events. It is safe for concurrent use.
type Validator struct {
	Limits
	// UnknownFields is the policy for fields that are not of the schema.
	UnknownFields UnknownFields
	// Personal reports whether a name holds personal data and so must not be
	// shown in an error. Nil means that none does.
	Personal func(name string) bool
}

// check is the examination of one event. Nothing of the event is changed while
// it lasts, so that a refused event is kept as it came.
type check struct {
	*Validator
	now     time.Time
	schema  *Schema
	named   string                   // the type that the record's event name says
	slots   [maxFields]pcommon.Value // by position in the schema
	seen    uint32                   // which slots are filled
	json    bool                     // came as JSON text: no duplicate names, valid UTF-8
	crlf    bool                     // some string has CR LF
	names   bool                     // some name has CR LF
	extra   bool                     // has unknown fields or nulls to remove
	restyle bool                     // some value is not written as it is published
	bytes   int                      // of all strings
	values  int
	stamp   pcommon.Timestamp // the record's own
	time    time.Time         // the event's
	errs    []Error
	more    bool
	trail   *trail
	steady  bool // the timestamp is already as it is published
}

// trails are pooled; a check itself is on the stack.
var trails = sync.Pool{New: func() any { return new(trail) }}

// Validate judges the event in lr. size is that of its JSON text, or 0 if it did
// not come as text; now is the time of receipt.
//
// An accepted record is brought into the form of contract §4: body normalised,
// ids made, name, times, trace, severity and attributes set. A refused one says
// what it said; a body of JSON text has become what the text holds.
func (v *Validator) Validate(lr plog.LogRecord, size int, now time.Time) Verdict {
	c := check{Validator: v, now: now, schema: commonSchema, json: size > 0, stamp: lr.Timestamp(), trail: trails.Get().(*trail)}
	defer c.trail.release()
	if name, ok := strings.CutPrefix(lr.EventName(), EventNamePrefix); ok {
		c.named = name
	}
	body := lr.Body()
	switch body.Type() {
	case pcommon.ValueTypeMap:
		c.event(body.Map(), size)
	case pcommon.ValueTypeStr:
		parsed := pcommon.NewValueEmpty()
		c.text(body.Str(), parsed)
		if parsed.Type() != pcommon.ValueTypeEmpty {
			parsed.MoveTo(body)
		}
	default:
		c.add(0, CodeInvalidType, "expected an object")
	}
	verdict := c.verdict()
	if !verdict.Refused() {
		c.accept(lr, body.Map())
		verdict.EventID = c.slots[posEventID].Str()
	}
	return verdict
}

// text examines an event that is still text.
func (c *check) text(text string, into pcommon.Value) {
	if len(text) > c.MaxEventSize {
		c.tooLarge()
		return
	}
	if err := precisely(text, into); err != nil {
		c.errs = append(c.errs, *err)
		return
	}
	c.event(into.Map(), len(text))
}

func (c *check) tooLarge() {
	c.errs = append(c.errs[:0], Error{Code: CodeTooLarge, Message: fmt.Sprintf("expected at most %d bytes of JSON", c.MaxEventSize)})
	c.more = false
}

// event examines the whole event.
func (c *check) event(m pcommon.Map, size int) {
	c.findSchema(m)
	c.seen = c.object(m, c.schema.Fields, 0, 1, &c.slots)
	if !c.has(posTimestamp) {
		c.recordTime()
	}
	if len(c.errs) == 0 {
		c.acrossFields()
	}
	if size > c.MaxEventSize || size == 0 && c.sizeAsJSON(m) > c.MaxEventSize {
		c.tooLarge()
	}
}

// findSchema finds the event's type: its own or, in a body without one, that of
// the record's event name.
func (c *check) findSchema(m pcommon.Map) {
	t, ok := m.Get("type")
	if !ok || t.Type() == pcommon.ValueTypeEmpty {
		if c.named == "" {
			return
		}
		m.PutStr("type", c.named)
		t, _ = m.Get("type")
	}
	if t.Type() != pcommon.ValueTypeStr {
		return
	}
	if s := SchemaOf(t.Str()); s != nil {
		c.schema = s
	}
	if c.named != "" && c.named != t.Str() {
		c.add(c.known(0, "type"), CodeSchemaViolation, "expected the type that the event name says")
	}
}

// sizeAsJSON is the size of the event's JSON, or a lower number if that is
// surely within the limit: only events that may be over it are written out.
func (c *check) sizeAsJSON(m pcommon.Map) int {
	const perByte, perValue = 6, 64 // \u0000; punctuation, number and name of the schema
	if upper := c.bytes*perByte + c.values*perValue; upper <= c.MaxEventSize {
		return upper
	}
	return len(appendObject(nil, m))
}

// recordTime takes the record's time, or that of receipt, for an event without one.
func (c *check) recordTime() {
	c.time = c.now
	if c.stamp == 0 {
		return
	}
	c.time = c.stamp.AsTime()
	c.window(c.known(0, "timestamp"))
}

// acrossFields checks the rules that span fields.
func (c *check) acrossFields() {
	if c.schema.Type != TypePerformanceMetrics {
		return
	}
	input, output, total := c.integer("tokens_input"), c.integer("tokens_output"), c.integer("tokens_total")
	if uint64(input)+uint64(output) != uint64(total) {
		c.add(c.known(0, "tokens_total"), CodeSchemaViolation, "expected tokens_input + tokens_output")
	}
}

// integer is the value of an integer field that has been checked.
func (c *check) integer(name string) int64 {
	v := c.slots[fieldIndex(c.schema.Fields, name, 0)]
	if v.Type() == pcommon.ValueTypeDouble {
		return int64(v.Double())
	}
	return v.Int()
}

func (c *check) add(at place, code Code, message string) {
	if len(c.errs) == maxErrors {
		c.more = true
		return
	}
	c.errs = append(c.errs, Error{Code: code, Field: c.field(at), Message: message})
}

func (c *check) has(position int) bool { return c.seen&(1<<position) != 0 }

func (c *check) verdict() Verdict {
	v := Verdict{EventType: c.schema.Type, Errors: c.errs, Truncated: c.more}
	if c.has(posEventID) {
		if id := c.slots[posEventID]; id.Type() == pcommon.ValueTypeStr && !isZero(id.Str()) {
			if ok, _ := isUUID(id.Str()); ok {
				v.EventID = lower(id.Str())
			}
		}
	}
	return v
}
