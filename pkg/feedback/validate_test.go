// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

func TestMinimalEventsAreValid(t *testing.T) {
	for eventType := range minimal {
		_, v := judge(t, defaultValidator(), with(eventType, ""))
		assert.Empty(t, v.Errors, eventType)
		assert.Equal(t, eventType, v.EventType)
		assert.Len(t, v.EventID, 36)
	}
}

// Every required field, left out, null and empty.
func TestRequiredFields(t *testing.T) {
	for _, s := range Schemas() {
		for _, f := range s.Fields {
			if !f.Required {
				continue
			}
			lr, _ := decodeOne(t, with(s.Type, ""))
			if f.Name != "type" {
				lr.Body().Map().Remove(f.Name)
				v := defaultValidator().Validate(lr, 1, now)
				assert.Contains(t, faults(v), "missing_field@"+f.Name)
			}
			lr, _ = decodeOne(t, with(s.Type, ""))
			pcommon.NewValueEmpty().CopyTo(lr.Body().Map().PutEmpty(f.Name))
			assert.Contains(t, faults(defaultValidator().Validate(lr, 1, now)), "missing_field@"+f.Name)
			if f.Kind <= KindEnum {
				lr, _ = decodeOne(t, with(s.Type, ""))
				lr.Body().Map().PutStr(f.Name, "")
				assert.Contains(t, faults(defaultValidator().Validate(lr, 1, now)), "missing_field@"+f.Name)
			}
		}
	}
}

// Every field, with a value of each JSON type that it does not take.
func TestWrongTypes(t *testing.T) {
	values := map[string]string{"string": `"MARKER"`, "number": `1.5`, "bool": `true`, "array": `["MARKER"]`, "object": `{"MARKER":"MARKER"}`}
	takes := map[Kind]string{
		KindString: "string", KindUUID: "string", KindEnum: "string", KindTimestamp: "string", KindHex: "string",
		KindBool: "bool", KindInteger: "none", KindNumber: "number", KindObject: "object", KindStringList: "array",
		KindStringMap: "object", KindNumberMap: "object",
	}
	for _, s := range Schemas() {
		for _, f := range s.Fields {
			for kind, value := range values {
				if takes[f.Kind] == kind || f.Kind == KindInteger && kind == "number" {
					continue
				}
				lr, size := decodeOne(t, with(s.Type, ""))
				other, _ := decodeOne(t, `{"v":`+value+`}`)
				v, _ := other.Body().Map().Get("v")
				v.CopyTo(lr.Body().Map().PutEmpty(f.Name))
				verdict := defaultValidator().Validate(lr, size, now)
				if f.Name == "type" {
					assert.Equal(t, TypeUnknown, verdict.EventType)
				}
				assert.Contains(t, faults(verdict), "invalid_type@"+f.Name, "%s %s as %s", s.Type, f.Name, kind)
				assert.NotContains(t, fmt.Sprint(verdict.Errors), "MARKER")
			}
		}
	}
}

