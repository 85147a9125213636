// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sample is a line of a corpus: text with labelled spans, in characters.
type sample struct {
	Text  string  `json:"text"`
	Spans []label `json:"spans"`
}

type label struct {
	name       string
	start, end int
}

func (l *label) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&l.name, &l.start, &l.end})
}

var labelled = map[string]Entity{
	"EMAIL_ADDRESS": Email, "PHONE_NUMBER": Phone, "CREDIT_CARD": Card, "US_SSN": SSN,
	"IBAN_CODE": IBAN, "IP_ADDRESS": IP, "SECRET": Secret,
}

func readCorpus(t testing.TB, path string) []sample {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var out []sample
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s sample
		require.NoError(t, json.Unmarshal(lines.Bytes(), &s))
		out = append(out, s)
	}
	require.NoError(t, lines.Err())
	return out
}

func findAll(e *Engine, text string) (out []match) {
	s := newScanner(e, text)
	for m, ok := s.next(); ok; m, ok = s.next() {
		out = append(out, m)
	}
	return out
}

type score struct{ covered, exact, total int }

// measure counts, per entity, the labelled spans that were found, and the
// findings that touch no span of the entities we know.
func measure(t *testing.T, corpus []sample) (scores [NumEntities]score, changed int) {
	e := NewDefault()
	for _, s := range corpus {
		offsets := byteOffsets(s.Text)
		got := findAll(e, s.Text)
		hit := make([]bool, len(got))
		for _, l := range s.Spans {
			entity, ok := labelled[l.name]
			if !ok {
				continue
			}
			start, end := offsets[l.start], offsets[l.end]
			scores[entity].total++
			for i, m := range got {
				if m.start < end && m.end > start {
					hit[i] = true
				}
				if m.entity == entity && m.start <= start && m.end >= end {
					scores[entity].covered++
					if m.start == start && m.end == end {
						scores[entity].exact++
					} else {
						t.Logf("cut beyond: %v %q in %q", entity, s.Text[m.start:m.end], s.Text)
					}
					ok = false
				}
			}
			if ok {
				t.Logf("missed: %v %q in %q", entity, s.Text[start:end], s.Text)
			}
		}
		clean := true
		for i, m := range got {
			if !hit[i] {
				clean = false
				t.Logf("false hit: %v %q in %q", m.entity, s.Text[m.start:m.end], s.Text)
			}
		}
		if !clean {
			changed++
		}
	}
	return scores, changed
}

// byteOffsets maps character offsets to byte offsets.
func byteOffsets(s string) []int {
	var out []int
	for i := range s {
		out = append(out, i)
	}
	return append(out, len(s))
}

func TestDevelopmentSet(t *testing.T) {
	scores, changed := measure(t, readCorpus(t, "testdata/synth_dev.jsonl"))
	for _, e := range []Entity{Email, Phone, Card, SSN, IBAN, IP, Secret} {
		s := scores[e]
		t.Logf("%-6s %3d of %3d covered (%.1f %%), %d exactly", e, s.covered, s.total, 100*float64(s.covered)/float64(max(1, s.total)), s.exact)
		assert.Equal(t, s.covered, s.exact, "%v: nothing is cut beyond the datum", e)
	}
	floor := func(e Entity, percent int) {
		assert.GreaterOrEqual(t, scores[e].covered*100, scores[e].total*percent, e.String())
	}
	floor(Email, 100)
	floor(SSN, 100)
	floor(IBAN, 100)
	floor(IP, 100)
	floor(Card, 98)
	floor(Phone, 95)
	assert.Zero(t, changed, "texts without such data stay as they are")
}

// TestHardSet holds formats that are rare in the development set, and
// look-alikes that must stay.
func TestHardSet(t *testing.T) {
	scores, changed := measure(t, readCorpus(t, "testdata/hard.jsonl"))
	for _, e := range []Entity{Email, Phone, Card, SSN, IBAN, IP, Secret} {
		s := scores[e]
		t.Logf("%-6s %3d of %3d covered (%.1f %%), %d exactly", e, s.covered, s.total, 100*float64(s.covered)/float64(max(1, s.total)), s.exact)
		assert.Equal(t, s.total, s.exact, e.String())
	}
	assert.Zero(t, changed)
}
