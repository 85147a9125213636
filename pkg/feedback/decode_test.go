// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

func TestDecodeBodies(t *testing.T) {
	const e = `{"type":"x"}`
	for _, tt := range []struct {
		name, body string
		format     Format
		want       []string // JSON of each record's body; "text:" marks a string body
	}{
		{"object", e, FormatJSON, []string{e}},
		{"object with space around", " \r\n\t" + e + " \n", FormatJSON, []string{e}},
		{"byte order mark", "\xef\xbb\xbf" + e, FormatJSON, []string{e}},
		{"array", "[" + e + " , " + e + "]", FormatJSON, []string{e, e}},
		{"envelope", `{"events":[` + e + "," + e + "]}", FormatJSON, []string{e, e}},
		{"envelope with other members", `{"v":{"a":[1]},"events":[` + e + `],"w":1}`, FormatJSON, []string{e}},
		{"event with events", `{"type":"x","events":[1]}`, FormatJSON, []string{`{"type":"x","events":[1]}`}},
		{"event with events first", `{"events":[{"a":1}],"type":"x"}`, FormatJSON, []string{`{"type":"x","events":[{"a":1}]}`}},
		{"event with events in between", `{"a":1,"events":[{"b":1}],"type":"x"}`, FormatJSON, []string{`{"type":"x","a":1,"events":[{"b":1}]}`}},
		{"events inside an array is a field", `[{"events":[1]}]`, FormatJSON, []string{`{"events":[1]}`}},
		{"no objects", `[null,42,"x",[null],true]`, FormatJSON, []string{"text:null", "text:42", `text:"x"`, "text:[null]", "text:true"}},
		{"one that is no object", `42`, FormatJSON, []string{"text:42"}},
		{"integer beyond int64", `[{"a":9223372036854775808},` + e + `]`, FormatJSON, []string{`text:{"a":9223372036854775808}`, e}},
		{"number beyond double", `{"a":1e999}`, FormatJSON, []string{`text:{"a":1e999}`}},
		{"integer that a double may miss", `{"a":9007199254740993.0}`, FormatJSON, []string{`text:{"a":9007199254740993.0}`}},
		{"fraction that a double may miss", `{"a":4.99999999999999999999}`, FormatJSON, []string{`text:{"a":4.99999999999999999999}`}},
		{"fraction that underflows", `{"a":1e-999,"b":0.0}`, FormatJSON, []string{`text:{"a":1e-999,"b":0.0}`}},
		{"escapes", `{"\u0061":"\ud83d\ude00\n\"","b\n":""}`, FormatJSON, []string{`{"a":"😀\n\"","b\n":""}`}},
		{"all kinds", `{"a":[1,-2.5,true,false,null,"s",{"b":[]}]}`, FormatJSON, []string{`{"a":[1,-2.5,true,false,null,"s",{"b":[]}]}`}},
		{"ndjson", e + "\n\n \r\n" + e + "\r\n", FormatNDJSON, []string{e, e}},
		{"ndjson with broken lines", e + "\n{bad\n" + e + " x\n{\"a\":1,\"a\":2}\n" + e, FormatNDJSON,
			[]string{e, "text:{bad", "text:" + e + " x", `text:{"a":1,"a":2}`, e}},
		{"sniffed as ndjson", e + "\n" + e, FormatSniff, []string{e, e}},
		{"sniffed as json", "{\n\"type\":\"x\"\n}\n", FormatSniff, []string{e}},
		{"sniffed as json with a line end", e + "\n", FormatSniff, []string{e}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			records := plog.NewLogRecordSlice()
			sizes, _, err := NewDecoder().Decode([]byte(tt.body), tt.format, 10, records)
			require.Nil(t, err)
			var got []string
			for _, lr := range records.All() {
				if lr.Body().Type() == pcommon.ValueTypeStr {
					got = append(got, "text:"+lr.Body().Str())
				} else {
					got = append(got, string(AppendJSON(nil, lr.Body())))
				}
			}
			assert.Equal(t, tt.want, got)
			assert.Len(t, sizes, len(got))
		})
	}
}

