// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package dlq

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPosition(t *testing.T) {
	p, ok := ParsePosition("2:17")
	assert.True(t, ok)
	assert.Equal(t, Position{2, 17}, p)
	assert.Equal(t, "2:17", p.String())
	for _, text := range []string{"", "2", "2:", ":2", "-1:2", "2:-1", "x:1", "1:99999999999999999999"} {
		_, ok := ParsePosition(text)
		assert.False(t, ok, text)
	}
}

func letter(value string) *Letter {
	return Parse(&kgo.Record{
		Partition: 1, Offset: 7, Value: []byte(value), Timestamp: time.Unix(1, 0),
		Headers: []kgo.RecordHeader{
			{Key: "event_type", Value: []byte("user_feedback")}, {Key: "event_id", Value: []byte("id")},
			{Key: "dlq_reason", Value: []byte("from_header")}, {Key: "dlq_stage", Value: []byte("validation")},
		},
	})
}

func TestParse(t *testing.T) {
	l := letter(`{"original_event":{"a":1},"error_code":"out_of_range","error_message":"rating: m","failed_stage":"validation","failed_at":"2026-03-04T05:06:07.5Z","retry_count":2}`)
	assert.Equal(t, Position{1, 7}, l.Position)
	assert.Equal(t, time.Date(2026, 3, 4, 5, 6, 7, 5e8, time.UTC), l.FailedAt)
	assert.Equal(t, []string{"out_of_range", "validation", "rating: m", "user_feedback", "id"}, []string{l.Code, l.Stage, l.Message, l.Type, l.EventID})
	assert.Equal(t, 2, l.Retries)
	assert.JSONEq(t, `{"a":1}`, l.Text())
	assert.Empty(t, l.Unreplayable())

	const tail = `,"error_code":"c","error_message":"","failed_stage":"kafka","failed_at":"2026-03-04T05:06:07Z","retry_count":0`
	l = letter(`{"original_event":"no \"JSON\""` + tail + `}`)
	assert.Equal(t, `no "JSON"`, l.Text())
	assert.Empty(t, l.Unreplayable())
	l = letter(`{"original_event":null` + tail + `}`)
	assert.Equal(t, "only the identifiers of its original were kept", l.Unreplayable())
	l = letter(`{"original_event":"{\"a"` + tail + `,"original_truncated":true,"original_size":5000000}`)
	assert.Equal(t, "its original was cut from 5000000 bytes", l.Unreplayable())
	for _, value := range []string{"", "x", "{}", `{"original_event":1}`, `[]`, `{"original_event":{},"error_code":"c"}`} {
		l = letter(value)
		assert.Equal(t, "it is no dead letter of this collector", l.Unreplayable(), value)
		assert.Equal(t, "from_header", l.Code)
		assert.Equal(t, time.Unix(1, 0), l.FailedAt)
	}
}

func TestFilter(t *testing.T) {
	l := &Letter{Position: Position{1, 7}, Code: "c", Stage: "s", Type: "t", EventID: "0197f5c4-6f2a-7c31-b1a0-5d6c7e8f9a0b", FailedAt: time.Unix(100, 0)}
	for name, tt := range map[string]struct {
		f    Filter
		want bool
	}{
		"all":           {Filter{}, true},
		"code":          {Filter{Codes: []string{"x", "c"}}, true},
		"other code":    {Filter{Codes: []string{"x"}}, false},
		"stage":         {Filter{Stages: []string{"s"}}, true},
		"other stage":   {Filter{Stages: []string{"x"}}, false},
		"other type":    {Filter{Codes: []string{"c"}, Types: []string{"x"}}, false},
		"since":         {Filter{Since: time.Unix(100, 0)}, true},
		"later":         {Filter{Since: time.Unix(100, 1)}, false},
		"position":      {Filter{Positions: []Position{{1, 6}, {1, 7}}}, true},
		"no position":   {Filter{Positions: []Position{{0, 7}}}, false},
		"id":            {Filter{EventIDs: []string{"0197F5C4-6F2A-7C31-B1A0-5D6C7E8F9A0B"}}, true},
		"other id":      {Filter{EventIDs: []string{"x"}}, false},
		"either of two": {Filter{EventIDs: []string{"x"}, Positions: []Position{{1, 7}}}, true},
	} {
		assert.Equal(t, tt.want, tt.f.Wants(l), name)
	}
	assert.False(t, (&Filter{EventIDs: []string{""}}).Wants(&Letter{}), "no id is no id")
}

func TestMarks(t *testing.T) {
	m := &Marks{Low: 10}
	m.Add(5, 8)
	assert.Equal(t, &Marks{Low: 10}, m)
	m.Add(12, 13)
	m.Add(20, 25)
	m.Add(14, 15)
	assert.Equal(t, []span{{12, 13}, {14, 15}, {20, 25}}, m.spans)
	m.Add(13, 14)
	assert.Equal(t, []span{{12, 15}, {20, 25}}, m.spans)
	c := m.Clone()
	m.Add(10, 12)
	assert.Equal(t, &Marks{Low: 15, spans: []span{{20, 25}}}, m)
	assert.Equal(t, int64(10), c.Low)
	m.Forget(22)
	assert.Equal(t, int64(25), m.Low)
	assert.Empty(t, m.spans)
}

// Whatever is added in whatever order is what is there afterwards, and after
// the way through Kafka.
func TestMarksAtRandom(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := &Marks{Low: int64(r.IntN(50))}
		want := map[int64]bool{}
		for o := range m.Low {
			want[o] = true
		}
		for range r.IntN(60) {
			from := int64(r.IntN(300))
			to := from + int64(r.IntN(8))
			m.Add(from, to)
			for o := from; o < to; o++ {
				want[o] = true
			}
		}
		text, err := m.Metadata()
		require.NoError(t, err)
		again, err := ParseMarks(m.Low, text)
		require.NoError(t, err)
		for o := range int64(400) {
			require.Equal(t, want[o], m.Has(o), "seed %d, offset %d", seed, o)
			require.Equal(t, want[o], again.Has(o), "seed %d, offset %d", seed, o)
		}
		require.False(t, want[m.Low], "seed %d: Low is the first that was not replayed", seed)
	}
}

func TestMarksAreBounded(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	m := &Marks{}
	for o := int64(1); ; o++ {
		if r.IntN(10) > 0 {
			continue
		}
		m.Add(o, o+1)
		if len(m.spans)%20 != 0 {
			continue
		}
		text, err := m.Metadata()
		if err != nil {
			assert.ErrorIs(t, err, ErrMarksFull)
			break
		}
		require.LessOrEqual(t, len(text), maxMetadata)
	}
	assert.Greater(t, len(m.spans), 3000, "one in ten of a partition, chosen at random")
	m.Add(0, 1<<40)
	text, err := m.Metadata()
	require.NoError(t, err)
	assert.Empty(t, text)
}

func TestMarksDamaged(t *testing.T) {
	for _, text := range []string{"2:AAAA", "1:!", "1:AAAA", "nothing"} {
		_, err := ParseMarks(0, text)
		assert.Error(t, err, text)
	}
}

func FuzzParseMarks(f *testing.F) {
	m := &Marks{Low: 5}
	m.Add(7, 9)
	text, _ := m.Metadata()
	f.Add(int64(5), text)
	f.Fuzz(func(t *testing.T, low int64, text string) {
		m, err := ParseMarks(low, text)
		if err != nil {
			return
		}
		again, err := m.Metadata()
		if err != nil {
			return
		}
		back, err := ParseMarks(m.Low, again)
		require.NoError(t, err)
		assert.Len(t, back.spans, len(m.spans))
	})
}
