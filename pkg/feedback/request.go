// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"context"
	"time"
)

// Values of the transport attribute.
const (
	TransportHTTP  = "http"
	TransportGRPC  = "grpc"
	TransportOTLP  = "otlp"
	TransportFile  = "file"
	TransportKafka = "kafka"
)

// Request is what travels beside the log records of one request, from receipt
// to validation, in the context. Positions are those of the records in the
// plog.Logs, in order; nothing between receipt and validation may drop, add or
// reorder records.
//
// It belongs to the goroutine that calls ConsumeLogs.
type Request struct {
	// Transport is how the events came in.
	Transport string
	// Sizes holds, by position, the bytes of JSON text as received. It is nil,
	// or 0 at a position, where the event did not come as JSON text.
	Sizes []int
	// Verdicts is where validation writes what it decided. It is nil where the
	// sender cannot be told; then the processor's on_invalid applies.
	Verdicts *Verdicts
	// Outcome is where validation writes its decisions too, for who has to know
	// them and is not the sender. It is nil unless somebody asks.
	Outcome *Verdicts
	// Unredacted counts the events that validation had accepted and redaction
	// refused.
	Unredacted TypeCounts
	// Rate is what admission found of the client's rate.
	Rate Rate
}

// Rate is the state of a client's rate after a request.
type Rate struct {
	// Limit is how many events the client may send in a second; 0: it is not
	// limited.
	Limit int
	// Remaining is how many it may send now.
	Remaining int
	// Wait is how long until it may send again.
	Wait time.Duration
}

type requestKey struct{}

// NewContext returns a context that carries r.
func NewContext(ctx context.Context, r *Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// FromContext returns the request that ctx carries, or nil.
func FromContext(ctx context.Context) *Request {
	r, _ := ctx.Value(requestKey{}).(*Request)
	return r
}

// Verdict is the decision about one event.
type Verdict struct {
	// EventType is one of the five, or [TypeUnknown].
	EventType string
	// EventID is the event's id as published; of a refused event the id it came
	// with, if that was valid.
	EventID string
	// Errors is empty for an accepted event.
	Errors []Error
	// Truncated says that the event had more errors than Errors holds.
	Truncated bool
}

// Refused reports whether the event was refused.
func (v *Verdict) Refused() bool { return len(v.Errors) > 0 }

// Verdicts collects the decisions about the events of one request, by position.
type Verdicts struct {
	list []Verdict
	set  bool
}

// NewVerdicts makes room for n events.
func NewVerdicts(n int) *Verdicts { return &Verdicts{list: make([]Verdict, n)} }

// Len is the number of positions.
func (v *Verdicts) Len() int { return len(v.list) }

// At is the verdict on the event at position i.
func (v *Verdicts) At(i int) *Verdict { return &v.list[i] }

// Judged reports whether a validation processor wrote its decisions. A receiver
// whose pipeline lacks one must not claim that events were accepted.
func (v *Verdicts) Judged() bool { return v.set }

// MarkJudged is called by the validation processor once all positions are written.
func (v *Verdicts) MarkJudged() { v.set = true }
