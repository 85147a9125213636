// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/protobuf/proto"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/sample"
)

const (
	// variety is about how many different events a load has, if there is room.
	variety = 2048
	// maxPrepared bounds the bytes of requests that are prepared, unless there
	// are more connections.
	maxPrepared = 64 << 20
)

// request is a prepared request. One connection has it at a time.
type request struct {
	wire   []byte // all that is written
	ids    []int  // where the event_ids begin
	client int    // where the number of the client begins, if there are clients; else 0
}

// prepare makes the requests of a load. They go round: whoever takes one puts
// it back.
func (c *Config) prepare(l *Ledger) (chan *request, error) {
	generator := sample.New(c.Seed)
	room := max(variety/c.Batch, 16)
	if c.Rate > 0 {
		room = min(room, c.planned())
	}
	first, err := c.request(generator, l)
	if err != nil {
		return nil, err
	}
	room = min(room, max(maxPrepared/len(first.wire), 1))
	all := make(chan *request, max(room, c.Connections))
	all <- first
	made := []*request{first}
	for len(made) < cap(all) {
		if len(made) >= room { // more connections than there is variety
			from := made[len(made)%room]
			made = append(made, &request{wire: bytes.Clone(from.wire), ids: from.ids, client: from.client})
		} else {
			r, err := c.request(generator, l)
			if err != nil {
				return nil, err
			}
			made = append(made, r)
		}
		all <- made[len(made)-1]
	}
	return all, nil
}

// request makes one request with ids that stand for the real ones.
func (c *Config) request(g *sample.Generator, l *Ledger) (*request, error) {
	events := make([][]byte, c.Batch)
	for i := range events {
		events[i] = l.mark(c.event(g), int64(i))
	}
	body, err := c.body(events)
	if err != nil {
		return nil, err
	}
	r := &request{wire: body}
	if c.Transport.overHTTP() {
		if r, err = c.head(body); err != nil {
			return nil, err
		}
	}
	for at := 0; ; at += idLength {
		next := bytes.Index(r.wire[at:], l.prefix[:])
		if next < 0 {
			break
		}
		at += next
		r.ids = append(r.ids, at)
	}
	if len(r.ids) != c.Batch {
		return nil, fmt.Errorf("a request of %d events has %d ids", c.Batch, len(r.ids))
	}
	return r, nil
}

// mark gives an event an id of the ledger.
func (l *Ledger) mark(event []byte, seq int64) []byte {
	name := []byte(`"event_id":"`)
	if at := bytes.Index(event, name); at >= 0 {
		l.write(event[at+len(name):], seq)
	}
	return event
}

// event makes the next event, of the size that is asked for.
func (c *Config) event(g *sample.Generator) []byte {
	if c.EventSize == 0 {
		return g.Event()
	}
	return sized(g.OfType(feedback.TypeUserFeedback), c.EventSize)
}

// sized is user feedback of about so many bytes: a comment of up to 1,000
// characters, and what does not fit in there as notes of up to 8,000.
func sized(event []byte, size int) []byte {
	const (
		comment = 1000
		note    = 8000
		text    = "The answer named the right setting and said why, which saved me an hour; the second part was less clear, and the table would be easier to read with units in its head. "
	)
	var e struct {
		EventID   string `json:"event_id"`
		Timestamp string `json:"timestamp"`
		SessionID string `json:"session_id"`
		RequestID string `json:"request_id"`
	}
	_ = json.Unmarshal(event, &e) // the sample's own
	b := fmt.Appendf(nil, `{"type":"user_feedback","event_id":"%s","timestamp":"%s","session_id":"%s","request_id":"%s","rating":4`,
		e.EventID, e.Timestamp, e.SessionID, e.RequestID)
	words := func(limit, around int) string {
		n := max(min(size-len(b)-around, limit), 0)
		return strings.Repeat(text, n/len(text)+1)[:n]
	}
	if t := words(comment, len(`,"comment":""}`)); t != "" {
		b = fmt.Appendf(b, `,"comment":"%s"`, t)
	}
	between := `,"metadata":{`
	for i := 0; size-len(b) > 2*len(between); i++ {
		b = fmt.Appendf(b, `%s"note_%d":"%s"`, between, i, words(note, 2*len(between)))
		between = ","
	}
	if between == "," {
		b = append(b, '}')
	}
	return append(b, '}')
}

