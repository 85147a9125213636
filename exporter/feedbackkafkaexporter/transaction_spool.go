// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

// The spool's marks.
const (
	markSpoolID   = "spool_id"  // names the directory in the group's offset
	markRun       = "run"       // counts the processes that used it
	markCommitted = "committed" // a number known to be committed
)

// txnRunBits is how far a process can count: the numbers of the next begin above.
// So they ascend over restarts without asking Kafka, which may be away.
const txnRunBits = 40

// readMarks begins a new run.
func (t *transactor) readMarks() error {
	m := t.spool.Mark()
	run, err := markNumber(m, markRun)
	if err != nil {
		return err
	}
	if t.last, err = markNumber(m, markCommitted); err != nil {
		return err
	}
	t.marked = t.last
	t.spoolID = m[markSpoolID]
	if t.spoolID == "" {
		t.spoolID = randomName()
	}
	t.owner = randomName()
	run++
	t.seq = run << txnRunBits
	if err := t.spool.SetMark(map[string]string{markSpoolID: t.spoolID, markRun: strconv.FormatUint(run, 10)}); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}

func markNumber(m map[string]string, key string) (uint64, error) {
	if m[key] == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(m[key], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("spool: the mark %q is no number", key)
	}
	return n, nil
}

func randomName() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// mark notes what is committed beside the entries, for the case that the
// group's offset expires.
func (t *transactor) mark() error {
	if err := t.spool.SetMark(map[string]string{markCommitted: strconv.FormatUint(t.last, 10)}); err != nil {
		return err
	}
	t.marked = t.last
	return nil
}

// store puts into the spool what may not wait any longer, in order of arrival.
func (t *transactor) store() {
	if !t.mustStore() || time.Now().Before(t.storeAt) {
		return
	}
	err := t.storeAll()
	if err != nil {
		t.storeAt = time.Now().Add(txnStoreRetry)
	}
	t.noteRefusal(err)
	t.sync()
}

// noteRefusal remembers whether the spool takes requests, and says so once.
func (t *transactor) noteRefusal(err error) {
	t.mu.Lock()
	before := t.refusal
	t.refusal = err
	t.mu.Unlock()
	switch {
	case err == nil && before != nil:
		t.logger.Info("The spool takes events again")
		t.say(nil)
	case err == nil || before != nil && errors.Is(err, spool.ErrFull) == errors.Is(before, spool.ErrFull):
	case errors.Is(err, spool.ErrFull):
		t.logger.Warn("The spool is full: senders are asked to come again")
		t.say(&txnProblem{text: "transactions wait for Kafka, and the spool is full", cause: err})
	default:
		t.logger.Error("The spool cannot be written: senders are asked to come again", zap.Error(err))
		t.say(&txnProblem{text: "transactions wait for Kafka, and the spool cannot be written", cause: err})
	}
}

// storeRefusal is why the spool takes nothing at present, or nil.
func (t *transactor) storeRefusal() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refusal
}

// mustStore reports whether what waits has to go into the spool now. What is
// sent live at the moment comes before it, and is stored first or never.
func (t *transactor) mustStore() bool {
	if len(t.stored) > 0 {
		return true
	}
	if len(t.waiting) == 0 || t.op != nil && t.op.kind == txnLive {
		return false
	}
	switch {
	case t.away, t.yielded:
		return true
	case t.spool.Len(txnLane) > 0:
		// Behind what is spooled; but what comes while the last of it is sent
		// waits for that, or the spool would never be left.
		if t.op == nil || t.op.kind != txnDraining || !t.op.all {
			return true
		}
	}
	return time.Since(t.waiting[0].arrived) >= t.patience()
}

func (t *transactor) storeAll() error {
	if len(t.waiting) > 0 && t.last != t.marked {
		if err := t.mark(); err != nil {
			return err
		}
	}
	if d := t.doubt; d != nil && !d.stored && len(t.waiting) > 0 {
		var all []spool.Entry
		for _, q := range d.requests {
			all = append(all, q.entries()...)
		}
		if _, err := t.spool.Append(txnLane, all); err != nil {
			return err
		}
		d.stored = true
	}
	for len(t.waiting) > 0 {
		q := t.waiting[0]
		if _, err := t.spool.Append(txnLane, q.entries()); err != nil {
			return err
		}
		t.waiting = t.waiting[1:]
		t.stored = append(t.stored, q)
		t.counts.spooled.Add(int64(len(q.records)))
		q.spooled()
		if t.op != nil {
			t.op.all = false
		}
	}
	return nil
}

