// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

// txnOp is what takes time: opening a client, or one transaction. Its
// goroutine owns it until it has come back through results; abandoned, it never
// does, and nothing of it is used.
type txnOp struct {
	kind     txnKind
	client   txnClient
	cancel   context.CancelFunc
	deadline time.Time
	err      error

	// A transaction's.
	phase    atomic.Int32
	requests []*txnRequest    // live
	entries  []spool.Position // draining
	batch    []*record        // copies: what is changed here is not the original
	dropped  []txnDropped
	seq      uint64
	began    time.Time
	all      bool // nothing was in the spool beside it
	full     bool // more waited than may share it

	// What opening has found.
	found   txnClaim
	foreign bool
}

type txnKind int

const (
	txnOpening txnKind = iota
	txnLive
	txnDraining
)

// The phases of a transaction. Who moves it on from working decides: its
// goroutine, then the commit may be on its way; or run, then it never will be.
const (
	txnWorking int32 = iota
	txnCommitting
	txnAbandoned
)

var errTxnAbandoned = errors.New("the transaction was given up before its commit")

// run decides until ctx is done. It leaves nothing behind: no goroutine, no
// client, and the spool's mark up to date.
func (t *transactor) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			t.stop()
			return
		case <-t.wake:
		case <-timer.C:
		case op := <-t.results:
			if op == t.op {
				t.op = nil
				t.finished(op)
			}
		}
		t.collect()
		t.giveUpLate()
		t.store()
		t.advance(ctx)
		timer.Reset(t.untilNext())
	}
}

func (t *transactor) stop() {
	if t.op != nil {
		t.abandon()
	}
	t.dropClient()
	t.joins.Wait()
	if t.last != t.marked {
		if err := t.mark(); err != nil {
			t.logger.Warn("Cannot note the committed sequence number", zap.Error(err))
		}
	}
}

// collect takes what has arrived.
func (t *transactor) collect() {
	t.mu.Lock()
	t.waiting = append(t.waiting, t.queue...)
	t.queue = nil
	t.mu.Unlock()
}

func (t *transactor) retreats() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.retreating
}

// patience is how long a request waits for its commit before it is stored.
func (t *transactor) patience() time.Duration {
	switch {
	case t.retreats():
		return 0
	case t.account.Utilization() >= txnCrowded:
		return min(txnCrowdedPatience, t.spoolAfter)
	default:
		return t.spoolAfter
	}
}

// giveUpLate abandons an operation that has taken too long.
func (t *transactor) giveUpLate() {
	op := t.op
	if op == nil {
		return
	}
	late := !time.Now().Before(op.deadline)
	if op.kind == txnLive {
		late = len(op.requests) > 0 && time.Since(op.requests[0].arrived) >= t.patience() || late
	}
	if late {
		t.logger.Warn("Kafka did not answer in time", zap.Stringer("doing", op.kind))
		t.away = true
		t.abandon()
	}
}

func (k txnKind) String() string {
	return [...]string{"opening", "transaction", "draining transaction"}[k]
}

// abandon leaves the operation to itself and closes its client, for good: only
// a new one can tell what became of a commit.
func (t *transactor) abandon() {
	op := t.op
	t.op = nil
	mayCommit := !op.phase.CompareAndSwap(txnWorking, txnAbandoned)
	op.cancel()
	if op.kind == txnOpening {
		t.failures++
		t.retryAt = time.Now().Add(t.backoff(t.failures))
		t.closeClient(op.client)
		return
	}
	t.undo(op, mayCommit)
}

// undo takes back what a transaction carried that did not end with a commit, or
// whose commit is in doubt, and has a new client opened.
func (t *transactor) undo(op *txnOp, mayCommit bool) {
	t.dropClient()
	if op.kind == txnLive {
		switch {
		case len(op.requests) == 0:
		case mayCommit:
			t.doubt = &txnDoubt{requests: op.requests}
		default:
			t.waiting = append(op.requests, t.waiting...)
		}
	}
	if mayCommit {
		t.retryAt = time.Time{} // somebody waits for the answer
		return
	}
	t.counts.retries.Add(op.events())
	t.failures++
	t.retryAt = time.Now().Add(t.backoff(t.failures))
}

// batches names the batches that a transaction carries, in log lines.
func (op *txnOp) batches() zap.Field {
	var ids []string
	for _, q := range op.requests {
		if len(ids) == maxNamedBatches {
			break
		}
		if h := q.records[0].handover; h != nil {
			ids = append(ids, h.id.String())
		}
	}
	return zap.Strings("batch.id", ids)
}

// events is how many a transaction carries.
func (op *txnOp) events() int64 {
	n := len(op.entries)
	for _, q := range op.requests {
		n += len(q.records)
	}
	return int64(n)
}

func (t *transactor) dropClient() {
	t.closeClient(t.client)
	t.client = nil
}

func (t *transactor) closeClient(c txnClient) {
	if c != nil {
		t.joins.Go(c.close)
	}
}

