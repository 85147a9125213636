// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrFull is returned when there was no room within the enqueue timeout.
var ErrFull = errors.New("the buffer is full")

// ErrTooLarge is returned for a request that the buffer could not hold even
// when empty: waiting cannot help. It wraps [ErrFull].
var ErrTooLarge = fmt.Errorf("%w: the request is larger than its whole capacity", ErrFull)

// Account counts the events and bytes in flight, of all sources together, from
// admission until an event's fate is known.
//
// Requests that find no room wait in order of arrival. A waiter is a list
// element on the goroutine of a request that already exists, no goroutine of
// its own, and leaves after the enqueue timeout at the latest; so the queue is
// bounded by the requests that the servers have open. While one waits, those that
// come later and ask for the same (events, bytes) wait behind it, however small:
// a large request is not starved.
type Account struct {
	capacity       int
	maxBytes       int64
	enqueueTimeout time.Duration
	unfolding      *Account // of what requests become in memory, see Hold.Unfold

	mu      sync.Mutex // guards all below, and the counts of every Hold
	events  int
	bytes   int64
	waiters queue
	full    fullness
}

// NewAccount returns an account that holds at most capacity events and maxBytes
// bytes; Grow waits for room at most enqueueTimeout.
func NewAccount(capacity int, maxBytes int64, enqueueTimeout time.Duration) *Account {
	return &Account{
		capacity: capacity, maxBytes: maxBytes, enqueueTimeout: enqueueTimeout,
		unfolding: &Account{capacity: 1, maxBytes: maxBytes, enqueueTimeout: enqueueTimeout},
	}
}

// MaxBytes is how many bytes the account holds at most.
func (a *Account) MaxBytes() int64 { return a.maxBytes }

// Open returns a hold with nothing in it.
func (a *Account) Open() *Hold { return &Hold{account: a} }

// Hand counts what an exporter now holds, without waiting: the part that h (which
// may be nil) already counts moves over from it, the rest is added. Done gives it back.
//
// What is added may exceed the capacity: those events were admitted before, and
// an exporter that had to wait for room would hold up the release of others.
func (a *Account) Hand(h *Hold, events int, bytes int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if h != nil {
		movedEvents, movedBytes := min(h.events, events), min(h.bytes, bytes)
		h.events -= movedEvents
		h.bytes -= movedBytes
		events -= movedEvents
		bytes -= movedBytes
	}
	a.add(events, bytes)
}

// Done gives back what Hand counted.
func (a *Account) Done(events int, bytes int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.giveBack(events, bytes)
}

// Utilization is the share of the account in use: the larger of the shares of
// events and bytes. What exporters took over can raise it above 1.
func (a *Account) Utilization() float64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.utilization()
}

// Events is the number of events in flight.
func (a *Account) Events() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.events
}

// Bytes is the number of bytes in flight.
func (a *Account) Bytes() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.bytes
}

// The methods below are called with a.mu held.

func (a *Account) add(events int, bytes int64) {
	a.events += events
	a.bytes += bytes
}

// giveBack takes off the account and lets in who waits. It never goes below
// zero: a component that gives back twice must not open the gate for good.
func (a *Account) giveBack(events int, bytes int64) {
	a.events = max(0, a.events-events)
	a.bytes = max(0, a.bytes-bytes)
	a.admitWaiters()
	a.full.settle(a)
}

// fits looks only at what is asked for: a body can be read while there is no
// room for events.
func (a *Account) fits(events int, bytes int64) bool {
	return (events <= 0 || a.events+events <= a.capacity) && (bytes <= 0 || a.bytes+bytes <= a.maxBytes)
}

func (a *Account) utilization() float64 {
	return max(float64(a.events)/float64(a.capacity), float64(a.bytes)/float64(a.maxBytes))
}

// admitWaiters lets in all for whom there is room and whose turn it is.
func (a *Account) admitWaiters() {
	fits := func(w *waiter) bool { return a.fits(w.events, w.bytes) }
	for w := a.waiters.next(fits); w != nil; w = a.waiters.next(fits) {
		a.waiters.remove(w)
		w.hold.take(w.events, w.bytes)
		close(w.admitted)
	}
}
