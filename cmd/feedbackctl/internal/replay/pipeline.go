// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package replay sends dead letters through validation again and publishes what
// passes, once.
package replay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/dlq"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackvalidationprocessor"
	"github.com/otelcol-feedback/otelcol-feedback/processor/partitionkeyprocessor"
	"github.com/otelcol-feedback/otelcol-feedback/processor/piiredactionprocessor"
)

const (
	// redactionRoom is what redaction may have added to an event of the largest size.
	redactionRoom = 64 << 10

	userHash = "hash"
	userKeep = "keep"
)

// Settings are those of the collector's processors that every event passes.
type Settings struct {
	Validation *feedbackvalidationprocessor.Config
	Redaction  *piiredactionprocessor.Config
	Keys       *partitionkeyprocessor.Config
	// EventsTopic is the topic of events, TopicsByType that of single types.
	EventsTopic  string
	TopicsByType map[string]string
}

// DefaultSettings are the processors' own defaults.
func DefaultSettings() Settings {
	return Settings{
		Validation: feedbackvalidationprocessor.NewFactory().CreateDefaultConfig().(*feedbackvalidationprocessor.Config),
		Redaction:  piiredactionprocessor.NewFactory().CreateDefaultConfig().(*piiredactionprocessor.Config),
		Keys:       partitionkeyprocessor.NewFactory().CreateDefaultConfig().(*partitionkeyprocessor.Config),
	}
}

// Validate checks the settings as the collector does.
func (s *Settings) Validate() error {
	return errors.Join(s.Validation.Validate(), s.Redaction.Validate(), s.Keys.Validate())
}

// TopicOf is the topic of an event type.
func (s *Settings) TopicOf(eventType string) string {
	if t := s.TopicsByType[eventType]; t != "" {
		return t
	}
	return s.EventsTopic
}

// Pipeline judges events with the collector's own processors: validation,
// redaction and the partition key.
type Pipeline struct {
	plain *chain
	// hashed is for events whose user_id was hashed before they were dead-lettered.
	hashed *chain
}

// NewPipeline starts the processors; the caller shuts it down.
func NewPipeline(ctx context.Context, s Settings) (*Pipeline, error) {
	validation := *s.Validation
	validation.OnInvalid = "drop" // the verdict says it; the letter is where it is
	validation.MaxEventSize += redactionRoom
	s.Validation = &validation
	plain, err := newChain(ctx, s)
	if err != nil {
		return nil, err
	}
	p := &Pipeline{plain: plain, hashed: plain}
	if s.Redaction.UserID == userHash {
		kept := *s.Redaction
		kept.UserID = userKeep
		s.Redaction = &kept
		if p.hashed, err = newChain(ctx, s); err != nil {
			return nil, errors.Join(err, plain.shutdown(ctx))
		}
	}
	return p, nil
}

// Shutdown ends the processors.
func (p *Pipeline) Shutdown(ctx context.Context) error {
	err := p.plain.shutdown(ctx)
	if p.hashed != p.plain {
		err = errors.Join(err, p.hashed.shutdown(ctx))
	}
	return err
}

// hash is what piiredaction makes of a user_id: hashed again, it would be
// another user.
var hash = regexp.MustCompile(`^"[0-9a-f]{64}"$`)

func hashedUser(l *dlq.Letter) bool {
	var event map[string]json.RawMessage
	return json.Unmarshal(l.Original, &event) == nil && hash.Match(event["user_id"])
}

// Judgement is what the processors say of an event.
type Judgement struct {
	// Event is the event as it would be published.
	Event plog.LogRecord
	// Why it is refused; nil if it passed.
	Refused *feedback.Error
}

// Passed reports whether the event may be published.
func (j *Judgement) Passed() bool { return j.Refused == nil }

// Judge sends the letter's original through the processors.
func (p *Pipeline) Judge(ctx context.Context, l *dlq.Letter) (Judgement, error) {
	c := p.plain
	if p.hashed != p.plain && hashedUser(l) {
		c = p.hashed
	}
	return c.judge(ctx, l)
}

// chain is one line of processors.
type chain struct {
	parts []processor.Logs // in the order in which they are passed
	out   *plog.LogRecord
}

// settingsOf is what a processor is given: no telemetry of its own.
func settingsOf(f processor.Factory) processor.Settings {
	return processor.Settings{
		ID: component.NewID(f.Type()),
		TelemetrySettings: component.TelemetrySettings{
			Logger:         zap.NewNop(),
			TracerProvider: tracenoop.NewTracerProvider(),
			MeterProvider:  metricnoop.NewMeterProvider(),
			Resource:       pcommon.NewResource(),
		},
		BuildInfo: component.NewDefaultBuildInfo(),
	}
}

