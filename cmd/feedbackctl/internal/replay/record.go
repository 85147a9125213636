// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/dlq"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// The headers of a record, in the exporter's order, and the one that is added.
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
	headerReplayed         = "dlq_replayed"

	schemaVersion = "1.0"
	contentType   = "application/json"
)

// NewRecord is the Kafka record of an event that passed: as the exporter would
// have written it in the first place, and where it was in between. A test
// compares it with the exporter's.
func NewRecord(topic string, lr plog.LogRecord, l *dlq.Letter) *kgo.Record {
	r := &kgo.Record{Topic: topic, Value: feedback.AppendJSON(nil, lr.Body())}
	add := func(name, value string) {
		if value != "" {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
		}
	}
	attr := func(name string) string {
		if v, ok := lr.Attributes().Get(name); ok {
			return v.AsString()
		}
		return ""
	}
	if key := attr(feedback.AttrPartitionKey); key != "" {
		r.Key = []byte(key)
	}
	add(headerEventType, attr(feedback.AttrEventType))
	add(headerEventID, attr(feedback.AttrRecordUID))
	timestamp := lr.Timestamp().AsTime().Format(time.RFC3339Nano)
	if v, ok := lr.Body().Map().Get("timestamp"); ok {
		timestamp = v.Str()
	}
	add(headerTimestamp, timestamp)
	add(headerSchemaVersion, schemaVersion)
	add(headerContentType, contentType)
	if trace, span := lr.TraceID(), lr.SpanID(); !trace.IsEmpty() && !span.IsEmpty() {
		add(headerTraceparent, fmt.Sprintf("00-%s-%s-%s", hex.EncodeToString(trace[:]), hex.EncodeToString(span[:]), hex.EncodeToString([]byte{byte(lr.Flags())})))
	}
	add(headerCollectorID, dlq.Header(l.Record, headerCollectorID))
	add(headerCollectorVersion, dlq.Header(l.Record, headerCollectorVersion))
	add(headerClientID, dlq.Header(l.Record, headerClientID))
	add(headerReplayed, fmt.Sprintf("%s:%s", l.Record.Topic, l.Position))
	return r
}
