// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"sync/atomic"
	"time"
)

// BatchingConfig has what is handed to Kafka at once follow how fast Kafka answers.
type BatchingConfig struct {
	// Enabled has the exporter hold records back while many arrive, for
	// producer::linger at most, and bound the records of a transaction, both as
	// TargetLatency says. If false all wait for producer::linger, and a
	// transaction takes up to 10000 records. Default: true.
	Enabled bool `mapstructure:"enabled"`
	// TargetLatency is what records held back, or a transaction, should take on
	// average, from the arrival of the first to Kafka's answer to the last. Above
	// 1.2 times as much fewer records are held back, below 0.8 times more.
	// Bounds: 1ms to 10s. Default: 100ms.
	TargetLatency time.Duration `mapstructure:"target_latency"`
	// MinRecords is the lower bound of how many records are held back. Where fewer
	// arrive within producer::linger they are not worth the wait: each goes at
	// once. Above max_records it means that. Unit: records. Bounds: 1 to 10000.
	// Default: 20.
	MinRecords int `mapstructure:"min_records"`
	// MaxRecords is the upper bound of how many records are held back for each
	// partition, on average and 10000 in all, and of the records of a transaction,
	// unless one request has more. Unit: records. Bounds: 1 to 10000. Default: 10000.
	MaxRecords int `mapstructure:"max_records"`
	// prevent unkeyed literal initialization
	_ struct{}
}

const (
	defaultTargetLatency = 100 * time.Millisecond
	defaultMinRecords    = 20
	firstRecords         = 100 // until latencies tell

	minTargetLatency = time.Millisecond
	maxTargetLatency = 10 * time.Second
)

func (c *Config) validateBatching(fail func(string, ...any)) {
	b := &c.Batching
	if b.TargetLatency < minTargetLatency || b.TargetLatency > maxTargetLatency {
		fail("batching::target_latency: must lie between %s and %s, got %s", minTargetLatency, maxTargetLatency, b.TargetLatency)
	}
	if b.MaxRecords < 1 || b.MaxRecords > maxTxnRecords {
		fail("batching::max_records: must lie between 1 and %d, got %d", maxTxnRecords, b.MaxRecords)
	}
	if b.MinRecords < 1 || b.MinRecords > maxTxnRecords {
		fail("batching::min_records: must lie between 1 and %d, got %d", maxTxnRecords, b.MinRecords)
	}
}

// clientLinger is how long a record waits in the Kafka client. That waits for
// each partition on its own, with a timer of its own, and whether or not anything
// else is on its way to the partition: where the exporter holds records back,
// for all partitions at once, the client must not.
func (c *Config) clientLinger() time.Duration {
	if c.Batching.Enabled {
		return 0
	}
	return c.Producer.Linger
}

// batchTarget is the gauge of that name. It may be called at any time.
func (e *feedbackExporter) batchTarget() int64 {
	size := e.delivery.gathering.sizer
	if e.transactionSizer != nil {
		size = e.transactionSizer
	}
	if size == nil {
		return 0
	}
	return int64(size.current())
}

const (
	tooSlow, fastEnough = 1.2, 0.8 // of the target
	fewer, more         = 0.9, 1.1

	newest = 0.2   // of the average latency is the last one's
	decay  = 0.001 // of its distance to the last latency the fastest one moves up
)

// sizer decides how many records go at once. It follows the latencies that it
// is told: slow ones make the number smaller, fast ones greater if it was what
// ended the wait. But for current it belongs to one goroutine, or to a lock.
type sizer struct {
	target        float64 // seconds
	least, most   float64
	overhead      bool // a part of each latency does not depend on the size
	size, average float64
	fastest       float64
	changed       time.Time // when size did
	records       atomic.Int64
}

func newSizer(c *BatchingConfig, start int) *sizer {
	s := &sizer{target: c.TargetLatency.Seconds(), least: float64(min(c.MinRecords, c.MaxRecords)), most: float64(c.MaxRecords)}
	s.set(float64(start), time.Time{})
	return s
}

// current is the number of records. Anyone may ask.
func (s *sizer) current() int { return int(s.records.Load()) }

func (s *sizer) set(size float64, now time.Time) {
	s.size = min(max(size, s.least), s.most)
	s.changed = now
	s.records.Store(int64(s.size))
}

