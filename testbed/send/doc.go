// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package send sends events to a collector, in each of the ways it takes them.
package send // import "github.com/otelcol-feedback/otelcol-feedback/testbed/send"

import (
	"context"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/events"
)

// Receipt says that the collector acknowledged an event.
type Receipt struct {
	Event *events.Event
	// ID is the event id in the answer; empty where the way has none.
	ID string
}

// Sender sends events in one request, and returns those that were acknowledged.
// Whoever needs several at a time calls it from several goroutines.
type Sender interface {
	Send(ctx context.Context, batch []*events.Event) ([]Receipt, error)
}

// receipts are for a way that answers for a request as a whole.
func receipts(batch []*events.Event) []Receipt {
	list := make([]Receipt, len(batch))
	for i, e := range batch {
		list[i].Event = e
	}
	return list
}
