// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/events"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/topic"
)

// sent is an event on its way, and what the answer said of it.
type sent struct {
	*events.Event
	way *way
	// earliest is when sending began: the least time an event without one may get.
	earliest time.Time
	// id is what the answer named.
	id string
	// arrivals counts its records.
	arrivals int
}

// mark finds the event that a record's value is about.
func mark(value events.Object) string {
	eventType := value.Text("type")
	if eventType == events.SystemHealth {
		return eventType + " " + value.Text("service_name")
	}
	return eventType + " " + value.Text("request_id")
}

// faults compares a record with what it must be. They never hold a value.
func faults(s *sent, rec *kgo.Record, value events.Object) []string {
	var list []string
	fault := func(ok bool, format string, args ...any) {
		if !ok {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	fault(string(rec.Key) == s.Key, "key is not the event's")
	fault(rec.Partition == topic.Partition(s.Key, eventPartitions), "partition %d, expected %d", rec.Partition, topic.Partition(s.Key, eventPartitions))

	id := value.Text("event_id")
	fault(len(id) == 36, "event_id is no UUID")
	fault(s.ID() == "" || id == s.ID(), "event_id is not the one sent")
	fault(s.id == "" || id == s.id, "event_id is not the one answered")
	if s.way.name == "scanned file" && s.ID() == "" && len(id) == 36 {
		fault(id[14] == '8', "the id of a line is no UUIDv8")
	}

	want := s.Want
	want = with(want, "event_id", id)
	stamp := value.Text("timestamp")
	fault(strings.HasSuffix(stamp, "Z"), "timestamp is not in UTC")
	at, err := time.Parse(time.RFC3339Nano, stamp)
	fault(err == nil, "timestamp is not RFC 3339")
	if want.Text("timestamp") != "" || s.way.takesTime {
		fault(at.Equal(s.Time), "timestamp is not the one sent")
	} else {
		fault(!at.Before(s.earliest) && at.Before(time.Now()), "timestamp is not that of the receipt")
	}
	want = with(want, "timestamp", stamp)
	if s.Text >= 0 {
		fault(events.IsRedactionOf(value.Text("comment"), want.Text("comment")), "comment is more than redacted")
		want = with(want, "comment", value.Text("comment"))
	}
	d := events.Difference("event", want, value)
	fault(d == "", "%s", d)
	return append(list, headerFaults(s, rec, id, stamp)...)
}

// headerFaults compares a record's headers with what they must be.
func headerFaults(s *sent, rec *kgo.Record, id, stamp string) []string {
	var list []string
	want := map[string]string{
		"event_type": s.Type, "event_id": id, "timestamp": stamp, "schema_version": "1.0",
		"content-type": "application/json", "collector_id": instanceID,
	}
	if trace := s.Want.Text("trace_id"); trace != "" {
		want["traceparent"] = "00-" + trace + "-" + s.Want.Text("span_id") + "-00"
	}
	for name, value := range want {
		if got, once := topic.Header(rec, name); !once || got != value {
			list = append(list, "header "+name+" is missing or wrong")
		}
	}
	if v, once := topic.Header(rec, "collector_version"); !once || v == "" {
		list = append(list, "header collector_version is missing")
	}
	if len(rec.Headers) != len(want)+1 {
		list = append(list, fmt.Sprintf("%d headers, expected %d", len(rec.Headers), len(want)+1))
	}
	return list
}

// with sets a member that has its place among the first ones: type, event_id,
// timestamp.
func with(o events.Object, name string, value any) events.Object {
	for i, m := range o {
		if m.Name == name {
			changed := append(events.Object(nil), o...)
			changed[i].Value = value
			return changed
		}
	}
	at := 1 // after type
	if name == "timestamp" {
		at = 2 // and event_id
	}
	changed := append(events.Object(nil), o[:at]...)
	changed = append(changed, events.Member{Name: name, Value: value})
	return append(changed, o[at:]...)
}
