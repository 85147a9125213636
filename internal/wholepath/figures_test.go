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
	"runtime/debug"
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
	// of the same bytes. The goal is 6.
	maxTimesScan = 5.5
	// minRedaction is how many times faster a clean comment has to be redacted
	// than four regular expressions look at it.
	minRedaction = 50
	// turnsEach is how many turns all work has between two collections of garbage.
	turnsEach = 20
	// batchesCollected is how many batches walk with the collection of garbage in
	// a round: enough for several.
	batchesCollected = 100
)

// regexes are the four of the usual kind: e-mail address, telephone number,
// card number, social security number.
var regexes = []*regexp.Regexp{
	regexp.MustCompile(`\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}\b`),
	regexp.MustCompile(`\b\d{3}[-.]?\d{3}[-.]?\d{4}\b`),
	regexp.MustCompile(`\b\d{4}[-\s]?\d{4}[-\s]?\d{4}[-\s]?\d{4}\b`),
	regexp.MustCompile(`\b\d{3}-\d{2}-\d{4}\b`),
}

// times are times on one thread, each the least of all turns.
type times struct {
	scan, way      time.Duration // of an event in batches of 100
	alone          time.Duration // of an event in a request of its own
	collected      time.Duration // of an event in batches of 100, collection of garbage included
	write          time.Duration // of an event's value
	redact, search time.Duration // of a comment: ours, the four expressions
	batches        []time.Duration
}

func (f *times) timesScan() float64 { return float64(f.way) / float64(f.scan) }
func (f *times) redaction() float64 { return float64(f.search) / float64(f.redact) }

// turn is a piece of work that is done again and again.
type turn struct {
	into *time.Duration // the least time of one of n
	n    int
	do   func()
}

// bench holds what the turns work on, and what they did.
type bench struct {
	times
	way     *way
	all     []byte
	one     []byte
	value   []byte
	tokens  int
	clean   int
	rounds  int
	in      bytes.Buffer
	decoder *jsontext.Decoder
}

// measure does all the work in turns and keeps the least time of each. A turn is
// so short that some are left alone even where the machine has much else to do,
// and nothing makes work faster than it is. Garbage is collected between turns:
// its cost is that of the live memory of the process, so it is no part of a
// ratio; allocations are held for themselves. What it comes to in this process,
// at Go's defaults, is measured if asked.
func measure(t *testing.T, rounds int, collected bool) *times {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	b := &bench{way: newWay(t), all: request(batch), one: request(1), rounds: rounds}
	b.decoder = jsontext.NewDecoder(&b.in)
	turns := b.turns(t)
	for range rounds {
		runtime.GC()
		percent := debug.SetGCPercent(-1)
		for range turnsEach {
			for _, it := range turns {
				began := time.Now()
				it.do()
				least(it.into, time.Since(began)/time.Duration(it.n))
			}
		}
		debug.SetGCPercent(percent)
		if collected {
			b.walkCollected(t)
		}
	}
	b.check(t)
	slices.Sort(b.batches)
	return &b.times
}

// walkCollected takes processor time: the collection of garbage is not over when
// its batch is.
func (b *bench) walkCollected(t *testing.T) {
	t.Helper()
	before := cpu(t)
	for range batchesCollected {
		start := time.Now()
		b.way.walk(t, b.all, batch)
		b.batches = append(b.batches, time.Since(start))
	}
	least(&b.collected, (cpu(t)-before)/(batchesCollected*batch))
}

func least(into *time.Duration, took time.Duration) {
	if *into == 0 || took < *into {
		*into = took
	}
}

func (b *bench) turns(t *testing.T) []turn {
	t.Helper()
	engine, record := pii.NewDefault(), decoded(t, b.one)
	redacted := func() {
		if after, err := engine.Redact(comment, nil); err == nil && after == comment {
			b.clean++
		}
	}
	searched := func() {
		text := comment
		for _, r := range regexes {
			text = r.ReplaceAllString(text, "[REDACTED]")
		}
		if text == comment {
			b.clean++
		}
	}
	return []turn{
		{&b.scan, batch, func() { b.tokens += scan(t, b.decoder, &b.in, b.all) }},
		{&b.times.way, batch, func() { b.way.walk(t, b.all, batch) }},
		{&b.alone, batch, repeat(batch, func() { b.way.walk(t, b.one, 1) })},
		{&b.write, batch, repeat(batch, func() { b.value = feedback.AppendJSON(b.value[:0], record.Body()) })},
		{&b.redact, redactions, repeat(redactions, redacted)},
		{&b.search, searches, repeat(searches, searched)},
	}
}

// Comments in one turn.
const (
	redactions = 2000
	searches   = 20
)

// check makes sure that the work was done.
func (b *bench) check(t *testing.T) {
	t.Helper()
	n := b.rounds * turnsEach
	require.Equal(t, n*2*batch+len(b.batches)*batch, b.way.values)
	require.Equal(t, n*batch*scan(t, b.decoder, &b.in, b.one), b.tokens)
	require.Equal(t, n*(redactions+searches), b.clean)
	require.Equal(t, string(bytes.TrimSpace(b.one)), string(b.value))
	require.Len(t, comment, 200)
}

func repeat(n int, do func()) func() {
	return func() {
		for range n {
			do()
		}
	}
}