// body is the body of a request over HTTP, or the message over gRPC.
func (c *Config) body(events [][]byte) ([]byte, error) {
	switch c.Transport {
	case NDJSON:
		return append(bytes.Join(events, []byte("\n")), '\n'), nil
	case HTTP:
		if len(events) == 1 {
			return events[0], nil
		}
		b := append([]byte{'['}, bytes.Join(events, []byte(","))...)
		return append(b, ']'), nil
	case GRPC, GRPCStream:
		m := &feedbackv1.SubmitRequest{}
		for _, e := range events {
			event, err := message(e)
			if err != nil {
				return nil, err
			}
			m.Events = append(m.Events, event)
		}
		return proto.Marshal(m)
	case OTLPGRPC, OTLPHTTP:
		logs, err := records(events)
		if err != nil {
			return nil, err
		}
		return plogotlp.NewExportRequestFromLogs(logs).MarshalProto()
	}
	return nil, errors.New("no such transport")
}

// records lays events out as log records, each event a map.
func records(events [][]byte) (plog.Logs, error) {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "bench")
	list := rl.ScopeLogs().AppendEmpty().LogRecords()
	for _, e := range events {
		fields, err := object(e)
		if err != nil {
			return logs, err
		}
		lr := list.AppendEmpty()
		kind, _ := fields["type"].(string)
		lr.SetEventName("feedback." + kind)
		if err := lr.Body().SetEmptyMap().FromRaw(fields); err != nil {
			return logs, err
		}
	}
	return logs, nil
}

// object reads an event; integers stay integers.
func object(event []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(event))
	dec.UseNumber()
	var fields map[string]any
	if err := dec.Decode(&fields); err != nil {
		return nil, err
	}
	typed(fields)
	return fields, nil
}

// typed turns numbers into int64 or float64.
func typed(fields map[string]any) {
	for name, v := range fields {
		switch v := v.(type) {
		case json.Number:
			if n, err := v.Int64(); err == nil {
				fields[name] = n
			} else if f, err := v.Float64(); err == nil {
				fields[name] = f
			}
		case map[string]any:
			typed(v)
		}
	}
}

// address is a placeholder: 10.0.0.0/8 in digits of a fixed width.
const address = "10.000.000.000"

// head puts the head of an HTTP/1.1 request before its body.
func (c *Config) head(body []byte) (*request, error) {
	u, err := url.Parse(c.Target)
	if err != nil {
		return nil, err
	}
	contentType := map[Transport]string{HTTP: "application/json", NDJSON: "application/x-ndjson", OTLPHTTP: "application/x-protobuf"}
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\n", u.RequestURI(), u.Host, contentType[c.Transport])
	if c.Token != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", c.Token)
	}
	r := &request{}
	if c.Clients > 0 {
		b.WriteString("X-Forwarded-For: ")
		r.client = b.Len()
		b.WriteString(address + "\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", len(body))
	b.Write(body)
	r.wire = b.Bytes()
	return r, nil
}

// patch makes the request anew: with ids of its own, and of another client.
func (r *request) patch(l *Ledger, clients int, due time.Time) (first int64) {
	first = l.take(len(r.ids), due)
	for i, at := range r.ids {
		l.write(r.wire[at:at+idLength], first+int64(i))
	}
	if r.client > 0 {
		n := int(first/int64(len(r.ids))) % clients
		// Three octets of one to three digits; a leading zero would be refused.
		copy(r.wire[r.client:], fmt.Appendf(nil, "%-*s", len(address), fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255)))
	}
	return first
}
