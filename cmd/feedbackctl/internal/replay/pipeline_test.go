// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/goleak"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/dlq"
	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	eventID   = "0197f5c4-6f2a-7c31-b1a0-5d6c7e8f9a01"
	requestID = "0197f5c4-6f2a-7c31-b1a0-5d6c7e8f9a0b"
	trace     = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
)

// letterOf is a dead letter with the event as its original.
func letterOf(original string, headers ...string) *dlq.Letter {
	r := &kgo.Record{Topic: "dead", Partition: 2, Offset: 17, Timestamp: time.Unix(1_700_000_000, 0)}
	for i := 0; i < len(headers); i += 2 {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: headers[i], Value: []byte(headers[i+1])})
	}
	r.Value = []byte(`{"original_event":` + original + `,"error_code":"c","error_message":"m","failed_stage":"kafka","failed_at":"2026-03-04T05:06:07Z","retry_count":0}`)
	return dlq.Parse(r)
}

func pipeline(t *testing.T, s Settings) *Pipeline {
	t.Helper()
	p, err := NewPipeline(t.Context(), s)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, p.Shutdown(context.Background())) })
	return p
}

func event(more string) string {
	return `{"type":"user_feedback","event_id":"` + eventID + `","session_id":"s-1","request_id":"` + requestID + `"` + more + `}`
}

func judge(t *testing.T, p *Pipeline, l *dlq.Letter) Judgement {
	t.Helper()
	j, err := p.Judge(t.Context(), l)
	require.NoError(t, err)
	return j
}

func value(t *testing.T, j Judgement) (out map[string]any) {
	t.Helper()
	require.True(t, j.Passed(), "%v", j.Refused)
	require.NoError(t, json.Unmarshal(feedback.AppendJSON(nil, j.Event.Body()), &out))
	return out
}

func TestJudge(t *testing.T) {
	s := DefaultSettings()
	p := pipeline(t, s)
	for name, tt := range map[string]struct {
		original string
		code     feedback.Code
	}{
		"passes":           {event(`,"rating":5`), ""},
		"still refused":    {event(`,"rating":6`), feedback.CodeOutOfRange},
		"still no JSON":    {`"{\"type\""`, feedback.CodeMalformedJSON},
		"still no object":  {`"[1]"`, feedback.CodeInvalidType},
		"number as text":   {`"` + strings.ReplaceAll(event(`,"rating":1e999`), `"`, `\"`) + `"`, feedback.CodeOutOfRange},
		"text of an event": {`"` + strings.ReplaceAll(event(``), `"`, `\"`) + `"`, ""},
	} {
		j := judge(t, p, letterOf(tt.original))
		if tt.code == "" {
			assert.True(t, j.Passed(), "%s: %v", name, j.Refused)
		} else if assert.False(t, j.Passed(), name) {
			assert.Equal(t, tt.code, j.Refused.Code, name)
		}
	}
	assert.Equal(t, DefaultSettings().Validation, s.Validation, "the settings are not changed")
}

// What the first receipt knew is not lost: time, trace and an id that stays.
func TestRestored(t *testing.T) {
	p := pipeline(t, DefaultSettings())
	received := time.Now().UTC().Add(-time.Hour).Format(time.RFC3339Nano)
	anonymous := strings.Replace(event(""), `"event_id":"`+eventID+`",`, "", 1)
	l := letterOf(anonymous, "timestamp", received, "traceparent", trace)
	first := value(t, judge(t, p, l))
	assert.Equal(t, received, first["timestamp"])
	assert.Equal(t, "0af7651916cd43dd8448eb211c80319c", first["trace_id"])
	assert.Equal(t, "b7ad6b7169203331", first["span_id"])
	assert.Equal(t, first, value(t, judge(t, p, l)), "a second time gives the same id")
	other := letterOf(anonymous, "timestamp", received)
	other.Offset++
	assert.NotEqual(t, first["event_id"], value(t, judge(t, p, other))["event_id"])

	for _, bad := range []string{"", "00", "00-x-y-01", strings.Replace(trace, "b7ad6b7169203331", "0000000000000000", 1)} {
		_, _, _, ok := parseTraceparent(bad)
		assert.False(t, ok, bad)
	}
}

