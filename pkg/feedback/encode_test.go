// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Originals of refused events hold what JSON does not know.
func TestAppendAnything(t *testing.T) {
	for _, tt := range []struct {
		want string
		put  func(v pcommon.Value)
	}{
		{`null`, func(pcommon.Value) {}},
		{`"text \"\n"`, func(v pcommon.Value) { v.SetStr("text \"\n") }},
		{`"` + "\ufffd" + `"`, func(v pcommon.Value) { v.SetStr("\xff") }},
		{`"NaN"`, func(v pcommon.Value) { v.SetDouble(math.NaN()) }},
		{`"-Inf"`, func(v pcommon.Value) { v.SetDouble(math.Inf(-1)) }},
		{`"AQI="`, func(v pcommon.Value) { v.SetEmptyBytes().FromRaw([]byte{1, 2}) }},
		{`[true,{"a":1}]`, func(v pcommon.Value) {
			s := v.SetEmptySlice()
			s.AppendEmpty().SetBool(true)
			s.AppendEmpty().SetEmptyMap().PutInt("a", 1)
		}},
	} {
		v := pcommon.NewValueEmpty()
		tt.put(v)
		assert.Equal(t, tt.want, string(AppendJSON(nil, v)))
	}
}

// A known name that stands twice is written twice, so that an original shows it.
func TestAppendNameTwice(t *testing.T) {
	v := pcommon.NewValueMap()
	v.Map().PutStr("type", TypeUserFeedback)
	twice(v.Map(), "session_id")
	assert.Equal(t, `{"type":"user_feedback","session_id":"1","session_id":"2"}`, string(AppendJSON(nil, v)))
}

func TestJSONSchemaIsGenerated(t *testing.T) {
	written, err := os.ReadFile("../../api/feedback.schema.json")
	require.NoError(t, err)
	assert.Equal(t, string(written), string(JSONSchema()), "run make generate")
}