func TestRules(t *testing.T) {
	long := strings.Repeat("é", 1001)
	deep := strings.Repeat(`[`, 10) + strings.Repeat(`]`, 10)
	for _, tt := range []struct {
		name, event string
		want        []string
	}{
		{"unknown type", `{"type":"MARKER"}`, []string{"unknown_type@type"}},
		{"no type", `{"a":1}`, []string{"missing_field@type"}},
		{"null type", `{"type":null}`, []string{"missing_field@type"}},
		{"type of another kind", `{"type":7}`, []string{"invalid_type@type"}},
		{"no object", `[1]`, nil},

		{"uuid", with(TypeUserFeedback, `"event_id":"MARKER"`), []string{"invalid_format@event_id"}},
		{"uuid without dashes", with(TypeUserFeedback, `"event_id":"550e8400e29b41d4a716446655440000"`), []string{"invalid_format@event_id"}},
		{"uuid with other separators", with(TypeUserFeedback, `"event_id":"550e8400_e29b_41d4_a716_446655440000"`), []string{"invalid_format@event_id"}},
		{"uuid in braces", with(TypeUserFeedback, `"event_id":"{550e8400-e29b-41d4-a716-44665544000}"`), []string{"invalid_format@event_id"}},
		{"uuid with a letter", with(TypeUserFeedback, `"event_id":"550e8400-e29b-41d4-a716-44665544000g"`), []string{"invalid_format@event_id"}},
		{"nil uuid", with(TypeUserFeedback, `"event_id":"00000000-0000-0000-0000-000000000000"`), []string{"invalid_value@event_id"}},
		{"empty optional uuid", with(TypeUserFeedback, `"event_id":""`), []string{"invalid_value@event_id"}},
		{"trace id", with(TypeUserFeedback, `"trace_id":"abc"`), []string{"invalid_format@trace_id"}},
		{"trace id with a letter", with(TypeUserFeedback, `"trace_id":"4bf92f3577b34da6a3ce929d0e0e473x"`), []string{"invalid_format@trace_id"}},
		{"trace id of zeros", with(TypeUserFeedback, `"trace_id":"00000000000000000000000000000000"`), []string{"invalid_value@trace_id"}},
		{"empty trace id", with(TypeUserFeedback, `"trace_id":""`), []string{"invalid_format@trace_id"}},
		{"span id of zeros", with(TypeUserFeedback, `"span_id":"0000000000000000"`), []string{"invalid_value@span_id"}},

		{"timestamp without zone", with(TypeUserFeedback, `"timestamp":"2026-11-20T12:00:00"`), []string{"invalid_format@timestamp"}},
		{"empty timestamp", with(TypeUserFeedback, `"timestamp":""`), []string{"invalid_format@timestamp"}},
		{"timestamp too old", with(TypeUserFeedback, `"timestamp":"2026-11-13T11:59:59Z"`), []string{"out_of_range@timestamp"}},
		{"timestamp just old enough", with(TypeUserFeedback, `"timestamp":"2026-11-13T12:00:00Z"`), nil},
		{"timestamp too new", with(TypeUserFeedback, `"timestamp":"2026-11-20T12:05:00.000000001Z"`), []string{"out_of_range@timestamp"}},
		{"timestamp just new enough", with(TypeUserFeedback, `"timestamp":"2026-11-20T12:05:00Z"`), nil},

		{"rating over", with(TypeUserFeedback, `"rating":5.01`), []string{"out_of_range@rating"}},
		{"rating under", with(TypeUserFeedback, `"rating":-1`), []string{"out_of_range@rating"}},
		{"rating at its bounds", with(TypeUserFeedback, `"rating":5`), nil},
		{"thumbs", with(TypeUserFeedback, `"thumbs":"MARKER"`), []string{"invalid_value@thumbs"}},
		{"empty thumbs", with(TypeUserFeedback, `"thumbs":""`), []string{"invalid_value@thumbs"}},
		{"empty comment", with(TypeUserFeedback, `"comment":"","user_id":"","tags":[],"metadata":{}`), nil},
		{"long comment", with(TypeUserFeedback, `"comment":"`+long+`"`), []string{"too_long@comment"}},
		{"comment at its length", with(TypeUserFeedback, `"comment":"`+long[2:]+`"`), nil},
		{"comment of 1000 with line ends", with(TypeUserFeedback, `"comment":"`+strings.Repeat(`\r\n`, 1000)+`"`), nil},
		{"long tag", with(TypeUserFeedback, `"tags":["a","`+strings.Repeat("x", 10_001)+`"]`), []string{"too_long@tags[1]"}},
		{"tag of another type", with(TypeUserFeedback, `"tags":["a",null,1]`), []string{"invalid_type@tags[1]", "invalid_type@tags[2]"}},
		{"metadata null", with(TypeUserFeedback, `"metadata":{"a":null}`), []string{"invalid_type@metadata.a"}},
		{"metadata number", with(TypeUserFeedback, `"metadata":{"x":"1","a b":2}`), []string{"invalid_type@metadata[#1]"}},
		{"metadata name with control", with(TypeUserFeedback, `"metadata":{"a":"b","MARKER\u0000":"c"}`), []string{"invalid_characters@metadata[#1]"}},
		{"metadata name long", with(TypeUserFeedback, `"metadata":{"`+strings.Repeat("x", 10_001)+`":"c"}`), []string{"too_long@metadata[#0]"}},
		{"metadata name of 65", with(TypeUserFeedback, `"metadata":{"`+strings.Repeat("x", 65)+`":1}`), []string{"invalid_type@metadata[#0]"}},
		{"metadata name of 64", with(TypeUserFeedback, `"metadata":{"`+strings.Repeat("x", 64)+`":1}`), []string{"invalid_type@metadata." + strings.Repeat("x", 64)}},
		{"metadata name empty", with(TypeUserFeedback, `"metadata":{"":1}`), []string{"invalid_type@metadata[#0]"}},
		{"metadata name personal", with(TypeUserFeedback, `"metadata":{"personal":1}`), []string{"invalid_type@metadata[#0]"}},
		{"names that only line ends keep apart", with(TypeUserFeedback, `"metadata":{"a\n":"1","a\r\n":"2"}`), []string{"malformed_json@metadata[#1]"}},
		{"metadata with CRLF name", with(TypeUserFeedback, `"metadata":{"a\r\n":"2"}`), nil},

		{"NUL", with(TypeUserFeedback, `"comment":"MARKER\u0000"`), []string{"invalid_characters@comment"}},
		{"DEL", with(TypeUserFeedback, `"comment":"\u007f"`), []string{"invalid_characters@comment"}},
		{"C1", with(TypeUserFeedback, `"comment":"\u0085"`), []string{"invalid_characters@comment"}},
		{"lone CR", with(TypeUserFeedback, `"comment":"a\rb"`), []string{"invalid_characters@comment"}},
		{"CR at the end", with(TypeUserFeedback, `"comment":"a\r"`), []string{"invalid_characters@comment"}},
		{"tab and line feed", with(TypeUserFeedback, `"comment":"a\tb\nc"`), nil},
		{"control in an id", replaced(t, TypeUserFeedback, `"s1"`, `"\u001b"`), []string{"invalid_characters@session_id"}},
		{"long id", replaced(t, TypeUserFeedback, `"s1"`, `"`+strings.Repeat("x", 10_001)+`"`), []string{"too_long@session_id"}},

		{"negative latency", replaced(t, TypePerformanceMetrics, `1.5`, `-0.1`), []string{"out_of_range@latency_ms"}},
		{"number beyond double", replaced(t, TypePerformanceMetrics, `1.5`, `1e999`), []string{"out_of_range@latency_ms"}},
		{"long integer as number", replaced(t, TypePerformanceMetrics, `1.5`, `100000000000000000000`), nil},
		{"endless integer as number", replaced(t, TypePerformanceMetrics, `1.5`, `1`+strings.Repeat("0", 400)), []string{"out_of_range@latency_ms"}},
		{"integers in other notations", replaced(t, TypePerformanceMetrics, `"tokens_input":1,"tokens_output":2`, `"tokens_input":1.0,"tokens_output":0.2e1`), nil},
		{"fraction as integer", replaced(t, TypePerformanceMetrics, `"tokens_input":1`, `"tokens_input":1.5`), []string{"invalid_type@tokens_input"}},
		{"fraction that a double misses", replaced(t, TypePerformanceMetrics, `"tokens_input":1`, `"tokens_input":0.99999999999999999999`), []string{"invalid_type@tokens_input"}},
		{"fraction that underflows", replaced(t, TypePerformanceMetrics, `"tokens_input":1`, `"tokens_input":1e-999`), []string{"invalid_type@tokens_input"}},
		{"long literal of an integer", replaced(t, TypePerformanceMetrics, `"tokens_input":1`, `"tokens_input":1.`+strings.Repeat("0", 80)), nil},
		{"negative integer", replaced(t, TypePerformanceMetrics, `"tokens_input":1`, `"tokens_input":-1`), []string{"out_of_range@tokens_input"}},
		{"integer of 2^63", replaced(t, TypePerformanceMetrics, `"tokens_input":1`, `"tokens_input":9223372036854775808`), []string{"out_of_range@tokens_input"}},
		{"integer of 2^63 as double", replaced(t, TypePerformanceMetrics, `"tokens_input":1`, `"tokens_input":9223372036854775808.0`), []string{"out_of_range@tokens_input"}},
		{"sum that overflows", replaced(t, TypePerformanceMetrics, `"tokens_input":1,"tokens_output":2,"tokens_total":3`,
			`"tokens_input":9223372036854775807,"tokens_output":9223372036854775807,"tokens_total":1`), []string{"schema_violation@tokens_total"}},
		{"sum", replaced(t, TypePerformanceMetrics, `"tokens_total":3`, `"tokens_total":4`), []string{"schema_violation@tokens_total"}},
		{"sum in doubles", replaced(t, TypePerformanceMetrics, `"tokens_total":3`, `"tokens_total":3.0`), nil},
		{"custom metric null", with(TypePerformanceMetrics, `"custom_metrics":{"a":null}`), []string{"invalid_type@custom_metrics.a"}},
		{"custom metric string", with(TypePerformanceMetrics, `"custom_metrics":{"a":"MARKER"}`), []string{"invalid_type@custom_metrics.a"}},
		{"custom metric long integer", with(TypePerformanceMetrics, `"custom_metrics":{"a":100000000000000000000}`), nil},
		{"empty error type", with(TypePerformanceMetrics, `"error_type":""`), nil},

		{"quality over", with(TypeModelResponse, `"quality_score":100.5`), []string{"out_of_range@quality_score"}},
		{"dimension", with(TypeModelResponse, `"quality_dimensions":{"accuracy":101,"safety":null}`), []string{"out_of_range@quality_dimensions.accuracy"}},
		{"top_p", replaced(t, TypeModelResponse, `"top_p":1`, `"top_p":1.1`), []string{"out_of_range@model_params.top_p"}},
		{"max_tokens", replaced(t, TypeModelResponse, `"max_tokens":5`, `"max_tokens":0`), []string{"out_of_range@model_params.max_tokens"}},
		{"no params", replaced(t, TypeModelResponse, `"temperature":0.5,"top_p":1,"max_tokens":5`, ``),
			[]string{"missing_field@model_params.temperature", "missing_field@model_params.top_p", "missing_field@model_params.max_tokens"}},
		{"integral doubles beyond 2^53", replaced(t, TypeModelResponse, `"response_length":7`, `"response_length":9007199254740993.0`), nil},
		{"availability", replaced(t, TypeSystemHealth, `"availability":1`, `"availability":1.01`), []string{"out_of_range@availability"}},
		{"status", replaced(t, TypeSystemHealth, `"healthy"`, `"MARKER"`), []string{"invalid_value@status"}},
		{"alias", replaced(t, TypeExperimentResult, `"a_b_test"`, `"ab_test"`), nil},
		{"several at once", `{"type":"system_health","status":"x","error_rate":2,"resources":{"cpu_percent":-1}}`, []string{
			"missing_field@service_name", "invalid_value@status", "out_of_range@error_rate", "missing_field@availability",
			"out_of_range@resources.cpu_percent", "missing_field@resources.memory_mb", "missing_field@resources.memory_percent",
			"missing_field@resources.network_mbps", "missing_field@active_requests",
		}},

		{"unknown fields", with(TypeUserFeedback, `"x":{"y":[null,1,"s",true,1.5,{}]}`), nil},
		{"unknown integer beyond int64", with(TypeUserFeedback, `"x":9223372036854775808`), []string{"out_of_range@x"}},
		{"unknown number in exponents", with(TypeUserFeedback, `"x":1e20`), nil},
		{"unknown number beyond double", with(TypeUserFeedback, `"x":[{"y":-1e999}]`), []string{"out_of_range@x[0].y"}},
		{"unknown string", with(TypeUserFeedback, `"x":{"y":["\u0000"]}`), []string{"invalid_characters@x.y[0]"}},
		{"unknown name", with(TypeUserFeedback, `"MARKER\u0000":1`), []string{"invalid_characters@[#3]"}},
		{"unknown nested name", with(TypeUserFeedback, `"x":{"a":1,"\u0000":2}`), []string{"invalid_characters@x[#1]"}},
		{"depth at its limit", with(TypeUserFeedback, `"x":`+deep[1:len(deep)-1]), nil},
		{"too deep", with(TypeUserFeedback, `"x":`+deep), []string{"too_deep@x[0][0][0][0][0][0][0][0][0]"}},
		{"objects too deep", with(TypeUserFeedback, `"x":`+strings.Repeat(`{"a":`, 10)+"1"+strings.Repeat(`}`, 10)), []string{"too_deep@x.a.a.a.a.a.a.a.a.a"}},
		{"much too deep", with(TypeUserFeedback, `"x":`+strings.Repeat(deep[:10], 20)+strings.Repeat(deep[10:], 20)), []string{"too_deep@x[0][0][0][0][0][0][0][0][0]"}},
		{"too deep where a string belongs", with(TypeUserFeedback, `"comment":`+deep), []string{"too_deep@comment"}},
		{"too deep where a number belongs", with(TypeUserFeedback, `"rating":`+strings.Repeat(`{"a":`, 10)+"1"+strings.Repeat(`}`, 10)), []string{"too_deep@rating"}},
		{"too deep in metadata", with(TypeUserFeedback, `"metadata":{"a":`+deep+`}`), []string{"too_deep@metadata.a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, v := judge(t, defaultValidator(), tt.event)
			if tt.name == "no object" {
				tt.want = []string{"invalid_type@"}
			}
			assert.Equal(t, tt.want, faults(v))
			assert.NotContains(t, fmt.Sprint(v.Errors), "MARKER")
			for _, e := range v.Errors {
				assert.NotEmpty(t, e.Message)
			}
		})
	}
}

