// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// hide stands for redaction.
func hide(text string) (string, error) { return strings.ReplaceAll(text, "PII", "[X]"), nil }

func TestRewriteText(t *testing.T) {
	for _, tt := range []struct {
		name, event string
		refused     bool
		want        string
	}{
		{
			"free text of user feedback and nothing else",
			`{"type":"user_feedback","session_id":"PII","user_id":"PII","comment":"a PII","tags":["PII","b"],"metadata":{"PII":"PII","k":"v"}}`, false,
			`{"type":"user_feedback","session_id":"PII","user_id":"PII","comment":"a [X]","tags":["[X]","b"],"metadata":{"[X]":"[X]","k":"v"}}`,
		},
		{
			"performance metrics",
			`{"type":"performance_metrics","model_id":"PII","error_type":"PII","custom_metrics":{"PII":1,"a":2}}`, false,
			`{"type":"performance_metrics","model_id":"PII","error_type":"[X]","custom_metrics":{"[X]":1,"a":2}}`,
		},
		{
			"unknown fields at any depth",
			`{"type":"model_response","x PII":{"PII":["PII",1,{"y":"PII"}]},"model_params":{"z":"PII","top_p":1}}`, false,
			`{"type":"model_response","model_params":{"top_p":1,"z":"[X]"},"x [X]":{"[X]":["[X]",1,{"y":"[X]"}]}}`,
		},
		{
			"names made unique",
			`{"type":"user_feedback","metadata":{"[X]":"0","PII":"1","[X]_2":"2","PII ":"3","PIIPII":"4"}}`, false,
			`{"type":"user_feedback","metadata":{"[X]":"0","[X]_3":"1","[X]_2":"2","[X] ":"3","[X][X]":"4"}}`,
		},
		{
			"refused: what breaks its own rule",
			`{"type":"user_feedback","event_id":"PII","timestamp":"PII","trace_id":"PII","session_id":"PII\u0000","request_id":"550e8400-e29b-41d4-a716-446655440000","rating":"PII","thumbs":"PII","tags":"PII","user_id":{"a":"PII"}}`, true,
			`{"type":"user_feedback","event_id":"[X]","timestamp":"[X]","trace_id":"[X]","session_id":"[X]\u0000","request_id":"550e8400-e29b-41d4-a716-446655440000","user_id":{"a":"[X]"},"rating":"[X]","thumbs":"[X]","tags":"[X]"}`,
		},
		{
			"refused: what keeps it",
			`{"type":"experiment_result","experiment_type":"ab_test","timestamp":"2026-11-20T12:00:00Z","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","variant_id":"PII","reward":1,"metrics":{"cost":"PII"}}`, true,
			`{"type":"experiment_result","timestamp":"2026-11-20T12:00:00Z","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","experiment_type":"ab_test","variant_id":"PII","reward":1,"metrics":{"cost":"[X]"}}`,
		},
		{"refused: unknown type", `{"type":"PII","session_id":"PII"}`, true, `{"type":"[X]","session_id":"[X]"}`},
		{"refused: type of a known schema", `{"type":"system_health","status":"healthy","x":1}`, true, `{"type":"system_health","status":"healthy","x":1}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lr, _ := decodeOne(t, tt.event)
			require.NoError(t, RewriteText(lr.Body(), tt.refused, hide))
			assert.Equal(t, tt.want, string(AppendJSON(nil, lr.Body())))
		})
	}
}

func TestRewriteManyNames(t *testing.T) {
	v := pcommon.NewValueMap()
	for i := range 3 {
		v.Map().PutStr("PII"+strings.Repeat(" ", i), "")
	}
	require.NoError(t, RewriteText(v, false, func(string) (string, error) { return "[X]", nil }))
	assert.Equal(t, `{"[X]":"[X]","[X]_2":"[X]","[X]_3":"[X]"}`, string(AppendJSON(nil, v)))
}

func TestRewriteOtherBodies(t *testing.T) {
	v := pcommon.NewValueStr("log line of PII")
	require.NoError(t, RewriteText(v, true, hide))
	assert.Equal(t, "log line of [X]", v.Str())

	v = pcommon.NewValueBytes()
	v.Bytes().FromRaw([]byte("PII"))
	require.NoError(t, RewriteText(v, true, hide))
	assert.Equal(t, "[X]", v.Str())

	v = pcommon.NewValueSlice()
	v.Slice().AppendEmpty().SetStr("PII")
	v.Slice().AppendEmpty().SetInt(1)
	require.NoError(t, RewriteText(v, true, hide))
	assert.Equal(t, `["[X]",1]`, v.AsString())
}

func TestRewriteFails(t *testing.T) {
	fault := errors.New("fault")
	fails := func(text string) (string, error) {
		if strings.Contains(text, "PII") {
			return "", fault
		}
		return text, nil
	}
	for _, event := range []string{
		`{"type":"user_feedback","comment":"PII"}`,
		`{"type":"user_feedback","tags":["a","PII"]}`,
		`{"type":"user_feedback","metadata":{"PII":"a"}}`,
		`{"type":"user_feedback","metadata":{"a":"PII"}}`,
		`{"type":"user_feedback","x":[["PII"]]}`,
		`{"type":"model_response","model_params":{"x":"PII"}}`,
	} {
		lr, _ := decodeOne(t, event)
		require.ErrorIs(t, RewriteText(lr.Body(), false, fails), fault, event)
	}
	v := pcommon.NewValueBytes()
	v.Bytes().FromRaw([]byte("PII"))
	require.ErrorIs(t, RewriteText(v, true, fails), fault)
}
