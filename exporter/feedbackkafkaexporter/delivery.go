// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
)

// producer is the part of the Kafka client that delivery needs.
type producer interface {
	Produce(ctx context.Context, r *kgo.Record, promise func(*kgo.Record, error))
	Flush(ctx context.Context) error
	PurgeTopicsFromProducing(topics ...string)
}

// request is one call of ConsumeLogs that waits for the fate of its records.
type request struct {
	left atomic.Int64
	done chan struct{} // closed when left is 0
}

func newRequest(n int) *request {
	q := &request{done: make(chan struct{})}
	q.left.Store(int64(n))
	return q
}

func (q *request) settle() {
	if q.left.Add(-1) == 0 {
		close(q.done)
	}
}

// delivery takes records in order of arrival and keeps each until its fate is
// known: Kafka has it, or the spool has a copy that is safe. Callers only queue;
// one goroutine, the dispatcher, hands records to the client, lane by lane, and
// never more than the client has room for, so that it does not block. What waits
// in memory is bounded by the in-flight account, not here.
type delivery struct {
	logger  *zap.Logger
	client  producer
	account *feedbackruntimeextension.Account
	builder *builder
	counts  *counts
	keeper  *keeper                   // of the spool; nil without one
	trouble func(t *topic, err error) // tells the health watch; nil error: mended
	reached func()                    // tells the breaker that Kafka answers
	now     func() time.Time
	backoff func(failures int) time.Duration

	room       int64         // bytes the client may hold
	roomCount  int           // records the client may hold
	spoolAfter time.Duration // the longest time a record waits in memory alone if there is a spool
	pace       pace          // of what is drained

	wake chan struct{} // something to do for the dispatcher
	idle chan struct{} // pending or handed has become 0

	mu           sync.Mutex // guards all below, and lanes, topics and records
	gathering    gathering  // of queue
	queue        []*record
	spare        []*record // the dispatcher's: what queue becomes next
	turn         []*record // the dispatcher's: what it hands over next
	topics       []*topic
	busy         []*lane // with more to do than hand on
	seq          uint64
	pending      int   // records whose fate is not known
	pendingBytes int64 // what they count for in the account
	handed       int   // records the client has
	handedBytes  int64
	cold         int  // how often the client is still to be told to send; see coldFlushes
	starved      bool // a lane waits for room that others take
	sheltered    bool // the spool takes everything: the breaker is open, or time to stop runs out
	retreating   bool // the latter
	stopping     bool // nothing more is read from the spool
	closed       bool
}

func newDelivery(logger *zap.Logger, b *builder, c *counts, topics []*topic) *delivery {
	return &delivery{
		logger:    logger,
		builder:   b,
		counts:    c,
		topics:    topics,
		trouble:   func(*topic, error) {},
		reached:   func() {},
		now:       time.Now,
		backoff:   backoff,
		room:      defaultMaxBufferedBytes,
		roomCount: defaultMaxBufferedRecords,
		wake:      make(chan struct{}, 1),
		idle:      make(chan struct{}, 1),
	}
}

// enqueue takes records over, counting them in the account in place of hold.
// It takes none when delivery has ended.
func (d *delivery) enqueue(records []*record, hold *feedbackruntimeextension.Hold) error {
	var bytes int64
	now := d.now()
	for _, r := range records {
		r.counted = r.payload() + recordOverhead
		r.at = now
		bytes += r.counted
	}
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return errStopped
	}
	d.account.Hand(hold, len(records), bytes)
	for _, r := range records {
		d.seq++
		r.seq = d.seq
	}
	d.queue = append(d.queue, records...)
	d.pending += len(records)
	d.pendingBytes += bytes
	wake := d.gathering.add(now, len(records), len(d.queue))
	d.mu.Unlock()
	if wake {
		signal(d.wake)
	}
	return nil
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run is the dispatcher. It ends when ctx is done.
func (d *delivery) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		case <-timer.C:
		}
		d.applySeen()
		d.forward()
		if wait := d.resume(); wait > 0 {
			timer.Reset(wait)
		}
	}
}

// seen takes what the watcher knows of a topic.
func (d *delivery) seen(t *topic, partitions, limit int) {
	d.mu.Lock()
	changed := t.seenPartitions != partitions || t.seenLimit != limit
	t.seenPartitions, t.seenLimit = partitions, limit
	d.mu.Unlock()
	if changed {
		signal(d.wake)
	}
}

