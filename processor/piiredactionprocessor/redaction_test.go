// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piiredactionprocessor

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/internal/runtimetest"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
	"github.com/otelcol-feedback/otelcol-feedback/processor/piiredactionprocessor/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/processor/piiredactionprocessor/internal/metadatatest"
)

// marker stands in the values of events; nothing but the body may show it.
const marker = "zebra7marker"

type fixture struct {
	*redaction
	sink *consumertest.LogsSink
	logs *observer.ObservedLogs
	tel  *componenttest.Telemetry
}

func newFixture(t testing.TB, cfg *Config) *fixture {
	f := &fixture{sink: new(consumertest.LogsSink), tel: componenttest.NewTelemetry()}
	t.Cleanup(func() { require.NoError(t, f.tel.Shutdown(context.Background())) })
	core, logs := observer.New(zap.DebugLevel)
	f.logs = logs
	set := processortest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = f.tel.NewTelemetrySettings()
	set.Logger = zap.New(core)
	require.NoError(t, cfg.Validate())
	p, err := NewFactory().CreateLogs(context.Background(), set, cfg, f.sink)
	require.NoError(t, err)
	f.redaction = p.(*redaction)
	assert.Equal(t, consumer.Capabilities{MutatesData: true}, p.Capabilities())
	require.NoError(t, p.Start(context.Background(), runtimetest.Host(t, f.tel)))
	return f
}

func defaults() *Config { return createDefaultConfig().(*Config) }

// event appends an accepted user_feedback event.
func event(sl plog.ScopeLogs, id, comment string) plog.LogRecord {
	lr := sl.LogRecords().AppendEmpty()
	lr.SetEventName("feedback.user_feedback")
	lr.Attributes().PutStr(feedback.AttrRecordUID, id)
	lr.Attributes().PutStr(feedback.AttrEventType, feedback.TypeUserFeedback)
	m := lr.Body().SetEmptyMap()
	m.PutStr("type", feedback.TypeUserFeedback)
	m.PutStr("event_id", id)
	m.PutStr("session_id", "s")
	m.PutStr("user_id", "joe")
	m.PutStr("comment", comment)
	return lr
}

func newLogs() (plog.Logs, plog.ScopeLogs) {
	ld := plog.NewLogs()
	return ld, ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
}

func records(ld plog.Logs) (out []plog.LogRecord) {
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				out = append(out, lr)
			}
		}
	}
	return out
}

func TestRedaction(t *testing.T) {
	f := newFixture(t, defaults())
	ld, sl := newLogs()
	lr := event(sl, "1", "mail joe@example.com or call 415-555-2671")
	lr.Body().Map().PutStr("x", "ssn 460-89-9847")
	lr.Body().Map().PutEmptyMap("metadata").PutStr("a@b.org", "4111 1111 1111 1111")
	event(sl, "2", "nothing to see")
	require.NoError(t, f.ConsumeLogs(context.Background(), ld))

	got := records(f.sink.AllLogs()[0])
	require.Len(t, got, 2)
	assert.Equal(t, map[string]any{
		"type": "user_feedback", "event_id": "1", "session_id": "s", "user_id": "joe",
		"comment":  "mail [EMAIL_REDACTED] or call [PHONE_REDACTED]",
		"x":        "ssn [SSN_REDACTED]",
		"metadata": map[string]any{"[EMAIL_REDACTED]": "[CC_REDACTED]"},
	}, got[0].Body().Map().AsRaw())
	v, _ := got[1].Body().Map().Get("comment")
	assert.Equal(t, "nothing to see", v.Str())

	metadatatest.AssertEqualFeedbackRedactions(t, f.tel, points(map[string]int64{
		"email": 2, "phone": 1, "card": 1, "ssn": 1, "iban": 0, "ip": 0, "secret": 0,
	}), metricdatatest.IgnoreTimestamp())
}

func points(want map[string]int64) (out []metricdata.DataPoint[int64]) {
	for name, n := range want {
		out = append(out, metricdata.DataPoint[int64]{Value: n, Attributes: attribute.NewSet(attribute.String("entity", name))})
	}
	return out
}

func TestCountersStandAtZero(t *testing.T) {
	cfg := defaults()
	cfg.Patterns = []PatternConfig{{Name: "badge", Regex: "B-[0-9]+"}}
	f := newFixture(t, cfg)
	want := map[string]int64{"email": 0, "phone": 0, "card": 0, "ssn": 0, "iban": 0, "ip": 0, "secret": 0}
	metadatatest.AssertEqualFeedbackRedactions(t, f.tel, points(want), metricdatatest.IgnoreTimestamp())

	ld, sl := newLogs()
	event(sl, "1", "B-1234 from 10.0.0.1")
	require.NoError(t, f.ConsumeLogs(context.Background(), ld))
	want["ip"] = 1 // and no badge: the set is closed
	metadatatest.AssertEqualFeedbackRedactions(t, f.tel, points(want), metricdatatest.IgnoreTimestamp())
}

func TestRefusedEventIsRedactedWhole(t *testing.T) {
	f := newFixture(t, defaults())
	ld, sl := newLogs()
	refused := func() plog.LogRecord {
		lr := event(sl, "1", "x")
		lr.Attributes().PutStr(feedback.AttrErrorCode, string(feedback.CodeInvalidFormat))
		return lr
	}
	refused().Body().Map().PutStr("request_id", "joe@example.com")
	refused().Body().SetStr(`{"comment": "joe@example.com"`)
	require.NoError(t, f.ConsumeLogs(context.Background(), ld))
	got := records(f.sink.AllLogs()[0])
	v, _ := got[0].Body().Map().Get("request_id")
	assert.Equal(t, "[EMAIL_REDACTED]", v.Str())
	assert.Equal(t, `{"comment": "[EMAIL_REDACTED]"`, got[1].Body().Str())
}