func TestDecodeSizes(t *testing.T) {
	records := plog.NewLogRecordSlice()
	sizes, _, err := NewDecoder().Decode([]byte(`[ {"a":1} ,{ "b": [2] }, 7]`), FormatJSON, 10, records)
	require.Nil(t, err)
	assert.Equal(t, []int{7, 12, 1}, sizes)
}

func TestDecodeRefusesBodies(t *testing.T) {
	const secret = "MARKER"
	for _, tt := range []struct {
		name, body string
		format     Format
		index      int
		code       Code
		field      string
	}{
		{"empty", "", FormatJSON, 0, CodeMalformedJSON, ""},
		{"only a byte order mark", "\xef\xbb\xbf", FormatJSON, 0, CodeMalformedJSON, ""},
		{"empty lines", "\n \n", FormatNDJSON, 0, CodeMalformedJSON, ""},
		{"empty array", "[]", FormatJSON, 0, CodeMissingField, "events"},
		{"empty envelope", `{"events":[]}`, FormatJSON, 0, CodeMissingField, "events"},
		{"envelope of something else", `{"events":{}}`, FormatJSON, 0, CodeInvalidType, "events"},
		{"cut", `{"type":"MARKER`, FormatJSON, 0, CodeMalformedJSON, ""},
		{"no JSON", `MARKER`, FormatJSON, 0, CodeMalformedJSON, ""},
		{"broken third event", `[{},{},MARKER]`, FormatJSON, 2, CodeMalformedJSON, ""},
		{"comma at the end", `[{},]`, FormatJSON, 1, CodeMalformedJSON, ""},
		{"array not closed", `[{}`, FormatJSON, 1, CodeMalformedJSON, ""},
		{"wrong bracket", `[{}}`, FormatJSON, 1, CodeMalformedJSON, ""},
		{"trailing value", `{} {}`, FormatJSON, 1, CodeMalformedJSON, ""},
		{"trailing garbage", `{} MARKER`, FormatJSON, 1, CodeMalformedJSON, ""},
		{"duplicate name", `{"MARKER":1,"MARKER":2}`, FormatJSON, 0, CodeMalformedJSON, ""},
		{"duplicate nested name", `[{},{"a":{"MARKER":1,"MARKER":2}}]`, FormatJSON, 1, CodeMalformedJSON, ""},
		{"lone surrogate", `{"a":"MARKER\ud800"}`, FormatJSON, 0, CodeMalformedJSON, ""},
		{"invalid UTF-8", "{\"a\":\"MARKER\xff\"}", FormatJSON, 0, CodeMalformedJSON, ""},
		{"unclosed nesting", strings.Repeat(`[`, 50), FormatJSON, 0, CodeMalformedJSON, ""},
		{"unclosed nesting in a field", `{"a":` + strings.Repeat(`[`, 70), FormatJSON, 0, CodeMalformedJSON, ""},
		{"nesting without end", `{"a":` + strings.Repeat(`[`, 20_000), FormatJSON, 0, CodeTooDeep, ""},
		{"bad number", `{"a":01}`, FormatJSON, 0, CodeMalformedJSON, ""},
		{"no number", `{"a":-}`, FormatJSON, 0, CodeMalformedJSON, ""},
		{"bad literal", `{"a":nul}`, FormatJSON, 0, CodeMalformedJSON, ""},
		{"bad bool", `{"a":tru}`, FormatJSON, 0, CodeMalformedJSON, ""},
		{"bad name", `{"a":1,MARKER:2}`, FormatJSON, 0, CodeMalformedJSON, ""},
		{"bad element", `{"a":[1,x]}`, FormatJSON, 0, CodeMalformedJSON, ""},
		{"bad list end", `{"a":[1}}`, FormatJSON, 0, CodeMalformedJSON, ""},
		{"bad string", "{\"a\":\"\x01\"}", FormatJSON, 0, CodeMalformedJSON, ""},
		{"bad envelope name", `{"events":[{}],x}`, FormatJSON, 1, CodeMalformedJSON, ""},
		{"bad envelope value", `{"events":[{}],"a":x}`, FormatJSON, 1, CodeMalformedJSON, ""},
		{"bad envelope event", `{"events":[x]}`, FormatJSON, 0, CodeMalformedJSON, ""},
		{"bad envelope kind", `{"events":x}`, FormatJSON, 0, CodeMalformedJSON, ""},
		{"envelope not closed", `{"events":[{}]]`, FormatJSON, 1, CodeMalformedJSON, ""},
		{"event with late type, broken", `{"events":[],"type":"a",x}`, FormatJSON, 0, CodeMalformedJSON, ""},
		{"too many", `[{},{},{},{},{}]`, FormatJSON, 4, CodeTooLarge, "events"},
		{"too many lines", "{}\n{}\n{}\n{}\n{}", FormatNDJSON, 4, CodeTooLarge, "events"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			records := plog.NewLogRecordSlice()
			records.AppendEmpty().Body().SetStr("was here")
			_, index, err := NewDecoder().Decode([]byte(tt.body), tt.format, 4, records)
			require.NotNil(t, err)
			assert.Equal(t, tt.code, err.Code, err.Error())
			assert.Equal(t, tt.field, err.Field)
			assert.Equal(t, tt.index, index)
			assert.NotContains(t, err.Error(), secret)
			assert.Equal(t, 1, records.Len(), "records of a refused body")
		})
	}
}