// sync waits for the disk and answers for what is on it.
func (t *transactor) sync() {
	if len(t.stored) == 0 {
		return
	}
	if err := t.spool.Sync(context.Background()); err != nil {
		t.storeAt = time.Now().Add(txnStoreRetry)
		t.logger.Error("Cannot write the spool to disk", zap.Error(err))
		return
	}
	t.settle(t.stored)
	t.stored = nil
}

// drained marks what a draining transaction has committed.
func (t *transactor) drained(op *txnOp) {
	if err := t.mark(); err != nil {
		t.logger.Warn("Cannot note the committed sequence number", zap.Error(err))
	}
	t.done(op.entries)
	t.counts.drained.Add(int64(len(op.entries)))
	t.drainAt = time.Time{}
	if t.drainRate > 0 {
		t.drainAt = op.began.Add(time.Duration(len(op.entries)) * time.Second / time.Duration(t.drainRate))
	}
}

func (t *transactor) done(ps []spool.Position) {
	if err := t.spool.Done(txnLane, ps...); err != nil {
		t.logger.Warn("Cannot note what has been drained", zap.Error(err))
	}
	if n := len(t.stored); n > 0 {
		at := slices.IndexFunc(t.stored, func(q *txnRequest) bool { return q.seq > t.last })
		if at < 0 {
			at = n
		}
		t.settle(t.stored[:at]) // on Kafka, if not on the disk
		t.stored = t.stored[at:]
	}
}

// prune takes from the spool what Kafka says is committed: the process ended,
// or the answer was lost, between the commit and the note of it.
func (t *transactor) prune() {
	for t.spool.Len(txnLane) > 0 {
		es, err := t.spool.Read(txnLane, 0, txnDrainRecords, txnDrainBytes)
		if err != nil || len(es) == 0 {
			return
		}
		var ps []spool.Position
		for i := range es {
			if es[i].Tag > t.last {
				break
			}
			ps = append(ps, es[i].Position)
		}
		if len(ps) == 0 {
			return
		}
		t.logger.Info("Spooled events were on Kafka already", zap.Int("events", len(ps)))
		t.done(ps)
	}
}

// entries are the request's records as the spool keeps them.
func (q *txnRequest) entries() []spool.Entry {
	es := make([]spool.Entry, len(q.records))
	for i, r := range q.records {
		es[i] = spool.Entry{
			Topic: r.Topic, Partition: spool.AnyPartition, Key: r.Key, Value: r.Value,
			Headers: make([]spool.Header, len(r.Headers)), Tag: q.seq,
		}
		for j, h := range r.Headers {
			es[i].Headers[j] = spool.Header{Key: h.Key, Value: h.Value}
		}
	}
	es[len(es)-1].Boundary = true
	return es
}

// revive makes a record of a spooled entry, which goes where it was bound for.
func (b *builder) revive(e *spool.Entry) *record {
	r := &record{eventType: typeUnknown}
	r.Topic, r.Key, r.Value = e.Topic, e.Key, e.Value
	r.Headers = r.headers[:0]
	var code, stage string
	for _, h := range e.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		switch h.Key {
		case headerEventType:
			r.eventType = typeIndex(string(h.Value))
		case headerDLQReason:
			code = string(h.Value)
		case headerDLQStage:
			stage = string(h.Value)
		}
	}
	if stage != "" {
		r.dead = readDeadLetter(r.Value, code, stage)
	}
	r.topic = b.topicNamed(e.Topic)
	return r
}

// topicNamed is a topic of the configuration, or nil.
func (b *builder) topicNamed(name string) *topic {
	if b.deadLetter != nil && b.deadLetter.name == name {
		return b.deadLetter
	}
	for _, t := range b.topics {
		if t.name == name {
			return t
		}
	}
	return nil
}
