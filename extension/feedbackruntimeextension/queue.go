// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import "container/list"

// wants says which of the two a request asks for.
type wants uint8

const (
	wantsEvents wants = 1 << iota
	wantsBytes
	numWants
)

func wantsOf(events int, bytes int64) (w wants) {
	if events > 0 {
		w |= wantsEvents
	}
	if bytes > 0 {
		w |= wantsBytes
	}
	return w
}

// waiter is a Grow that found no room.
type waiter struct {
	hold     *Hold
	events   int
	bytes    int64
	wants    wants
	greedy   bool // wants more bytes and holds many
	arrival  uint64
	place    *list.Element
	admitted chan struct{} // closed once counted
}

// queue keeps order among those who wait for the same thing. A request whose
// body is read and that now asks for its events must not wait behind bodies
// that wait for the bytes it holds. The account's mutex guards it.
type queue struct {
	arrivals uint64
	byWants  [numWants]list.List // of *waiter, first come first
	len      int
	greedy   int // how many of the waiters are
}

func (q *queue) push(w *waiter) {
	q.arrivals++
	q.len++
	if w.greedy {
		q.greedy++
	}
	w.arrival = q.arrivals
	w.place = q.byWants[w.wants].PushBack(w)
}

func (q *queue) remove(w *waiter) {
	q.len--
	if w.greedy {
		q.greedy--
	}
	q.byWants[w.wants].Remove(w.place)
}

// blocks reports whether somebody waits for what a newcomer wants.
func (q *queue) blocks(newcomer wants) bool {
	for w := range numWants {
		if w&newcomer != 0 && q.byWants[w].Len() > 0 {
			return true
		}
	}
	return false
}

// next returns the first waiter for whom there is room and before whom nobody
// waits for the same, or nil. Only the heads need a look: who stands behind one
// wants the same as it does.
func (q *queue) next(fits func(*waiter) bool) *waiter {
	var taken wants
	for after := uint64(0); ; {
		w := q.headAfter(after)
		if w == nil {
			return nil
		}
		if w.wants&taken == 0 && fits(w) {
			return w
		}
		taken |= w.wants
		after = w.arrival
	}
}

// headAfter returns the head that came first after an arrival, or nil.
func (q *queue) headAfter(arrival uint64) (first *waiter) {
	for i := range q.byWants {
		e := q.byWants[i].Front()
		if e == nil {
			continue
		}
		if w := e.Value.(*waiter); w.arrival > arrival && (first == nil || w.arrival < first.arrival) {
			first = w
		}
	}
	return first
}
