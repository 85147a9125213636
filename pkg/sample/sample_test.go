// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

func frozen() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 890e6, time.UTC) }

func TestSameSeedSameEvents(t *testing.T) {
	a, b, other := newGenerator(7, frozen), newGenerator(7, frozen), newGenerator(8, frozen)
	var differs bool
	for range 500 {
		x := a.Event()
		require.Equal(t, string(x), string(b.Event()))
		differs = differs || string(x) != string(other.Event())
	}
	assert.True(t, differs)
}

func TestEvents(t *testing.T) {
	const n = 5000
	g := New(1)
	var (
		ids      = map[string]bool{}
		types    = map[string]int{}
		keys     = map[string]int{}
		comments int
		runes    int
		personal int
		planted  = map[string]bool{}
	)
	for range n {
		text := g.Event()
		var e struct {
			Type      string    `json:"type"`
			EventID   string    `json:"event_id"`
			Timestamp time.Time `json:"timestamp"`
			SessionID string    `json:"session_id"`
			Comment   string    `json:"comment"`
		}
		require.NoError(t, json.Unmarshal(text, &e))
		id, err := uuid.Parse(e.EventID)
		require.NoError(t, err)
		assert.EqualValues(t, 7, id.Version())
		assert.Equal(t, uuid.RFC4122, id.Variant())
		require.False(t, ids[e.EventID], "every event has its own id")
		ids[e.EventID] = true
		types[e.Type]++
		assert.WithinDuration(t, time.Now(), e.Timestamp, time.Minute)
		if e.SessionID != "" {
			keys[e.SessionID]++
		}
		if e.Comment == "" {
			continue
		}
		comments++
		runes += utf8.RuneCountInString(e.Comment)
		assert.LessOrEqual(t, utf8.RuneCountInString(e.Comment), 1000)
		assert.False(t, strings.ContainsFunc(e.Comment, unicode.IsControl))
		found := false
		for _, p := range PersonalData() {
			if strings.Contains(e.Comment, p) {
				found, planted[p] = true, true
			}
		}
		if found {
			personal++
		}
	}
	assert.Len(t, types, 5)
	assert.Less(t, len(keys), types[feedback.TypeUserFeedback]/4, "sessions come back")
	assert.InDelta(t, 200, runes/comments, 40)
	assert.InDelta(t, 0.1, float64(personal)/float64(comments), 0.03)
	assert.Len(t, planted, len(PersonalData()))
}

func TestOfType(t *testing.T) {
	g := New(3)
	for _, typ := range []string{
		feedback.TypeUserFeedback, feedback.TypePerformanceMetrics, feedback.TypeModelResponse,
		feedback.TypeSystemHealth, feedback.TypeExperimentResult,
	} {
		var e map[string]any
		require.NoError(t, json.Unmarshal(g.OfType(typ), &e))
		assert.Equal(t, typ, e["type"])
	}
	assert.Nil(t, g.OfType("unheard_of"))
}

func TestCardsPassLuhn(t *testing.T) {
	for _, card := range cards {
		sum, double := 0, false
		for i := len(card) - 1; i >= 0; i-- {
			if card[i] < '0' || card[i] > '9' {
				continue
			}
			d := int(card[i] - '0')
			if double {
				if d *= 2; d > 9 {
					d -= 9
				}
			}
			sum, double = sum+d, !double
		}
		assert.Zero(t, sum%10, "a test card number that passes the check")
	}
}

func BenchmarkEvent(b *testing.B) {
	g := New(1)
	n := 0
	for b.Loop() {
		n += len(g.Event())
	}
	b.ReportMetric(float64(n)/float64(b.N), "bytes/event")
}
