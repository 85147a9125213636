// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/console"
)

func header(k, v string) kgo.RecordHeader { return kgo.RecordHeader{Key: k, Value: []byte(v)} }

func TestWrite(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.FixedZone("", 3600))
	tests := map[string]struct {
		record     *kgo.Record
		line, json string
	}{
		"event": {
			&kgo.Record{
				Topic: "feedback-events", Partition: 3, Offset: 42, Key: []byte("s-1"), Timestamp: at,
				Headers: []kgo.RecordHeader{header("event_type", "user_feedback"), header("note", "two words")},
				Value:   []byte("{\n \"type\":\"user_feedback\", \"comment\":\"<b>ü</b>\"}"),
			},
			`feedback-events/3@42 key=s-1 event_type=user_feedback note="two words" {"type":"user_feedback","comment":"<b>ü</b>"}`,
			`{"topic":"feedback-events","partition":3,"offset":42,"timestamp":"2026-03-04T04:06:07.008Z","key":"s-1",` +
				`"headers":{"event_type":"user_feedback","note":"two words"},"value":{"type":"user_feedback","comment":"<b>ü</b>"}}`,
		},
		"nothing": {
			&kgo.Record{Topic: "t", Timestamp: at},
			`t/0@0 key=null null`,
			`{"topic":"t","partition":0,"offset":0,"timestamp":"2026-03-04T04:06:07.008Z","key":null,"headers":{},"value":null}`,
		},
		"text and repeated header": {
			&kgo.Record{
				Topic: "t", Timestamp: at, Key: []byte("null"), Value: []byte("no JSON\x1b[2J"),
				Headers: []kgo.RecordHeader{header("a", "1"), header("b", ""), header("a", "2")},
			},
			`t/0@0 key="null" a=1 b="" a=2 "no JSON\x1b[2J"`,
			`{"topic":"t","partition":0,"offset":0,"timestamp":"2026-03-04T04:06:07.008Z","key":"null","headers":{"b":"","a":"2"},"value":"no JSON\u001b[2J"}`,
		},
		"bytes": {
			&kgo.Record{Topic: "t", Timestamp: at, Key: []byte{0xff, 0}, Value: []byte{0xfe}},
			`t/0@0 key="\xff\x00" "\xfe"`,
			`{"topic":"t","partition":0,"offset":0,"timestamp":"2026-03-04T04:06:07.008Z","key":null,"key_base64":"/wA=","headers":{},"value":null,"value_base64":"/g=="}`,
		},
		"control characters in JSON": {
			&kgo.Record{Topic: "t", Timestamp: at, Value: []byte("[\"\u009b\u202e\"]")},
			`t/0@0 key=null ["\u009b\u202e"]`,
			`{"topic":"t","partition":0,"offset":0,"timestamp":"2026-03-04T04:06:07.008Z","key":null,"headers":{},"value":["` + "\u009b\u202e" + `"]}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for format, want := range map[string]string{FormatLine: tt.line, FormatJSON: tt.json} {
				var out bytes.Buffer
				w, err := NewWriter(&out, format, console.Style{})
				require.NoError(t, err)
				require.NoError(t, w.Write(tt.record))
				assert.Equal(t, want+"\n", out.String())
			}
			assert.True(t, json.Valid([]byte(tt.json)))
		})
	}
}

func TestErrors(t *testing.T) {
	_, err := NewWriter(nil, "xml", console.Style{})
	require.EqualError(t, err, `--output "xml": use line or json`)

	gone := errors.New("gone")
	for _, format := range []string{FormatLine, FormatJSON} {
		w, err := NewWriter(failing{gone}, format, console.Style{})
		require.NoError(t, err)
		require.ErrorIs(t, w.Write(&kgo.Record{}), gone)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
