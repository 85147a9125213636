// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// The race detector changes what things cost. "make test" runs this without it.

//go:build unix && !race

package wholepath

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
)

const (
	// maxTimesScan is how much the whole way of an event may cost, in token scans
	// of the same bytes.
	maxTimesScan = 6
	// minRedaction is how many times faster a clean comment has to be redacted
	// than four regular expressions look at it.
	minRedaction = 50
	// eventsEach is how many events walk in one round: enough that each round
	// has its share of the collection of garbage.
	eventsEach = 50 * batch
)

// regexes are the four of the usual kind: e-mail address, telephone number,
// card number, social security number.
var regexes = []*regexp.Regexp{
	regexp.MustCompile(`\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}\b`),
	regexp.MustCompile(`\b\d{3}[-.]?\d{3}[-.]?\d{4}\b`),
	regexp.MustCompile(`\b\d{4}[-\s]?\d{4}[-\s]?\d{4}[-\s]?\d{4}\b`),
	regexp.MustCompile(`\b\d{3}-\d{2}-\d{4}\b`),
}

// times are processor times on one thread, garbage collection included.
type times struct {
	scan, way      time.Duration // of an event in batches of 100
	alone          time.Duration // of an event in a request of its own
	write          time.Duration // of an event's value
	redact, search time.Duration // of a comment: ours, the four expressions
	batches        []time.Duration
}

func (f *times) timesScan() float64 { return float64(f.way) / float64(f.scan) }
func (f *times) redaction() float64 { return float64(f.search) / float64(f.redact) }
func (f *times) rate() float64      { return 1 / f.way.Seconds() }

// measure does all the work in turns and keeps the least time of each: a machine
// that has other things to do takes from all alike, and nothing makes work
// faster than it is.
func measure(t *testing.T, rounds int) *times {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // the collection of garbage included
	f := &times{}
	in := new(bytes.Buffer)
	decoder := jsontext.NewDecoder(in)
	w, all, one := newWay(t), request(batch), request(1)
	engine := pii.NewDefault()
	written := finished(t, one)
	var value []byte
	tokens, clean := 0, 0
	work := []struct {
		into *time.Duration
		n    int
		do   func()
	}{
		{&f.scan, eventsEach, repeat(eventsEach/batch, func() { tokens += scan(t, decoder, in, all) })},
		{&f.way, eventsEach, repeat(eventsEach/batch, func() {
			start := time.Now()
			w.walk(t, all, batch)
			f.batches = append(f.batches, time.Since(start))
		})},
		{&f.alone, eventsEach, repeat(eventsEach, func() { w.walk(t, one, 1) })},
		{&f.write, eventsEach, repeat(eventsEach, func() { value = feedback.AppendJSON(value[:0], written.Body()) })},
		{&f.redact, 100_000, repeat(100_000, func() {
			if after, err := engine.Redact(comment, nil); err == nil && after == comment {
				clean++
			}
		})},
		{&f.search, 1000, repeat(1000, func() {
			text := comment
			for _, r := range regexes {
				text = r.ReplaceAllString(text, "[REDACTED]")
			}
			if text == comment {
				clean++
			}
		})},
	}
	for range rounds {
		for _, it := range work {
			began := cpu(t)
			it.do()
			if each := (cpu(t) - began) / time.Duration(it.n); *it.into == 0 || each < *it.into {
				*it.into = each
			}
		}
	}
	// The work was done.
	require.Equal(t, rounds*2*eventsEach, w.values)
	require.Equal(t, rounds*eventsEach*tokensOf(t, one), tokens)
	require.Equal(t, rounds*101_000, clean)
	require.Equal(t, string(bytes.TrimSpace(one)), string(value))
	slices.Sort(f.batches)
	return f
}

func repeat(n int, do func()) func() {
	return func() {
		for range n {
			do()
		}
	}
}

// finished is the record of a request of one event.
func finished(t *testing.T, one []byte) plog.LogRecord {
	t.Helper()
	records := plog.NewLogRecordSlice()
	_, _, fault := feedback.NewDecoder().Decode(one, feedback.FormatNDJSON, 1, records)
	require.Nil(t, fault)
	return records.At(0)
}

