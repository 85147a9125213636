// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Outcome is what a load saw of its answers.
type Outcome struct {
	// Elapsed is from the first request that was due to the last answer.
	Elapsed time.Duration
	// Requests were sent, or tried.
	Requests int64
	// Overdue requests were due and never sent: the load ended, or was so far
	// behind that it would never catch up.
	Overdue int64
	// Refused and Failed count requests by the code of the answer, and by the
	// error that there was instead of one.
	Refused, Failed map[string]int64
	// Latency is from when a request was due to its answer, Service from when it
	// was sent; of a closed loop they are the same. Of those that were taken.
	Latency, Service *Quantiles
	// Lateness is from when a request was due to when it was sent. Large values
	// say that there were too few connections, or that the generator itself could
	// not keep up.
	Lateness *Quantiles
	// GeneratorCPU is the processor time that this process used meanwhile.
	GeneratorCPU time.Duration
	// SentBytes are those of requests, heads included.
	SentBytes int64
}

// maxReasons bounds how many different errors are told apart.
const maxReasons = 20

// refusedPause is how long a connection of a closed loop rests when it was
// refused: a client that does not would be all that the collector sees.
const refusedPause = 10 * time.Millisecond

// run is a load that is being sent.
type run struct {
	config   *Config
	ledger   *Ledger
	prepared chan *request
	due      chan time.Time // of an open loop
	end      time.Time      // of a closed loop
	overdue  atomic.Int64

	latency, service, lateness *Histogram
	requests, sentBytes        atomic.Int64

	mu              sync.Mutex // guards the maps
	refused, failed map[string]int64
}

// Send sends a load and waits for all its answers. What it sends stands in the
// ledger. An error means that nothing could be sent at all, or that ctx ended.
func Send(ctx context.Context, c Config, l *Ledger) (*Outcome, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.setDefaults()
	senders, err := c.open(ctx)
	defer func() {
		for _, s := range senders {
			s.close()
		}
	}()
	if err != nil {
		return nil, err
	}
	prepared, err := c.prepare(l)
	if err != nil {
		return nil, err
	}
	r := &run{
		config: &c, ledger: l, prepared: prepared,
		latency: NewHistogram(), service: NewHistogram(), lateness: NewHistogram(),
		refused: map[string]int64{}, failed: map[string]int64{},
	}
	runtime.GC() // not while it runs, if that can be helped
	if c.Begin != nil {
		c.Begin()
	}
	cpu, began := ownCPU(), time.Now()
	r.end = began.Add(c.Duration)
	var all sync.WaitGroup
	if c.Rate > 0 {
		// Room for all that may be due, so that the pace never waits.
		r.due = make(chan time.Time, min(c.planned(), 1<<20))
		all.Go(func() { r.pace(ctx, began) })
	}
	for i, s := range senders {
		all.Go(func() { r.drive(ctx, i, s) })
	}
	all.Wait()
	o := &Outcome{
		Elapsed: time.Since(began), Requests: r.requests.Load(), Overdue: r.overdue.Load(),
		Refused: r.refused, Failed: r.failed,
		Latency: r.latency.Quantiles(), Service: r.service.Quantiles(), Lateness: r.lateness.Quantiles(),
		GeneratorCPU: ownCPU() - cpu, SentBytes: r.sentBytes.Load(),
	}
	return o, ctx.Err()
}

// open opens all connections, some at a time.
func (c *Config) open(ctx context.Context) (senders []sender, err error) {
	for range c.Connections {
		s, err := c.connect()
		if err != nil {
			return senders, err
		}
		senders = append(senders, s)
	}
	errs := make([]error, min(32, len(senders)))
	var all sync.WaitGroup
	for worker := range errs {
		all.Go(func() {
			for i := worker; i < len(senders) && errs[worker] == nil; i += len(errs) {
				errs[worker] = senders[i].dial(ctx)
			}
		})
	}
	all.Wait()
	return senders, cmp.Or(errs...)
}

// pace says when requests are due: at even intervals, whatever becomes of them.
func (r *run) pace(ctx context.Context, began time.Time) {
	// A wait that is no timer of the runtime blocks its thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(r.due)
	interval := float64(time.Second) * float64(r.config.Batch) / r.config.Rate
	for k := 0; ctx.Err() == nil; k++ {
		due := began.Add(time.Duration(float64(k) * interval))
		if !due.Before(r.end) {
			return
		}
		for wait := time.Until(due); wait > 0 && ctx.Err() == nil; wait = time.Until(due) {
			pause(min(wait, 100*time.Millisecond))
		}
		select {
		case r.due <- due:
		default:
			r.overdue.Add(1)
		}
	}
}

// drive sends what is due, or one request after the other, on one connection.
func (r *run) drive(ctx context.Context, shard int, s sender) {
	if r.due == nil {
		for now := time.Now(); now.Before(r.end) && ctx.Err() == nil; now = time.Now() {
			if !r.one(ctx, shard, s, now) {
				rest(ctx, refusedPause)
			}
		}
		return
	}
	for due := range r.due {
		// What is still due a whole time-out after the end has no answer to wait for.
		if ctx.Err() != nil || time.Since(r.end) > r.config.Timeout {
			r.overdue.Add(1)
			continue
		}
		r.one(ctx, shard, s, due)
	}
}

// one sends one request and reports whether it was taken whole.
func (r *run) one(ctx context.Context, shard int, s sender, due time.Time) bool {
	req := <-r.prepared
	first := req.patch(r.ledger, r.config.Clients, due)
	r.requests.Add(1)
	r.sentBytes.Add(int64(len(req.wire)))
	sent := time.Now()
	// The load's end does not cut off what waits for its answer.
	err := s.send(context.WithoutCancel(ctx), req.wire)
	now := time.Now()
	r.lateness.Record(shard, sent.Sub(due))
	var no *refusal
	switch {
	case err == nil:
		r.ledger.acknowledge(first, r.config.Batch)
		r.latency.Record(shard, now.Sub(due))
		r.service.Record(shard, now.Sub(sent))
	case errors.As(err, &no):
		for i, taken := range no.taken {
			if taken && i < r.config.Batch {
				r.ledger.acknowledge(first+int64(i), 1)
			}
		}
		r.count(r.refused, no.what)
	default:
		// The connection may still hold on to what it was given.
		req = &request{wire: bytes.Clone(req.wire), ids: req.ids, client: req.client}
		r.count(r.failed, reason(err))
	}
	r.prepared <- req
	return err == nil
}

// reason is the innermost error, which names no ports and no times.
func reason(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

func (r *run) count(m map[string]int64, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := m[what]; !known && len(m) >= maxReasons {
		what = "others"
	}
	m[what]++
}

// rest waits, unless ctx ends.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
