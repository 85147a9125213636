// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/events"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/topic"
)

// TestFaultsAreSeen spoils a record that is as it must be, one part at a time:
// what the end-to-end test relies on is that each is noticed.
func TestFaultsAreSeen(t *testing.T) {
	generator := events.NewGenerator(900, []events.Text{{
		Text: "Mail ann@example.com now.", Spans: []events.Span{{Entity: "EMAIL_ADDRESS", Value: "ann@example.com"}},
	}})
	s := &sent{Event: generator.Next(events.JSON), way: &way{name: "HTTP single"}, earliest: time.Now()}
	require.NotEmpty(t, s.ID())
	require.NotEmpty(t, s.Want.Text("trace_id"))

	value := func(edit func(string) string) func(*kgo.Record) {
		return func(rec *kgo.Record) { rec.Value = []byte(edit(string(rec.Value))) }
	}
	replace := func(from, to string) func(*kgo.Record) {
		return value(func(v string) string {
			require.Contains(t, v, from)
			return strings.Replace(v, from, to, 1)
		})
	}
	for name, spoil := range map[string]func(*kgo.Record){
		"key":            func(rec *kgo.Record) { rec.Key = []byte("other") },
		"partition":      func(rec *kgo.Record) { rec.Partition = (rec.Partition + 1) % eventPartitions },
		"no header":      func(rec *kgo.Record) { rec.Headers = rec.Headers[1:] },
		"more headers":   func(rec *kgo.Record) { rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: "client_id"}) },
		"header":         func(rec *kgo.Record) { rec.Headers[0].Value = []byte("other") },
		"event id":       replace(s.ID(), "00000000-0000-4000-8000-000000000001"),
		"timestamp":      replace(s.Want.Text("timestamp"), "2001-01-01T00:00:00Z"),
		"zone":           replace(s.Want.Text("timestamp"), s.Sent.Text("timestamp")),
		"field gone":     replace(`"rating":0,`, ``),
		"field changed":  replace(`"rating":0`, `"rating":1`),
		"order":          replace(`"thumbs":"up",`, ``),
		"comment cut":    replace("Mail ", ""),
		"tag unredacted": replace("from [EMAIL_REDACTED]", "from jane.doe@example.com"),
		"integer":        replace(`"build":0`, `"build":0.0`),
	} {
		t.Run(name, func(t *testing.T) {
			rec := rightRecord(t, s)
			parsed := parse(t, rec.Value)
			require.Empty(t, faults(s, rec, parsed))
			spoil(rec)
			assert.NotEmpty(t, faults(s, rec, parse(t, rec.Value)))
		})
	}

	d := newDelivery(generatorTexts(s))
	d.lookForPersonalData(0, "Mail [EMAIL_REDACTED] now.")
	assert.Empty(t, d.misses)
	d.lookForPersonalData(0, "Mail ann@[EMAIL_REDACTED] now.")
	assert.Len(t, d.misses["EMAIL_ADDRESS"], 1)
}

func generatorTexts(s *sent) []events.Text {
	return []events.Text{{Text: s.Want.Text("comment"), Spans: []events.Span{{Entity: "EMAIL_ADDRESS", Value: "ann@example.com"}}}}
}

// rightRecord is the record that the collector must write for the event.
func rightRecord(t *testing.T, s *sent) *kgo.Record {
	t.Helper()
	want := with(s.Want, "comment", "Mail [EMAIL_REDACTED] now.")
	value, err := json.Marshal(want)
	require.NoError(t, err)
	rec := &kgo.Record{Key: []byte(s.Key), Value: value, Partition: topic.Partition(s.Key, eventPartitions)}
	for _, h := range [][2]string{
		{"event_type", s.Type}, {"event_id", s.ID()}, {"timestamp", s.Want.Text("timestamp")}, {"schema_version", "1.0"},
		{"content-type", "application/json"}, {"collector_id", instanceID}, {"collector_version", "0.0.0"},
		{"traceparent", "00-" + s.Want.Text("trace_id") + "-" + s.Want.Text("span_id") + "-00"},
	} {
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: h[0], Value: []byte(h[1])})
	}
	return rec
}
