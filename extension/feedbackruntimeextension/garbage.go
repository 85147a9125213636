// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

const (
	// defaultHeadroom is how many bytes the heap may grow between two collections,
	// at least. What is alive is a few MiB between bursts: at twice as much, Go's
	// default, a third of the processor time would go into collections.
	defaultHeadroom = 96 << 20
	// headroomShare is the most of memory_limiter's limit that headroom takes. The
	// limiter itself collects, and refuses, from about three quarters on. Go's own
	// limit (GOMEMLIMIT) is not set: near it collections would take half of the
	// processor time from what the limiter lets in.
	headroomShare = 0.25

	goGCPercent = 100 // Go's default, the least that is set
)

// collectLess makes the garbage collector spend memory that is there rather than
// processor time, unless the environment says how often it is to work (GOGC).
// memoryLimit is memory_limiter's in bytes, 0 for none. The function returned takes
// it back.
func collectLess(memoryLimit int64, lookup func(string) (string, bool)) func() {
	if _, set := lookup("GOGC"); set {
		return func() {}
	}
	headroom := uint64(defaultHeadroom)
	if memoryLimit > 0 {
		headroom = min(headroom, uint64(headroomShare*float64(memoryLimit)))
	}
	return newGCPace(headroom).stop
}

// gcPace sets after each collection how much the heap may grow until the next:
// by as much as is alive, as Go has it, but by headroom at least. Go itself knows
// only the percentage.
type gcPace struct {
	headroom uint64 // bytes

	mu      sync.Mutex
	before  int // percent, to be put back
	percent int
	stopped bool
}

func newGCPace(headroom uint64) *gcPace {
	p := &gcPace{headroom: headroom}
	p.percent = p.wanted()
	p.before = debug.SetGCPercent(p.percent)
	p.awaitCollection()
	return p
}

// awaitCollection has adjust called after the next collection: that finds that
// nothing points to the sentinel.
func (p *gcPace) awaitCollection() {
	type sentinel struct{ pace *gcPace }
	runtime.SetFinalizer(&sentinel{p}, func(s *sentinel) { s.pace.adjust() })
}

func (p *gcPace) adjust() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	// Setting it stops the world for a moment, so small changes are left alone.
	if wanted := p.wanted(); 10*max(wanted-p.percent, p.percent-wanted) > p.percent {
		p.percent = wanted
		debug.SetGCPercent(wanted)
	}
	p.awaitCollection()
}

func (p *gcPace) wanted() int {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return percentFor(p.headroom, live[0].Value.Uint64())
}

// percentFor is by how much the heap may grow, in percent of what is alive.
func percentFor(headroom, live uint64) int {
	const least = 1 << 20 // of which percentages are taken
	return int(max(100*headroom/max(live, least), goGCPercent))
}

func (p *gcPace) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	debug.SetGCPercent(p.before)
}
