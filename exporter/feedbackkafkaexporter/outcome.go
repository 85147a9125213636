// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"go.uber.org/zap"
)

// outcome is called by the client, record by record, with what became of it.
func (d *delivery) outcome(r *record, err error) {
	f := fateOf(err)
	d.mu.Lock()
	l := r.lane
	r.sent = false
	l.inflight--
	l.bytes -= r.sentBytes
	d.handed--
	d.handedBytes -= r.sentBytes
	d.gathering.answered(r, f == delivered, d.now)
	if d.closed {
		if f == delivered {
			d.forget(r)
			r.spans.delivered(r)
		} else {
			r.spans.lost()
		}
		idle := d.handed == 0
		d.mu.Unlock()
		if idle {
			signal(d.idle)
		}
		return
	}
	notOpen := l.mode != laneOpen
	if f == delivered {
		d.arrived(r, l)
	} else {
		d.returned(r, l, f, err)
	}
	mended := f == delivered && notOpen
	wake := d.starved || l.inflight == 0 &&
		(l.mode != laneOpen || len(l.behind) > 0 || l.topic.stale || l == l.topic.any || l.topic.mixed())
	d.starved = false
	if d.handed == 0 {
		signal(d.idle)
	}
	d.mu.Unlock()

	switch {
	case f == delivered:
		d.counts.delivered(r)
		d.reached()
	case f == returned && isOneOf(err, operatorErrors):
		d.trouble(l.topic, err)
	}
	if mended {
		d.trouble(l.topic, nil)
	}
	if wake {
		signal(d.wake)
	}
}

// arrived notes that Kafka has a record. The caller holds mu.
func (d *delivery) arrived(r *record, l *lane) {
	r.resolved = true
	r.spans.delivered(r)
	l.failures = 0
	l.answered = d.now()
	l.topic.warm = true
	l.flight.trim()
	if r.drained {
		d.counts.drained.Add(1)
	}
	d.forget(r)
	d.settle(r)
}

// forget has the spool delete the copy of a record, if there is one. Of one that
// is being written, the writer does when it learns where it lies. The caller
// holds mu.
func (d *delivery) forget(r *record) {
	if r.position > 0 {
		r.lane.entries--
		d.keeper.tell(r.lane, r.position)
		r.position = 0
	}
}

// returned keeps a record that came back. The caller holds mu.
func (d *delivery) returned(r *record, l *lane, f fate, err error) {
	r.tries++
	r.cause = err
	r.spans.returned(err)
	if f == returned && d.keeper != nil {
		d.counts.retries.Add(1)
	} else if f == returned || r.alone {
		reason, _ := reasonOf(err)
		d.counts.failed(reason)
	}
	if errors.Is(err, kerr.UnknownTopicID) {
		l.topic.stale = true
	}
	first := !l.failed
	if l.mode == laneStored && !r.drained {
		l.failed = true // its copy goes in its place
	} else {
		l.takeBack(r)
	}
	if l.returning {
		d.notReturning(l)
	}
	d.attend(l)
	if f == returned && first { // one batch is one failure, however many records it held
		l.failures++
		l.due = d.now().Add(d.backoff(l.failures))
	}
}

// settle ends the wait for a record: Kafka or the disk has it. The caller holds mu.
func (d *delivery) settle(r *record) {
	if o := r.origin; o != nil { // a stored record that has become a dead letter
		d.keeper.tell(o.lane, o.position)
		r.origin = nil
	}
	if r.drained || r.settled {
		return
	}
	r.settled = true
	r.handover.settle()
	d.pending--
	d.pendingBytes -= r.counted
	d.account.Done(1, r.counted)
	if r.request != nil {
		r.request.settle()
	}
	if d.pending == 0 {
		signal(d.idle)
	}
}

// sift takes from a lane that is not open what was refused alone: that is the record's own
// fate, not its neighbours'. The caller holds mu.
func (d *delivery) sift(l *lane) {
	for len(l.back) > 0 {
		r := l.back[0]
		if !r.alone || fateOf(r.cause) != refused {
			return
		}
		r.alone = false
		if r.dead != nil {
			d.siftDead(l, r)
			return
		}
		l.back = slices.Delete(l.back, 0, 1)
		reason, words := reasonOf(r.cause)
		if d.giveUp(r, reason, words) {
			d.queue = append(d.queue, r)
			signal(d.wake)
		}
	}
}

// siftDead deals with a dead letter that its topic refused: one that is too
// large is cut in half; any other stays and is tried again, later.
func (d *delivery) siftDead(l *lane, r *record) {
	if isOneOf(r.cause, tooLarge) {
		if r.dead.cut(r, r.size()/2) {
			d.recount(r)
			return
		}
	}
	l.failures++
	l.due = d.now().Add(d.backoff(l.failures))
	d.trouble(l.topic, r.cause)
}

// fit deals with a record over its topic's limit: a dead letter is cut, an
// event becomes one. It reports whether there is still a record to send. The
// caller holds mu.
func (d *delivery) fit(r *record) bool {
	if r.dead == nil {
		reason, words := reasonOf(errTooLarge)
		if !d.giveUp(r, reason, words) {
			return false
		}
	}
	if r.dead.cut(r, r.topic.limit) {
		d.recount(r)
	}
	return true
}

// giveUp makes a record its own dead letter; without a dead-letter topic it is
// logged, counted and gone, and giveUp reports false. The caller holds mu.
func (d *delivery) giveUp(r *record, code, message string) bool {
	if d.builder.deadLetter == nil {
		d.drop(r.eventID(), stageKafka, code, r.handover.field())
		r.spans.buried(code)
		r.spans.lost()
		d.forget(r)
		d.settle(r)
		return false
	}
	d.builder.bury(r, code, message, d.now())
	r.spans.buried(code)
	d.seq++
	r.seq = d.seq
	if r.drained {
		d.adopt(r)
	} else {
		d.recount(r)
	}
	return true
}

// adopt takes a stored record back into memory that has become a dead letter:
// it has another lane now. Its entry is done when the dead letter is safe. The
// caller holds mu.
func (d *delivery) adopt(r *record) {
	r.origin = &origin{lane: r.lane, position: r.position}
	r.lane.entries--
	r.drained, r.settled, r.position = false, false, 0
	r.at = d.now()
	r.counted = r.payload() + recordOverhead
	d.account.Hand(nil, 1, r.counted)
	d.pending++
	d.pendingBytes += r.counted
}

// drop records a loss that the configuration asks for.
func (d *delivery) drop(eventID, stage, code string, batch zap.Field) {
	d.logger.Warn("Event dropped: it can never be delivered and dead letters are switched off",
		zap.String("event_id", eventID), zap.String("stage", stage), zap.String("code", code), batch)
	d.counts.deadLettered(stage, code)
}

// recount brings the account in line with a record whose size has changed. The
// caller holds mu.
func (d *delivery) recount(r *record) {
	if r.drained || r.settled {
		return
	}
	now := r.payload() + recordOverhead
	switch diff := now - r.counted; {
	case diff > 0:
		d.account.Hand(nil, 0, diff)
		d.pendingBytes += diff
	case diff < 0:
		d.account.Done(0, -diff)
		d.pendingBytes += diff
	}
	r.counted = now
}
