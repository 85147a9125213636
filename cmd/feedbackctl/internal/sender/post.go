// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package sender

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	firstWait = 200 * time.Millisecond
	maxWait   = 10 * time.Second
)

// temporary is an error after which the same request may be sent again.
type temporary struct {
	err   error
	after time.Duration // what the collector asked for, or 0
}

func (t *temporary) Error() string { return t.err.Error() }
func (t *temporary) Unwrap() error { return t.err }

// post sends a batch, again with the same bytes after a temporary error, until
// RetryFor is over.
func (s *Sender) post(ctx context.Context, b batch) (*answerBody, error) {
	body, err := s.encode(b)
	if err != nil {
		return nil, err
	}
	deadline := s.now().Add(s.cfg.RetryFor)
	for wait := firstWait; ; wait = min(2*wait, maxWait) {
		answer, err := s.attempt(ctx, body, len(b.lines))
		var again *temporary
		if !errors.As(err, &again) {
			return answer, err
		}
		// Half of it at random, so that many clients do not come back together.
		pause := wait/2 + rand.N(wait/2)
		if again.after > 0 {
			pause = again.after
		}
		if s.cfg.RetryFor == 0 {
			return nil, again.err
		}
		if s.now().Add(pause).After(deadline) {
			return nil, fmt.Errorf("gave up after %v: %w", s.cfg.RetryFor, again.err)
		}
		s.result.Retries++
		if s.cfg.Notice != nil {
			s.cfg.Notice(fmt.Sprintf("%v; trying again for %v", again.err, s.cfg.RetryFor))
		}
		if err := s.sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

func (s *Sender) encode(b batch) ([]byte, error) {
	if !s.cfg.Gzip {
		return bytes.Join(b.lines, nil), nil
	}
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	for _, line := range b.lines {
		if _, err := z.Write(line); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return buf.Bytes(), err
}

// attempt makes one request about n events.
func (s *Sender) attempt(ctx context.Context, body []byte, n int) (*answerBody, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range s.cfg.Header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	if s.cfg.Gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	resp, err := s.cfg.Client.Do(req)
	if err != nil {
		return nil, connectionError(ctx, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	if err != nil {
		return nil, connectionError(ctx, fmt.Errorf("reading the answer: %w", err))
	}
	return s.judge(resp, text, n)
}

// connectionError says whether it makes sense to try again.
func connectionError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var (
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		inURL       *url.Error
	)
	if errors.As(err, &inURL) {
		err = fmt.Errorf("%s: %w", inURL.URL, inURL.Err) // without the method
	}
	if errors.As(err, &certificate) || errors.As(err, &record) {
		return err
	}
	return &temporary{err: err}
}

// judge reads an answer about n events.
func (s *Sender) judge(resp *http.Response, text []byte, n int) (*answerBody, error) {
	switch resp.StatusCode {
	case http.StatusAccepted, http.StatusMultiStatus:
		return parseAnswer(resp.StatusCode, text, n)
	case http.StatusBadRequest:
		answer, err := parseAnswer(resp.StatusCode, text, n)
		if err != nil {
			return nil, parseRefusal(resp, text)
		}
		return answer, nil
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return nil, &temporary{err: parseRefusal(resp, text), after: s.retryAfter(resp.Header.Get("Retry-After"))}
	default:
		return nil, parseRefusal(resp, text)
	}
}

// retryAfter reads seconds or a date (RFC 9110 §10.2.3); 0 if it is neither.
func (s *Sender) retryAfter(value string) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(s.now()), 0)
	}
	return 0
}
