// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package events

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEventsDiffer(t *testing.T) {
	texts, err := ReadTexts("../testdata/synth_dev.jsonl")
	require.NoError(t, err)
	require.Len(t, texts, 500)
	marks, ids := map[string]bool{}, map[string]bool{}
	types := map[string]int{}
	for salt := range uint64(3) {
		g := NewGenerator(salt+1, texts)
		for range 1000 {
			e := g.Next(JSON)
			assert.False(t, marks[e.Mark], e.Mark)
			marks[e.Mark] = true
			if e.ID() != "" {
				assert.False(t, ids[e.ID()])
				ids[e.ID()] = true
			}
			types[e.Type]++
			parsed, err := Parse(e.JSON())
			require.NoError(t, err)
			assert.Equal(t, e.Type, parsed.Text("type"))
		}
	}
	assert.Equal(t, map[string]int{
		UserFeedback: 1500, PerformanceMetrics: 375, ModelResponse: 375, SystemHealth: 375, ExperimentResult: 375,
	}, types)
}

func TestDifference(t *testing.T) {
	want := Object{{"a", int64(1)}, {"b", Object{{"c", 0.5}}}, {"d", []any{"x", true}}}
	for name, tt := range map[string]struct{ got, diff string }{
		"same":             {`{"a":1,"b":{"c":5e-1},"d":["x",true]}`, ""},
		"order":            {`{"b":{"c":0.5},"a":1,"d":["x",true]}`, "event: fields b,a,d, expected a,b,d"},
		"integer":          {`{"a":1.0,"b":{"c":0.5},"d":["x",true]}`, "event.a: not the integer that was sent"},
		"number":           {`{"a":1,"b":{"c":0.6},"d":["x",true]}`, "event.b.c: not the number that was sent"},
		"array":            {`{"a":1,"b":{"c":0.5},"d":["x"]}`, "event.d: not an array of the right length"},
		"value":            {`{"a":1,"b":{"c":0.5},"d":["x",false]}`, "event.d[1]: not the value that was expected"},
		"nested not there": {`{"a":1,"b":2,"d":["x",true]}`, "event.b: not an object"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse([]byte(tt.got))
			require.NoError(t, err)
			assert.Equal(t, tt.diff, Difference("event", want, got))
		})
	}
	for _, bad := range []string{`{`, `{"a"`, `{"a":1`, `[1`, `[1]`, `{} {}`, ``} {
		_, err := Parse([]byte(bad))
		assert.Error(t, err, bad)
	}
}

func TestRedactions(t *testing.T) {
	assert.True(t, IsRedactionOf("same", "same"))
	assert.False(t, IsRedactionOf("same", "other"))
	assert.True(t, IsRedactionOf("a [CC_REDACTED], b [SSN_REDACTED].", "a 4111, b 460-89-9847."))
	assert.False(t, IsRedactionOf("a [CC_REDACTED], c [SSN_REDACTED].", "a 4111, b 460-89-9847."))
	assert.False(t, IsRedactionOf("a [CC_REDACTED]!", "a 4111."))
	assert.False(t, IsRedactionOf("x [CC_REDACTED]", "a 4111"))
	assert.False(t, IsRedactionOf("[CC_REDACTED]", "a 4111"), "more than the number is gone")
	assert.True(t, IsRedactionOf("[EMAIL_REDACTED]!", "ann@example.com!"))
	assert.False(t, IsRedactionOf("[EMAIL_REDACTED]!", "Mail ann@example.com!"))
	assert.True(t, IsRedactionOf("[IBAN_REDACTED].*", "DE02 1203.*"))

	phone := Span{Value: "(64) 3591-3246"}
	assert.True(t, phone.Readable("call (64) 3591-3246"))
	assert.True(t, phone.Readable("call 35913246"))
	assert.True(t, phone.Readable("call [PHONE_REDACTED]6435 913"))
	assert.False(t, phone.Readable("call (64) [PHONE_REDACTED]"))
	mail := Span{Value: "JanDoe@example.com"}
	assert.True(t, mail.Readable("[EMAIL_REDACTED]@example.com"))
	assert.True(t, mail.Readable("JanDoe@[EMAIL_REDACTED]"))
	assert.False(t, mail.Readable("Jan Doe: [EMAIL_REDACTED]"))
}