type host struct{}

// GetExtensions implements component.Host.
func (host) GetExtensions() map[component.ID]component.Component { return nil }

func newChain(ctx context.Context, s Settings) (*chain, error) {
	c := &chain{}
	end, err := consumer.NewLogs(func(_ context.Context, ld plog.Logs) error {
		for _, rl := range ld.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, lr := range sl.LogRecords().All() {
					c.out = &lr
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	next := end
	for _, part := range []struct {
		factory processor.Factory
		config  component.Config
	}{ // from the end, since each is made with the next
		{partitionkeyprocessor.NewFactory(), s.Keys},
		{piiredactionprocessor.NewFactory(), s.Redaction},
		{feedbackvalidationprocessor.NewFactory(), s.Validation},
	} {
		made, err := part.factory.CreateLogs(ctx, settingsOf(part.factory), part.config, next)
		if err == nil {
			err = made.Start(ctx, host{})
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", part.factory.Type(), err), c.shutdown(ctx))
		}
		c.parts = append([]processor.Logs{made}, c.parts...)
		next = made
	}
	return c, nil
}

func (c *chain) shutdown(ctx context.Context) error {
	var err error
	for _, p := range c.parts {
		err = errors.Join(err, p.Shutdown(ctx))
	}
	return err
}

func (c *chain) judge(ctx context.Context, l *dlq.Letter) (Judgement, error) {
	logs := plog.NewLogs()
	lr := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	text := l.Text()
	lr.Body().SetStr(text)
	restore(lr, l)
	verdicts := feedback.NewVerdicts(1)
	ctx = feedback.NewContext(ctx, &feedback.Request{
		Transport: feedback.TransportKafka,
		Sizes:     []int{len(text)},
		Verdicts:  verdicts,
	})
	c.out = nil
	if err := c.parts[0].ConsumeLogs(ctx, logs); err != nil {
		return Judgement{}, err
	}
	if v := verdicts.At(0); v.Refused() {
		return Judgement{Refused: &v.Errors[0]}, nil
	}
	if c.out == nil {
		return Judgement{}, errors.New("the event went through validation and did not come out")
	}
	if l.EventID == "" {
		// The same letter gives the same id, so that consumers know a second copy.
		id := letterID(l)
		c.out.Body().Map().PutStr("event_id", id)
		c.out.Attributes().PutStr(feedback.AttrRecordUID, id)
	}
	return Judgement{Event: *c.out}, nil
}

// restore gives the record what the first receipt gave it: its time, its trace
// and its client.
func restore(lr plog.LogRecord, l *dlq.Letter) {
	if t, err := time.Parse(time.RFC3339Nano, dlq.Header(l.Record, headerTimestamp)); err == nil {
		lr.SetTimestamp(pcommon.NewTimestampFromTime(t))
	}
	if trace, span, flags, ok := parseTraceparent(dlq.Header(l.Record, headerTraceparent)); ok {
		lr.SetTraceID(trace)
		lr.SetSpanID(span)
		lr.SetFlags(plog.LogRecordFlags(flags))
	}
}

// parseTraceparent reads what the exporter writes: version 00.
func parseTraceparent(text string) (trace pcommon.TraceID, span pcommon.SpanID, flags byte, ok bool) {
	parts := strings.Split(text, "-")
	if len(parts) != 4 || len(parts[1]) != 2*len(trace) || len(parts[2]) != 2*len(span) || len(parts[3]) != 2 {
		return trace, span, 0, false
	}
	var f [1]byte
	_, err1 := hex.Decode(trace[:], []byte(parts[1]))
	_, err2 := hex.Decode(span[:], []byte(parts[2]))
	_, err3 := hex.Decode(f[:], []byte(parts[3]))
	return trace, span, f[0], errors.Join(err1, err2, err3) == nil && !trace.IsEmpty() && !span.IsEmpty()
}

// letterID is the id of an event that came without one: a UUIDv8 of the
// letter's place.
func letterID(l *dlq.Letter) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", l.Record.Topic, l.Position, l.Record.Timestamp.UnixMilli()))
	id := uuid.UUID(sum[:16])
	id[6] = id[6]&0x0f | 0x80 // version 8
	id[8] = id[8]&0x3f | 0x80 // variant of RFC 9562
	return id.String()
}
