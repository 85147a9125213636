// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// filled is a ledger with so many requests of two events, all acknowledged.
func filled(requests int) *Ledger {
	l := New()
	for i := range requests {
		n := l.open(0, i, 2, time.Now(), func(n int) bool { return n == 99 })
		l.close(n, Acknowledged, 202, "")
	}
	return l
}

// arrive enters events as one partition has them.
func (l *Ledger) arrive(events ...int) {
	for i, n := range events {
		l.Seen(l.id(n), Place{Topic: "t", Partition: int32(n % 2), Offset: int64(i), Committed: true}, false)
	}
}

func TestJudge(t *testing.T) {
	t.Run("all well", func(t *testing.T) {
		l := filled(3)
		l.arrive(0, 1, 2, 3, 4, 5)
		v := l.Judge()
		assert.Equal(t, 6, v.Acknowledged)
		assert.Empty(t, v.Histories)
		assert.Zero(t, l.Missing())
	})
	t.Run("lost", func(t *testing.T) {
		l := filled(3)
		l.arrive(0, 1, 2, 4, 5)
		v := l.Judge()
		assert.Equal(t, 1, v.Lost)
		assert.Equal(t, 1, v.Partial)
		assert.Equal(t, 1, l.Missing())
		assert.Contains(t, strings.Join(v.Histories, "\n"), "lost: event "+l.id(3)+", key session-0-1, request 1 of sender 0")
	})
	t.Run("twice, and in order by where each was first", func(t *testing.T) {
		l := filled(3)
		l.arrive(0, 2, 0, 2, 4, 1, 3, 5)
		v := l.Judge()
		assert.Equal(t, 2, v.Twice)
		assert.Zero(t, v.OutOfOrder)
		assert.Contains(t, v.Histories[0], "at t/0/0")
		assert.Contains(t, v.Histories[0], "at t/0/2")
	})
	t.Run("out of order", func(t *testing.T) {
		l := filled(3)
		l.arrive(0, 4, 2, 1, 3, 5)
		assert.Equal(t, 1, l.Judge().OutOfOrder)
	})
	t.Run("a topic made anew", func(t *testing.T) {
		l := filled(3)
		l.arrive(0, 1, 2, 3)
		for n := 2; n < 6; n++ {
			l.Seen(l.id(n), Place{Topic: "t", Partition: int32(n % 2), Offset: int64(n / 4), Era: 1}, false)
		}
		assert.Empty(t, l.Judge().Histories)
	})
	t.Run("what was not promised may be missing, or late", func(t *testing.T) {
		l := filled(3)
		l.close(0, Unknown, 0, "reset")
		l.close(1, Refused, 503, "full")
		l.arrive(4, 5, 0, 1)
		v := l.Judge()
		assert.Zero(t, v.Lost+v.OutOfOrder+v.Partial)
		assert.Equal(t, 1, v.Unavailable)
		assert.Equal(t, 2, v.Unknown)
	})
	t.Run("poison and strangers", func(t *testing.T) {
		l := filled(50) // event 99 is poison
		for n := range 100 {
			l.Seen(l.id(n), Place{Partition: int32(n % 2), Offset: int64(n)}, n == 99)
		}
		assert.Empty(t, l.Judge().Histories)
		l.Seen(l.id(7), Place{}, true)
		l.Seen(l.id(99), Place{}, false)
		l.Seen("someone else", Place{}, false)
		l.Seen(New().id(1), Place{}, false)
		v := l.Judge()
		assert.Equal(t, 1, v.Buried)
		assert.Equal(t, 1, v.Unburied)
		assert.Equal(t, 2, v.Strange)
	})
}

// TestLoad: requests keep the rate although answers are slow, and every answer
// is entered as what it is.
func TestLoad(t *testing.T) {
	var bodies [][]map[string]any
	received := make(chan []map[string]any, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var events []map[string]any
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&events))
		received <- events
		switch events[0]["session_id"] {
		case key(1, 0):
			w.WriteHeader(http.StatusServiceUnavailable)
		case key(2, 0):
			panic(http.ErrAbortHandler)
		default:
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprintf(w, `{"accepted":%d}`, len(events))
		}
	}))
	defer server.Close()
	l := New()
	run := l.Start(t.Context(), Load{URL: server.URL, Rate: 500, PerRequest: 2, Max: 100, Poison: func(n int) string {
		if n == 3 {
			return `"metadata":{"a":"b"}`
		}
		return ""
	}})
	require.Eventually(t, func() bool { return len(received) == 50 }, 10*time.Second, 5*time.Millisecond)
	assert.Zero(t, run.Stop())
	close(received)
	poison := 0
	for events := range received {
		bodies = append(bodies, events)
		for _, e := range events {
			if e["metadata"] != nil {
				poison++
			}
		}
	}
	assert.Len(t, bodies, 50)
	assert.Equal(t, 1, poison)
	v := l.Judge()
	assert.Equal(t, 100, v.Sent)
	assert.Equal(t, v.Acknowledged, l.Acknowledged())
	assert.NotZero(t, v.Refused)
	assert.NotZero(t, v.Unknown)
	assert.Equal(t, v.Sent, v.Acknowledged+v.Refused+v.Unknown)
	assert.Equal(t, v.Lost, v.Acknowledged)

	server.Close()
	l.Burst(Load{URL: server.URL, PerRequest: 1}, 3)
	assert.Equal(t, 3, l.Judge().NotSent)
}
