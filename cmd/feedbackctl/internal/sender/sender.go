// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package sender sends events to a collector in batches, again where the
// collector asks for it, and keeps account of what became of them.
package sender

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/source"
)

const (
	// maxBatchBytes keeps a request well under the collector's limit (20 MiB).
	maxBatchBytes = 4 << 20
	// maxIDs is up to how many events a result lists the ids of the accepted.
	maxIDs = 20
)

// Config says where and how to send.
type Config struct {
	// URL is the address that takes events.
	URL string
	// Header goes with every request.
	Header http.Header
	// Client makes the requests; its time-out is that of one attempt.
	Client *http.Client
	// BatchEvents is how many events go into a request, at least 1.
	BatchEvents int
	// Gzip compresses requests.
	Gzip bool
	// RetryFor is how long one request is tried again; 0 tries once.
	RetryFor time.Duration
	// MaxRejects is how many reasons of refusal the result holds.
	MaxRejects int
	// Progress, if set, is called after every answer.
	Progress func(Totals)
	// Notice, if set, is told in words why sending pauses.
	Notice func(string)
}

// Totals counts events, but for Retries, which counts requests sent again.
type Totals struct {
	Accepted, Rejected, Retries int
}

// Sent is the number of events that were answered.
func (t Totals) Sent() int { return t.Accepted + t.Rejected }

// Reject is one reason why one event was refused.
type Reject struct {
	// Where is the event in what was read: "line 3".
	Where string
	// Code, Field and Message are the collector's words.
	Code, Field, Message string
}

// Result is what became of the events.
type Result struct {
	Totals
	// Rejects are the reasons of refusal, MaxRejects of them.
	Rejects []Reject
	// MoreRejects says that there are others.
	MoreRejects bool
	// IDs are those of the accepted events; nil if they are many.
	IDs []string
}

// Sender sends events. It is for one use.
type Sender struct {
	cfg    Config
	result Result
	batch  batch
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
}

// batch is the request being filled, one event a line.
type batch struct {
	lines [][]byte
	where []string
	bytes int
}

// New returns a sender.
func New(cfg Config) *Sender {
	return &Sender{cfg: cfg, now: time.Now, sleep: sleep}
}

// Send sends all events of src. The result is valid beside an error too: it
// tells what was sent before.
func (s *Sender) Send(ctx context.Context, src source.Source) (*Result, error) {
	for {
		e, err := src.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return &s.result, errors.Join(s.flush(ctx), err)
		}
		if e.Oversize {
			s.reject(Reject{Where: e.Where, Code: "too_large", Message: "longer than 16 MiB, not sent"})
			s.result.Rejected++
			continue
		}
		text := source.EnsureID(e.Text, newID)
		if len(s.batch.lines) > 0 && s.batch.bytes+len(text) > maxBatchBytes {
			if err := s.flush(ctx); err != nil {
				return &s.result, err
			}
		}
		s.batch.add(text, e.Where)
		if len(s.batch.lines) >= s.cfg.BatchEvents {
			if err := s.flush(ctx); err != nil {
				return &s.result, err
			}
		}
	}
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func (b *batch) add(text []byte, where string) {
	line := make([]byte, 0, len(text)+1) // the source reuses its memory
	line = append(append(line, text...), '\n')
	b.lines = append(b.lines, line)
	b.where = append(b.where, where)
	b.bytes += len(line)
}

func (s *Sender) flush(ctx context.Context) error {
	b := s.batch
	s.batch = batch{}
	if len(b.lines) == 0 {
		return nil
	}
	return s.deliver(ctx, b)
}

// deliver sends a batch. One that is too large as a whole goes in halves, until
// what is left is one event that is too large.
func (s *Sender) deliver(ctx context.Context, b batch) error {
	answer, err := s.post(ctx, b)
	var refused *refusal
	if errors.As(err, &refused) && refused.status == http.StatusRequestEntityTooLarge {
		if len(b.lines) > 1 {
			first, second := b.halves()
			if err := s.deliver(ctx, first); err != nil {
				return err
			}
			return s.deliver(ctx, second)
		}
		answer, err = refused.ofOneEvent(), nil
	}
	if err != nil {
		return err
	}
	s.record(b, answer)
	if s.cfg.Progress != nil {
		s.cfg.Progress(s.result.Totals)
	}
	return nil
}

func (b batch) halves() (first, second batch) {
	n := len(b.lines) / 2
	return batch{lines: b.lines[:n], where: b.where[:n]}, batch{lines: b.lines[n:], where: b.where[n:]}
}

func (s *Sender) record(b batch, a *answerBody) {
	s.result.Accepted += a.Accepted
	s.result.Rejected += a.Rejected
	for _, e := range a.Errors {
		r := Reject{Code: e.Code, Field: e.Field, Message: e.Message}
		if e.Index >= 0 && e.Index < len(b.where) {
			r.Where = b.where[e.Index]
		}
		s.reject(r)
	}
	s.result.MoreRejects = s.result.MoreRejects || a.Truncated
	if s.result.Sent() > maxIDs {
		s.result.IDs = nil
		return
	}
	for _, id := range a.EventIDs {
		if id != nil {
			s.result.IDs = append(s.result.IDs, *id)
		}
	}
}

func (s *Sender) reject(r Reject) {
	if len(s.result.Rejects) >= s.cfg.MaxRejects {
		s.result.MoreRejects = true
		return
	}
	s.result.Rejects = append(s.result.Rejects, r)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
