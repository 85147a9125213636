// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"slices"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

// laneMode says where the records of a lane go. docs/lanes.md has the table of
// what leads from one to the other.
type laneMode uint8

const (
	// laneOpen: to the client, at once if it has room.
	laneOpen laneMode = iota
	// laneHeld: something came back. Nothing more is handed over until nothing is
	// on the way; then what came back goes again, in order of arrival, and after
	// it what arrived meanwhile. The first goes alone, so that a refusal is the
	// record's own; after each success twice as many go together.
	laneHeld
	// laneStored: taken over by the spool. All unresolved records have a copy
	// there, or one on its way, and new ones go behind. What is stored is sent,
	// like on a held lane, once no record is on the way that was sent before.
	laneStored
)

// lane is the way of the records of one partition, on which their order is kept.
// Guarded by delivery.mu; but for the counts of what is on the way and on disk
// it is changed by the dispatcher only.
type lane struct {
	topic *topic
	id    spool.LaneID
	mode  laneMode

	inflight int   // handed to the client, outcome not known
	bytes    int64 // of those
	flight   fifo  // those of an open or held lane, by order of arrival

	back   []*record // to be sent (again), by order of arrival
	behind []*record // arrived after those, in memory alone
	group  int       // how many of back go next
	failed bool      // something of the last group came back

	failures int       // tries in a row that came back for a reason that can heal
	due      time.Time // when the next group may go
	answered time.Time // when Kafka took one of its records last

	listed bool // in delivery.busy
	stored
}

// stored is the part of a lane that the spool has taken over.
type stored struct {
	unsaved   []*record        // to be appended, by order of arrival
	appending bool             // the writer has some of them
	entries   int              // in the spool and not delivered
	tail      spool.Position   // of the entry appended last
	cursor    spool.Position   // up to here entries were read, or are known to be in memory
	fetching  bool             // the reader is at it
	returning bool             // the last entries are on the way: what arrives waits for them in memory
	done      []spool.Position // delivered, and the spool has yet to be told
	awaited   bool             // in the list of the writer
}

// maxGroup bounds how many records of a lane that is not open go at once.
const maxGroup = 4096

// quiet reports whether the lane has nothing to do.
func (l *lane) quiet() bool {
	return l.mode == laneOpen && l.inflight == 0 && len(l.behind) == 0
}

// takeBack puts a record that came back in its place.
func (l *lane) takeBack(r *record) {
	i := len(l.back)
	for i > 0 && l.back[i-1].seq > r.seq {
		i--
	}
	l.back = slices.Insert(l.back, i, r)
	l.failed = true
	if l.mode == laneOpen {
		l.mode = laneHeld
	}
}

// grow decides how many records go next.
func (l *lane) grow() {
	if l.failed {
		l.group = 1
	} else {
		l.group = min(max(2*l.group, 1), maxGroup)
	}
	l.failed = false
}

// open lets the lane's records go to the client again.
func (l *lane) open() {
	l.mode = laneOpen
	l.group, l.failed, l.failures, l.due = 0, false, 0, time.Time{}
	l.flight.clear()
	l.returning = false
	if l.tail == tailUnknown {
		l.tail = l.cursor
	}
}

// tailUnknown is the tail of a lane that was there at the start, until
// something is appended.
const tailUnknown = ^spool.Position(0)

// oldest is when the first unresolved record arrived that is in memory alone;
// zero if there is none.
func (l *lane) oldest() (at time.Time) {
	earlier := func(r *record) {
		if at.IsZero() || r.at.Before(at) {
			at = r.at
		}
	}
	if l.mode != laneStored {
		if r := l.flight.first(); r != nil {
			earlier(r)
		}
		if len(l.back) > 0 {
			earlier(l.back[0])
		}
	}
	if len(l.behind) > 0 {
		earlier(l.behind[0])
	}
	return at
}

// unanswered is for how long Kafka has left a lane's records without an answer, the
// oldest of which arrived at a time: one that waits because there are many before it
// is not unanswered.
func (l *lane) unanswered(oldest, now time.Time) time.Duration {
	if oldest.Before(l.answered) {
		oldest = l.answered
	}
	return now.Sub(oldest)
}

// fifo is the records of a lane that the client has, in the order in which it
// got them. It answers for a partition in that order, so what is answered leaves
// at the head.
type fifo struct {
	records []*record
	head    int
}

func (f *fifo) push(r *record) { f.records = append(f.records, r) }

func (f *fifo) clear() { clear(f.records); f.records, f.head = f.records[:0], 0 }

// first is the oldest record that the client still has.
func (f *fifo) first() *record {
	f.trim()
	if f.head == len(f.records) {
		return nil
	}
	return f.records[f.head]
}

// trim lets go of the head as far as it is answered.
func (f *fifo) trim() {
	for f.head < len(f.records) && !f.records[f.head].sent {
		f.records[f.head] = nil
		f.head++
	}
	switch {
	case f.head == len(f.records):
		f.records, f.head = f.records[:0], 0
	case f.head > 1024 && f.head > len(f.records)/2:
		n := copy(f.records, f.records[f.head:])
		clear(f.records[n:])
		f.records, f.head = f.records[:n], 0
	}
}

// take empties it of what the client still has.
func (f *fifo) take() []*record {
	var out []*record
	for _, r := range f.records[f.head:] {
		if r.sent {
			out = append(out, r)
		}
	}
	*f = fifo{}
	return out
}
