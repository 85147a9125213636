// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

// entryOf is a record as the spool keeps it: ready to send.
func entryOf(r *record, l *lane) spool.Entry {
	e := spool.Entry{
		Topic:     r.topic.name,
		Partition: l.id.Partition,
		Key:       r.Key,
		Value:     r.Value,
		Headers:   make([]spool.Header, len(r.Headers)),
	}
	for i, h := range r.Headers {
		e.Headers[i] = spool.Header{Key: h.Key, Value: h.Value}
	}
	return e
}

// restored is the record of an entry. Seq is the caller's to set.
func (d *delivery) restored(l *lane, e *spool.Positioned) *record {
	r := &record{topic: l.topic, lane: l, position: e.Position, drained: true, settled: true, eventType: typeUnknown}
	r.Topic, r.Key, r.Value = l.topic.name, e.Key, e.Value
	r.Headers = r.headers[:0]
	var code, stage string
	for _, h := range e.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		switch h.Key {
		case headerEventType:
			r.eventType = typeIndex(string(h.Value))
		case headerDLQReason:
			code = string(h.Value)
		case headerDLQStage:
			stage = string(h.Value)
		}
	}
	if stage != "" {
		r.dead = readDeadLetter(r.Value, code, stage)
	}
	return r
}

// readDeadLetter is what the value of a stored dead letter says of it, so that
// it can be cut if its topic finds it too large.
func readDeadLetter(value []byte, code, stage string) *deadLetter {
	d := &deadLetter{code: code, stage: stage}
	rest, ok := bytes.CutPrefix(value, []byte(deadLetterHead))
	if !ok {
		return d
	}
	original, err := jsontext.NewDecoder(bytes.NewReader(rest), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)).ReadValue()
	if err != nil {
		return d
	}
	var members struct {
		Message   string    `json:"error_message"`
		At        time.Time `json:"failed_at"`
		Tries     int       `json:"retry_count"`
		Truncated bool      `json:"original_truncated"`
		Size      int       `json:"original_size"`
	}
	tail := append([]byte(`{"-":0`), rest[len(original):]...)
	if json.Unmarshal(tail, &members) != nil {
		return d
	}
	d.original = len(original)
	d.message, d.at, d.tries = members.Message, members.At, members.Tries
	d.truncated, d.size = members.Truncated, members.Size
	return d
}

// restore finds what earlier collectors have stored: those lanes are drained
// first, and new events of theirs go behind. A topic that is not configured any
// more is added to the list, which is returned.
func (d *delivery) restore(limit int) []*topic {
	marks := d.keeper.store.Mark()
	for _, id := range d.keeper.store.Lanes() {
		if id.Topic == "" {
			continue // that of transactions
		}
		t := d.topicNamed(id.Topic)
		if t == nil {
			t = newTopic(id.Topic, false, limit)
			d.topics = append(d.topics, t)
		}
		l := t.any
		if id.Partition >= 0 {
			n, _ := strconv.Atoi(marks[markPartitions+t.name])
			t.marked = n
			t.setLanes(max(n, len(t.lanes), int(id.Partition)+1))
			l = t.lanes[id.Partition]
		}
		l.mode = laneStored
		l.entries = d.keeper.store.Len(id)
		l.tail = tailUnknown
		l.failed = true // the first goes alone
		d.attend(l)
		d.logger.Info("The spool holds events of an earlier run", zap.String("topic", t.name),
			zap.Int32("partition", id.Partition), zap.Int("events", l.entries))
	}
	return d.topics
}

func (d *delivery) topicNamed(name string) *topic {
	for _, t := range d.topics {
		if t.name == name {
			return t
		}
	}
	return nil
}
