// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
)

// now is the time of receipt in tests.
var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// minimal holds the smallest valid event of each type, without braces.
var minimal = map[string]string{
	TypeUserFeedback:       `"type":"user_feedback","session_id":"s1","request_id":"550e8400-e29b-41d4-a716-446655440000"`,
	TypePerformanceMetrics: `"type":"performance_metrics","request_id":"550e8400-e29b-41d4-a716-446655440000","model_id":"m","provider":"p","latency_ms":1.5,"tokens_input":1,"tokens_output":2,"tokens_total":3,"cost_usd":0.25,"success":true`,
	TypeModelResponse:      `"type":"model_response","request_id":"550e8400-e29b-41d4-a716-446655440000","model_id":"m","prompt_hash":"h","response_length":7,"finish_reason":"stop","model_params":{"temperature":0.5,"top_p":1,"max_tokens":5}`,
	TypeSystemHealth:       `"type":"system_health","service_name":"svc","status":"healthy","error_rate":0.5,"availability":1,"resources":{"cpu_percent":150,"memory_mb":1,"memory_percent":2,"network_mbps":3},"active_requests":4`,
	TypeExperimentResult:   `"type":"experiment_result","experiment_id":"650e8400-e29b-41d4-a716-446655440000","experiment_type":"a_b_test","variant_id":"v","request_id":"550e8400-e29b-41d4-a716-446655440000","reward":-1.5,"metrics":{"cost":0,"quality":1,"latency_ms":2}`,
}

const realistic = `{"type":"user_feedback","session_id":"s-1234567890","request_id":"550e8400-e29b-41d4-a716-446655440000","user_id":"user-42","rating":4.5,"thumbs":"up","comment":"The answer was helpful but it took a while; I would have liked a shorter summary and a link to the documentation, since the third paragraph repeats the first, and the code sample misses an import.","tags":["quality","latency"],"metadata":{"app":"chat","locale":"en"}}`

// with is the minimal event of a type with further members.
func with(eventType, members string) string {
	if members == "" {
		return "{" + minimal[eventType] + "}"
	}
	return "{" + minimal[eventType] + "," + members + "}"
}

// replaced is the minimal event of a type with one piece of its text replaced.
func replaced(t *testing.T, eventType, from, to string) string {
	t.Helper()
	require.Contains(t, minimal[eventType], from)
	return "{" + strings.Replace(minimal[eventType], from, to, 1) + "}"
}

func defaultValidator() *Validator {
	return &Validator{
		Limits:        DefaultLimits(),
		UnknownFields: PreserveUnknown,
		Personal:      func(name string) bool { return strings.Contains(name, "personal") },
	}
}

// decodeOne decodes a body that holds one event.
func decodeOne(t testing.TB, text string) (plog.LogRecord, int) {
	t.Helper()
	records := plog.NewLogRecordSlice()
	sizes, _, err := NewDecoder().Decode([]byte(text), FormatJSON, 1, records)
	require.Nil(t, err)
	require.Len(t, sizes, 1)
	require.Equal(t, 1, records.Len())
	return records.At(0), sizes[0]
}

// judge decodes and validates one event.
func judge(t testing.TB, v *Validator, text string) (plog.LogRecord, Verdict) {
	t.Helper()
	lr, size := decodeOne(t, text)
	return lr, v.Validate(lr, size, now)
}

// faults lists "code@field" of a verdict.
func faults(v Verdict) []string {
	var list []string
	for _, e := range v.Errors {
		list = append(list, string(e.Code)+"@"+e.Field)
	}
	return list
}

// published is the canonical JSON of an event that must be valid.
func published(t testing.TB, text string) string {
	t.Helper()
	lr, v := judge(t, defaultValidator(), text)
	require.Empty(t, v.Errors)
	return string(AppendJSON(nil, lr.Body()))
}
