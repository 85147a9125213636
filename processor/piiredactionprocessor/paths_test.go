// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piiredactionprocessor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackvalidationprocessor"
)

// assertNoMarker looks for the marker in all that was logged and traced.
func assertNoMarker(t *testing.T, f *fixture) {
	for _, e := range f.logs.All() {
		line, err := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()).EncodeEntry(e.Entry, e.Context)
		require.NoError(t, err)
		assert.NotContains(t, line.String(), marker)
		assert.NotContains(t, line.String(), "@example.com")
	}
	for _, s := range f.tel.SpanRecorder.Ended() {
		assert.NotContains(t, fmt.Sprint(s.Name(), s.Attributes(), s.Events(), s.Status()), marker)
	}
}

// chain is validation with redaction behind it.
type chain struct {
	*fixture
	first consumer.Logs
}

func newChain(t testing.TB, cfg *Config, policy string) *chain {
	f := newFixture(t, cfg)
	factory := feedbackvalidationprocessor.NewFactory()
	set := processortest.NewNopSettings(factory.Type())
	set.TelemetrySettings = f.tel.NewTelemetrySettings()
	set.Logger = f.logger
	v := factory.CreateDefaultConfig()
	v.(*feedbackvalidationprocessor.Config).OnInvalid = policy
	first, err := factory.CreateLogs(context.Background(), set, v, f.redaction)
	require.NoError(t, err)
	require.NoError(t, first.Start(context.Background(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, first.Shutdown(context.Background())) })
	return &chain{fixture: f, first: first}
}

// send lets the text of one event through, and returns what comes out, as JSON.
func (c *chain) send(t testing.TB, text string) (out string, answer []feedback.Error) {
	c.sink.Reset()
	ld := plog.NewLogs()
	rs := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	sizes, _, fault := feedback.NewDecoder().Decode([]byte(text), feedback.FormatNDJSON, 10, rs)
	require.Nil(t, fault)
	verdicts := feedback.NewVerdicts(rs.Len())
	ctx := feedback.NewContext(context.Background(), &feedback.Request{Transport: feedback.TransportHTTP, Sizes: sizes, Verdicts: verdicts})
	require.NoError(t, c.first.ConsumeLogs(ctx, ld))
	for i := range verdicts.Len() {
		answer = append(answer, verdicts.At(i).Errors...)
	}
	var all strings.Builder
	for _, ld := range c.sink.AllLogs() {
		for _, lr := range records(ld) {
			all.Write(feedback.AppendJSON(nil, lr.Body()))
			fmt.Fprintln(&all, lr.Attributes().AsRaw())
		}
	}
	return all.String(), answer
}

// private is personal data of each kind, all with the marker or with digits that
// are searched for.
var private = map[string]string{
	"email": marker + "@example.com", "phone": "+1 415 555 2671", "card": "4111 1111 1111 1111", "ssn": "460-89-9847",
	"iban": "DE89 3704 0044 0532 0130 00", "ip": "203.0.113.77", "secret": "ghp_" + marker + "abcdefghijklmnopqrstuvwxyz0123456789",
	"secret in a url": "https://" + marker + ":" + marker + "pw1@host.example/x",
}

const goodEvent = `{"type":"user_feedback","event_id":"760e8400-e29b-41d4-a716-446655440000","timestamp":"%s","session_id":"s","request_id":"550e8400-e29b-41d4-a716-446655440000"%s}`

// TestEveryPath puts personal data wherever an event can hold text, whether it is
// valid or not, and looks for it in all that comes out: records, dead letters,
// answers, logs, spans.
func TestEveryPath(t *testing.T) {
	now := feedback.FormatTime(time.Now())
	quote := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	escape := func(s string) string {
		var out strings.Builder
		for _, r := range s {
			fmt.Fprintf(&out, `\u%04x`, r)
		}
		return `"` + out.String() + `"`
	}
	// %s is the text, in quotes.
	places := []string{
		`,"comment":%s`, `,"tags":["a",%s]`, `,"metadata":{"k":%s}`, `,"metadata":{%s:"v"}`, `,"metadata":{%s:%[1]s,"[EMAIL_REDACTED]":"x"}`,
		`,"x":%s`, `,%s:1`, `,"x":{"y":[{"z":[%s]}]}`, `,"x":[[[[{%s:null}]]]]`, `,"x":{%s:{%[1]s:{%[1]s:%[1]s}}}`,
		// Refused.
		`,"rating":%s`, `,"thumbs":%s`, `,"trace_id":%s`, `,"comment":7,"tags":%s`, `,"tags":{"a":%s}`, `,"user_id":{"a":%s}`, `,"timestamp":%s`, `,"metadata":[%s]`, `,"rating":9,"comment":%s`,
		`,"metadata":{%s:7}`, `,"x":1e999,"y":%s`, `,"comment":%s,"a":`, `,"comment":%s,"comment":%[1]s`, `,"a" %s`, `,%s`, `,"x":[[[[[[[[[[[%s]]]]]]]]]]]`, `,"tags":[%s,null]`, `,"type":%s`,
	}
	for kind, text := range private {
		for _, write := range []func(string) string{quote, escape} {
			for _, place := range places {
				for _, policy := range []string{"dead_letter", "drop"} {
					c := newChain(t, defaults(), policy)
					in := fmt.Sprintf(goodEvent, now, fmt.Sprintf(place, write(text)))
					out, answer := c.send(t, in)
					where := kind + " in " + place
					assert.NotContains(t, out, marker, where)
					assert.NotContains(t, out, text, where)
					assert.NotContains(t, strings.ReplaceAll(out, `\u00`, ""), "4111", where)
					if policy == "dead_letter" || answer == nil {
						assert.Contains(t, out, "_REDACTED]", where)
					}
					assert.NotContains(t, fmt.Sprint(answer), marker, where)
					assert.NotContains(t, fmt.Sprint(answer), text, where)
					assertNoMarker(t, c.fixture)
				}
			}
		}
	}
}

