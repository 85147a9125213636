// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackvalidationprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackvalidationprocessor"

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackvalidationprocessor/internal/metadata"
)

var (
	// errRejected answers for a whole request under on_invalid: reject.
	errRejected = consumererror.NewPermanent(status.Error(codes.InvalidArgument,
		"the request holds an event that is not valid"))
	// errPositions is the operator's to mend: verdicts would go to the wrong events.
	errPositions = consumererror.NewPermanent(status.Error(codes.Internal,
		"a processor in front of feedbackvalidation added or removed records: place it behind"))
)

var _ processor.Logs = (*validation)(nil)

// validation is the consumer itself and not a function under processorhelper,
// which would count a request with one refused event as a failed one.
type validation struct {
	component.ShutdownFunc

	next      consumer.Logs
	validator *feedback.Validator
	onInvalid string
	tracer    trace.Tracer
	ingestion *feedbackruntimeextension.Ingestion // set by Start; nil: nothing is counted
}

func newValidation(set processor.Settings, cfg *Config, next consumer.Logs) *validation {
	return &validation{
		next: next,
		validator: &feedback.Validator{
			Limits:        cfg.limits(),
			UnknownFields: cfg.UnknownFields,
			Personal:      pii.NewDefault().Contains,
		},
		onInvalid: cfg.OnInvalid,
		tracer:    set.TracerProvider.Tracer(metadata.ScopeName),
	}
}

// Start implements component.Component.
func (p *validation) Start(_ context.Context, host component.Host) error {
	p.ingestion = feedbackruntimeextension.IngestionOf(host)
	return nil
}

// Capabilities implements consumer.Logs.
func (p *validation) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

// ConsumeLogs implements consumer.Logs. Refused events never fail a request but
// under on_invalid: reject; an error is that of the components behind.
func (p *validation) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	req := feedback.FromContext(ctx)
	if req == nil {
		req = &feedback.Request{Transport: feedback.TransportOTLP}
	}
	for _, v := range []*feedback.Verdicts{req.Verdicts, req.Outcome} {
		if v != nil && v.Len() != ld.LogRecordCount() {
			return errPositions
		}
	}
	run := run{validation: p, req: req, now: time.Now()}
	if ld.LogRecordCount() > 1 {
		run.ids = make(map[string]struct{}, ld.LogRecordCount())
	}
	run.begin(ctx)
	run.logs(ld)
	run.end()
	for code, n := range run.codes {
		p.ingestion.Rejected(ctx, req.Transport, code, n)
	}
	if req.Outcome != nil {
		req.Outcome.MarkJudged()
	}
	if req.Verdicts != nil {
		req.Verdicts.MarkJudged()
	} else if len(run.codes) > 0 && p.onInvalid == onInvalidReject {
		// The valid ones are refused with it, for what the first other is.
		for _, n := range run.accepted {
			p.ingestion.Rejected(ctx, req.Transport, run.first, n)
		}
		return errRejected
	}
	if ld.LogRecordCount() == 0 {
		return nil
	}
	err := p.next.ConsumeLogs(ctx, ld)
	if err == nil {
		for i, n := range req.Unredacted {
			run.accepted[i] -= n
		}
		p.ingestion.Accepted(ctx, req.Transport, &run.accepted)
	}
	return err
}

// run is the judgement of one request.
type run struct {
	*validation
	req      *feedback.Request
	now      time.Time
	ids      map[string]struct{} // of the request's valid events so far; nil for a single event
	codes    map[feedback.Code]int
	first    feedback.Code // of the first refused event
	accepted feedback.TypeCounts
	position int
	spans
}

// logs judges every record and removes those that do not go on.
func (r *run) logs(ld plog.Logs) {
	ld.ResourceLogs().RemoveIf(func(rl plog.ResourceLogs) bool {
		rl.ScopeLogs().RemoveIf(func(sl plog.ScopeLogs) bool {
			sl.LogRecords().RemoveIf(func(lr plog.LogRecord) bool {
				return !r.judge(lr)
			})
			return sl.LogRecords().Len() == 0
		})
		return rl.ScopeLogs().Len() == 0
	})
}

// judge decides on one record and reports whether it goes on.
func (r *run) judge(lr plog.LogRecord) (goesOn bool) {
	size := 0
	if r.position < len(r.req.Sizes) {
		size = r.req.Sizes[r.position]
	}
	v := r.validator.Validate(lr, size, r.now)
	r.refuseTwice(&v)
	if r.req.Verdicts != nil {
		*r.req.Verdicts.At(r.position) = v
	}
	if r.req.Outcome != nil {
		*r.req.Outcome.At(r.position) = v
	}
	r.position++
	if r.recorded {
		r.mark(lr, &v)
	}
	if !v.Refused() {
		r.accepted.Add(v.EventType, 1)
		return true
	}
	if r.codes == nil {
		r.first = v.Errors[0].Code
		r.codes = map[feedback.Code]int{}
	}
	r.codes[v.Errors[0].Code]++
	if !r.deadLetters() {
		return false
	}
	markDeadLetter(lr, &v)
	return true
}

// refuseTwice refuses an event whose id an earlier one of the request has.
func (r *run) refuseTwice(v *feedback.Verdict) {
	if r.ids == nil || v.Refused() {
		return
	}
	if _, twice := r.ids[v.EventID]; twice {
		v.Errors = []feedback.Error{{Code: feedback.CodeDuplicateEventID, Field: "event_id", Message: "expected an id that no other event of the request has"}}
		return
	}
	r.ids[v.EventID] = struct{}{}
}

// deadLetters reports whether refused events of this request go to the
// dead-letter topic.
func (r *run) deadLetters() bool {
	return r.onInvalid == onInvalidDeadLetter || r.onInvalid == "" && r.req.Verdicts == nil
}