func TestUnknownFields(t *testing.T) {
	event := with(TypeModelResponse, `"x":{"\u0000":1},"quality_dimensions":{"safety":1,"y":2}`)
	v := defaultValidator()
	v.UnknownFields = DropUnknown
	lr, verdict := judge(t, v, event)
	require.Empty(t, verdict.Errors)
	_, ok := lr.Body().Map().Get("x")
	assert.False(t, ok)
	dimensions, _ := lr.Body().Map().Get("quality_dimensions")
	assert.Equal(t, 1, dimensions.Map().Len())

	v.UnknownFields = RejectUnknown
	_, verdict = judge(t, v, event)
	assert.Equal(t, []string{"unknown_field@quality_dimensions.y", "unknown_field@x"}, faults(verdict))
}

func TestLeastDepth(t *testing.T) {
	v := defaultValidator()
	v.MaxDepth = 1
	_, verdict := judge(t, v, with(TypeUserFeedback, `"tags":[],"metadata":{}`))
	assert.Equal(t, []string{"too_deep@tags", "too_deep@metadata"}, faults(verdict))
	_, verdict = judge(t, v, with(TypeModelResponse, ""))
	assert.Equal(t, []string{"too_deep@model_params"}, faults(verdict))
}

func TestErrorsAreBounded(t *testing.T) {
	_, v := judge(t, defaultValidator(), with(TypeUserFeedback, `"tags":[`+strings.Repeat("1,", 20)+`1]`))
	assert.Len(t, v.Errors, maxErrors)
	assert.True(t, v.Truncated)
}

