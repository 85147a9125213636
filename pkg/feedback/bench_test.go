// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
)

// The steps of one event's way through this package, each alone. The way as a
// whole is measured in internal/wholepath.

func BenchmarkDecode(b *testing.B) {
	d, body := NewDecoder(), []byte(realistic)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		records := plog.NewLogRecordSlice()
		if _, _, fault := d.Decode(body, FormatJSON, 1, records); fault != nil || records.Len() != 1 {
			b.Fatal(fault)
		}
	}
}

// BenchmarkValidate includes the copy that each round needs, since validation
// changes the record.
func BenchmarkValidate(b *testing.B) {
	v := defaultValidator()
	template, size := decodeOne(b, realistic)
	b.ReportAllocs()
	for b.Loop() {
		lr := plog.NewLogRecord()
		template.CopyTo(lr)
		if verdict := v.Validate(lr, size, now); verdict.Refused() {
			b.Fatal(verdict.Errors)
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	lr, _ := judge(b, defaultValidator(), realistic)
	var value []byte
	b.ReportAllocs()
	for b.Loop() {
		value = AppendJSON(value[:0], lr.Body())
	}
	require.Contains(b, string(value), `"session_id":"s-1234567890"`)
	b.SetBytes(int64(len(value)))
}

func BenchmarkRewriteText(b *testing.B) {
	lr, _ := judge(b, defaultValidator(), realistic)
	texts := 0
	count := func(text string) (string, error) {
		texts++
		return text, nil
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := RewriteText(lr.Body(), false, count); err != nil {
			b.Fatal(err)
		}
	}
	require.Equal(b, 7*b.N, texts, "comment, two tags, two names and two values")
}
