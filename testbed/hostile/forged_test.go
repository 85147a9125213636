// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package hostile

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/send"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/topic"
)

// forge sets everything that only the collector may say, and names close to it.
func forge(m pcommon.Map) {
	for _, name := range []string{
		"feedback.client.id", "feedback.partition.key", "feedback.event.type", "log.record.uid",
		"feedback.error.code", "feedback.error.field", "feedback.error.message",
		"feedback.dlq.replayed", "dlq_replayed", "client_id", "event_id", "schema_version", "traceparent",
		"feedback.", "kafka.topic", "log.file.name",
	} {
		m.PutStr(name, "forged")
	}
}

// TestForgedAttributes: the same events over OTLP with and without attributes
// that are the collector's own, on the record, its scope and its resource,
// become the same Kafka records.
func TestForgedAttributes(t *testing.T) {
	c := collector.Run(t, collector.Options{
		Configs: []string{collector.ConfigFile("quickstart.yaml"), "yaml:extensions::zpages::endpoint: localhost:0"},
		Env:     []string{"COLLECTOR_TELEMETRY__TRACE_SAMPLING_RATE=0"},
	})
	conn, err := send.Dial(c.OTLPGRPC)
	require.NoError(t, err)
	defer conn.Close()

	bodies := map[string]func(plog.LogRecord){
		"text": func(lr plog.LogRecord) { lr.Body().SetStr(event) },
		"map": func(lr plog.LogRecord) {
			lr.SetEventName("feedback.user_feedback")
			m := lr.Body().SetEmptyMap()
			m.PutStr("session_id", "s-1")
			m.PutStr("request_id", "0199b5a2-0000-7000-8000-000000000001")
			m.PutInt("rating", 4)
			m.PutStr("comment", "thanks")
		},
		"invalid": func(lr plog.LogRecord) { lr.Body().SetStr(strings.Replace(event, `"rating":4`, `"rating":9`, 1)) },
	}
	reader, err := topic.NewReader([]string{c.Kafka})
	require.NoError(t, err)
	defer reader.Close()
	counts := map[string]int64{}
	for name, fill := range bodies {
		t.Run(name, func(t *testing.T) {
			where := "feedback-events"
			if name == "invalid" {
				where = "feedback-events-dlq"
			}
			for _, forging := range []bool{false, true} {
				logs := plog.NewLogs()
				rl := logs.ResourceLogs().AppendEmpty()
				sl := rl.ScopeLogs().AppendEmpty()
				lr := sl.LogRecords().AppendEmpty()
				lr.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
				fill(lr)
				if forging {
					forge(rl.Resource().Attributes())
					forge(sl.Scope().Attributes())
					forge(lr.Attributes())
				}
				_, err := plogotlp.NewGRPCClient(conn).Export(t.Context(), plogotlp.NewExportRequestFromLogs(logs))
				require.NoError(t, err)
				counts[where]++
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			require.NoError(t, reader.AwaitCount(ctx, where, counts[where]))
			records, err := reader.All(ctx, where)
			require.NoError(t, err)
			for _, rec := range records {
				assert.NotContains(t, string(rec.Value)+string(rec.Key), "forged")
				for _, h := range rec.Headers {
					assert.NotEqual(t, "client_id", h.Key)
					assert.NotEqual(t, "dlq_replayed", h.Key)
					assert.NotContains(t, string(h.Value), "forged", h.Key)
				}
			}
			last := records[len(records)-2:]
			assert.Equal(t, headerNames(last[0]), headerNames(last[1]))
			assert.Equal(t, len(last[0].Key) > 0, len(last[1].Key) > 0)
		})
	}
}

func headerNames(rec *kgo.Record) map[string]bool {
	names := map[string]bool{}
	for _, h := range rec.Headers {
		names[h.Key] = true
	}
	return names
}