// decoded is the record of a request of one event.
func decoded(t *testing.T, one []byte) plog.LogRecord {
	t.Helper()
	records := plog.NewLogRecordSlice()
	_, _, fault := feedback.NewDecoder().Decode(one, feedback.FormatNDJSON, 1, records)
	require.Nil(t, fault)
	return records.At(0)
}

// cpu is the processor time that this process has used.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var r syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &r))
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// TestRatios holds the way of an event to ratios within one run, which depend
// little on the machine. A busy one gets more rounds.
func TestRatios(t *testing.T) {
	var f *times
	for rounds := 10; rounds <= 160; rounds *= 2 {
		f = measure(t, rounds, false)
		if f.timesScan() <= maxTimesScan && f.redaction() >= minRedaction {
			break
		}
	}
	t.Logf("the way costs %.2f times the scan, the four expressions %.0f times the redaction", f.timesScan(), f.redaction())
	assert.LessOrEqual(t, f.timesScan(), float64(maxTimesScan), "an event, in token scans of its bytes")
	assert.GreaterOrEqual(t, f.redaction(), float64(minRedaction), "redaction of a clean comment against four expressions")
}

// TestFigures prints what the way of an event costs, as the table of
// docs/performance.md, and writes it there if BENCH_PAGE names the page.
// BENCH_GOALS=1 makes its goals strict.
func TestFigures(t *testing.T) {
	what := os.Getenv("BENCH")
	if what != "load" && what != "process" {
		t.Skip("measures: run \"make bench-process\"")
	}
	f := measure(t, 60, true)
	inBatch, pdataInBatch := allocations(t, batch)
	alone, pdataAlone := allocations(t, 1)
	median, late := f.batches[len(f.batches)/2], f.batches[len(f.batches)*99/100]
	rate := 1 / f.collected.Seconds()

	var table strings.Builder
	row := func(what, figure, goal string, met bool) {
		fmt.Fprintf(&table, "| %s | %s | %s |\n", what, figure, goal)
		if !met && os.Getenv("BENCH_GOALS") == "1" {
			assert.Fail(t, "missed: "+what, "%s, goal %s", figure, goal)
		}
	}
	table.WriteString("| | measured | goal |\n|---|---|---|\n")
	row("token scan of an event, by the JSON library alone", f.scan.String(), "", true)
	row("the way of an event, in batches of 100", f.way.String(), "", true)
	row("the way in token scans", fmt.Sprintf("%.1f", f.timesScan()), fmt.Sprintf("≤ %.1f", maxTimesScan), f.timesScan() <= maxTimesScan)
	row("the way of an event that is sent alone", f.alone.String(), "", true)
	row("the way in batches of 100, with the collection of garbage", f.collected.String(), "", true)
	row("events a second on one thread, with the collection of garbage", fmt.Sprintf("%.0f", rate), "≥ 100,000", rate >= 100_000)
	row("a batch of 100 by the clock, median / p99", fmt.Sprintf("%s / %s", median, late), "< 1 ms", median < time.Millisecond)
	row("allocations of an event in batches of 100 (pdata's own)", fmt.Sprintf("%.1f (%.1f)", inBatch, pdataInBatch),
		fmt.Sprintf("≤ %d, ≤ %d above pdata's", maxInBatch, maxAbovePdata), inBatch <= maxInBatch && inBatch-pdataInBatch <= maxAbovePdata)
	row("allocations of an event that is sent alone (pdata's own)", fmt.Sprintf("%.0f (%.0f)", alone, pdataAlone),
		fmt.Sprintf("≤ %d, ≤ %d above pdata's", maxAlone, maxAbovePdata), alone <= maxAlone && alone-pdataAlone <= maxAbovePdata)
	row("writing the Kafka value of an event", f.write.String(), "< 50 µs", f.write < 50*time.Microsecond)
	row("redaction of a clean comment of 200 characters", f.redact.String(), "≤ 500 ns", f.redact <= 500*time.Nanosecond)
	row("four regular expressions on the same comment", f.search.String(), "", true)
	row("the expressions in redactions", fmt.Sprintf("%.0f", f.redaction()), fmt.Sprintf("≥ %d", minRedaction), f.redaction() >= minRedaction)
	text := fmt.Sprintf("%s, %s, %s/%s, %d cores%s.\n\n%s", time.Now().UTC().Format(time.DateOnly),
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), others(), table.String())
	t.Log("\n" + text)
	if page := os.Getenv("BENCH_PAGE"); page != "" && !t.Failed() {
		write(t, page, text)
	}
}

// others says so if the machine has much else to do.
func others() string {
	var load float64
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	if _, err = fmt.Sscan(string(text), &load); err != nil || load < float64(runtime.NumCPU()) {
		return ""
	}
	return fmt.Sprintf(", busy with other work (load %.0f)", load)
}

// write puts text between the marks for it in a page.
func write(t *testing.T, page, text string) {
	t.Helper()
	const begin, end = "<!-- process -->\n", "<!-- end of process -->"
	before, err := os.ReadFile(page)
	require.NoError(t, err)
	head, rest, found := strings.Cut(string(before), begin)
	require.True(t, found)
	_, tail, found := strings.Cut(rest, end)
	require.True(t, found)
	require.NoError(t, os.WriteFile(page, []byte(head+begin+text+end+tail), 0o600))
}
