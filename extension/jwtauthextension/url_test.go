// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package jwtauthextension

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
)

// issuer answers for a server of key sets.
type issuer struct {
	mu     sync.Mutex // guards all below
	set    string
	status int
	err    error
	delay  time.Duration
	asked  int
}

func (i *issuer) change(f func(*issuer)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	f(i)
}

func (i *issuer) times() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

// RoundTrip implements http.RoundTripper.
func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	i.asked++
	set, code, err, delay := i.set, i.status, i.err, i.delay
	i.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if err != nil {
		return nil, err
	}
	if code == 0 {
		code = http.StatusOK
	}
	return &http.Response{StatusCode: code, Body: io.NopCloser(strings.NewReader(set)), Request: r}, nil
}

func remoteKeys(i *issuer, change ...func(*Config)) (func(*Config), func(*authenticator)) {
	return func(c *Config) {
			c.JWKSURL = "https://issuer.example/" + marker + "?key=" + marker
			for _, f := range change {
				f(c)
			}
		}, func(a *authenticator) {
			a.roundTripper = i
		}
}

func TestURLRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newPair(t, "one"), newPair(t, "two")
		server := &issuer{set: jwks(t, one)}
		a, _ := start(t, first(remoteKeys(server)), second(remoteKeys(server)))
		byOne, byTwo := one.mint(t), two.mint(t)
		synctest.Wait()
		_, err := a.ask(t.Context(), byOne)
		require.NoError(t, err)
		_, err = a.ask(t.Context(), byTwo)
		refused(t, access.ErrUnknownKey, err)
		assert.Equal(t, 1, server.times(), "the set is of now")

		// A token of a new key has the set fetched, once.
		server.change(func(i *issuer) { i.set = jwks(t, one, two) })
		time.Sleep(a.cfg.JWKS.MinRefreshInterval)
		_, err = a.ask(t.Context(), byTwo)
		require.NoError(t, err)
		assert.Equal(t, 2, server.times())

		// Unknown keys do not have it fetched again and again.
		for range 100 {
			_, err = a.ask(t.Context(), newPair(t, "other").mint(t))
			refused(t, access.ErrUnknownKey, err)
		}
		assert.Equal(t, 2, server.times())

		// What is withdrawn is noticed at the next refresh.
		server.change(func(i *issuer) { i.set = jwks(t, two) })
		time.Sleep(a.cfg.JWKS.RefreshInterval)
		synctest.Wait()
		_, err = a.ask(t.Context(), byOne)
		refused(t, access.ErrUnknownKey, err)
		_, err = a.ask(t.Context(), byTwo)
		require.NoError(t, err)
	})
}

func first[A, B any](a A, _ B) A  { return a }
func second[A, B any](_ A, b B) B { return b }

// Without keys nobody is let in, and nobody is told that the token is bad.
func TestURLDownAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := newPair(t, "one")
		server := &issuer{err: errors.New("connection refused")}
		a, logs := start(t, first(remoteKeys(server)), second(remoteKeys(server)))
		text := one.mint(t)
		synctest.Wait()
		began := time.Now()
		for range 10 {
			_, err := a.ask(t.Context(), text)
			refused(t, access.ErrNoKeys, err)
			assert.Equal(t, codes.Unavailable, status.Code(err))
			assert.True(t, access.ErrNoKeys.Temporary())
		}
		_, err := a.ask(t.Context(), "garbage")
		refused(t, access.ErrNoKeys, err)
		assert.Zero(t, time.Since(began), "nobody waits for what was just tried in vain")
		assert.Equal(t, 1, logs.FilterMessageSnippet("cannot be fetched").Len())

		server.change(func(i *issuer) { i.err, i.set = nil, jwks(t, one) })
		time.Sleep(a.cfg.JWKS.MinRefreshInterval)
		synctest.Wait()
		_, err = a.ask(t.Context(), text)
		require.NoError(t, err)
		assert.Equal(t, 1, logs.FilterMessageSnippet("can be fetched again").Len())
	})
}

// The first request after the start waits for the keys that are on their way.
func TestURLFirstRequestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := newPair(t, "one")
		server := &issuer{set: jwks(t, one), delay: time.Second}
		a, _ := start(t, first(remoteKeys(server)), second(remoteKeys(server)))
		_, err := a.ask(t.Context(), one.mint(t))
		require.NoError(t, err)
		assert.Equal(t, 1, server.times())
	})
}

func TestURLDownLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newPair(t, "one"), newPair(t, "two")
		server := &issuer{set: jwks(t, one)}
		a, _ := start(t, first(remoteKeys(server, func(c *Config) { c.JWKS.MaxAge = time.Hour })), second(remoteKeys(server)))
		byOne := one.mint(t, forDays)
		synctest.Wait()
		server.change(func(i *issuer) { i.status = http.StatusBadGateway })

		time.Sleep(59 * time.Minute)
		_, err := a.ask(t.Context(), byOne)
		require.NoError(t, err, "keys are good for max_age")
		_, err = a.ask(t.Context(), two.mint(t))
		refused(t, access.ErrNoKeys, err)

		time.Sleep(2 * time.Minute)
		_, err = a.ask(t.Context(), byOne)
		refused(t, access.ErrNoKeys, err)

		server.change(func(i *issuer) { i.status = 0 })
		time.Sleep(a.cfg.JWKS.MinRefreshInterval)
		synctest.Wait()
		_, err = a.ask(t.Context(), byOne)
		require.NoError(t, err, "the same set is good again")
	})
}

// A server that takes its time holds a request up for no longer than maxWait.
func TestURLSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &issuer{delay: time.Hour}
		a, _ := start(t, first(remoteKeys(server, func(c *Config) { c.JWKS.Timeout = time.Minute })), second(remoteKeys(server)))
		text := newPair(t, "one").mint(t)
		began := time.Now()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				_, err := a.ask(t.Context(), text)
				refused(t, access.ErrNoKeys, err)
			})
		}
		all.Wait()
		assert.Equal(t, maxWait, time.Since(began))

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := a.ask(ctx, text)
		refused(t, access.ErrNoKeys, err)
		assert.Equal(t, maxWait, time.Since(began), "a client that hangs up does not wait")
		assert.Equal(t, 1, server.times())
	})
}

// While fetches fail they are tried again with growing pauses.
func TestURLRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &issuer{err: errors.New("no")}
		start(t, first(remoteKeys(server)), second(remoteKeys(server)))
		time.Sleep(1*time.Minute + time.Second) // 0, 1, 3, 7, 15, 31, 61 s
		synctest.Wait()
		assert.Equal(t, 7, server.times())
	})
}

func TestURLSets(t *testing.T) {
	one := newPair(t, "one")
	good := jwks(t, one)
	for name, tt := range map[string]struct {
		set  string
		good bool
	}{
		"larger than allowed": {good + strings.Repeat(" ", 1<<20), false},
		"no JSON":             {"<html>" + marker, false},
		"no set":              {`{"kty":"OKP"}`, false},
		"other keys beside":   {`{"keys":[{"kty":"x"},{"kty":"oct","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"},{"use":"enc","kty":"OKP","crv":"X25519","x":"AAAA"},` + good[len(`{"keys":[`):], true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &issuer{set: tt.set}
				a, _ := start(t, first(remoteKeys(server)), second(remoteKeys(server)))
				synctest.Wait()
				_, err := a.ask(t.Context(), bySecret(t))
				require.Error(t, err, "a published secret is none")
				_, err = a.ask(t.Context(), one.mint(t))
				if tt.good {
					require.NoError(t, err)
					return
				}
				refused(t, access.ErrNoKeys, err)
			})
		})
	}
}

// Through a real server with a certificate of its own.
func TestURLOverTLS(t *testing.T) {
	one := newPair(t, "one")
	var away atomic.Bool
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			http.Redirect(w, r, "http://issuer.example/"+marker, http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, jwks(t, one))
	}))
	defer server.Close()
	ca := write(t, "", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))

	t.Run("trusted", func(t *testing.T) {
		a, _ := start(t, func(c *Config) { c.JWKSURL, c.JWKS.TLS.CAFile = server.URL, ca })
		_, err := a.ask(t.Context(), one.mint(t))
		require.NoError(t, err)
	})
	t.Run("not trusted", func(t *testing.T) {
		a, _ := start(t, func(c *Config) { c.JWKSURL = server.URL })
		_, err := a.ask(t.Context(), one.mint(t))
		refused(t, access.ErrNoKeys, err)
	})
	t.Run("sent elsewhere", func(t *testing.T) {
		away.Store(true)
		a, logs := start(t, func(c *Config) { c.JWKSURL, c.JWKS.TLS.CAFile = server.URL, ca })
		_, err := a.ask(t.Context(), one.mint(t))
		refused(t, access.ErrNoKeys, err)
		require.Eventually(t, func() bool { return logs.FilterMessageSnippet("cannot be fetched").Len() > 0 }, 5*time.Second, time.Millisecond)
	})
}
