// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

// txnDropped is an event that can never be delivered, without a dead-letter topic.
type txnDropped struct {
	eventID, code string
	of            *record
}

// start runs an operation in a goroutine of its own.
func (t *transactor) start(ctx context.Context, op *txnOp, limit time.Duration, work func(context.Context) error) {
	ctx, op.cancel = context.WithCancel(ctx)
	op.began = time.Now()
	op.deadline = op.began.Add(limit)
	t.op = op
	t.joins.Go(func() {
		op.err = work(ctx)
		select {
		case t.results <- op:
		case <-ctx.Done():
		}
	})
}

// startOpening opens a client: after it, nothing is under way on Kafka but what
// this process will send, and it is known how far the last one came.
func (t *transactor) startOpening(ctx context.Context) {
	client, err := t.connect()
	if err != nil {
		t.opened(&txnOp{err: err})
		return
	}
	op := &txnOp{kind: txnOpening, client: client}
	owned, known := t.owned, t.last
	t.start(ctx, op, txnOpenLimit, func(ctx context.Context) error {
		if owned {
			// Who had the id and finds another's name on it was fenced: taking it
			// back would only fence the other, and so on for ever.
			now, err := client.committed(ctx, false)
			if err != nil {
				return err
			}
			if now.owner != "" && now.owner != t.owner {
				op.foreign = true
				return nil
			}
		}
		if err := client.fence(ctx); err != nil {
			return err
		}
		found, err := client.committed(ctx, true)
		if err != nil {
			return err
		}
		op.found = txnClaim{seq: known, spoolID: t.spoolID, owner: t.owner}
		if found.spoolID == t.spoolID {
			op.found.seq = max(known, found.seq)
		}
		return client.claim(ctx, op.found)
	})
}

// startLive sends what waits, whole requests, as many as share a transaction.
func (t *transactor) startLive(ctx context.Context) {
	op := &txnOp{kind: txnLive, client: t.client}
	var bytes int64
	n, most := 0, maxTxnRecords
	if t.sizer != nil {
		most = t.sizer.current()
	}
	for _, q := range t.waiting {
		if n > 0 && (len(op.batch)+len(q.records) > most || bytes+q.bytes > maxTxnBytes) {
			op.full = true
			break
		}
		n++
		bytes += q.bytes
		op.seq = q.seq
		for _, r := range q.records {
			r.spans.handed(r)
			op.batch = append(op.batch, r.clone())
		}
	}
	op.requests = t.waiting[:n:n]
	t.waiting = t.waiting[n:]
	t.start(ctx, op, txnDrainLimit, func(ctx context.Context) error { return t.transact(ctx, op) })
}

// startDraining sends the oldest requests of the spool.
func (t *transactor) startDraining(ctx context.Context) {
	entries, err := t.readRequests()
	if err != nil || len(entries) == 0 {
		if err != nil {
			t.logger.Error("Cannot read the spool", zap.Error(err))
		}
		t.drainAt = time.Now().Add(txnStoreRetry)
		return
	}
	op := &txnOp{kind: txnDraining, client: t.client, seq: entries[len(entries)-1].Tag}
	for i := range entries {
		op.entries = append(op.entries, entries[i].Position)
		op.batch = append(op.batch, t.builder.revive(&entries[i].Entry))
	}
	op.all = len(entries) == t.spool.Len(txnLane)
	t.start(ctx, op, txnDrainLimit, func(ctx context.Context) error { return t.transact(ctx, op) })
}

// transact writes one transaction. A record that the broker refuses is found by
// sending alone, and becomes a dead letter in the same transaction.
func (t *transactor) transact(ctx context.Context, op *txnOp) error {
	c := txnClaim{seq: op.seq, spoolID: t.spoolID, owner: t.owner}
	var alone map[*record]bool
	t.fit(op)
	for len(op.batch) > 0 { // all may have been dropped
		errs, err := op.client.publish(ctx, op.batch, alone, c)
		if err != nil {
			return err
		}
		suspects, err := t.judge(op, errs, alone)
		if err != nil {
			return err
		}
		if suspects == nil {
			break
		}
		if err := op.client.abort(ctx); err != nil {
			return fmt.Errorf("abort: %w", err)
		}
		alone = suspects
	}
	if !op.phase.CompareAndSwap(txnWorking, txnCommitting) {
		return errTxnAbandoned
	}
	if len(op.batch) == 0 {
		return nil
	}
	return op.client.commit(ctx)
}

