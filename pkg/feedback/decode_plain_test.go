// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
)

// read is all that a decoder tells of a body.
type read struct {
	records string
	sizes   []int
	index   int
	fault   *Error
}

func readWith(t testing.TB, d *Decoder, body string, f Format) (r read) {
	t.Helper()
	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	records.AppendEmpty().Body().SetStr("before")
	r.sizes, r.index, r.fault = d.Decode([]byte(body), f, 5, records)
	bytes, err := (&plog.ProtoMarshaler{}).MarshalLogs(ld)
	require.NoError(t, err)
	r.records = string(bytes)
	return r
}

func carefully() *Decoder {
	d := NewDecoder()
	d.careful = true
	return d
}

// isPlain reports whether a body is read without the library's help.
func isPlain(body string) bool {
	d := NewDecoder()
	d.body, d.dst, d.max, d.mayEnvelope = []byte(body), plog.NewLogRecordSlice(), 5, true
	ok, _ := d.plainDocument()
	return ok
}

func TestPlain(t *testing.T) {
	deep := strings.Repeat(`{"a":`, maxPlainDepth) + "1" + strings.Repeat("}", maxPlainDepth)
	var strangers strings.Builder
	for c := 'a'; c < 'a'+maxStrangers; c++ {
		strangers.WriteString(`,"x` + string(c) + `":1`)
	}
	for _, tt := range []struct {
		body  string
		plain bool
	}{
		{realistic, true},
		{"[" + realistic + " ,\t" + realistic + "\r\n]", true},
		{` { "events" : [` + realistic + `] } `, true},
		{with(TypePerformanceMetrics, `"custom_metrics":{"a":-1.5e3,"b":0,"c":-0,"d":1E-2,"e":123456789012345678}`), true},
		{with(TypeModelResponse, `"quality_dimensions":{"accuracy":1},"x":{"accuracy":1,"model_params":{}}`), true},
		{with(TypeSystemHealth, ``), true},
		{with(TypeExperimentResult, ``), true},
		{`{"a":"\ud83d\ude00\n\"\/","b":"ünïcödé 😀","c":"\u007f","d":[],"e":[1,[null,true,false],{}],"f":{}}`, true},
		{`{"a":1,"type":"user_feedback","comment":"x","tags":["a"]}`, true},
		{`{"session_id":"x","type":"user_feedback","session_id":"y"}`, false},
		{`{"type":"user_feedback","session_id":"x","session_id":"y"}`, false},
		{`{"type":"user_feedback","metadata":{"a":"x","b":"","a":"y"}}`, false},
		{`{"a":{"b":1},"b":{"a":1},"c":{"a":1,"b":{"a":1}}}`, true},
		{`{"a":{"b":1},"b":1,"a":1}`, false},
		{`{"type":1,"type":2}`, false},
		{deep, true},
		{`{"a":` + deep + `}`, false},
		{`{"type":"x"` + strangers.String() + `}`, true},
		{`{"type":"x"` + strangers.String() + `,"y":1}`, false},
		{`{"\u0061":1}`, false},
		{`{"ä":1}`, false},
		{`{"a":9007199254740993.0}`, false},
		{`{"a":9223372036854775807}`, true},
		{`{"a":9223372036854775808}`, false},
		{`{"a":-9223372036854775808}`, true},
		{`{"a":01}`, false}, {`{"a":1.}`, false}, {`{"a":.5}`, false}, {`{"a":-}`, false}, {`{"a":1e}`, false}, {`{"a":+1}`, false},
		{`{"a":"` + "\n" + `"}`, false}, {`{"a":"` + "\xff" + `"}`, false}, {`{"a":"\ud83d"}`, false}, {`{"a":"\x"}`, false}, {`{"a":"\`, false}, {`{"a":"b`, false},
		{`{"a":tru}`, false}, {`{"a":nullx}`, false}, {`{"a":}`, false}, {`{"a"}`, false}, {`{"a":1,}`, false}, {`{,}`, false}, {`{"a":1`, false}, {`{`, false},
		{`{"a":[1,]}`, false}, {`{"a":[1}`, false}, {`{"a":[`, false}, {"{\"a\":1}\x00", false}, {"\x00", false}, {``, false},
		{`{"a":1} {`, false}, {`[{}]]`, false}, {`[{},{}`, false}, {`[]`, false}, {`[1]`, false}, {`[{},1]`, false},
		{`{"events":[]}`, false}, {`{"events":[{}],"v":1}`, false}, {`{"events":[{}],"type":"x"}`, false}, {`{"v":1,"events":[{}]}`, false},
		{`{"type":"x","events":[{}]}`, true}, {`[{"events":[1]}]`, true},
		{`[{},{},{},{},{},{}]`, false},
	} {
		t.Run(tt.body, func(t *testing.T) {
			assert.Equal(t, tt.plain, isPlain(tt.body))
			for _, f := range []Format{FormatJSON, FormatNDJSON, FormatSniff} {
				assert.Equal(t, readWith(t, carefully(), tt.body, f), readWith(t, NewDecoder(), tt.body, f))
			}
		})
	}
}

// Whatever is read plainly, the library reads alike.
func FuzzPlain(f *testing.F) {
	for eventType := range minimal {
		f.Add(with(eventType, id+`,`+stamp), uint8(FormatJSON))
	}
	f.Add(realistic+"\n{bad\n"+realistic+"\n[1]", uint8(FormatNDJSON))
	f.Add(`{"events":[`+realistic+`,`+realistic+`]}`, uint8(FormatJSON))
	f.Add(`{"a":"\ud83d\ude00ü","b":[1.5e3,-0,{"c":null}],"type":"user_feedback","tags":[]}`, uint8(FormatSniff))
	quick, slow := NewDecoder(), carefully()
	f.Fuzz(func(t *testing.T, body string, format uint8) {
		require.Equal(t, readWith(t, slow, body, Format(format%3)), readWith(t, quick, body, Format(format%3)))
	})
}
