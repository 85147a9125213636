// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package jwtauthextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/jwtauthextension"

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"
)

const (
	// maxWait is how long a request waits for keys that may know its token.
	maxWait = 2 * time.Second
	// firstRetry is doubled up to min_refresh_interval while fetches fail.
	firstRetry   = time.Second
	maxRedirects = 3
)

// remote is a source of keys behind a URL. One goroutine fetches; requests can
// ask for it to be done now, and wait a little.
type remote struct {
	cfg     *JWKSConfig
	url     string
	client  *http.Client
	read    reader
	install func(*token.Keys) // nil keys: those from before are current
	report  func(error)       // nil: all is well again
	logger  *zap.Logger
	asked   chan struct{} // holds one

	last []byte // what was fetched; the goroutine's alone

	mu       sync.Mutex    // guards all below
	fetching chan struct{} // closed when the fetch that was asked for is over; nil: none was
	success  time.Time     // of the last fetch
	pause    time.Time     // before which a failed fetch is not tried again
}

func newRemote(cfg *JWKSConfig, address string, transport http.RoundTripper) *remote {
	return &remote{
		cfg: cfg,
		url: address,
		client: &http.Client{
			Transport: transport,
			CheckRedirect: func(r *http.Request, via []*http.Request) error {
				if len(via) > maxRedirects || !secure(r.URL) {
					return errors.New("redirected too often, or away from https")
				}
				return nil
			},
		},
		asked: make(chan struct{}, 1),
	}
}

// run fetches until ctx ends, at once to begin with.
func (r *remote) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var retry time.Duration
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-r.asked:
		}
		err := r.fetch(ctx)
		if ctx.Err() != nil {
			return
		}
		next := r.cfg.RefreshInterval
		if err == nil {
			retry = 0
		} else {
			retry = min(max(2*retry, firstRetry), r.cfg.MinRefreshInterval)
			next = retry
		}
		r.report(err)
		r.done(err, retry)
		timer.Reset(next)
	}
}

// done tells who waits.
func (r *remote) done(err error, retry time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if err == nil {
		r.success = now
	}
	r.pause = now.Add(retry)
	if r.fetching == nil {
		return
	}
	close(r.fetching)
	r.fetching = nil
	select {
	case <-r.asked: // while this fetch was under way: it is the one
	default:
	}
}

// current reports whether the keys are those of now. If they may not be, it has
// them fetched, as often as allowed, and waits a bounded time for that.
func (r *remote) current(ctx context.Context) bool {
	over, current := r.ask()
	if over == nil {
		return current
	}
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case <-over:
	case <-ctx.Done():
	case <-timer.C:
	}
	_, current = r.state(time.Now())
	return current
}

// ask returns a channel that closes when keys have been fetched, or nil if it is
// not the time for that.
func (r *remote) ask() (over <-chan struct{}, current bool) {
	allowed, current := r.state(time.Now())
	if current || !allowed {
		return nil, current
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fetching == nil {
		r.fetching = make(chan struct{})
		select {
		case r.asked <- struct{}{}:
		default: // somebody has
		}
	}
	return r.fetching, false
}

func (r *remote) state(now time.Time) (allowed, current bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	current = !r.success.IsZero() && now.Before(r.success.Add(r.cfg.MinRefreshInterval))
	return !now.Before(r.pause), current
}

// fetch reads the set. Its errors name neither what was fetched nor the path and
// query of the URL.
func (r *remote) fetch(ctx context.Context) error {
	data, err := r.get(ctx)
	if err != nil {
		return err
	}
	if bytes.Equal(data, r.last) {
		r.install(nil)
		return nil
	}
	keys, err := r.read(data)
	if err != nil {
		return err
	}
	r.last = data
	r.install(keys)
	r.logger.Info("The keys were fetched", zap.Int("keys", keys.Len()))
	return nil
}

func (r *remote) get(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := r.client.Do(request)
	if err != nil {
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answered %d", response.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, r.cfg.MaxBytes+1))
	if err == nil && int64(len(data)) > r.cfg.MaxBytes {
		err = errors.New("the document is larger than jwks::max_bytes")
	}
	return data, err
}
