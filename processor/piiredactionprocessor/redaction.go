// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piiredactionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/piiredactionprocessor"

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
	"github.com/otelcol-feedback/otelcol-feedback/processor/piiredactionprocessor/internal/metadata"
)

// failure is what the sender of an event that could not be redacted is told.
const failure = "expected text that personal data can be removed from"

var errPanic = errors.New("redaction broke off")

var _ processor.Logs = (*redaction)(nil)

// redaction is the consumer itself and not a function under processorhelper,
// which would count a request with one refused event as a failed one.
type redaction struct {
	next      consumer.Logs
	logger    *zap.Logger
	engine    redactor
	userID    userID
	addresses *addresses
	counters  *counters
	attrs     *attributes // nil: none are asked for
	tracer    trace.Tracer
	ingestion *feedbackruntimeextension.Ingestion // set by Start; nil: nothing is counted
}

// redactor is what a [pii.Engine] does.
type redactor interface {
	Redact(text string, c *pii.Counts) (string, error)
}

func newRedaction(set processor.Settings, cfg *Config, next consumer.Logs) (*redaction, error) {
	engine, err := cfg.engine()
	if err != nil {
		return nil, err
	}
	counters, err := newCounters(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	p := &redaction{
		next:      next,
		logger:    set.Logger,
		engine:    engine,
		userID:    userID{action: cfg.UserID, key: []byte(cfg.HashKey)},
		addresses: newAddresses(set.Logger),
		counters:  counters,
		tracer:    set.TracerProvider.Tracer(metadata.ScopeName),
	}
	if cfg.CountAttributes {
		p.attrs = newAttributes(cfg.Patterns)
	}
	return p, nil
}

// Start implements component.Component.
func (p *redaction) Start(_ context.Context, host component.Host) error {
	p.ingestion = feedbackruntimeextension.IngestionOf(host)
	return nil
}

// Shutdown implements component.Component.
func (p *redaction) Shutdown(context.Context) error {
	p.addresses.report()
	return nil
}

// Capabilities implements consumer.Logs.
func (p *redaction) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

// ConsumeLogs implements consumer.Logs. An event that cannot be redacted is
// refused alone; an error is that of the components behind.
func (p *redaction) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	r := run{redaction: p}
	r.rewriter = func(text string) (string, error) { return p.engine.Redact(text, &r.record) }
	if r.req = feedback.FromContext(ctx); r.req == nil {
		r.req = &feedback.Request{Transport: feedback.TransportOTLP}
	}
	removed := r.traced(ctx, ld)
	p.counters.record(ctx, &r.counts)
	if r.failed > 0 {
		p.ingestion.Rejected(ctx, r.req.Transport, feedback.CodeRedactionFailed, r.withdrawn)
		p.logger.Error("Events were refused because personal data could not be removed from them", zap.Int("events", r.failed))
	}
	if removed && ld.LogRecordCount() == 0 {
		return nil
	}
	return p.next.ConsumeLogs(ctx, ld)
}

// run is the redaction of one batch of records.
type run struct {
	*redaction
	rewriter feedback.Rewriter
	record   pii.Counts // of the record in work
	counts   pii.Counts
	failed   int
	// withdrawn are those of them that validation had accepted.
	withdrawn int
	req       *feedback.Request
	accepted  map[string]int // position of each accepted event by id; made when needed
}

// logs redacts every record and removes those that do not go on.
func (r *run) logs(ld plog.Logs) (removed bool) {
	ld.ResourceLogs().RemoveIf(func(rl plog.ResourceLogs) bool {
		rl.ScopeLogs().RemoveIf(func(sl plog.ScopeLogs) bool {
			sl.LogRecords().RemoveIf(func(lr plog.LogRecord) bool {
				if r.redact(lr) == nil || !r.refuse(lr) {
					return false
				}
				removed = true
				return true
			})
			return removed && sl.LogRecords().Len() == 0
		})
		return removed && rl.ScopeLogs().Len() == 0
	})
	return removed
}

func (r *run) redact(lr plog.LogRecord) (err error) {
	defer func() {
		if recover() != nil { // its value may hold text of the event
			err = errPanic
		}
	}()
	r.record.Reset()
	_, refused := lr.Attributes().Get(feedback.AttrErrorCode)
	r.userID.apply(lr.Body())
	r.addresses.look(lr.Body())
	if err := feedback.RewriteText(lr.Body(), refused, r.rewriter); err != nil {
		return err
	}
	r.counts.Add(&r.record)
	if r.attrs != nil {
		r.attrs.put(lr.Attributes(), &r.record)
	}
	return nil
}

// refuse takes everything but identifiers out of a record. It reports whether
// the record ends here because its sender is told.
func (r *run) refuse(lr plog.LogRecord) (told bool) {
	r.failed++
	if _, before := lr.Attributes().Get(feedback.AttrErrorCode); !before {
		r.withdrawn++
		typ, _ := lr.Attributes().Get(feedback.AttrEventType)
		r.req.Unredacted.Add(typ.Str(), 1)
	}
	if r.tell(lr) {
		return true
	}
	attrs := lr.Attributes()
	attrs.PutStr(feedback.AttrErrorCode, string(feedback.CodeRedactionFailed))
	attrs.PutStr(feedback.AttrErrorField, "")
	attrs.PutStr(feedback.AttrErrorMessage, failure)
	pcommon.NewValueEmpty().CopyTo(lr.Body())
	return false
}

// tell writes the refusal where the receiver reads it. Validation took records
// out, so the event is found by its id.
func (r *run) tell(lr plog.LogRecord) bool {
	if r.req.Verdicts == nil {
		return false
	}
	if r.accepted == nil {
		r.accepted = make(map[string]int, r.req.Verdicts.Len())
		for i := range r.req.Verdicts.Len() {
			if v := r.req.Verdicts.At(i); !v.Refused() {
				r.accepted[v.EventID] = i
			}
		}
	}
	id, ok := lr.Attributes().Get(feedback.AttrRecordUID)
	if !ok {
		return false
	}
	if _, dead := lr.Attributes().Get(feedback.AttrErrorCode); dead {
		return false // told already; it is on its way to the dead-letter topic
	}
	i, ok := r.accepted[id.Str()]
	if ok {
		r.req.Verdicts.At(i).Errors = []feedback.Error{{Code: feedback.CodeRedactionFailed, Message: failure}}
	}
	return ok
}
