// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package events

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// The five event types.
const (
	UserFeedback       = "user_feedback"
	PerformanceMetrics = "performance_metrics"
	ModelResponse      = "model_response"
	SystemHealth       = "system_health"
	ExperimentResult   = "experiment_result"
)

// Style is what a way in can carry.
type Style int

const (
	// JSON takes the spellings that JSON text allows, unknown fields included.
	JSON Style = iota
	// Map takes typed values and unknown fields.
	Map
	// Proto takes the fields of the schema only.
	Proto
)

// Event is an event to send.
type Event struct {
	// Type is one of the five.
	Type string
	// Sent is the event as the sender writes it.
	Sent Object
	// Want is the value expected on Kafka. event_id and timestamp are missing in
	// it where the sender gave none; a comment is as it was sent.
	Want Object
	// Key is the expected Kafka key.
	Key string
	// Mark finds the event again, whatever its id.
	Mark string
	// Time is when it happened.
	Time time.Time
	// Text is the position of the comment in the texts, -1 without one.
	Text int
}

// ID is the event's id as published, "" if the sender gave none.
func (e *Event) ID() string { return e.Want.Text("event_id") }

// JSON is the event as JSON text.
func (e *Event) JSON() []byte {
	b, err := json.Marshal(e.Sent)
	if err != nil {
		panic(err) // only JSON's own types are in it
	}
	return b
}

// Generator makes events that differ from those of any generator with another
// salt. It is for one goroutine.
type Generator struct {
	salt  uint64
	next  uint64
	texts []Text
	start time.Time
}

// NewGenerator returns a generator whose comments are the given texts.
func NewGenerator(salt uint64, texts []Text) *Generator {
	return &Generator{salt: salt, texts: texts, start: time.Now().Add(-time.Hour)}
}

// Next makes the next event: every second one is user feedback with the next
// text, the other types take turns.
func (g *Generator) Next(style Style) *Event {
	n := g.next
	g.next++
	b := &builder{n: n, salt: g.salt, style: style, event: &Event{Text: -1, Time: g.start.Add(time.Duration(n) * 1_000_037)}}
	switch {
	case n%2 == 0:
		text := int(n/2) % len(g.texts)
		b.event.Text = text
		b.userFeedback(g.texts[text].Text)
	case n%8 == 1:
		b.performanceMetrics()
	case n%8 == 3:
		b.modelResponse()
	case n%8 == 5:
		b.systemHealth()
	default:
		b.experimentResult()
	}
	if style != Proto && n%7 == 0 {
		b.both("x_app", Object{{"build", int64(n)}, {"note", "région α"}, {"on", true}})
	}
	return b.event
}

// builder fills in one event.
type builder struct {
	n, salt uint64
	style   Style
	event   *Event
}

// both adds a member that is published as it is sent.
func (b *builder) both(name string, value any) { b.differs(name, value, value) }

// differs adds a member that is published otherwise than it is sent.
func (b *builder) differs(name string, sent, want any) {
	b.event.Sent = append(b.event.Sent, Member{name, sent})
	b.event.Want = append(b.event.Want, Member{name, want})
}

// id makes a UUID of this event; each kind is another one.
func (b *builder) id(kind byte) string {
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:8], b.salt)
	binary.BigEndian.PutUint64(u[8:], b.n)
	u[6] = 0x40 | kind&0x0f
	u[8] = 0x80
	return u.String()
}

// spelt returns what a sender may write for an id: upper case now and then.
func (b *builder) spelt(id string) string {
	if b.n%5 == 0 {
		return strings.ToUpper(id)
	}
	return id
}

// head adds what all types share.
func (b *builder) head(eventType string) {
	b.event.Type = eventType
	b.both("type", eventType)
	if b.n%25 != 3 {
		id := b.id(1)
		b.differs("event_id", b.spelt(id), id)
	}
	if b.n%20 != 7 {
		zone := time.FixedZone("", 2*60*60)
		b.differs("timestamp", b.event.Time.In(zone).Format(time.RFC3339Nano), b.event.Time.UTC().Format(time.RFC3339Nano))
	}
	if b.n%3 == 0 {
		var trace [16]byte
		binary.BigEndian.PutUint64(trace[:8], b.salt|1)
		binary.BigEndian.PutUint64(trace[8:], b.n)
		id := hex.EncodeToString(trace[:])
		b.differs("trace_id", b.spelt(id), id)
		id = hex.EncodeToString(binary.BigEndian.AppendUint64(nil, b.n+1))
		b.differs("span_id", b.spelt(id), id)
	}
}

// request adds a request_id of its own, by which the event is found again.
func (b *builder) request() {
	id := b.id(2)
	b.event.Mark = b.event.Type + " " + id
	b.differs("request_id", b.spelt(id), id)
}

// integer adds an integer, written as JSON allows.
func (b *builder) integer(name string, v int64) {
	switch {
	case b.style == JSON && b.n%4 == 1:
		b.differs(name, json.Number(fmt.Sprintf("%d.0", v)), v)
	case b.style == JSON && b.n%4 == 3:
		b.differs(name, json.Number(fmt.Sprintf("%de0", v)), v)
	default:
		b.both(name, v)
	}
}

func (b *builder) number(name string, v float64) { b.both(name, v) }
