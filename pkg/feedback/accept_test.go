// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

const (
	id    = `"event_id":"760e8400-e29b-41d4-a716-446655440000"`
	stamp = `"timestamp":"2026-11-20T11:00:00Z"`
)

func TestCanonicalForm(t *testing.T) {
	const head = `,` + id + `,` + stamp
	for _, tt := range []struct{ name, event, want string }{
		{
			"order, case, zone and unknown fields",
			`{"z":{"b":1,"a":[null]},"metadata":{"b":"1","a":"2"},"comment":"c","request_id":"550E8400-E29B-41D4-A716-446655440000","rating":4.0,` +
				`"session_id":"s","span_id":"00F067AA0BA902B7","trace_id":"4BF92F3577B34DA6A3CE929D0E0E4736","timestamp":"2026-11-20T12:00:00.5+01:00",` +
				`"event_id":"760E8400-E29B-41D4-A716-446655440000","type":"user_feedback","a":"unknown"}`,
			`{"type":"user_feedback",` + id + `,"timestamp":"2026-11-20T11:00:00.5Z","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7",` +
				`"session_id":"s","request_id":"550e8400-e29b-41d4-a716-446655440000","rating":4,"comment":"c","metadata":{"b":"1","a":"2"},"z":{"b":1,"a":[null]},"a":"unknown"}`,
		},
		{
			"nulls of known fields go, of unknown fields stay",
			with(TypeModelResponse, id+`,`+stamp+`,"quality_score":null,"quality_dimensions":{"safety":null,"accuracy":1},"x":null`),
			`{"type":"model_response"` + head + `,"request_id":"550e8400-e29b-41d4-a716-446655440000","model_id":"m","quality_dimensions":{"accuracy":1},` +
				`"prompt_hash":"h","response_length":7,"finish_reason":"stop","model_params":{"temperature":0.5,"top_p":1,"max_tokens":5},"x":null}`,
		},
		{
			"integers, doubles and cache_hit",
			`{"type":"performance_metrics"` + head + `,"request_id":"550e8400-e29b-41d4-a716-446655440000","model_id":"m","provider":"p","latency_ms":9007199254740993,` +
				`"tokens_input":1e0,"tokens_output":2.0,"tokens_total":3,"cost_usd":1e-7,"success":true,"custom_metrics":{"a":1e21,"b":-9007199254740993,"c":5.0},"n":5.0,"m":1e20}`,
			`{"type":"performance_metrics"` + head + `,"request_id":"550e8400-e29b-41d4-a716-446655440000","model_id":"m","provider":"p","latency_ms":9007199254740992,` +
				`"tokens_input":1,"tokens_output":2,"tokens_total":3,"cost_usd":1e-7,"success":true,"cache_hit":false,"custom_metrics":{"a":1e+21,"b":-9007199254740992,"c":5},"n":5,"m":1e+20}`,
		},
		{
			"nested order and exact integers",
			`{"type":"model_response"` + head + `,"request_id":"550e8400-e29b-41d4-a716-446655440000","model_id":"m","prompt_hash":"h","response_length":9007199254740993.0,` +
				`"finish_reason":"stop","model_params":{"seed":1,"top_k":3,"max_tokens":5,"top_p":1,"temperature":0.5}}`,
			`{"type":"model_response"` + head + `,"request_id":"550e8400-e29b-41d4-a716-446655440000","model_id":"m","prompt_hash":"h","response_length":9007199254740993,` +
				`"finish_reason":"stop","model_params":{"temperature":0.5,"top_p":1,"max_tokens":5,"top_k":3,"seed":1}}`,
		},
		{
			"alias",
			`{"type":"experiment_result"` + head + `,"experiment_id":"650e8400-e29b-41d4-a716-446655440000","experiment_type":"ab_test","variant_id":"v",` +
				`"request_id":"550e8400-e29b-41d4-a716-446655440000","reward":-0.0,"metrics":{"quality":1,"cost":0,"latency_ms":2}}`,
			`{"type":"experiment_result"` + head + `,"experiment_id":"650e8400-e29b-41d4-a716-446655440000","experiment_type":"a_b_test","variant_id":"v",` +
				`"request_id":"550e8400-e29b-41d4-a716-446655440000","reward":-0,"metrics":{"cost":0,"quality":1,"latency_ms":2}}`,
		},
		{
			"line ends",
			with(TypeUserFeedback, id+`,`+stamp+`,"comment":"a\r\nb\n","tags":["\r\n"],"metadata":{"k\r\n":"v\r\n"},"x":{"y\r\n":["\r\n"]}`),
			`{"type":"user_feedback"` + head + `,"session_id":"s1","request_id":"550e8400-e29b-41d4-a716-446655440000","comment":"a\nb\n","tags":["\n"],"metadata":{"k\n":"v\n"},"x":{"y\n":["\n"]}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, published(t, tt.event))
		})
	}
}

func TestMissingIDAndTime(t *testing.T) {
	lr, v := judge(t, defaultValidator(), with(TypeUserFeedback, ""))
	require.Empty(t, v.Errors)
	made, err := uuid.Parse(v.EventID)
	require.NoError(t, err)
	assert.Equal(t, uuid.Version(7), made.Version())
	body := lr.Body().Map().AsRaw()
	assert.Equal(t, v.EventID, body["event_id"])
	assert.Equal(t, "2026-11-20T12:00:00Z", body["timestamp"])
	assert.Equal(t, now, lr.Timestamp().AsTime())
	assert.Equal(t, now, lr.ObservedTimestamp().AsTime())

	lr, size := decodeOne(t, with(TypeUserFeedback, ""))
	lr.SetTimestamp(pcommon.NewTimestampFromTime(now.Add(-time.Hour)))
	lr.SetObservedTimestamp(pcommon.NewTimestampFromTime(now.Add(-time.Minute)))
	require.Empty(t, defaultValidator().Validate(lr, size, now).Errors)
	assert.Equal(t, "2026-11-20T11:00:00Z", lr.Body().Map().AsRaw()["timestamp"], "the record's time fills the gap")
	assert.Equal(t, now.Add(-time.Minute), lr.ObservedTimestamp().AsTime())
}

// A time that the record brings is held to the same window.
func TestRecordTimeOutOfRange(t *testing.T) {
	for _, at := range []time.Time{now.Add(-8 * 24 * time.Hour), now.Add(time.Hour)} {
		lr, size := decodeOne(t, with(TypeUserFeedback, ""))
		lr.SetTimestamp(pcommon.NewTimestampFromTime(at))
		assert.Equal(t, []string{"out_of_range@timestamp"}, faults(defaultValidator().Validate(lr, size, now)))
	}
}

func TestTraceContext(t *testing.T) {
	const (
		requestTrace, requestSpan = "0102030405060708090a0b0c0d0e0f10", "0102030405060708"
		ownTrace, ownSpan         = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	)
	for _, tt := range []struct {
		name, members, trace, span string
		flags                      plog.LogRecordFlags
	}{
		{"of the request", ``, requestTrace, requestSpan, 1},
		{"its own", `"trace_id":"` + ownTrace + `","span_id":"` + ownSpan + `"`, ownTrace, ownSpan, 0},
		{"own trace without a span", `"trace_id":"` + ownTrace + `"`, ownTrace, "", 0},
		{"own span in the request's trace", `"span_id":"` + ownSpan + `"`, requestTrace, ownSpan, 1},
		{"the request's trace named again", `"trace_id":"` + requestTrace + `","span_id":"` + ownSpan + `"`, requestTrace, ownSpan, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lr, size := decodeOne(t, with(TypeUserFeedback, tt.members))
			lr.SetTraceID([16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
			lr.SetSpanID([8]byte{1, 2, 3, 4, 5, 6, 7, 8})
			lr.SetFlags(1)
			require.Empty(t, defaultValidator().Validate(lr, size, now).Errors)
			assert.Equal(t, tt.trace, lr.TraceID().String())
			assert.Equal(t, tt.span, lr.SpanID().String())
			assert.Equal(t, tt.flags, lr.Flags())
			body := lr.Body().Map().AsRaw()
			assert.Equal(t, tt.trace, body["trace_id"])
			if tt.span == "" {
				assert.NotContains(t, body, "span_id")
			} else {
				assert.Equal(t, tt.span, body["span_id"])
			}
		})
	}
	lr, _ := judge(t, defaultValidator(), with(TypeUserFeedback, ""))
	assert.NotContains(t, lr.Body().Map().AsRaw(), "trace_id", "no trace at all")
}

func TestRecordOfAnEvent(t *testing.T) {
	for _, tt := range []struct {
		event    string
		name     string
		severity plog.SeverityNumber
		attrs    map[string]any
	}{
		{with(TypeUserFeedback, id), "feedback.user_feedback", plog.SeverityNumberInfo, map[string]any{AttrSessionID: "s1"}},
		{with(TypePerformanceMetrics, id), "feedback.performance_metrics", plog.SeverityNumberInfo, map[string]any{AttrRequestModel: "m", AttrProviderName: "p"}},
		{replaced(t, TypePerformanceMetrics, `"success":true`, `"success":false,`+id), "feedback.performance_metrics", plog.SeverityNumberWarn, map[string]any{AttrRequestModel: "m", AttrProviderName: "p"}},
		{with(TypeModelResponse, id), "feedback.model_response", plog.SeverityNumberInfo, map[string]any{AttrRequestModel: "m"}},
		{with(TypeSystemHealth, id), "feedback.system_health", plog.SeverityNumberInfo, map[string]any{AttrServiceName: "svc"}},
		{replaced(t, TypeSystemHealth, `"healthy"`, `"degraded",`+id), "feedback.system_health", plog.SeverityNumberWarn, map[string]any{AttrServiceName: "svc"}},
		{replaced(t, TypeSystemHealth, `"healthy"`, `"unhealthy",`+id), "feedback.system_health", plog.SeverityNumberError, map[string]any{AttrServiceName: "svc"}},
		{with(TypeExperimentResult, id), "feedback.experiment_result", plog.SeverityNumberInfo, map[string]any{}},
	} {
		lr, v := judge(t, defaultValidator(), tt.event)
		require.Empty(t, v.Errors)
		assert.Equal(t, tt.name, lr.EventName())
		assert.Equal(t, tt.severity, lr.SeverityNumber(), tt.event)
		tt.attrs[AttrRecordUID] = "760e8400-e29b-41d4-a716-446655440000"
		tt.attrs[AttrEventType] = v.EventType
		assert.Equal(t, tt.attrs, lr.Attributes().AsRaw())
	}
}

func TestPartitionKeys(t *testing.T) {
	for eventType, want := range map[string]string{
		TypeUserFeedback:       "s1",
		TypePerformanceMetrics: "550e8400-e29b-41d4-a716-446655440000",
		TypeModelResponse:      "550e8400-e29b-41d4-a716-446655440000",
		TypeSystemHealth:       "svc",
		TypeExperimentResult:   "650e8400-e29b-41d4-a716-446655440000",
	} {
		lr, _ := decodeOne(t, with(eventType, ""))
		assert.Equal(t, want, PartitionKey(lr.Body().Map()), eventType)
	}
	for _, event := range []string{`{}`, `{"type":1}`, `{"type":"x"}`, `{"type":"user_feedback"}`, `{"type":"user_feedback","session_id":1}`} {
		lr, _ := decodeOne(t, event)
		assert.Empty(t, PartitionKey(lr.Body().Map()), event)
	}
}

func TestLookup(t *testing.T) {
	s := SchemaOf(TypeModelResponse)
	f, ok := s.Lookup("model_params.top_p")
	require.True(t, ok)
	assert.Equal(t, KindNumber, f.Kind)
	for _, path := range []string{"", "x", "model_params.x", "model_id.x"} {
		_, ok = s.Lookup(path)
		assert.False(t, ok, path)
	}
	assert.Nil(t, SchemaOf("x"))
}

func TestSchemaFitsTheValidator(t *testing.T) {
	for _, s := range Schemas() {
		assert.LessOrEqual(t, len(s.Fields), maxFields)
		key, ok := s.Lookup(s.Key)
		require.True(t, ok)
		assert.True(t, key.Required, "a key must be there")
	}
}