func TestEventSize(t *testing.T) {
	v := defaultValidator()
	v.MaxEventSize = 400
	event := with(TypeUserFeedback, `"event_id":"660E8400-e29b-41d4-a716-446655440000","comment":"`+strings.Repeat("x", 300)+`"`)

	lr, size := decodeOne(t, event)
	verdict := v.Validate(lr, size, now)
	assert.Equal(t, []string{"too_large@"}, faults(verdict))
	assert.Equal(t, "660e8400-e29b-41d4-a716-446655440000", verdict.EventID, "of a refused event the valid id it came with")

	lr, _ = decodeOne(t, event)
	assert.Equal(t, []string{"too_large@"}, faults(v.Validate(lr, 0, now)), "not as text")

	lr.Body().SetStr(event)
	assert.Equal(t, []string{"too_large@"}, faults(v.Validate(lr, 0, now)), "as text")

	lr, _ = decodeOne(t, with(TypeUserFeedback, `"tags":["a","b","c","d","e"]`))
	assert.Empty(t, v.Validate(lr, 0, now).Errors, "near the limit by estimate, within it by measure")
}

// What only OTLP can bring: values and maps that JSON does not have.
func TestValuesBeyondJSON(t *testing.T) {
	for _, tt := range []struct {
		name string
		put  func(m pcommon.Map)
		want []string
	}{
		{"NaN", func(m pcommon.Map) { m.PutDouble("rating", math.NaN()) }, []string{"out_of_range@rating"}},
		{"infinity", func(m pcommon.Map) { m.PutDouble("x", math.Inf(1)) }, []string{"out_of_range@x"}},
		{"bytes", func(m pcommon.Map) { m.PutEmptyBytes("x").FromRaw([]byte("MARKER")) }, []string{"invalid_type@x"}},
		{"invalid UTF-8", func(m pcommon.Map) { m.PutStr("comment", "MARKER\xff") }, []string{"invalid_characters@comment"}},
		{"name twice", func(m pcommon.Map) { twice(m, "session_id") }, []string{"malformed_json@session_id"}},
		{"nested name twice", func(m pcommon.Map) { twice(m.PutEmptyMap("x"), "y") }, []string{"malformed_json@x.y"}},
		{"metadata name twice", func(m pcommon.Map) { twice(m.PutEmptyMap("metadata"), "a@b") }, []string{"malformed_json@metadata[#1]"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lr, _ := decodeOne(t, with(TypeUserFeedback, ""))
			tt.put(lr.Body().Map())
			v := defaultValidator().Validate(lr, 0, now)
			assert.Equal(t, tt.want, faults(v))
			assert.NotContains(t, fmt.Sprint(v.Errors), "MARKER")
		})
	}
}

