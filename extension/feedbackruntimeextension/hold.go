// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"context"
	"time"
)

// Hold is the part of the account that one request holds. Who opened it
// releases it; others to whom the context carries it may only add to it or
// take over from it.
type Hold struct {
	account *Account

	// Guarded by account.mu.
	events int
	bytes  int64
	waited time.Duration // since Open or the last Release
	room   *Hold         // of Unfold; nil without
}

// muchHeld is how many bytes a request may hold and wait for more in any company.
const muchHeld = 64 << 10

// Grow adds to the hold, in order of arrival; it waits for room at most the enqueue timeout
// and returns ErrFull, or the context's error, if there was none. Nothing is
// counted then.
//
// The enqueue timeout is for the hold, not for each call: a body that is counted
// piece by piece waits no longer than one that is counted at once. A hold that
// would exceed the whole capacity gets [ErrTooLarge] without waiting. Of those
// that hold 64 KiB and want more bytes one waits at a time; the others get
// ErrFull at once.
func (h *Hold) Grow(ctx context.Context, events int, bytes int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	a := h.account
	a.mu.Lock()
	if h.events+events > a.capacity || h.bytes+bytes > a.maxBytes {
		a.mu.Unlock()
		return ErrTooLarge
	}
	asked := wantsOf(events, bytes)
	if !a.waiters.blocks(asked) && a.fits(events, bytes) {
		h.take(events, bytes)
		a.mu.Unlock()
		return nil
	}
	a.full.noRoom(a, events, bytes)
	patience := a.enqueueTimeout - h.waited
	// Bodies that are read piece by piece would each wait for what the others
	// hold, until all of them give up: one may, so that it gets on.
	w := &waiter{hold: h, events: events, bytes: bytes, wants: asked, greedy: bytes > 0 && h.bytes >= muchHeld, admitted: make(chan struct{})}
	if patience <= 0 || w.greedy && a.waiters.greedy > 0 {
		a.mu.Unlock()
		return ErrFull
	}
	a.waiters.push(w)
	a.mu.Unlock()

	return a.wait(ctx, w, patience)
}

// wait returns when w was admitted or its patience or context has ended.
func (a *Account) wait(ctx context.Context, w *waiter, patience time.Duration) error {
	began := time.Now()
	timer := time.NewTimer(patience)
	defer timer.Stop()

	var err error
	select {
	case <-w.admitted:
	case <-timer.C:
		err = ErrFull
	case <-ctx.Done():
		err = ctx.Err()
	}

	a.mu.Lock()
	defer a.mu.Unlock()
	w.hold.waited += time.Since(began)
	select {
	case <-w.admitted: // perhaps in the same instant as the timer: counted is counted
		return nil
	default:
	}
	a.waiters.remove(w)
	a.admitWaiters() // those behind may ask for less
	a.full.settle(a)
	return err
}

// Waited is how long the hold's request has waited for room: who makes it wait
// further has that much less of the enqueue timeout left.
func (h *Hold) Waited() time.Duration {
	h.account.mu.Lock()
	defer h.account.mu.Unlock()
	return h.waited
}

// Release gives back all that the hold still counts. It may be called twice.
func (h *Hold) Release() {
	a := h.account
	a.mu.Lock()
	defer a.mu.Unlock()
	events, bytes := h.events, h.bytes
	h.events, h.bytes, h.waited = 0, 0, 0
	a.giveBack(events, bytes)
	if h.room != nil {
		h.room.Release()
		h.room = nil
	}
}

// take counts on the hold and its account. account.mu is held.
func (h *Hold) take(events int, bytes int64) {
	h.events += events
	h.bytes += bytes
	h.account.add(events, bytes)
}

type holdKey struct{}

// NewContext returns a context that carries h, so that admission adds to it
// and the exporter takes over from it.
func NewContext(ctx context.Context, h *Hold) context.Context {
	return context.WithValue(ctx, holdKey{}, h)
}

// FromContext returns the hold that ctx carries, or nil.
func FromContext(ctx context.Context) *Hold {
	h, _ := ctx.Value(holdKey{}).(*Hold)
	return h
}
