// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/sample"
)

func (l *Ledger) id(seq int64) string {
	b := make([]byte, idLength)
	l.write(b, seq)
	return string(b)
}

func TestLedger(t *testing.T) {
	l := NewLedger()
	at := time.Now()
	l.take(10, at)
	mark := l.Mark()
	const n = 3 * chunkEvents / 2 // more than one chunk, and not a whole number of words
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for range n / 3 / 32 {
				l.acknowledge(l.take(32, at), 32)
			}
		})
	}
	all.Wait()
	first, end := int64(10), l.Mark()
	require.Equal(t, mark, first)
	for i := first; i < end; i++ {
		if i%1000 == 0 {
			continue
		}
		value := `{"type":"x","event_id":"` + l.id(i) + `"}`
		var due time.Time
		l.Arrived([]byte(value), func(d time.Time) { due = d })
		require.WithinDuration(t, at, due, dueUnit)
	}
	lost := (end - first) / 1000
	assert.Equal(t, Balance{Sent: end - first, Acknowledged: end - first, Arrived: end - first - lost, Lost: lost}, l.Since(mark))

	// Several in one record, one of them again; others' ids; ids not given yet.
	l.Arrived([]byte(l.id(1000)+" "+l.id(1001)+l.id(2)), nil)
	l.Arrived([]byte(NewLedger().id(2000)), nil)
	l.Arrived([]byte(l.id(end+1)), nil)
	l.Arrived([]byte(l.id(3000)[:30]), nil)
	assert.Equal(t, Balance{Sent: end, Acknowledged: end - 10, Arrived: end - 10 - lost + 2, Lost: lost - 1, Unpromised: 1, Twice: 1}, l.Since(0))
}

// The ids are UUIDs, and no pattern for numbers finds anything in them.
func TestIDs(t *testing.T) {
	patterns := []*regexp.Regexp{
		regexp.MustCompile(`\b\d{3}[-.]?\d{3}[-.]?\d{4}\b`),
		regexp.MustCompile(`\b\d{4}[-\s]?\d{4}[-\s]?\d{4}[-\s]?\d{4}\b`),
		regexp.MustCompile(`\b\d{3}-\d{2}-\d{4}\b`),
	}
	for range 1000 {
		id := NewLedger().id(rand.Int64N(1 << 44))
		u, err := uuid.Parse(id)
		require.NoError(t, err)
		assert.Equal(t, uuid.RFC4122, u.Variant())
		assert.EqualValues(t, 4, u.Version())
		for _, p := range patterns {
			assert.False(t, p.MatchString(id), id)
		}
	}
}

func TestSizes(t *testing.T) {
	g := sample.New(1)
	for _, size := range []int{300, 1000, 2000, 10_000, 100_000, 1_000_000} {
		c := Config{EventSize: size}
		text := c.event(g)
		assert.InDelta(t, size, len(text), float64(size)/20, size)
		_, err := object(text)
		require.NoError(t, err)
		m, err := message(text)
		require.NoError(t, err)
		assert.NotNil(t, m.GetUserFeedback())
	}
}

func TestHistogram(t *testing.T) {
	h := NewHistogram()
	assert.Nil(t, h.Quantiles())
	for i := range 1000 {
		h.Record(i, time.Duration(i+1)*time.Millisecond)
	}
	h.Record(0, -time.Second)
	q := h.Quantiles()
	assert.EqualValues(t, 1001, q.Count)
	assert.InDelta(t, 500, q.P50, 2)
	assert.InDelta(t, 990, q.P99, 2)
	h.Record(0, time.Hour)
	assert.InDelta(t, highest.Seconds()*1000, h.Quantiles().Max, 200)
	assert.NotEmpty(t, fmt.Sprint(q))
}