// twice makes a map in which name stands twice, as only a foreign producer can.
func twice(m pcommon.Map, name string) {
	m.PutStr(name, "1")
	m.PutStr("other name", "2")
	logs := plog.NewLogs()
	lr := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	m.CopyTo(lr.Body().SetEmptyMap())
	raw, _ := (&plog.JSONMarshaler{}).MarshalLogs(logs)
	logs, _ = (&plog.JSONUnmarshaler{}).UnmarshalLogs([]byte(strings.Replace(string(raw), "other name", name, 1)))
	logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().Map().CopyTo(m)
}

func TestTextBodies(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
		body       pcommon.ValueType
	}{
		{"no JSON", "MARKER went wrong", []string{"malformed_json@"}, pcommon.ValueTypeStr},
		{"cut", `{"type":"user_feedback","a":"MARKER`, []string{"malformed_json@"}, pcommon.ValueTypeStr},
		{"cut name", `{"type":"user_feedback","MARKER`, []string{"malformed_json@"}, pcommon.ValueTypeStr},
		{"cut type", `{"type":"user_fee`, []string{"malformed_json@"}, pcommon.ValueTypeStr},
		{"not closed", `{"type":"user_feedback"`, []string{"malformed_json@"}, pcommon.ValueTypeStr},
		{"wrongly closed", `{"type":"user_feedback"]`, []string{"malformed_json@"}, pcommon.ValueTypeStr},
		{"trailing", `{"type":"user_feedback"} {}`, []string{"malformed_json@"}, pcommon.ValueTypeStr},
		{"array", `[{"a":1}]`, []string{"invalid_type@"}, pcommon.ValueTypeSlice},
		{"endless array", strings.Repeat("[", 20_000), []string{"too_deep@"}, pcommon.ValueTypeStr},
		{"string", `"MARKER"`, []string{"invalid_type@"}, pcommon.ValueTypeStr},
		{"two values", `1 2`, []string{"malformed_json@"}, pcommon.ValueTypeStr},
		{"unknown type", `{"type":"x","a":1e999}`, []string{"out_of_range@a", "unknown_type@type"}, pcommon.ValueTypeMap},
		{"valid", "\ufeff" + with(TypeUserFeedback, ""), nil, pcommon.ValueTypeMap},
		{"both ways of large numbers", `{"type":"model_response","quality_score":100000000000000000000}`, []string{"out_of_range@quality_score",
			"missing_field@request_id", "missing_field@model_id", "missing_field@prompt_hash", "missing_field@response_length",
			"missing_field@finish_reason", "missing_field@model_params"}, pcommon.ValueTypeMap},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lr := plog.NewLogRecord()
			lr.Body().SetStr(tt.text)
			v := defaultValidator().Validate(lr, len(tt.text), now)
			assert.ElementsMatch(t, tt.want, faults(v))
			assert.Equal(t, tt.body, lr.Body().Type())
			assert.NotContains(t, fmt.Sprint(v.Errors), "MARKER")
		})
	}
	lr := plog.NewLogRecord()
	assert.Equal(t, []string{"invalid_type@"}, faults(defaultValidator().Validate(lr, 0, now)), "no body")
}

