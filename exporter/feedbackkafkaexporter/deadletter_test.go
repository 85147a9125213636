// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

var failedAt = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

func TestDeadLetterOfValidation(t *testing.T) {
	b := testBuilder()
	for _, tt := range []struct {
		name     string
		body     func(plog.LogRecord)
		original string
	}{
		{"event", func(plog.LogRecord) {}, `{"type":"user_feedback","event_id":"` + testID(1) + `","timestamp":"` + testTime +
			`","session_id":"sess-1","request_id":"` + testRequest + `","rating":1}`},
		{"text", func(lr plog.LogRecord) { lr.Body().SetStr("no \"JSON\"\n") }, `"no \"JSON\"\n"`},
		{"nothing", func(lr plog.LogRecord) { plog.NewLogRecord().Body().CopyTo(lr.Body()) }, `null`},
		{"array", func(lr plog.LogRecord) { lr.Body().SetEmptySlice().AppendEmpty().SetInt(1) }, `[1]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lr := addFeedback(plog.NewLogs(), 1, testSession)
			tt.body(lr)
			refuse(lr, feedback.CodeOutOfRange, "rating", "must lie between 0 and 5")
			code, ok := errorCode(lr)
			require.True(t, ok)
			r := b.buildDead(lr, code, failedAt)

			assert.Equal(t, `{"original_event":`+tt.original+
				`,"error_code":"out_of_range","error_message":"rating: must lie between 0 and 5",`+
				`"failed_stage":"validation","failed_at":"2026-05-06T07:08:09Z","retry_count":0}`, string(r.Value))
			assert.Equal(t, testID(1), string(r.Key))
			assert.Equal(t, "feedback-events-dlq", r.Topic)
			assert.Equal(t, "user_feedback", header(&r.Record, "event_type"))
			assert.Equal(t, "out_of_range", header(&r.Record, "dlq_reason"))
			assert.Equal(t, "validation", header(&r.Record, "dlq_stage"))
			assert.Equal(t, "dlq_stage", r.Headers[len(r.Headers)-1].Key)
		})
	}
}

func TestDeadLetterWithoutID(t *testing.T) {
	lr := addFeedback(plog.NewLogs(), 1, testSession)
	lr.Attributes().Remove(feedback.AttrRecordUID)
	lr.Attributes().PutStr(feedback.AttrEventType, feedback.TypeUnknown)
	lr.SetTimestamp(0)
	lr.SetObservedTimestamp(1)
	refuse(lr, feedback.CodeUnknownType, "", "unknown")
	r := testBuilder().buildDead(lr, "unknown_type", failedAt)
	assert.Nil(t, r.Key)
	assert.Equal(t, "unknown", header(&r.Record, "event_type"))
	assert.Empty(t, header(&r.Record, "event_id"))
	assert.Equal(t, "1970-01-01T00:00:00.000000001Z", header(&r.Record, "timestamp"), "the receive time")
	assert.Contains(t, string(r.Value), `"error_message":"unknown"`)
}

func TestBury(t *testing.T) {
	b := testBuilder()
	r := b.build(addFeedback(plog.NewLogs(), 1, testSession))
	original := string(r.Value)
	r.tries = 2
	b.bury(r, "INVALID_RECORD", "why", failedAt)
	assert.Equal(t, `{"original_event":`+original+`,"error_code":"INVALID_RECORD","error_message":"why",`+
		`"failed_stage":"kafka","failed_at":"2026-05-06T07:08:09Z","retry_count":2}`, string(r.Value))
	assert.Equal(t, testID(1), string(r.Key))
	assert.Equal(t, "feedback-events-dlq", r.Topic)
	assert.Equal(t, "INVALID_RECORD", header(&r.Record, "dlq_reason"))
	assert.Equal(t, "kafka", header(&r.Record, "dlq_stage"))
	assert.LessOrEqual(t, len(r.Headers), maxHeaders)
}

func TestCut(t *testing.T) {
	type letter struct {
		Original  any    `json:"original_event"`
		Code      string `json:"error_code"`
		Truncated bool   `json:"original_truncated"`
		Size      int    `json:"original_size"`
	}
	for name, text := range map[string]string{
		"ascii":   strings.Repeat("a", 50_000),
		"wide":    strings.Repeat("日本", 20_000),
		"quotes":  strings.Repeat(`"\`, 20_000),
		"control": strings.Repeat("\n\t\x01", 10_000),
	} {
		t.Run(name, func(t *testing.T) {
			for _, object := range []bool{true, false} {
				lr := addFeedback(plog.NewLogs(), 1, testSession)
				if object {
					lr.Body().Map().PutStr("comment", text)
				} else {
					lr.Body().SetStr(text)
				}
				refuse(lr, feedback.CodeTooLarge, "", "too large")
				r := testBuilder().buildDead(lr, "too_large", failedAt)
				size := len(text)
				if object {
					size = r.dead.original
				}
				for _, limit := range []int{20_001, 8_000, minMessageBytes} {
					require.True(t, r.dead.cut(r, limit))
					assert.LessOrEqual(t, r.size(), limit)
					assert.Greater(t, r.size(), limit/4, "no more is cut than must be")
					var got letter
					require.NoError(t, json.Unmarshal(r.Value, &got))
					assert.True(t, got.Truncated)
					assert.Equal(t, size, got.Size, "of the whole original, in bytes")
					assert.Equal(t, "too_large", got.Code)
					s, ok := got.Original.(string)
					require.True(t, ok, "what is cut is a string")
					assert.True(t, utf8.ValidString(s))
					assert.NotContains(t, s, "\ufffd")
					if !object {
						assert.True(t, strings.HasPrefix(text, s))
					}
				}
			}
		})
	}
}

func TestCutToNothing(t *testing.T) {
	lr := addFeedback(plog.NewLogs(), 1, testSession)
	refuse(lr, feedback.CodeTooLarge, "", "too large")
	r := testBuilder().buildDead(lr, "too_large", failedAt)
	assert.False(t, r.dead.cut(r, 10))
	assert.Contains(t, string(r.Value), `{"original_event":"",`)
	assert.False(t, r.dead.cut(r, 10))
}