// failing fails on texts that say so.
type failing struct{}

func (failing) Redact(text string, _ *pii.Counts) (string, error) {
	if strings.HasPrefix(text, "fail") {
		return "", errors.New(text)
	}
	if strings.HasPrefix(text, "panic") {
		panic(text)
	}
	return text, nil
}

func TestFailureRefusesThatEventAlone(t *testing.T) {
	for _, how := range []string{"fail ", "panic "} {
		t.Run(how, func(t *testing.T) {
			f := newFixture(t, defaults())
			f.engine = failing{}

			// Told per event: validation had refused the first of four.
			verdicts := feedback.NewVerdicts(4)
			verdicts.At(0).Errors = []feedback.Error{{Code: feedback.CodeMissingField}}
			verdicts.At(0).EventID = "b"
			ld, sl := newLogs()
			for i, id := range []string{"a", "b", "c"} {
				verdicts.At(i + 1).EventID = id
				comment := "fine"
				if id == "b" {
					comment = how + marker
				}
				event(sl, id, comment)
			}
			ctx := feedback.NewContext(context.Background(), &feedback.Request{Transport: feedback.TransportHTTP, Verdicts: verdicts})
			require.NoError(t, f.ConsumeLogs(ctx, ld))
			require.Len(t, records(f.sink.AllLogs()[0]), 2)
			assert.False(t, verdicts.At(1).Refused())
			assert.False(t, verdicts.At(3).Refused())
			assert.Len(t, verdicts.At(0).Errors, 1)
			assert.Equal(t, []feedback.Error{{Code: feedback.CodeRedactionFailed, Message: failure}}, verdicts.At(2).Errors)

			// Not told: a dead letter with identifiers only.
			f.sink.Reset()
			ld, sl = newLogs()
			event(sl, "d", how+marker)
			event(sl, "e", "fine")
			require.NoError(t, f.ConsumeLogs(context.Background(), ld))
			got := records(f.sink.AllLogs()[0])
			require.Len(t, got, 2)
			assert.Equal(t, pcommon.ValueTypeEmpty, got[0].Body().Type())
			assert.Equal(t, map[string]any{
				feedback.AttrRecordUID: "d", feedback.AttrEventType: feedback.TypeUserFeedback,
				feedback.AttrErrorCode: "redaction_failed", feedback.AttrErrorField: "", feedback.AttrErrorMessage: failure,
			}, got[0].Attributes().AsRaw())
			_, marked := got[1].Attributes().Get(feedback.AttrErrorCode)
			assert.False(t, marked)

			for _, e := range f.logs.All() {
				assert.NotContains(t, e.Message, marker)
				for _, field := range e.Context {
					assert.NotContains(t, field.String, marker)
				}
			}
			assert.Equal(t, map[string]int64{"redaction_failed http": 1, "redaction_failed otlp": 1},
				runtimetest.Counts(t, f.tel, "otelcol_feedback_rejected_events"))
		})
	}
}

func TestNothingLeftEndsHere(t *testing.T) {
	f := newFixture(t, defaults())
	f.engine = failing{}
	verdicts := feedback.NewVerdicts(1)
	verdicts.At(0).EventID = "a"
	ld, sl := newLogs()
	event(sl, "a", "fail")
	ctx := feedback.NewContext(context.Background(), &feedback.Request{Transport: feedback.TransportGRPC, Verdicts: verdicts})
	require.NoError(t, f.ConsumeLogs(ctx, ld))
	assert.Empty(t, f.sink.AllLogs())
	assert.True(t, verdicts.At(0).Refused())
}

func TestDeadLetterOfAToldEventIsEmptied(t *testing.T) {
	f := newFixture(t, defaults())
	f.engine = failing{}
	verdicts := feedback.NewVerdicts(2)
	ld, sl := newLogs()
	event(sl, "a", "fail "+marker).Attributes().PutStr(feedback.AttrErrorCode, "too_long")
	event(sl, "unknown", "fail "+marker)
	event(sl, "", "fail "+marker).Attributes().Remove(feedback.AttrRecordUID)
	ctx := feedback.NewContext(context.Background(), &feedback.Request{Transport: feedback.TransportHTTP, Verdicts: verdicts})
	require.NoError(t, f.ConsumeLogs(ctx, ld))
	got := records(f.sink.AllLogs()[0])
	require.Len(t, got, 3)
	for _, lr := range got {
		assert.Equal(t, pcommon.ValueTypeEmpty, lr.Body().Type())
	}
}

func TestErrorIsThatOfTheNext(t *testing.T) {
	f := newFixture(t, defaults())
	want := errors.New("full")
	f.next = consumertest.NewErr(want)
	ld, sl := newLogs()
	event(sl, "a", "fine")
	assert.ErrorIs(t, f.ConsumeLogs(context.Background(), ld), want)
}

func TestCreateFailsOnInvalidConfig(t *testing.T) {
	cfg := defaults()
	cfg.Entities = map[string]string{"email": "burn"}
	_, err := NewFactory().CreateLogs(context.Background(), processortest.NewNopSettings(metadata.Type), cfg, consumertest.NewNop())
	assert.ErrorContains(t, err, "entities::email")
}

func BenchmarkConsumeLogs(b *testing.B) {
	f := newFixture(b, defaults())
	f.next = consumertest.NewNop()
	ld, sl := newLogs()
	comment := strings.Repeat("The answer was right but slow. ", 7)[:200]
	for range 100 {
		event(sl, "a", comment)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := f.ConsumeLogs(context.Background(), ld); err != nil {
			b.Fatal(err)
		}
	}
	require.Equal(b, 100, ld.LogRecordCount())
}
