// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	simSeed = flag.Uint64("sim.seed", 0, "run the simulation with this seed only")
	simRuns = flag.Int("sim.runs", 0, "how many seeds the simulation runs (0: 200, or 50 with -short)")
)

// modelEntry is what the simulation knows of an entry.
type modelEntry struct {
	text     string
	call     int // of Append; the first is 1
	position Position
	synced   bool
	done     bool
	maybe    bool // its Append failed: it may turn up after a crash, not before
}

type simulation struct {
	t       *testing.T
	rng     *rand.Rand
	dir     string
	disk    *faultyDisk
	options Options
	s       *Spool
	lanes   map[LaneID][]*modelEntry
	all     map[LaneID][]*modelEntry // as before the last crash
	calls   int
	serial  int
	history []string
}

var simLanes = []LaneID{{"", AnyPartition}, {"events", 0}, {"events", 1}}

// TestSimulation runs random operations, failures and crashes against a model:
// what Sync covered is read again, in order, and nothing that was not appended.
func TestSimulation(t *testing.T) {
	runs := *simRuns
	if runs == 0 {
		runs = 200
		if testing.Short() {
			runs = 50
		}
	}
	first := uint64(time.Now().UnixNano())
	if *simSeed != 0 {
		first, runs = *simSeed, 1
	}
	t.Logf("seeds %d to %d", first, first+uint64(runs)-1)
	for i := range runs {
		seed := first + uint64(i)
		m := &simulation{t: t, rng: rand.New(rand.NewPCG(seed, 0)), dir: t.TempDir(), lanes: map[LaneID][]*modelEntry{}}
		m.run()
		if t.Failed() {
			t.Fatalf("seed %d (-sim.seed=%d):\n%s", seed, seed, strings.Join(m.history, "\n"))
		}
	}
}

func (m *simulation) note(format string, args ...any) {
	m.history = append(m.history, fmt.Sprintf(format, args...))
}

func (m *simulation) failf(format string, args ...any) {
	m.t.Errorf(format, args...)
}

func (m *simulation) run() {
	m.options = Options{Fsync: true, SegmentBytes: []int64{300, 1000, 5000}[m.rng.IntN(3)]}
	if m.rng.IntN(3) == 0 {
		m.options.MaxBytes = 4000
	}
	m.open()
	for step := 0; step < 120 && !m.t.Failed(); step++ {
		switch n := m.rng.IntN(100); {
		case n < 40:
			m.append()
		case n < 55:
			m.sync()
		case n < 75:
			m.done()
		case n < 85:
			m.check(simLanes[m.rng.IntN(len(simLanes))])
		case n < 90:
			m.fail()
		case n < 94:
			m.reopen()
		default:
			m.crash(m.rng.IntN(2) == 0)
		}
	}
	for _, id := range simLanes {
		m.check(id)
	}
	m.disk.heal()
	require.NoError(m.t, m.s.Close())
}

func (m *simulation) open() {
	m.disk = newFaultyDisk(m.t)
	m.options.disk = &m.disk.disk
	var err error
	m.s, err = Open(m.dir, m.options)
	require.NoError(m.t, err)
	// What was found is on disk.
	for _, id := range simLanes {
		dir, err := m.s.laneDir(id)
		require.NoError(m.t, err)
		_ = m.disk.adopt(dir)
	}
}

func (m *simulation) append() {
	id := simLanes[m.rng.IntN(len(simLanes))]
	m.calls++
	var es []Entry
	var added []*modelEntry
	for range 1 + m.rng.IntN(5) {
		m.serial++
		text := fmt.Sprintf("%d-%s", m.serial, strings.Repeat("x", m.rng.IntN(200)))
		es = append(es, Entry{Topic: id.Topic, Partition: id.Partition, Value: []byte(text), Tag: uint64(m.serial)})
		added = append(added, &modelEntry{text: text, call: m.calls})
	}
	before := m.s.Stats()
	first, err := m.s.Append(id, es)
	m.note("append %v call %d, entries %d to %d: %d, %v", id, m.calls, m.serial-len(es)+1, m.serial, first, err)
	after := m.s.Stats()
	if m.options.MaxBytes > 0 && after.Bytes > m.options.MaxBytes && after.Bytes > before.Bytes {
		m.failf("%d bytes", after.Bytes)
	}
	for i, e := range added {
		e.position = first + Position(i)
		e.maybe = err != nil
	}
	switch {
	case errors.Is(err, ErrFull):
		if after.Bytes != before.Bytes {
			m.failf("something was written though the spool was full")
		}
		return
	case err != nil && after.Entries != before.Entries:
		m.failf("an entry is there though Append failed")
	}
	m.lanes[id] = append(m.lanes[id], added...)
}

func (m *simulation) sync() {
	err := m.s.Sync(m.t.Context())
	m.note("sync: %v", err)
	if err != nil {
		return
	}
	for _, es := range m.lanes {
		for _, e := range es {
			e.synced = e.synced || !e.maybe
		}
	}
}