// finished takes the result of an operation.
func (t *transactor) finished(op *txnOp) {
	op.cancel()
	if op.kind == txnOpening {
		t.opened(op)
		return
	}
	if op.err != nil {
		sent := op.phase.Load() == txnCommitting
		level := zapcore.WarnLevel
		reason, _ := reasonOf(op.err)
		if t.logged == reason { // said already; it is tried again and again
			level = zapcore.DebugLevel
		}
		t.logged = reason
		t.logger.Log(level, "A transaction failed", zap.Stringer("kind", op.kind), zap.Bool("commit_sent", sent), op.batches(), zap.NamedError("reason", op.err))
		t.complain(op.err)
		t.undo(op, sent)
		return
	}
	t.failures, t.away, t.logged = 0, false, ""
	t.last = max(t.last, op.seq)
	t.claimed = time.Now()
	if t.sizer != nil && op.kind == txnLive {
		t.sizer.observe(op.began, t.claimed, op.full)
	}
	t.say(nil)
	t.count(op)
	t.settle(op.requests)
	if op.kind == txnDraining {
		t.drained(op)
	}
}

// count counts what was committed.
func (t *transactor) count(op *txnOp) {
	for _, r := range op.batch {
		t.counts.delivered(r)
		r.spans.delivered(r)
	}
	for _, d := range op.dropped {
		t.logger.Warn("Event dropped: it can never be delivered and dead letters are switched off",
			zap.String("event_id", d.eventID), zap.String("stage", stageKafka), zap.String("code", d.code), d.of.handover.field())
		d.of.spans.buried(d.code)
		d.of.spans.lost()
		t.counts.deadLettered(stageKafka, d.code)
	}
}

// opened takes a new client, or the reason why there is none.
func (t *transactor) opened(op *txnOp) {
	switch {
	case op.foreign:
		t.closeClient(op.client)
		t.yielded = true
		t.logger.Error("Another collector uses this transactional id, and has it now: nothing is written until a restart; give each its own COLLECTOR_SERVICE__INSTANCE_ID",
			zap.String("transactional_id", t.transactionalID))
		t.say(errTakenOver(t.transactionalID))
		return
	case op.err != nil:
		t.closeClient(op.client)
		if isOneOf(op.err, txnTooEarly) { // Kafka answers; it is not ready yet
			t.retryAt = time.Now().Add(txnSoon)
			return
		}
		if !t.away {
			t.logger.Warn("Cannot begin transactions: events are spooled until it can", zap.Error(op.err))
		}
		t.away = true
		t.failures++
		t.retryAt = time.Now().Add(t.backoff(t.failures))
		t.complain(op.err)
		return
	}
	t.client, t.owned = op.client, true
	t.failures, t.away = 0, false
	t.claimed = time.Now()
	t.last = op.found.seq
	t.resolve()
	t.prune()
}

// resolve decides what was in doubt.
func (t *transactor) resolve() {
	d := t.doubt
	if d == nil {
		return
	}
	t.doubt = nil
	done := 0
	for _, q := range d.requests {
		if q.seq <= t.last {
			done++
		}
	}
	t.logger.Info("The fate of an unanswered commit is known", zap.Bool("committed", done > 0), zap.Int("requests", len(d.requests)))
	for _, q := range d.requests[:done] {
		for _, r := range q.records {
			t.counts.delivered(r)
			r.spans.committed()
		}
	}
	t.settle(d.requests[:done])
	rest := d.requests[done:]
	if d.stored {
		for _, q := range rest {
			t.counts.spooled.Add(int64(len(q.records)))
			q.spooled()
		}
		t.stored = append(t.stored, rest...)
		t.sync()
		return
	}
	t.waiting = append(rest, t.waiting...)
}

// advance starts the next operation.
func (t *transactor) advance(ctx context.Context) {
	if t.op != nil || t.yielded {
		return
	}
	retreating := t.retreats()
	now := time.Now()
	switch {
	case t.client == nil:
		if now.Before(t.retryAt) || retreating && t.doubt == nil {
			return
		}
		t.startOpening(ctx)
	case t.spool.Len(txnLane) > 0:
		if now.Before(t.drainAt) || retreating {
			return
		}
		t.startDraining(ctx)
	case len(t.waiting) > 0:
		t.startLive(ctx)
	case now.Sub(t.claimed) >= txnClaimAgain:
		// A new client asks whose the id is, and writes the number anew.
		t.dropClient()
		t.startOpening(ctx)
	}
}

// untilNext is how long nothing happens by itself.
func (t *transactor) untilNext() time.Duration {
	next := t.claimed.Add(txnClaimAgain)
	if t.claimed.IsZero() {
		next = time.Now().Add(txnClaimAgain)
	}
	sooner := func(at time.Time) {
		if at.Before(next) {
			next = at
		}
	}
	if op := t.op; op != nil {
		sooner(op.deadline)
		if op.kind == txnLive && len(op.requests) > 0 {
			sooner(t.dueAt(op.requests[0]))
		}
	} else if !t.yielded {
		switch retreating := t.retreats(); {
		case t.client == nil && (!retreating || t.doubt != nil):
			sooner(t.retryAt)
		case t.client != nil && t.spool.Len(txnLane) > 0 && !retreating:
			sooner(t.drainAt)
		}
	}
	if len(t.waiting) > 0 && (t.op == nil || t.op.kind != txnLive) {
		at := t.dueAt(t.waiting[0])
		if at.Before(t.storeAt) {
			at = t.storeAt
		}
		sooner(at)
	}
	if len(t.stored) > 0 {
		sooner(t.storeAt)
	}
	return max(time.Until(next), time.Millisecond)
}

// dueAt is when a request must be stored, or when to look again whether the
// account has become crowded.
func (t *transactor) dueAt(q *txnRequest) time.Time {
	at := q.arrived.Add(t.patience())
	if look := time.Now().Add(txnCrowdedPatience); look.Before(at) {
		return look
	}
	return at
}
