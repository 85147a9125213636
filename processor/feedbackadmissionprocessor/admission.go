// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor"

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/internal/audit"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

var _ processor.Logs = (*admission)(nil)

// admission is the consumer itself and not a function under processorhelper: it
// holds its part of the account until the next consumer has returned.
type admission struct {
	cfg     *Config
	next    consumer.Logs
	limiter *limiter
	limited *limitedEvents
	account *feedbackruntimeextension.Account // set by Start
	audit   *audit.Log                        // set by Start; nil: none is kept

	ingestion *feedbackruntimeextension.Ingestion // set by Start
}

// Start implements component.Component.
func (a *admission) Start(ctx context.Context, host component.Host) error {
	runtime, err := feedbackruntimeextension.Find(host)
	if err != nil {
		return err
	}
	a.account = runtime.Account()
	a.audit, a.ingestion = audit.Find(host), feedbackruntimeextension.IngestionOf(host)
	a.limited.begin(ctx, feedbackruntimeextension.Transports(host))
	return nil
}

// Shutdown implements component.Component.
func (a *admission) Shutdown(context.Context) error { return nil }

// Capabilities implements consumer.Logs.
func (a *admission) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

// ConsumeLogs implements consumer.Logs.
func (a *admission) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	req := feedback.FromContext(ctx)
	if req != nil {
		return a.admit(ctx, req, time.Time{}, ld)
	}
	// No receiver of ours brought it, so none counts it.
	req = &feedback.Request{Transport: transportOf(client.FromContext(ctx), ld)}
	began := time.Now()
	a.ingestion.Begin()
	defer a.ingestion.End()
	defer func() { a.ingestion.Took(ctx, req.Transport, time.Since(began)) }()
	return a.admit(ctx, req, began, ld)
}

// admit lets a request in or refuses it. What costs little is asked first: the
// rate, then room, and only then text is decoded, whose type the scopes ask for.
func (a *admission) admit(ctx context.Context, req *feedback.Request, receipt time.Time, ld plog.Logs) error {
	from := a.senderOf(ctx, req.Transport)
	events := ld.LogRecordCount()
	if err := a.pace(ctx, req, from, events); err != nil {
		a.count(ctx, req.Transport, ld)
		return err
	}

	hold := feedbackruntimeextension.FromContext(ctx)
	var bytes int64 // a receiver that brings its hold has counted them
	if hold == nil {
		hold = a.account.Open()
		defer hold.Release()
		ctx = feedbackruntimeextension.NewContext(ctx, hold)
		bytes = int64(sizer.LogsSize(ld))
	}
	if err := hold.Grow(ctx, events, bytes); err != nil {
		a.unpace(from, events)
		a.count(ctx, req.Transport, ld)
		if errors.Is(err, feedbackruntimeextension.ErrTooLarge) {
			a.ingestion.Rejected(ctx, req.Transport, feedback.CodeTooLarge, events)
		}
		return refusal(err)
	}

	claim(ld, from.id)
	if !receipt.IsZero() {
		stampReceipt(ld, pcommon.NewTimestampFromTime(receipt))
		req.Sizes = decode(ld, req.Transport)
		ctx = feedback.NewContext(ctx, req)
	}
	return a.deliver(ctx, req, from, ld)
}

// deliver passes on what the sender's credential allows.
func (a *admission) deliver(ctx context.Context, req *feedback.Request, from sender, ld plog.Logs) error {
	events := ld.LogRecordCount() // none is left of them after
	var presigned *access.Presigned
	if from.grant != nil {
		presigned = from.grant.Presigned
	}
	if !a.cfg.Scopes.permits(from.grant, req.Transport, ld) || presigned != nil && !presigned.Take(events) {
		a.audit.Authentication(ctx, from.id, false, audit.ReasonPermission)
		return errDenied
	}
	a.count(ctx, req.Transport, ld)
	if presigned == nil && !a.audit.Ingests() {
		return a.next.ConsumeLogs(ctx, ld)
	}

	verdicts := req.Verdicts
	if verdicts == nil {
		verdicts = feedback.NewVerdicts(events)
		req.Outcome = verdicts
	}
	err := a.next.ConsumeLogs(ctx, ld)
	taken := err == nil && verdicts.Judged()
	if presigned != nil {
		if unused := unusedOf(verdicts, taken); unused > 0 {
			presigned.Return(unused)
		}
	}
	// Refused whole for what it holds: not to be sent again, so this is its fate.
	refused := err != nil && verdicts.Judged() && status.Code(err) == codes.InvalidArgument
	if taken || refused {
		a.audit.Ingested(ctx, from.id, verdicts, taken)
	}
	return err
}

// unusedOf counts the events of a request that were not accepted.
func unusedOf(v *feedback.Verdicts, taken bool) (n int) {
	if !taken {
		return v.Len()
	}
	for i := range v.Len() {
		if v.At(i).Refused() {
			n++
		}
	}
	return n
}

// sizer measures what came without a hold by the size it has as OTLP.
var sizer plog.ProtoMarshaler
