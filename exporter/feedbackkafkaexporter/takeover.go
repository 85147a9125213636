// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"slices"
	"time"
)

const (
	// watchEvery is how often the dispatcher looks for lanes to take over while
	// records wait.
	watchEvery = 100 * time.Millisecond
	// pressedAfter is how long Kafka leaves a lane's records unanswered before the
	// spool takes over when the buffer is nearly full.
	pressedAfter = 500 * time.Millisecond
	// pressedFrom is how full the buffer has to be for that.
	pressedFrom = 0.8
)

// watch takes over the lanes that Kafka has left without an answer for too long,
// and returns when to look again. A lane that gets answers is only busy: its senders
// wait for room, and the disk would make it slower. The caller holds mu.
func (d *delivery) watch(now time.Time) time.Duration {
	if d.keeper == nil || d.pending == 0 {
		return 0
	}
	if !d.keeper.mayTakeOver() {
		return watchEvery
	}
	after := d.spoolAfter
	if after > pressedAfter && d.pressed() {
		after = pressedAfter
	}
	if d.sheltered {
		after = 0
	}
	for _, t := range d.topics {
		for l := range t.all {
			if at := l.oldest(); !at.IsZero() && l.unanswered(at, now) >= after {
				d.takeOver(l)
			}
		}
	}
	return watchEvery
}

// pressed reports whether the buffer is nearly full: the account, or what the
// client may hold. The caller holds mu.
func (d *delivery) pressed() bool {
	return d.account.Utilization() >= pressedFrom ||
		float64(d.handedBytes) >= pressedFrom*float64(d.room) ||
		float64(d.handed) >= pressedFrom*float64(d.roomCount)
}

// takeOver is the barrier: no new record of the lane goes to the client; all
// unresolved ones are stored, in order of arrival, also those that the client
// has, which cannot be called back; new ones go behind. The caller holds mu.
func (d *delivery) takeOver(l *lane) {
	if l.mode == laneStored {
		d.notReturning(l)
		return
	}
	unresolved := append(l.flight.take(), l.back...)
	unresolved = append(unresolved, l.behind...)
	slices.SortFunc(unresolved, func(a, b *record) int {
		if a.seq < b.seq {
			return -1
		}
		return 1
	})
	l.mode = laneStored
	l.back, l.behind = nil, nil
	l.group, l.failed = 0, true // the first goes alone
	l.unsaved = unresolved
	l.cursor = max(l.cursor, l.tail)
	d.attend(l)
	d.keeper.await(l)
}

// notReturning sends what a lane kept in memory, because it was about to
// return, to the spool after all. The caller holds mu.
func (d *delivery) notReturning(l *lane) {
	l.returning = false
	l.unsaved = append(l.unsaved, l.behind...)
	l.behind = nil
	d.keeper.await(l)
}

// drain takes from a stored lane what goes to the client now. It opens the lane
// when the last stored record is delivered and nothing is on its way to the
// spool: that is decided here, under the lock under which records are placed.
// The caller holds mu.
func (d *delivery) drain(l *lane, now time.Time) (wait time.Duration) {
	if l.inflight > 0 || l.topic.blocked(l) {
		return 0
	}
	d.sift(l)
	storing := l.appending || len(l.unsaved) > 0 && d.keeper.mayTakeOver()
	if l.entries == 0 && len(l.back) == 0 && !storing && !l.fetching {
		// What the spool had no room for is in memory still, and goes first.
		unsaved := slices.DeleteFunc(l.unsaved, func(r *record) bool { return r.resolved })
		l.unsaved, l.behind = nil, append(unsaved, l.behind...)
		l.open()
		signal(d.wake) // others may wait for it
		return 0
	}
	if d.stopping || d.sheltered {
		return 0
	}
	if wait := l.due.Sub(now); wait > 0 {
		return wait
	}
	if len(l.back) == 0 {
		d.keeper.fetch(l)
		return 0
	}
	if !d.hasRoom(l, l.back[0]) {
		return 0
	}
	if wait := d.pace.wait(now); wait > 0 {
		return wait
	}
	l.grow()
	d.pace.spend(d.takeGroup(l))
	rest := l.entries - l.inflight - len(l.back)
	switch {
	case rest > 0 && len(l.back) < drainWindow/2:
		d.keeper.fetch(l)
	case rest == 0 && len(l.back) == 0 && len(l.unsaved) == 0 && !l.appending:
		l.returning = true
	}
	return 0
}

// shelter has the spool take everything, or ends that.
func (d *delivery) shelter(on bool) {
	if d.keeper == nil {
		return
	}
	d.mu.Lock()
	d.sheltered = on || d.retreating
	d.mu.Unlock()
	signal(d.wake)
}

// storage reports whether there is a spool, and why it takes nothing at present.
func (d *delivery) storage() (there bool, refusal error) {
	if d.keeper == nil {
		return false, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return true, d.keeper.refusal
}

// retreat has the spool take what is unsettled and what is yet to come.
func (d *delivery) retreat() {
	if d.keeper == nil {
		return
	}
	d.mu.Lock()
	d.retreating, d.sheltered = true, true
	d.mu.Unlock()
	signal(d.wake)
}

// stopDraining leaves what is stored where it is.
func (d *delivery) stopDraining() {
	d.mu.Lock()
	d.stopping = true
	d.mu.Unlock()
	signal(d.wake) // nothing is held back any more
}

// pace bounds how many stored records are sent in a second.
type pace struct {
	rate float64   // 0: no bound
	free time.Time // when what was sent is paid for
}

// wait is how long to wait before the next may be sent. What is sent at once may
// be more than is due: the next waits the longer.
func (p *pace) wait(now time.Time) time.Duration {
	if p.rate <= 0 {
		return 0
	}
	if p.free.Before(now) {
		p.free = now
	}
	return p.free.Sub(now)
}

func (p *pace) spend(n int) {
	if p.rate > 0 {
		p.free = p.free.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
	}
}
