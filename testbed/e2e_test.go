// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/events"
)

const (
	textsFile   = "testdata/synth_dev.jsonl"
	totalEvents = 10_000
)

// TestEveryWayIn sends events through all the ways in at once, to two collectors
// as they are shipped, and looks at each record that arrives.
func TestEveryWayIn(t *testing.T) {
	s := newStream(t)
	texts, err := events.ReadTexts(textsFile)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()

	directory := t.TempDir()
	server := collector.Run(t, collector.Options{Configs: []string{collector.ConfigFile("collector.yaml")}, Env: s.env()})
	daemon := collector.Run(t, collector.Options{
		Configs: []string{collector.ConfigFile("daemon.yaml")},
		Env:     s.env("COLLECTOR_DAEMON__DIRECTORY="+directory, "COLLECTOR_DAEMON__SCAN_INTERVAL=200ms"),
	})
	ways := append(serverWays(t, server), fileWay(directory))
	run := newDelivery(texts)
	run.sendAll(ctx, t, ways)

	assert.NoError(t, s.reader.AwaitCount(ctx, s.topic, totalEvents))
	for _, c := range []*collector.Collector{server, daemon} {
		code, err := c.Stop(30 * time.Second)
		require.NoError(t, err)
		assert.Zero(t, code)
		c.AssertUnsaid(t, "jane.doe@example.com", "460-89-9847")
	}
	records, err := s.reader.All(ctx, s.topic)
	require.NoError(t, err)
	dead, err := s.reader.All(ctx, s.deadLetter)
	require.NoError(t, err)
	assert.Empty(t, dead, "dead letters of valid events")
	for _, rec := range records {
		run.arrived(rec)
	}
	run.report(t, ways)
}

// delivery follows events from sending to arrival.
type delivery struct {
	texts   []events.Text
	mu      sync.Mutex // guards the rows and ids of byMark and tallies while events are being sent
	byMark  map[string]*sent
	tallies map[string]*tally
	faults  map[string]int // how often, by its text
	misses  map[string]map[int]bool
}

// tally is a row of the summary.
type tally struct{ sent, acknowledged, arrived, duplicates, wrong int }

func newDelivery(texts []events.Text) *delivery {
	return &delivery{
		texts: texts, byMark: map[string]*sent{}, tallies: map[string]*tally{}, faults: map[string]int{},
		misses: map[string]map[int]bool{},
	}
}

// sendAll sends an equal share of the events in each way, all ways at once.
func (d *delivery) sendAll(ctx context.Context, t *testing.T, ways []way) {
	batches := make([][]*events.Event, len(ways))
	for i := range ways {
		w := &ways[i]
		generator := events.NewGenerator(uint64(i+1), d.texts)
		d.tallies[w.name] = &tally{sent: totalEvents / len(ways)}
		for range d.tallies[w.name].sent {
			e := generator.Next(w.style)
			batches[i] = append(batches[i], e)
			d.byMark[e.Mark] = &sent{Event: e, way: w, earliest: time.Now()}
		}
	}
	var group sync.WaitGroup
	for i := range ways {
		group.Go(func() { d.sendOne(ctx, t, &ways[i], batches[i]) })
	}
	group.Wait()
}

func (d *delivery) sendOne(ctx context.Context, t *testing.T, w *way, batch []*events.Event) {
	receipts, errs := w.sendAll(ctx, batch)
	assert.NoError(t, first(errs), w.name)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tallies[w.name].acknowledged = len(receipts)
	for _, r := range receipts {
		d.byMark[r.Event.Mark].id = r.ID
		assert.Equal(t, w.answersIDs, r.ID != "", "%s: an id in the answer", w.name)
	}
}

// arrived looks at one record.
func (d *delivery) arrived(rec *kgo.Record) {
	value, err := events.Parse(rec.Value)
	if err != nil {
		d.faults["value is not JSON"]++
		return
	}
	s := d.byMark[mark(value)]
	if s == nil {
		d.faults["record of no event that was sent"]++
		return
	}
	row := d.tallies[s.way.name]
	s.arrivals++
	if s.arrivals > 1 {
		row.duplicates++
		return
	}
	row.arrived++
	if list := faults(s, rec, value); len(list) > 0 {
		row.wrong++
		for _, f := range list {
			d.faults[s.way.name+", "+s.Type+": "+f]++
		}
	}
	if s.Text >= 0 {
		d.lookForPersonalData(s.Text, value.Text("comment"))
	}
}

// floors is how much of each entity that the set marks must be gone, in parts of
// one.
var floors = map[string]float64{"EMAIL_ADDRESS": 1, "CREDIT_CARD": 1, "US_SSN": 1, "PHONE_NUMBER": 1}

func (d *delivery) lookForPersonalData(text int, comment string) {
	for i, span := range d.texts[text].Spans {
		if _, ours := floors[span.Entity]; ours && span.Readable(comment) {
			if d.misses[span.Entity] == nil {
				d.misses[span.Entity] = map[int]bool{}
			}
			d.misses[span.Entity][text*100+i] = true
		}
	}
}

// report prints the summary and fails on what is not as it must be.
func (d *delivery) report(t *testing.T, ways []way) {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "way in\tsent\tacknowledged\tarrived\tduplicates\twrong\t")
	var sum tally
	for _, w := range ways {
		r := d.tallies[w.name]
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t\n", w.name, r.sent, r.acknowledged, r.arrived, r.duplicates, r.wrong)
		assert.Equal(t, tally{sent: r.sent, acknowledged: r.sent, arrived: r.sent}, *r, w.name)
		sum.sent += r.sent
		sum.acknowledged += r.acknowledged
		sum.arrived += r.arrived
		sum.duplicates += r.duplicates
		sum.wrong += r.wrong
	}
	fmt.Fprintf(table, "all\t%d\t%d\t%d\t%d\t%d\t\n", sum.sent, sum.acknowledged, sum.arrived, sum.duplicates, sum.wrong)
	require.NoError(t, table.Flush())

	for _, entity := range slices.Sorted(maps.Keys(floors)) {
		marked := 0
		for _, text := range d.texts {
			for _, span := range text.Spans {
				if span.Entity == entity {
					marked++
				}
			}
		}
		missed := d.misses[entity]
		fmt.Fprintf(&out, "\n%s: %d marked, %d readable", entity, marked, len(missed))
		for _, at := range slices.Sorted(maps.Keys(missed)) {
			fmt.Fprintf(&out, "\n  text %d, span %d", at/100, at%100)
		}
		gone := 1 - float64(len(missed))/float64(marked)
		assert.GreaterOrEqual(t, gone, floors[entity], entity)
	}
	for _, f := range slices.Sorted(maps.Keys(d.faults)) {
		fmt.Fprintf(&out, "\nwrong %d times: %s", d.faults[f], f)
	}
	assert.Empty(t, d.faults)
	fmt.Fprintln(os.Stdout, out.String()+"\n")
	// go test keeps what a test that passes prints to itself.
	if file := os.Getenv("FEEDBACK_SUMMARY"); file != "" {
		require.NoError(t, os.WriteFile(file, []byte(out.String()+"\n"), 0o600))
	}
}