func TestEventNameAndType(t *testing.T) {
	named := func(name, event string) (plog.LogRecord, Verdict) {
		lr, size := decodeOne(t, event)
		lr.SetEventName(name)
		return lr, defaultValidator().Validate(lr, size, now)
	}
	untyped := replaced(t, TypeUserFeedback, `"type":"user_feedback",`, ``)
	lr, v := named("feedback.user_feedback", untyped)
	assert.Empty(t, v.Errors)
	assert.Equal(t, "feedback.user_feedback", lr.EventName())
	_, v = named("feedback.user_feedback", strings.Replace(untyped, "{", `{"type":null,`, 1))
	assert.Empty(t, v.Errors)
	_, v = named("something.else", untyped)
	assert.Equal(t, []string{"missing_field@type"}, faults(v))
	_, v = named("feedback.system_health", with(TypeUserFeedback, ""))
	assert.Equal(t, []string{"schema_violation@type"}, faults(v))
	_, v = named("feedback.other", untyped)
	assert.Equal(t, []string{"unknown_type@type"}, faults(v))
}

func TestErrorText(t *testing.T) {
	assert.Equal(t, "too_large: expected less", (&Error{Code: CodeTooLarge, Message: "expected less"}).Error())
	assert.Equal(t, "too_long: comment: expected less", (&Error{Code: CodeTooLong, Field: "comment", Message: "expected less"}).Error())
	assert.Equal(t, "expected an integer from 1 to 9", expectation(&Field{Kind: KindInteger, Min: 1, Max: 9}))
	assert.Equal(t, "expected an integer from 1 to 2^63-1", expectation(&Field{Kind: KindInteger, Min: 1, Max: math.MaxInt64}))
	assert.Equal(t, "expected a number from 0 to 1", expectation(&Field{Kind: KindNumber, Max: 1}))
	assert.Equal(t, "expected a number of at least 0", expectation(&Field{Kind: KindNumber, Max: inf}))
	assert.Equal(t, "expected a finite number", expectation(anyFinite))
}