// judge looks at what became of each record. It returns nil if all were taken,
// an error for what time can mend, or else, after it has dealt with those that
// were refused alone, whom to send alone in the next try.
func (t *transactor) judge(op *txnOp, errs []error, alone map[*record]bool) (map[*record]bool, error) {
	for _, err := range errs {
		if fateOf(err) == returned {
			return nil, err
		}
	}
	var suspects map[*record]bool
	kept := op.batch[:0:0]
	for i, r := range op.batch {
		err := errs[i]
		if err == nil {
			kept = append(kept, r)
			continue
		}
		if suspects == nil {
			suspects = map[*record]bool{}
		}
		r.tries++
		switch {
		case !alone[r]:
			suspects[r] = true
		case r.dead == nil:
			reason, words := reasonOf(err)
			t.counts.failed(reason)
			if !t.bury(op, r, reason, words) {
				continue
			}
		case !isOneOf(err, tooLarge) || !r.dead.shorten(r, r.size()/2):
			return nil, err // a dead letter is never given up
		}
		kept = append(kept, r)
	}
	op.batch = kept
	return suspects, nil
}

// fit deals with records over their topic's limit before they are sent.
func (t *transactor) fit(op *txnOp) {
	kept := op.batch[:0:0]
	for _, r := range op.batch {
		if r.topic != nil && r.size() > t.limit(r.topic) {
			if r.dead == nil {
				reason, words := reasonOf(errTooLarge)
				if !t.bury(op, r, reason, words) {
					continue
				}
			}
			r.dead.cut(r, t.limit(r.topic))
		}
		kept = append(kept, r)
	}
	op.batch = kept
}

// bury makes a record its own dead letter; false: it is dropped.
func (t *transactor) bury(op *txnOp, r *record, code, message string) bool {
	if t.builder.deadLetter == nil {
		op.dropped = append(op.dropped, txnDropped{eventID: r.eventID(), code: code, of: r})
		return false
	}
	t.builder.bury(r, code, message, time.Now())
	r.spans.buried(code)
	return true
}

// shorten cuts a dead letter; it reports whether it has become smaller.
func (d *deadLetter) shorten(r *record, limit int) bool {
	before := r.size()
	d.cut(r, limit)
	return r.size() < before
}

// clone is a copy that can be sent and changed apart from the original.
func (r *record) clone() *record {
	c := &record{eventType: r.eventType, topic: r.topic, tries: r.tries, handover: r.handover, spans: r.spans, receipt: r.receipt}
	c.Topic, c.Key, c.Value = r.Topic, r.Key, r.Value
	c.Headers = append(c.headers[:0], r.Headers...)
	if r.dead != nil {
		dead := *r.dead
		c.dead = &dead
	}
	return c
}

// errTakenOver is read by anyone who asks for readiness.
func errTakenOver(id string) error {
	return fmt.Errorf("another collector has taken over the transactional id %q; nothing is written until this one is restarted", id)
}

// complain tells the status what only an operator can mend. That Kafka does
// not answer is not said here: the spool takes over.
func (t *transactor) complain(err error) {
	if !isOneOf(err, operatorErrors) && !isOneOf(err, txnOperatorErrors) {
		return
	}
	reason, _ := reasonOf(err)
	t.say(&txnProblem{text: fmt.Sprintf("transactions of %q fail: %s", t.transactionalID, reason), cause: err})
}

// txnProblem may be read by anyone; its cause, for the log, may hold more.
type txnProblem struct {
	text  string
	cause error
}

func (p *txnProblem) Error() string { return p.text }
func (p *txnProblem) Unwrap() error { return p.cause }

var txnOperatorErrors = []*kerr.Error{
	kerr.GroupAuthorizationFailed,
	kerr.InvalidTransactionTimeout,
	kerr.UnsupportedVersion,
}

// readRequests reads the oldest whole requests of the spool.
func (t *transactor) readRequests() ([]spool.Positioned, error) {
	var out []spool.Positioned
	var after spool.Position
	end := 0 // of the last whole request
	for {
		more, err := t.spool.Read(txnLane, after, txnDrainRecords, txnDrainBytes)
		if err != nil {
			return nil, err
		}
		if len(more) == 0 {
			// The end of the last request is not there: damage took it. What is
			// left of it was acknowledged.
			return out, nil
		}
		for _, p := range more {
			// A boundary that damage took shows in the number after it.
			if n := len(out); n > 0 && out[n-1].Tag != p.Tag {
				end = n
			}
			out = append(out, p)
			if p.Boundary {
				end = len(out)
			}
		}
		after = out[len(out)-1].Position
		if end > 0 {
			return out[:end], nil
		}
	}
}