func TestSettingsOfTheCollector(t *testing.T) {
	l, err := Load(t.Context(), []string{hashFile})
	require.NoError(t, err)
	p := pipeline(t, l.Settings)
	letter := letterOf(event(`,"user_id":"u-1","comment":"ann@example.com","extra":1`))
	letter.EventID = eventID
	j := judge(t, p, letter)
	got := value(t, j)
	assert.Equal(t, "ann@example.com", got["comment"], "its redaction, which keeps addresses")
	assert.NotContains(t, got, "extra", "its unknown_fields")
	hashed, _ := got["user_id"].(string)
	assert.Len(t, hashed, 64)
	assert.Equal(t, requestID, string(NewRecord("t", j.Event, letter).Key), "its keys")

	again := value(t, judge(t, p, letterOf(event(`,"user_id":"`+hashed+`"`))))
	assert.Equal(t, hashed, again["user_id"], "what was hashed when it was refused is not hashed again")
}

// A replayed event differs from what the exporter writes by one header.
func TestRecordIsTheExporters(t *testing.T) {
	p := pipeline(t, DefaultSettings())
	letter := letterOf(event(`,"tags":["a"],"extra":{"b":1}`), "traceparent", trace, "client_id", "someone", "collector_id", "c-1", "collector_version", "v-1")
	letter.EventID = eventID
	j := judge(t, p, letter)
	j.Event.Attributes().PutStr(feedback.AttrClientID, "someone")
	want := export(t, j.Event)
	got := NewRecord("events", j.Event, letter)
	assert.Equal(t, string(want.Key), string(got.Key))
	assert.Equal(t, string(want.Value), string(got.Value))
	last := len(got.Headers) - 1
	assert.Equal(t, kgo.RecordHeader{Key: "dlq_replayed", Value: []byte("dead:2:17")}, got.Headers[last])
	assert.Equal(t, want.Headers, got.Headers[:last])
}

// export is the record that the exporter makes of an event.
func export(t *testing.T, lr plog.LogRecord) *kgo.Record {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "events", "dead"))
	require.NoError(t, err)
	t.Cleanup(c.Close)

	runtime := feedbackruntimeextension.NewFactory()
	ext, err := runtime.Create(t.Context(), extensiontest.NewNopSettings(runtime.Type()), runtime.CreateDefaultConfig())
	require.NoError(t, err)
	host := extensions{component.NewID(runtime.Type()): ext}
	require.NoError(t, ext.Start(t.Context(), host))

	factory := feedbackkafkaexporter.NewFactory()
	cfg := factory.CreateDefaultConfig().(*feedbackkafkaexporter.Config)
	cfg.Brokers, cfg.Topics.Events, cfg.DeadLetter.Topic = c.ListenAddrs(), "events", "dead"
	cfg.Acknowledge = feedbackkafkaexporter.AcknowledgeDelivered
	set := exportertest.NewNopSettings(factory.Type())
	set.BuildInfo.Version = "v-1"
	set.Resource.Attributes().PutStr("service.instance.id", "c-1")
	exp, err := factory.CreateLogs(t.Context(), set, cfg)
	require.NoError(t, err)
	require.NoError(t, exp.Start(t.Context(), host))
	logs := plog.NewLogs()
	lr.CopyTo(logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty())
	require.NoError(t, exp.ConsumeLogs(t.Context(), logs))
	require.NoError(t, exp.Shutdown(t.Context()))
	require.NoError(t, ext.Shutdown(t.Context()))

	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics("events"))
	require.NoError(t, err)
	defer cl.Close()
	fetches := cl.PollFetches(t.Context())
	require.NoError(t, fetches.Err())
	require.Len(t, fetches.Records(), 1)
	return fetches.Records()[0]
}

type extensions map[component.ID]component.Component

func (e extensions) GetExtensions() map[component.ID]component.Component { return e }
