// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package audit records who was let in and who was not: attempts to
// authenticate, requests over a rate, and events. An entry is one line of JSON;
// it never holds a token or any content of an event.
//
// Entries are written before the request is answered, those of one request at
// once: none waits in memory, so none is lost when the process is killed. What
// cannot be written is counted and reported in the collector's own log. They go
// past the collector's logger, whose sampling would drop all but a few.
package audit // import "github.com/otelcol-feedback/otelcol-feedback/internal/audit"

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/peer"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// ReasonPermission is the reason of a failed attempt whose credential is genuine
// and does not allow what was sent.
const ReasonPermission = "permission_denied"

// Log is the audit log. A nil *Log records nothing. It is safe for concurrent
// use between Start and Shutdown.
type Log struct {
	cfg     Config
	out     *output
	buffers sync.Pool
}

// New returns the log, to be started by its owner.
func New(cfg Config, logger *zap.Logger) *Log {
	return &Log{
		cfg:     cfg,
		out:     newOutput(cfg.Output, logger),
		buffers: sync.Pool{New: func() any { return new([]byte) }},
	}
}

// Start opens the output.
func (l *Log) Start() error {
	if l == nil {
		return nil
	}
	return l.out.open()
}

// Shutdown closes the output. It may be called twice, and without Start.
func (l *Log) Shutdown() error {
	if l == nil {
		return nil
	}
	return l.out.close()
}

// Find returns the log that one of the host's extensions keeps, or nil.
func Find(host component.Host) *Log {
	for _, e := range host.GetExtensions() {
		if keeper, ok := e.(interface{ Audit() *Log }); ok {
			return keeper.Audit()
		}
	}
	return nil
}

// Authenticator is an authenticator that records its attempts itself, so that
// those of every receiver are seen. Others' are recorded by our receiver.
type Authenticator interface {
	AuditsAuthentication()
}

// Authentication records an attempt to authenticate; ctx knows the peer. Of a
// failed one the client is not known: what a token says that is not verified is
// no identity. The reason of a failure is one of a closed set.
func (l *Log) Authentication(ctx context.Context, clientID string, success bool, reason string) {
	if l == nil || l.cfg.Authentication == entriesNone || success && l.cfg.Authentication != entriesAll {
		return
	}
	e := l.begin(ctx, clientID)
	e.open("authentication_attempt", !success)
	e.success(success)
	if !success && reason != "" {
		e.text("reason", reason)
	}
	e.close()
	l.end(e)
}

// RateLimited records a request that was over its client's rate.
func (l *Log) RateLimited(ctx context.Context, clientID string) {
	if l == nil || !l.cfg.RateLimit {
		return
	}
	e := l.begin(ctx, clientID)
	e.open("rate_limit_exceeded", true)
	e.close()
	l.end(e)
}

// Ingests reports whether Ingested records anything.
func (l *Log) Ingests() bool { return l != nil && l.cfg.Ingestion != entriesNone }

// Ingested records the decisions about the events of a request; of one that was
// not taken, only those that were refused.
func (l *Log) Ingested(ctx context.Context, clientID string, verdicts *feedback.Verdicts, taken bool) {
	if !l.Ingests() {
		return
	}
	var e *entries
	for i := range verdicts.Len() {
		v := verdicts.At(i)
		if !v.Refused() && (!taken || l.cfg.Ingestion != entriesAll) {
			continue
		}
		if e == nil {
			e = l.begin(ctx, clientID)
		}
		e.open("event_ingested", v.Refused())
		e.text("event_id", v.EventID)
		e.text("event_type", v.EventType)
		e.success(!v.Refused())
		if v.Refused() {
			e.text("code", string(v.Errors[0].Code))
		}
		e.close()
		if len(e.buf) >= l.out.gather {
			l.flush(e)
		}
	}
	if e != nil {
		l.end(e)
	}
}

// begin starts the entries of one request.
func (l *Log) begin(ctx context.Context, clientID string) *entries {
	buf := l.buffers.Get().(*[]byte)
	ip := ""
	if addr := peer.Addr(ctx); addr.IsValid() {
		ip = addr.String()
	}
	return &entries{pooled: buf, buf: (*buf)[:0], clientID: shorten(clientID), ip: ip, now: time.Now().UTC()}
}

func (l *Log) flush(e *entries) {
	l.out.write(e.buf, e.lines)
	e.buf, e.lines = e.buf[:0], 0
}

func (l *Log) end(e *entries) {
	if e.lines > 0 {
		l.flush(e)
	}
	*e.pooled = e.buf
	l.buffers.Put(e.pooled)
}