// eventPartitions is how many partitions events go to, as far as they are known.
// The caller holds mu.
func (d *delivery) eventPartitions() (n int) {
	for _, t := range d.topics {
		if t != d.builder.deadLetter {
			n += t.partitions
		}
	}
	return n
}

// applySeen opens the lanes of topics that have become known, and hands over
// what waited for them before anything that came later.
func (d *delivery) applySeen() {
	for _, t := range d.topics {
		d.mu.Lock()
		if t.seenPartitions == 0 {
			d.mu.Unlock()
			continue
		}
		t.limit = t.seenLimit
		straight := !t.mixed()
		if t.partitions != t.seenPartitions {
			t.partitions = t.seenPartitions
			d.gathering.spread(d.eventPartitions())
		}
		first := len(t.lanes) == 0
		waiting := t.resize(t.seenPartitions, straight)
		if first && t.any.mode == laneOpen {
			waiting, t.any.behind = t.any.behind, nil
		}
		d.mu.Unlock()
		for _, r := range waiting {
			d.place(r)
		}
	}
}

// forward hands over what was queued, unless more is worth waiting for.
func (d *delivery) forward() {
	d.mu.Lock()
	if !d.stopping && !d.sheltered && !d.gathering.due(d.now(), len(d.queue)) {
		d.mu.Unlock()
		return
	}
	records := d.queue
	d.queue = d.spare
	d.gathering.take(len(records))
	d.mu.Unlock()
	for _, r := range records {
		d.place(r)
	}
	d.spare = reuse(records)
}

// reuse empties a slice, and lets go of one that has become large.
func reuse(records []*record) []*record {
	const keep = 1 << 16
	if cap(records) > keep {
		return nil
	}
	clear(records)
	return records[:0]
}

// place puts a record on its lane, from which resume takes it.
func (d *delivery) place(r *record) {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return
	}
	if r.size() > r.topic.limit && !d.fit(r) {
		d.mu.Unlock()
		return
	}
	l := r.topic.laneOf(r)
	r.lane = l
	if d.sheltered && l.mode != laneStored && d.keeper.mayTakeOver() {
		d.takeOver(l)
	}
	if l.mode == laneStored && !l.returning {
		l.unsaved = append(l.unsaved, r)
		d.keeper.await(l)
	} else {
		l.behind = append(l.behind, r)
		d.attend(l)
	}
	d.mu.Unlock()
}

// attend has the dispatcher look after a lane. The caller holds mu.
func (d *delivery) attend(l *lane) {
	if !l.listed {
		l.listed = true
		d.busy = append(d.busy, l)
	}
}

// hasRoom reports whether the client has room for a record. No lane may take so
// much of it that the others stand still with it: one gets a quarter, and one
// whose records are not answered its share. The caller holds mu.
func (d *delivery) hasRoom(l *lane, r *record) bool {
	n := r.carried()
	switch {
	case d.handed == 0:
		return true
	case d.handedBytes+n > d.room || d.handed >= d.roomCount:
		d.starved = true
		return false
	case l.inflight == 0:
		return true
	case l.bytes+n > d.room/4 || l.inflight >= max(d.roomCount/4, 1):
		return false
	case l.bytes+n <= d.room/64:
		return true
	}
	first := l.flight.first()
	return first == nil || l.unanswered(first.at, d.now()) < pressedAfter
}

// hand notes that a record goes to the client. The caller holds mu, and calls
// produce when it does not any more.
func (d *delivery) hand(l *lane, r *record) {
	r.Partition = l.topic.partitionOf(r, l)
	r.sent, r.sentBytes, r.alone = true, r.carried(), false
	r.spans.handed(r)
	d.gathering.handed(r)
	l.inflight++
	l.bytes += r.sentBytes
	d.handed++
	d.handedBytes += r.sentBytes
	if !l.topic.warm {
		d.cold = coldFlushes
	}
	if l.mode != laneStored {
		l.flight.push(r)
	}
}

// handOver is how long the client waits for more records of a batch. They all
// come at once, and then it is told to send, so this ends only in a process
// that was stopped in between.
const handOver = time.Second

// The client knows nothing of a topic until it is given the first record for it,
// and lets that linger when it does. So it is told to send again, for as long as
// it would linger.
const (
	coldFlushEvery = 5 * time.Millisecond
	coldFlushes    = int(handOver / coldFlushEvery)
)