// done marks a few, in order or not.
func (m *simulation) done() {
	id := simLanes[m.rng.IntN(len(simLanes))]
	some := m.rng.IntN(3)
	var ps []Position
	for _, e := range m.lanes[id] {
		if e.maybe || e.done {
			continue
		}
		if some == 0 && m.rng.IntN(3) > 0 {
			continue
		}
		if some == 1 && len(ps) > 6 {
			break
		}
		e.done = true
		ps = append(ps, e.position)
	}
	m.rng.Shuffle(len(ps), func(i, j int) { ps[i], ps[j] = ps[j], ps[i] })
	err := m.s.Done(id, ps...)
	m.note("done %v %d: %v", id, ps, err)
}

// read reads a lane.
func (m *simulation) read(id LaneID) (got []Positioned) {
	var after Position
	for {
		some, err := m.s.Read(id, after, 1+m.rng.IntN(20), 1+m.rng.IntN(2000))
		require.NoError(m.t, err)
		if len(some) == 0 {
			return got
		}
		for _, e := range some {
			if e.Position <= after {
				m.failf("position %d after %d", e.Position, after)
			}
			after = e.Position
		}
		got = append(got, some...)
	}
}

// check compares exactly: nothing was lost since the last crash.
func (m *simulation) check(id LaneID) {
	var want, have []string
	for _, e := range m.lanes[id] {
		if !e.done && !e.maybe {
			want = append(want, e.text)
		}
	}
	for _, e := range m.read(id) {
		have = append(have, string(e.Value))
	}
	if !slices.Equal(want, have) {
		m.failf("lane %v: %d entries, want %d", id, len(have), len(want))
		m.note("lane %v holds %s\nwanted %s", id, shorten(have), shorten(want))
	}
	if n := m.s.Len(id); n != len(want) {
		m.failf("lane %v: Len is %d, want %d", id, n, len(want))
	}
}

func positions(es []Positioned) string {
	var b strings.Builder
	for _, e := range es {
		number, _, _ := strings.Cut(string(e.Value), "-")
		fmt.Fprintf(&b, "%d:%s ", e.Position, number)
	}
	return b.String()
}

func shorten(texts []string) string {
	var b strings.Builder
	for _, t := range texts {
		number, _, _ := strings.Cut(t, "-")
		b.WriteString(number + " ")
	}
	return b.String()
}

// fail has the disk fail, or work again.
func (m *simulation) fail() {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	m.disk.room, m.disk.failSync, m.disk.failCut = -1, false, false
	what := m.rng.IntN(4)
	m.note("fault %d", what)
	switch what {
	case 0:
		m.disk.room = int64(m.rng.IntN(600))
	case 1:
		m.disk.room = int64(m.rng.IntN(600))
		m.disk.failCut = true
	case 2:
		m.disk.failSync = true
	}
}

// reopen ends the spool in order. Entries whose Append failed may turn up then.
func (m *simulation) reopen() {
	m.disk.heal()
	require.NoError(m.t, m.s.Close())
	m.note("closed and opened")
	m.open()
	for _, id := range simLanes {
		m.take(id, func(e *modelEntry) bool { return !e.done })
	}
}

// crash ends it at once.
func (m *simulation) crash(power bool) {
	image := m.disk.image(m.t, m.rng, m.dir, power)
	m.disk.heal()
	require.NoError(m.t, m.s.Close()) // the image does not see it
	m.dir = image
	m.note("crashed, power %v", power)
	m.open()
	m.all = maps.Clone(m.lanes)
	for _, id := range simLanes {
		m.take(id, func(e *modelEntry) bool { return !e.done && (e.synced || !power) })
		if power && id.Topic == "" {
			m.checkCalls(id)
		}
	}
}

// take compares what is in a lane with what must be and may be in it, and goes
// on with it.
func (m *simulation) take(id LaneID, must func(*modelEntry) bool) {
	var left []*modelEntry
	old := m.lanes[id]
	got := m.read(id)
	m.note("found %s", positions(got))
	for _, p := range got {
		i := slices.IndexFunc(old, func(e *modelEntry) bool { return e.text == string(p.Value) })
		if i < 0 {
			m.failf("lane %v: entry %s is unknown, comes twice or in the wrong place", id, shorten([]string{string(p.Value)}))
			return
		}
		left = append(left, m.missing(id, old[:i], must)...)
		e := old[i]
		old = old[i+1:]
		left = append(left, &modelEntry{text: e.text, call: e.call, position: p.Position, synced: true})
	}
	m.lanes[id] = append(left, m.missing(id, old, must)...)
}

// missing looks at entries that were not found and returns those that another
// crash may bring back.
func (m *simulation) missing(id LaneID, es []*modelEntry, must func(*modelEntry) bool) (back []*modelEntry) {
	for _, e := range es {
		if e.done || e.maybe {
			back = append(back, e)
		}
		if must(e) && !e.maybe {
			m.failf("lane %v: entry %s is lost", id, shorten([]string{e.text}))
		}
	}
	return back
}

// checkCalls: in the lane without a topic, of an Append all or nothing is there.
func (m *simulation) checkCalls(id LaneID) {
	there, gone := map[int]bool{}, map[int]bool{}
	for _, e := range m.all[id] {
		if e.done || e.maybe {
			continue
		}
		i := slices.IndexFunc(m.lanes[id], func(o *modelEntry) bool { return o.text == e.text && !o.done && !o.maybe })
		there[e.call] = there[e.call] || i >= 0
		gone[e.call] = gone[e.call] || i < 0
	}
	for call := range there {
		if there[call] && gone[call] {
			m.failf("lane %v: a part of call %d is lost", id, call)
		}
	}
}
