// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piieval

import (
	"bytes"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
)

// TestTargets holds the engine to its targets, on the published set and on some
// whose numbers nobody has looked at.
func TestTargets(t *testing.T) {
	for _, seed := range []uint64{Seed, 1001, 1002, 1003} {
		var log bytes.Buffer
		r := Measure("ours", &Ours{Engine: pii.NewDefault()}, Hard(seed), &log)
		for _, name := range pii.Entities() {
			s := r.Entities[name]
			assert.GreaterOrEqual(t, s.Covered(), 95.0, "seed %d, %s\n%s", seed, name, &log)
			assert.Zero(t, s.Beyond, "seed %d, %s: nothing is cut beyond the datum\n%s", seed, name, &log)
		}
		assert.GreaterOrEqual(t, r.All.Covered(), 97.0, "seed %d", seed)
		assert.LessOrEqual(t, r.Changed*140, r.Clean, "seed %d: one look-alike of 140\n%s", seed, &log)
	}
}

// TestDefaultRegions writes numbers as they are written at home, with nothing
// that announces them, for collectors that stand there.
func TestDefaultRegions(t *testing.T) {
	m := newMaker(7)
	total, hit := 0, 0
	for _, region := range frequent {
		e, err := pii.New(pii.Options{DefaultRegion: region})
		require.NoError(t, err)
		for range 5 {
			n := m.number(region)
			require.NotNil(t, n, region)
			number := phonenumbers.Format(n, phonenumbers.NATIONAL)
			if region == "US" || region == "CA" {
				number = m.separated(number)
			}
			total++
			text := "Ana, " + number + ", wrote"
			if got := e.Find(nil, text); len(got) == 1 && text[got[0].Start:got[0].End] == number {
				hit++
			} else {
				t.Logf("%s: %q", region, number)
			}
		}
	}
	t.Logf("%d of %d", hit, total)
	assert.GreaterOrEqual(t, hit*100, total*95)
}

func TestReadWrite(t *testing.T) {
	want := Generate(3)
	var b bytes.Buffer
	require.NoError(t, Write(&b, want))
	got, err := Read(&b)
	require.NoError(t, err)
	require.Len(t, got, len(want))
	for i := range want {
		assert.Equal(t, want[i].Text, got[i].Text)
		assert.Equal(t, want[i].Spans, got[i].Spans)
	}
	for _, bad := range []string{`{`, `{"text":"a","spans":[["SECRET",0]]}`, `{"text":"a","spans":[["SECRET",0,2]]}`, `{"text":"a","spans":[[0,0,1]]}`} {
		_, err := Read(bytes.NewBufferString(bad))
		assert.Error(t, err, bad)
	}
}

func TestMeasure(t *testing.T) {
	samples := []Sample{
		{Text: "a@b.co and c@d.co", Spans: []Span{span(pii.Email, 0, 6), span(pii.Email, 11, 17)}},
		{Text: "nothing"},
	}
	found := NewRecorded([]Sample{
		{Text: samples[0].Text, Spans: []Span{span(pii.Email, 0, 8), span(pii.Phone, 12, 17)}},
		{Text: "nothing", Spans: []Span{span(pii.Card, 0, 2)}},
	})
	var log bytes.Buffer
	r := Measure("x", found, samples, &log)
	assert.Equal(t, Score{Total: 2, Found: 1, Missed: 1, Beyond: 1}, r.Entities["email"])
	assert.Equal(t, Score{False: 1}, r.Entities["card"])
	assert.Equal(t, Score{Total: 2, Found: 1, Missed: 1, Beyond: 1, False: 1}, r.All)
	assert.Equal(t, []int{1, 1}, []int{r.Clean, r.Changed})
	for _, want := range []string{"missed email", "cut beyond email", "false card"} {
		assert.Contains(t, log.String(), want)
	}
	var table bytes.Buffer
	r.Print(&table)
	assert.Contains(t, table.String(), "| email    |      2 |      1 |      1 |   50.0 % |          1 |      0 |")
}

func TestFourRegexes(t *testing.T) {
	got := FourRegexes{}.Find("a@b.co 415-555-2671 4111 1111 1111 1111 460-89-9847")
	assert.Len(t, got, 4)
}

func span(e pii.Entity, start, end int) Span {
	return Span{Entity: e, Start: start, End: end, OuterStart: start, OuterEnd: end}
}