// A pooled decoder must not let one request shine through in the next, and
// records must not change when the body's buffer is used again.
func TestDecoderIsReusable(t *testing.T) {
	d := NewDecoder()
	body := []byte(`{"type":"x","comment":"first","deep":{"a":{"b":1}}}`)
	first := plog.NewLogRecordSlice()
	_, _, err := d.Decode(body, FormatJSON, 1, first)
	require.Nil(t, err)
	want := string(AppendJSON(nil, first.At(0).Body()))

	broken := plog.NewLogRecordSlice()
	copy(body, `{"type":"y","comment":"other","deep":{"a":{"b":`)
	_, _, err = d.Decode(body[:47], FormatJSON, 1, broken)
	require.NotNil(t, err)

	second := plog.NewLogRecordSlice()
	_, _, err = d.Decode([]byte(`{"z":{"c":{"d":2}}}`), FormatJSON, 1, second)
	require.Nil(t, err)
	assert.Equal(t, `{"z":{"c":{"d":2}}}`, string(AppendJSON(nil, second.At(0).Body())))
	assert.Equal(t, want, string(AppendJSON(nil, first.At(0).Body())))
}

func TestDecodeManyStrings(t *testing.T) {
	long := strings.Repeat("x", 3*arenaChunk)
	body := `{"a":"` + long + `","b":"\n` + long + `","c":"short"}`
	d := NewDecoder()
	records := plog.NewLogRecordSlice()
	_, _, err := d.Decode([]byte(body), FormatJSON, 1, records)
	require.Nil(t, err)
	assert.Equal(t, body, string(AppendJSON(nil, records.At(0).Body())))
	assert.Nil(t, d.text, "a large buffer is not kept")
}

func TestDecodeTooDeepKeepsText(t *testing.T) {
	for _, nest := range []string{
		strings.Repeat(`[`, 70) + strings.Repeat(`]`, 70),
		strings.Repeat(`{"a":`, 70) + `1` + strings.Repeat(`}`, 70),
	} {
		text := `{"a":` + nest + `}`
		lr, _ := decodeOne(t, text)
		assert.Equal(t, text, lr.Body().Str())
	}
}

func TestDecodeString(t *testing.T) {
	for _, tt := range []struct {
		text string
		ok   bool
	}{
		{` {"type":"x","a":1} ` + "\n", true},
		{`plain text`, false},
		{`[{"type":"x"}]`, false},
		{`{"a":1`, false},
		{`{"a":1} x`, false},
		{`{"a":1e999}`, false},
		{`{"events":[1]}`, true},
		{"\ufeff" + `{"type":"x"}`, true},
		{``, false},
	} {
		lr := plog.NewLogRecord()
		lr.Body().SetStr(tt.text)
		assert.Equal(t, tt.ok, DecodeString(lr), tt.text)
		if tt.ok {
			assert.JSONEq(t, strings.TrimPrefix(tt.text, "\ufeff"), string(AppendJSON(nil, lr.Body())))
		} else {
			assert.Equal(t, tt.text, lr.Body().Str())
		}
	}
}