func TestParseTime(t *testing.T) {
	for _, tt := range []struct {
		text, want string
		canonical  bool
	}{
		{"2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z", true},
		{"2026-11-20T12:00:00.5Z", "2026-11-20T12:00:00.5Z", true},
		{"2026-11-20T12:00:00.123456789Z", "2026-11-20T12:00:00.123456789Z", true},
		{"2026-11-20T12:00:00.1234567899Z", "2026-11-20T12:00:00.123456789Z", false},
		{"2026-11-20T12:00:00+02:30", "2026-11-20T09:30:00Z", false},
		{"2026-11-20T12:00:00.25-00:30", "2026-11-20T12:30:00.25Z", false},
		{"2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z", true},
	} {
		at, canonical, ok := parseTime(tt.text)
		require.True(t, ok, tt.text)
		assert.Equal(t, tt.canonical, canonical)
		assert.Equal(t, tt.want, FormatTime(at))
		reference, err := time.Parse(time.RFC3339Nano, tt.text)
		require.NoError(t, err)
		assert.True(t, reference.Equal(at))
	}
	for _, text := range []string{
		"", "Z", "2026-11-20", "2026-11-20T12:00:00", "2026-11-20t12:00:00Z", "2026-11-20T12:00:00z", "2026-11-20 12:00:00Z",
		"2026-11-20T12:00:60Z", "2026-11-20T24:00:00Z", "2026-11-20T12:60:00Z", "2026-13-20T12:00:00Z", "2026-00-20T12:00:00Z",
		"2026-02-29T12:00:00Z", "2026-04-31T12:00:00Z", "2026-04-00T12:00:00Z", "2026-11-20T12:00:00.Z", "2026-11-20T12:00:00,5Z",
		"2026-11-20T12:00:00+0230", "2026-11-20T12:00:00+02:60", "2026-11-20T12:00:00+24:00", "2026-11-20T12:00:00+2:30",
		"2026-11-20T12:00:00+ab:cd", "2026-11-20T12:00:00Z ", "26-11-20T12:00:00Z", "2026-11-20T1a:00:00Z", "2026-11-20T12:00:00.5",
	} {
		_, _, ok := parseTime(text)
		assert.False(t, ok, text)
	}
}
