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
// known. Callers only queue; one goroutine, the dispatcher, hands records to
// the client, which may block it when the client's buffer is full. What waits
// is bounded by the in-flight account, not here.
type delivery struct {
	logger  *zap.Logger
	client  producer
	account *feedbackruntimeextension.Account
	builder *builder
	counts  *counts
	trouble func(t *topic, err error) // tells the health watch; nil error: mended
	now     func() time.Time
	backoff func(failures int) time.Duration

	wake chan struct{} // something to do for the dispatcher
	idle chan struct{} // pending or handed has become 0

	mu           sync.Mutex // guards all below, and lanes, topics and records
	queue        []*record
	spare        []*record // the dispatcher's: what queue becomes next
	topics       []*topic
	held         []*lane
	seq          uint64
	pending      int   // records whose fate is not known
	pendingBytes int64 // what they count for in the account
	handed       int   // records the client has
	closed       bool
}

func newDelivery(logger *zap.Logger, b *builder, c *counts, topics []*topic) *delivery {
	return &delivery{
		logger:  logger,
		builder: b,
		counts:  c,
		topics:  topics,
		trouble: func(*topic, error) {},
		now:     time.Now,
		backoff: backoff,
		wake:    make(chan struct{}, 1),
		idle:    make(chan struct{}, 1),
	}
}

// enqueue takes records over, counting them in the account in place of hold.
// It takes none when delivery has ended.
func (d *delivery) enqueue(records []*record, hold *feedbackruntimeextension.Hold) error {
	var bytes int64
	for _, r := range records {
		r.counted = r.payload() + recordOverhead
		r.handled = func(_ *kgo.Record, err error) { d.outcome(r, err) }
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
	d.mu.Unlock()
	signal(d.wake)
	return nil
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run is the dispatcher. It ends when ctx is done and the client, if it blocks,
// is closed.
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
		t.resize(t.seenPartitions)
		waiting := t.waiting
		t.waiting = nil
		d.mu.Unlock()
		for _, r := range waiting {
			d.place(r)
		}
	}
}

// forward hands over what was queued.
func (d *delivery) forward() {
	d.mu.Lock()
	records := d.queue
	d.queue = d.spare
	d.mu.Unlock()
	for _, r := range records {
		d.place(r)
	}
	clear(records)
	const keep = 1 << 16
	if cap(records) > keep {
		records = nil
	}
	d.spare = records[:0]
}

// place puts a record on its lane: on to the client if the lane is open.
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
	switch {
	case l == nil:
		r.topic.waiting = append(r.topic.waiting, r)
		d.mu.Unlock()
	case l.held || l.topic.stale:
		r.lane = l
		l.behind = append(l.behind, r)
		if !l.held {
			l.held = true
			d.held = append(d.held, l)
		}
		d.mu.Unlock()
	default:
		r.lane = l
		l.inflight++
		d.handed++
		d.mu.Unlock()
		d.produce(r)
	}
}

// produce hands a record to the client. The context is nobody's: a caller that
// gives up must not take back what was acknowledged to others in its batch.
func (d *delivery) produce(r *record) {
	r.Timestamp = time.Time{} // the client sets it, and counts from it
	r.Context = nil
	d.client.Produce(context.Background(), &r.Record, r.handled)
}

// resume lets held lanes go on, and returns after how long one of them is due.
func (d *delivery) resume() (wait time.Duration) {
	d.purge()
	d.mu.Lock()
	var out []*record
	now := d.now()
	d.held = slices.DeleteFunc(d.held, func(l *lane) bool {
		if d.closed {
			return true
		}
		if l.inflight == 0 {
			d.sift(l)
		}
		ok, after := l.ready(now)
		if !ok {
			if after > 0 && (wait == 0 || after < wait) {
				wait = after
			}
			return false
		}
		next := l.next()
		d.handed += len(next)
		out = append(out, next...)
		return !l.held
	})
	d.mu.Unlock()
	for _, r := range out {
		d.produce(r)
	}
	return wait
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
			t.stale = false
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

func (*delivery) retreat() {}

// held by the client still, after close.
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
