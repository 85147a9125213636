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
	l.inflight--
	d.handed--
	if d.closed {
		idle := d.handed == 0
		d.mu.Unlock()
		if idle {
			signal(d.idle)
		}
		return
	}
	if f == delivered {
		l.failures = 0
		d.finish(r)
	} else {
		d.returned(r, l, f, err)
	}
	mended := f == delivered && l.held
	wake := l.inflight == 0 && (l.held || l.topic.stale)
	d.mu.Unlock()

	switch f {
	case delivered:
		d.counts.delivered(r)
	case returned:
		if isOneOf(err, operatorErrors) {
			d.trouble(l.topic, err)
		}
	}
	if mended {
		d.trouble(l.topic, nil)
	}
	if wake {
		signal(d.wake)
	}
}

// returned keeps a record that came back. The caller holds mu.
func (d *delivery) returned(r *record, l *lane, f fate, err error) {
	r.tries++
	r.cause = err
	if f == returned || r.alone {
		reason, _ := reasonOf(err)
		d.counts.failed(reason)
	}
	if errors.Is(err, kerr.UnknownTopicID) {
		l.topic.stale = true
	}
	first := !l.failed
	if l.takeBack(r) {
		d.held = append(d.held, l)
	}
	if f == returned && first { // one batch is one failure, however many records it held
		l.failures++
		l.due = d.now().Add(d.backoff(l.failures))
	}
}

// finish ends the exporter's responsibility for a record. The caller holds mu.
func (d *delivery) finish(r *record) {
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

// sift takes from a held lane what was refused alone: that is the record's own
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
		d.drop(r.eventID(), stageKafka, code)
		d.finish(r)
		return false
	}
	d.builder.bury(r, code, message, d.now())
	d.recount(r)
	return true
}

// drop records a loss that the configuration asks for.
func (d *delivery) drop(eventID, stage, code string) {
	d.logger.Warn("Event dropped: it can never be delivered and dead letters are switched off",
		zap.String("event_id", eventID), zap.String("stage", stage), zap.String("code", code))
	d.counts.deadLettered(stage, code)
}

// recount brings the account in line with a record whose size has changed. The
// caller holds mu.
func (d *delivery) recount(r *record) {
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