func tokensOf(t *testing.T, one []byte) int {
	t.Helper()
	in := new(bytes.Buffer)
	return scan(t, jsontext.NewDecoder(in), in, one)
}

// cpu is the processor time that this process has used.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var r syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &r))
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// TestRatios holds the way of an event to ratios within one run, which do not
// depend on the machine. A busy one gets more rounds.
func TestRatios(t *testing.T) {
	var f *times
	for rounds := 5; rounds <= 40; rounds *= 2 {
		f = measure(t, rounds)
		if f.timesScan() <= maxTimesScan && f.redaction() >= minRedaction {
			break
		}
	}
	t.Logf("the way costs %.2f times the scan, the four expressions %.0f times the redaction", f.timesScan(), f.redaction())
	assert.LessOrEqual(t, f.timesScan(), float64(maxTimesScan), "an event, in token scans of its bytes")
	assert.GreaterOrEqual(t, f.redaction(), float64(minRedaction), "redaction of a clean comment against four expressions")
}

// TestFigures prints what the way of an event costs, as a table for
// docs/performance.md. BENCH_GOALS=1 makes its goals strict.
func TestFigures(t *testing.T) {
	what := os.Getenv("BENCH")
	if what != "load" && what != "process" {
		t.Skip("measures: run \"make bench-process\"")
	}
	f := measure(t, 40)
	inBatch, pdataInBatch := allocations(t, batch)
	alone, pdataAlone := allocations(t, 1)
	median, late := f.batches[len(f.batches)/2], f.batches[len(f.batches)*99/100]
	var table strings.Builder
	row := func(what, figure, goal string, met bool) {
		fmt.Fprintf(&table, "| %s | %s | %s |\n", what, figure, goal)
		if !met && os.Getenv("BENCH_GOALS") == "1" {
			assert.Fail(t, "missed: "+what, "%s, goal %s", figure, goal)
		}
	}
	table.WriteString("| | measured | goal |\n|---|---|---|\n")
	row("token scan of an event alone, by the same JSON library", f.scan.String(), "–", true)
	row("bytes → Kafka value, in batches of 100", f.way.String(), "–", true)
	row("the same in token scans", fmt.Sprintf("%.2f", f.timesScan()), fmt.Sprintf("≤ %d", maxTimesScan), f.timesScan() <= maxTimesScan)
	row("bytes → Kafka value, a request of one event", f.alone.String(), "–", true)
	row("allocations an event, in batches of 100", fmt.Sprintf("%.1f (pdata's own: %.1f)", inBatch, pdataInBatch),
		fmt.Sprintf("≤ %d, ≤ %d above pdata's", maxInBatch, maxAbovePdata), inBatch <= maxInBatch && inBatch-pdataInBatch <= maxAbovePdata)
	row("allocations of a request of one event", fmt.Sprintf("%.0f (pdata's own: %.0f)", alone, pdataAlone),
		fmt.Sprintf("≤ %d, ≤ %d above pdata's", maxAlone, maxAbovePdata), alone <= maxAlone && alone-pdataAlone <= maxAbovePdata)
	row("events a second on one thread", fmt.Sprintf("%.0f", f.rate()), "≥ 100,000", f.rate() >= 100_000)
	row("a batch of 100 by the clock, p50 / p99", fmt.Sprintf("%s / %s", median, late), "< 1 ms", median < time.Millisecond)
	row("to write an event's Kafka value", f.write.String(), "< 50 µs", f.write < 50*time.Microsecond)
	row("redaction of a clean comment of 200 characters", f.redact.String(), "≤ 500 ns", f.redact <= 500*time.Nanosecond)
	row("four regular expressions on the same comment", f.search.String(), "–", true)
	row("the same in redactions", fmt.Sprintf("%.0f", f.redaction()), fmt.Sprintf("≥ %d", minRedaction), f.redaction() >= minRedaction)
	t.Log("\n" + table.String())
}
