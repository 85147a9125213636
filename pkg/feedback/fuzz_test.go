// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
)

// No body panics. What is accepted encodes to JSON that is an event again, the
// same one; what is refused encodes to JSON all the same.
func FuzzDecode(f *testing.F) {
	for eventType := range minimal {
		f.Add([]byte(with(eventType, id+`,`+stamp)), uint8(FormatJSON))
	}
	for _, body := range []string{
		realistic, "[" + realistic + "," + realistic + "]", `{"events":[` + realistic + `]}`, realistic + "\n" + realistic,
		`{"a":1e999,"b":9223372036854775808,"c":5.0,"d":{"e":[null]}}`, `{"events":[],"type":"x"}`, `[[[[]]]]`, `{"\ud83d\ude00":"\r\n"}`, "\xef\xbb\xbf{}",
		with(TypeUserFeedback, `"metadata":{"a\r\n":"b","a":"c\r\n"},"x\r\n":{"y":null}`),
		with(TypePerformanceMetrics, `"custom_metrics":{"a":1e20,"b":100000000000000000000000}`),
	} {
		f.Add([]byte(body), uint8(FormatSniff))
	}
	d, v := NewDecoder(), defaultValidator()
	f.Fuzz(func(t *testing.T, body []byte, format uint8) {
		records := plog.NewLogRecordSlice()
		sizes, _, fault := d.Decode(body, Format(format%3), 100, records)
		if fault != nil {
			require.Zero(t, records.Len())
			return
		}
		require.Len(t, sizes, records.Len())
		for i, lr := range records.All() {
			verdict := v.Validate(lr, sizes[i], now)
			text := AppendJSON(nil, lr.Body())
			if verdict.Refused() {
				require.True(t, jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true)))
				continue
			}
			again, size := decodeOne(t, string(text))
			require.Empty(t, v.Validate(again, size, now).Errors, "%s", text)
			assert.Equal(t, string(text), string(AppendJSON(nil, again.Body())))
			assert.NoError(t, RewriteText(lr.Body(), false, hide))
		}
	})
}

// Whatever stands in a string body is judged without a panic.
func FuzzText(f *testing.F) {
	for _, text := range []string{realistic, `[1,2]`, `{"type":"user_feedback"`, "plain", `{"type":"performance_metrics","latency_ms":1e400}`} {
		f.Add(text)
	}
	v := defaultValidator()
	f.Fuzz(func(t *testing.T, text string) {
		lr := plog.NewLogRecord()
		lr.Body().SetStr(text)
		v.Validate(lr, len(text), now)
		assert.NoError(t, RewriteText(lr.Body(), true, hide))
		require.True(t, jsontext.Value(AppendJSON(nil, lr.Body())).IsValid(jsontext.AllowDuplicateNames(true)))
	})
}