// ended is a context for which nobody waits.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// produce hands records to the client, which sends none of them before it has
// all: if it is refused one, it gives back all that it has of the partition. What
// it were given later, before the refusal is known here, would go before them.
// The context is nobody's: a caller that gives up must not take back what was
// acknowledged to others in its batch.
func (d *delivery) produce(records []*record) {
	for _, r := range records {
		r.Timestamp = time.Time{} // the client sets it, and counts from it
		r.Context = nil
		if r.handled == nil {
			r.handled = func(_ *kgo.Record, err error) { d.outcome(r, err) }
		}
		d.client.Produce(context.Background(), &r.Record, r.handled)
	}
	_ = d.client.Flush(ended) // it says that it was not waited for
}

// resume hands over what lanes have, and returns after how long to look again.
func (d *delivery) resume() (wait time.Duration) {
	d.purge()
	d.mu.Lock()
	now := d.now()
	wait = d.watch(now)
	sooner := func(after time.Duration) {
		if after > 0 && (wait == 0 || after < wait) {
			wait = after
		}
	}
	sooner(d.gathering.wait(now))
	if len(d.busy) > 0 && d.gathering.volley == nil {
		d.gathering.begin(false)
	}
	d.busy = slices.DeleteFunc(d.busy, func(l *lane) bool {
		if d.closed {
			return true
		}
		sooner(d.advance(l, now))
		l.listed = l.mode != laneOpen || len(l.behind) > 0
		return !l.listed
	})
	d.gathering.seal(now)
	cold := d.cold > 0
	if cold {
		d.cold--
		sooner(coldFlushEvery)
	}
	d.mu.Unlock()
	if len(d.turn) > 0 || cold {
		d.produce(d.turn)
		d.turn = reuse(d.turn)
	}
	return wait
}

// advance takes from a lane what goes to the client now, or says how long to
// wait. The caller holds mu.
func (d *delivery) advance(l *lane, now time.Time) (wait time.Duration) {
	if l.mode == laneStored {
		if wait = d.drain(l, now); l.mode == laneStored {
			return wait
		}
	}
	if l.topic.blocked(l) {
		return 0
	}
	if l.mode == laneHeld {
		if l.inflight > 0 {
			return 0
		}
		d.sift(l)
		if wait := l.due.Sub(now); wait > 0 {
			return wait
		}
		if len(l.back) > 0 {
			if !d.hasRoom(l, l.back[0]) {
				return 0
			}
			l.grow()
			l.flight.clear()
			d.takeGroup(l)
			return 0
		}
		l.open()
		signal(d.wake) // others may wait for it
	}
	if l.inflight > 0 {
		return 0
	}
	d.take(l, &l.behind, len(l.behind))
	return 0
}

// take adds up to n of the first records of a list to the turn, as far as the
// client has room and one batch holds them. The caller holds mu.
func (d *delivery) take(l *lane, from *[]*record, n int) []*record {
	n = min(n, len(*from))
	took, size := 0, 0
	for took < n && d.hasRoom(l, (*from)[took]) {
		r := (*from)[took]
		if size += r.framing() + int(r.carried()); took > 0 && size > l.topic.limit {
			break
		}
		d.hand(l, r)
		took++
	}
	start := len(d.turn)
	d.turn = append(d.turn, (*from)[:took]...)
	*from = slices.Delete(*from, 0, took)
	return d.turn[start:]
}

// takeGroup hands over the next of what came back or was stored, while nothing
// of the lane is on the way. The caller holds mu.
func (d *delivery) takeGroup(l *lane) (size int) {
	group := d.take(l, &l.back, l.group)
	for _, r := range group {
		r.alone = len(group) == 1
	}
	return len(group)
}

// purge makes the client forget topics that were deleted and made again: it
// would refuse their records for ever. It waits until the client has none of
// the topic's records: one that is on the way would come back although it may
// have arrived.
func (d *delivery) purge() {
	for _, t := range d.topics {
		d.mu.Lock()
		due := t.stale && t.inflight() == 0
		if due {
			t.stale, t.warm = false, false
		}
		d.mu.Unlock()
		if due {
			d.client.PurgeTopicsFromProducing(t.name)
		}
	}
}

// unsettled is the number of records whose fate is not known.
func (d *delivery) unsettled() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pending
}

func (d *delivery) settled() <-chan struct{} { return d.idle }

// inClient is the number of records that the client holds.
func (d *delivery) inClient() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.handed
}

// close ends delivery: nothing more is taken or handed over. It returns how
// many records had no fate yet, and gives their room back.
func (d *delivery) close() (undelivered int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return 0
	}
	d.closed = true
	undelivered = d.pending
	d.account.Done(d.pending, d.pendingBytes)
	d.pending, d.pendingBytes = 0, 0
	d.queue = nil
	return undelivered
}