// observe takes the latency of records that went at once, and whether there were
// as many as may.
func (s *sizer) observe(began, now time.Time, full bool) {
	took := now.Sub(began).Seconds()
	if s.average == 0 {
		s.average, s.fastest = took, took
	}
	s.average += newest * (took - s.average)
	s.fastest = min(took, s.fastest+decay*(took-s.fastest))
	// What was on the way when the size changed tells little about the new size.
	if began.Before(s.changed) && now.Sub(s.changed).Seconds() < s.target {
		return
	}
	target := s.target
	if s.overhead {
		// Fewer records cannot make it faster than its overhead, they only make the
		// overhead dearer: half of the time should be theirs.
		target = max(target, 2*s.fastest)
	}
	switch {
	case s.average > tooSlow*target && s.size > s.least:
		s.set(fewer*s.size, now)
	case s.average < fastEnough*target && full && s.size < s.most:
		s.set(max(more*s.size, s.size+1), now)
	}
}

// gathering is what delivery holds back, for all partitions together, so that
// what goes to a broker at once shares a request. Guarded by delivery.mu.
//
// Records wait only while enough arrive: at least sizer.least in the last window
// of length linger. They go when there are as many as the sizer says or as the last
// window brought, and after linger at the latest. So a record that comes alone goes
// at once, and so does a request whose size is all there is to come.
type gathering struct {
	*sizer                     // nil: all wait for linger
	linger       time.Duration // the longest that a record is held back; 0: none is
	perPartition int           // the most records held back for one, on average

	window  time.Time // when it began
	arrived int       // in it
	before  int       // in the one before
	until   time.Time // zero: nothing is held back
	volley  *volley   // being handed over
}

// volley is what was handed over at once, of which the time to the last answer
// is measured.
type volley struct {
	began  time.Time // arrival of the oldest
	full   bool      // as large as may be
	size   int       // that the client has got
	left   int       // of those not answered
	sealed bool      // handed over
	failed bool      // something came back: it says nothing about speed
}

// add notes n records that arrived, with which so many wait, and reports whether
// the dispatcher has something to do.
func (g *gathering) add(now time.Time, n, waiting int) bool {
	if g.sizer == nil {
		if g.linger > 0 && g.until.IsZero() {
			g.until = now.Add(g.linger)
		}
		return true
	}
	if passed := now.Sub(g.window); passed >= g.linger {
		g.window, g.before = now, g.arrived
		if g.arrived = 0; passed >= 2*g.linger {
			g.before = 0
		}
	}
	g.arrived += n
	switch {
	case waiting >= g.enough():
		return true
	case !g.until.IsZero():
		return false
	case g.before >= int(g.least):
		g.until = now.Add(g.linger)
	}
	return true // for the timer
}

// enough is how many records need not wait for more.
func (g *gathering) enough() int { return min(g.current(), g.before) }

// due reports whether what waits goes now.
func (g *gathering) due(now time.Time, waiting int) bool {
	return g.until.IsZero() || g.sizer != nil && waiting >= g.enough() || !now.Before(g.until)
}

// spread takes how many partitions there are: max_records is for each of them. The
// more there are, the more has to be held back for batches of the same size, which
// is what compression lives on.
func (g *gathering) spread(partitions int) {
	if g.sizer != nil && g.perPartition > 0 && partitions > 0 {
		g.most = float64(min(g.perPartition*partitions, maxTxnRecords))
	}
}

// begin begins a volley, which may be as large as the sizer allows.
func (g *gathering) begin(full bool) {
	if g.sizer != nil {
		g.volley = &volley{full: full}
	}
}

// take begins a volley of what waits.
func (g *gathering) take(waiting int) {
	if waiting > 0 && g.sizer != nil {
		g.begin(waiting >= g.current())
	}
	g.until = time.Time{}
}

// seal ends the volley: all of it that could be handed over was.
func (g *gathering) seal(now time.Time) {
	v := g.volley
	g.volley = nil
	if v != nil {
		v.sealed = true
		g.look(v, now)
	}
}

// handed notes that a record goes to the client. Only the first try of one that
// came in is measured.
func (g *gathering) handed(r *record) {
	v := g.volley
	if v == nil || r.tries > 0 || r.drained {
		r.volley = nil
		return
	}
	r.volley = v
	v.left++
	if v.size++; v.size == 1 || r.at.Before(v.began) {
		v.began = r.at
	}
}

// answered notes that the client is done with a record.
func (g *gathering) answered(r *record, ok bool, now func() time.Time) {
	v := r.volley
	if v == nil {
		return
	}
	r.volley = nil
	v.left--
	v.failed = v.failed || !ok
	if v.left == 0 && v.sealed {
		g.look(v, now())
	}
}

// look measures a volley of which all is answered.
func (g *gathering) look(v *volley, now time.Time) {
	if v.left == 0 && v.size > 0 && !v.failed {
		g.observe(v.began, now, v.full)
	}
}

// wait is how long to wait for what is held back; 0 if nothing is.
func (g *gathering) wait(now time.Time) time.Duration {
	if g.until.IsZero() {
		return 0
	}
	return max(g.until.Sub(now), 1)
}
