// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import "time"

const (
	// fullAfter is how long the account has to be full without a break until
	// the collector is not ready: a burst must not take all instances of a
	// service out of balance together.
	fullAfter = 5 * time.Second
	// highWater is the utilization from which the account can be full, and
	// below which it no longer is.
	highWater = 0.8
)

// fullness knows since when the account is full.
//
// It is full from the moment a request finds no room while the utilization is at
// least highWater, and has a break when nobody waits and the last request that
// found no room would find it now. Once it was full for fullAfter without a break
// only a utilization below highWater ends it: what was taken out of balance for
// being full does not flap around the edge.
//
// Everything is decided when the account changes or when somebody asks, so no
// clock runs beside it. The account's mutex guards it.
type fullness struct {
	since  time.Time // zero while not full
	events int       // of the last request that found no room
	bytes  int64
}

// noRoom records that a request of this size found no room.
func (f *fullness) noRoom(a *Account, events int, bytes int64) {
	if a.utilization() < highWater {
		return // one large request; the account is not full
	}
	f.events, f.bytes = events, bytes
	if f.since.IsZero() {
		f.since = time.Now()
	}
}

// settle looks for a break; it is called when the account gave way.
func (f *fullness) settle(a *Account) {
	switch {
	case f.since.IsZero():
	case a.utilization() < highWater:
		f.since = time.Time{}
	case f.lasting():
	case a.waiters.len == 0 && a.fits(f.events, f.bytes):
		f.since = time.Time{}
	}
}

// lasting reports whether the account has been full for fullAfter.
func (f *fullness) lasting() bool {
	return !f.since.IsZero() && time.Since(f.since) >= fullAfter
}

// lastingFull reports whether readiness must turn for a full account.
func (a *Account) lastingFull() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.full.lasting()
}
