// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"context"
	"errors"
	"time"
)

// ErrFull is returned when there was no room within the enqueue timeout.
var ErrFull = errors.New("the buffer is full")

// Account counts the events and bytes in flight, of all sources together, from
// admission until an event's fate is known.
type Account struct{}

// NewAccount returns an account that holds at most capacity events and maxBytes
// bytes; Grow waits for room at most enqueueTimeout.
func NewAccount(capacity int, maxBytes int64, enqueueTimeout time.Duration) *Account {
	return &Account{}
}

// Open returns a hold with nothing in it.
func (a *Account) Open() *Hold { return &Hold{} }

// Hand counts what an exporter now holds, without waiting: the part that h (which
// may be nil) already counts moves over from it, the rest is added. Done gives it back.
func (a *Account) Hand(h *Hold, events int, bytes int64) {}

// Done gives back what Hand counted.
func (a *Account) Done(events int, bytes int64) {}

// Hold is the part of the account that one request holds.
type Hold struct{}

// Grow adds to the hold, in order of arrival; it waits for room at most the enqueue timeout
// and returns ErrFull, or the context's error, if there was none. Nothing is
// counted then.
func (h *Hold) Grow(ctx context.Context, events int, bytes int64) error { return nil }

// Release gives back all that the hold still counts. It may be called twice.
func (h *Hold) Release() {}

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