// TestNoJSON: a body that is none is redacted as text, broken off anywhere.
func TestNoJSON(t *testing.T) {
	whole := fmt.Sprintf(goodEvent, "2026", `,"comment":"mail `+marker+`@example.com or `+marker+`@example.org","x":"ghp_`+marker+`abcdefghijklmnopqrstuvwxyz0123456789","password":"hunter`+marker+`2"`)
	for _, escaped := range []bool{false, true} {
		for n := 1; n < len(whole); n++ {
			in := whole[:n]
			if i := strings.LastIndex(in, marker); i >= 0 {
				// What is cut inside a datum need not be one any more.
				if !strings.ContainsAny(in[i+len(marker):], `",} `) {
					continue
				}
			}
			if strings.HasSuffix(in, marker) || escaped && !strings.Contains(in, "@") {
				continue
			}
			if escaped {
				in = strings.ReplaceAll(strings.ReplaceAll(in, "@", `\u0040`), "_", `\u005f`)
			}
			f := newFixture(t, defaults())
			ld, sl := newLogs()
			lr := event(sl, "1", "x")
			lr.Attributes().PutStr(feedback.AttrErrorCode, string(feedback.CodeMalformedJSON))
			lr.Body().SetStr(in)
			require.NoError(t, f.ConsumeLogs(context.Background(), ld))
			out := records(f.sink.AllLogs()[0])[0].Body().Str()
			require.NotContains(t, out, marker, in)
			assertNoMarker(t, f)
		}
	}
}

// bad fails or panics on the nth text it is given.
type bad struct {
	redactor
	n     int
	panic bool
}

func (b *bad) Redact(text string, c *pii.Counts) (string, error) {
	if b.n--; b.n == 0 {
		if b.panic {
			panic(text)
		}
		return text, errors.New(text)
	}
	return b.redactor.Redact(text, c)
}

// TestFailClosed: wherever redaction fails within an event, nothing of its text
// goes on.
func TestFailClosed(t *testing.T) {
	in := fmt.Sprintf(goodEvent, feedback.FormatTime(time.Now()), `,"comment":"zebra7marker","tags":["zebra7marker"],"metadata":{"zebra7marker":"zebra7marker"},"x":{"zebra7marker":["zebra7marker"]},"zebra7marker":1`)
	for _, panics := range []bool{false, true} {
		for _, policy := range []string{"dead_letter", "reject"} {
			for n := 1; n <= 8; n++ {
				c := newChain(t, defaults(), policy)
				b := &bad{redactor: c.engine, n: n, panic: panics}
				c.engine = b
				out, answer := c.send(t, in)
				require.LessOrEqual(t, b.n, 0, "there are so many texts")
				assert.Empty(t, out)
				require.Len(t, answer, 1)
				assert.Equal(t, feedback.CodeRedactionFailed, answer[0].Code)
				assert.NotContains(t, fmt.Sprint(answer), marker)
				assertNoMarker(t, c.fixture)
			}
		}
	}
}

// FuzzRedaction: whatever the text of an event, the processor does not panic,
// and what it lets through holds nothing that it would replace, valid or refused.
func FuzzRedaction(f *testing.F) {
	for _, text := range private {
		for _, place := range []string{`,"comment":%q`, `,"metadata":{%q:"v"}`, `,"x":{"y":[{%q:[%[1]q]}]}`, `,"rating":%q`, `,"comment":%q,"a":`, `,%q`} {
			f.Add(fmt.Sprintf(goodEvent, "2026-11-20T12:00:00Z", fmt.Sprintf(place, text)), true)
		}
	}
	f.Add(`{"comment":"joe\u0040example.com","user_id":"`, true)
	f.Add(`{"type":"user_feedback","metadata":{"a@b.org":"1","c@d.org":"2","[EMAIL_REDACTED]":"3","[EMAIL_REDACTED]_2":"4"}}`, false)
	f.Add(`[[[[{"4111 1111 1111 1111":1`, true)
	cfg := defaults()
	cfg.UserID, cfg.HashKey = userHash, testKey
	cfg.Entities = map[string]string{"email": "hash", "phone": "mask"}
	fixtures := []*fixture{newFixture(f, defaults()), newFixture(f, cfg)}
	f.Fuzz(func(t *testing.T, text string, refused bool) {
		for _, fx := range fixtures {
			fx.sink.Reset()
			ld := plog.NewLogs()
			rs := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
			if _, _, fault := feedback.NewDecoder().Decode([]byte(text), feedback.FormatNDJSON, 100, rs); fault != nil || rs.Len() == 0 {
				rs.RemoveIf(func(plog.LogRecord) bool { return true })
				rs.AppendEmpty().Body().SetStr(text)
			}
			for _, lr := range rs.All() {
				if refused {
					lr.Attributes().PutStr(feedback.AttrErrorCode, "malformed_json")
				}
			}
			require.NoError(t, fx.ConsumeLogs(context.Background(), ld))
			for _, lr := range rs.All() {
				require.NoError(t, feedback.RewriteText(lr.Body(), refused, func(s string) (string, error) {
					again, err := fx.engine.Redact(s, nil)
					require.NoError(t, err)
					require.Equal(t, s, again, "left readable")
					return s, nil
				}))
			}
			for _, e := range fx.logs.TakeAll() {
				require.NotContains(t, e.Message, "refused", "the engine does not fail")
			}
		}
	})
}
