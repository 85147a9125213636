// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Answer is what became of a request.
type Answer uint8

const (
	// Waiting means: no answer yet.
	Waiting Answer = iota
	// Acknowledged means: 202 for all its events.
	Acknowledged
	// Refused means: an answer that promises nothing (429, 503, …).
	Refused
	// Unknown means: the connection broke, or the client's patience ended.
	Unknown
	// NotSent means: nobody took the connection.
	NotSent
)

func (a Answer) String() string {
	return [...]string{"waiting", "acknowledged", "refused", "unknown", "not sent"}[a]
}

// Request is one request and its answer.
type Request struct {
	Sender, Counter int // the how-manieth of which sender
	Due, Sent, Done time.Time
	Answer          Answer
	Status          int    // of HTTP; 0 without an answer
	Says            string // what went wrong
	first, count    int    // its events
}

// Place is where an event was seen.
type Place struct {
	Topic     string
	Partition int32
	Offset    int64
	Stored    time.Time // the record's timestamp
	Committed bool      // a read_committed reader sees it
	Era       int       // counts how often the topic was made anew
}

// event is one event of a request.
type event struct {
	request int
	poison  bool
	seen    []Place // on the topic of events
	dead    []Place // on the dead-letter topic
}

// Ledger is the requests of one run. Its methods may be called from several
// goroutines.
type Ledger struct {
	run [8]byte

	mu       sync.Mutex // guards all below
	requests []Request
	events   []event
	strange  []string // records of no event of this run
}

// New returns an empty ledger.
func New() *Ledger {
	l := &Ledger{}
	id := uuid.New()
	copy(l.run[:], id[:8])
	return l
}

// id is the event_id of the n-th event.
func (l *Ledger) id(n int) string {
	var u uuid.UUID
	copy(u[:8], l.run[:])
	binary.BigEndian.PutUint64(u[8:], uint64(n))
	u[6] = u[6]&0x0f | 0x40
	u[8] = 0x80
	return u.String()
}

// find is the number of the event with this event_id.
func (l *Ledger) find(id string) (int, bool) {
	u, err := uuid.Parse(id)
	if err != nil {
		return 0, false
	}
	n := int(binary.BigEndian.Uint64(u[8:]) &^ (0xff << 56))
	return n, n < len(l.events) && l.id(n) == u.String()
}

// open enters a request that is about to be sent, and numbers its events.
func (l *Ledger) open(sender, counter, events int, due time.Time, poison func(n int) bool) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.requests)
	l.requests = append(l.requests, Request{
		Sender: sender, Counter: counter, Due: due, Sent: time.Now(), first: len(l.events), count: events,
	})
	for range events {
		l.events = append(l.events, event{request: n, poison: poison(len(l.events))})
	}
	return n
}

// close enters the answer.
func (l *Ledger) close(n int, a Answer, status int, says string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &l.requests[n]
	r.Done, r.Answer, r.Status, r.Says = time.Now(), a, status, says
}

// Acknowledged is how many events have been acknowledged so far.
func (l *Ledger) Acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for i := range l.requests {
		if l.requests[i].Answer == Acknowledged {
			n += l.requests[i].count
		}
	}
	return n
}

// Known tells whether an event has been seen.
func (l *Ledger) Known(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, ok := l.find(id)
	return ok && len(l.events[n].seen)+len(l.events[n].dead) > 0
}

// Owns tells whether an id is that of an event of this ledger.
func (l *Ledger) Owns(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.find(id)
	return ok
}

// Seen enters a record; topic of events or dead letters.
func (l *Ledger) Seen(id string, at Place, dead bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, ok := l.find(id)
	if !ok {
		l.strange = append(l.strange, fmt.Sprintf("%s at %s/%d/%d", id, at.Topic, at.Partition, at.Offset))
		return
	}
	e := &l.events[n]
	if dead {
		e.dead = append(e.dead, at)
	} else {
		e.seen = append(e.seen, at)
	}
}

// history tells all that is known of an event. The caller holds mu.
func (l *Ledger) history(n int) string {
	const clock = "15:04:05.000"
	e := &l.events[n]
	r := &l.requests[e.request]
	var b strings.Builder
	fmt.Fprintf(&b, "event %s, key %s, request %d of sender %d: due %s, sent %s, ",
		l.id(n), key(r.Sender, n-r.first), r.Counter, r.Sender, r.Due.Format(clock), r.Sent.Format(clock))
	if r.Answer == Waiting {
		b.WriteString("never answered")
	} else {
		fmt.Fprintf(&b, "%s %d after %s (%s)", r.Answer, r.Status, r.Done.Sub(r.Sent).Round(time.Millisecond), r.Done.Format(clock))
	}
	if r.Says != "" {
		fmt.Fprintf(&b, ": %s", r.Says)
	}
	if e.poison {
		b.WriteString("; poison")
	}
	for _, list := range [][]Place{e.seen, e.dead} {
		for _, p := range list {
			fmt.Fprintf(&b, "; at %s/%d/%d, stored %s", p.Topic, p.Partition, p.Offset, p.Stored.Format(clock))
			if !p.Committed {
				b.WriteString(", not committed")
			}
		}
	}
	if len(e.seen)+len(e.dead) == 0 {
		b.WriteString("; seen nowhere")
	}
	return b.String()
}

// key is the session_id of a sender's i-th event.
func key(sender, i int) string { return fmt.Sprintf("session-%d-%d", sender, i) }
