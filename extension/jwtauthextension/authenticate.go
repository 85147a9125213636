// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package jwtauthextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/jwtauthextension"

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/client"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"
)

// Authenticate implements extensionauth.Server. The errors are those of package
// access, one value each: to refuse costs nothing but the look.
func (a *authenticator) Authenticate(ctx context.Context, sources map[string][]string) (context.Context, error) {
	text, err := bearer(sources)
	if err != nil {
		return a.refuse(ctx, err)
	}
	return a.authenticate(ctx, text, false)
}

// AuthenticateQuery implements access.QueryAuthenticator.
func (a *authenticator) AuthenticateQuery(ctx context.Context, text string) (context.Context, error) {
	return a.authenticate(ctx, text, true)
}

// AuditsAuthentication tells receivers that this authenticator writes the audit
// log itself: it alone sees what every receiver is asked.
func (*authenticator) AuditsAuthentication() {}

// bearer finds the token: HTTP servers write the name with a capital, gRPC
// without.
func bearer(sources map[string][]string) (string, error) {
	values, lower := sources["Authorization"], sources["authorization"]
	switch n := len(values) + len(lower); {
	case n == 0:
		return "", access.ErrMissing
	case n > 1:
		return "", access.ErrAmbiguous
	case len(values) == 0:
		values = lower
	}
	scheme, text, ok := strings.Cut(values[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", access.ErrScheme
	}
	return strings.Trim(text, " "), nil
}

func (a *authenticator) authenticate(ctx context.Context, text string, inQuery bool) (context.Context, error) {
	if len(text) > a.cfg.MaxTokenBytes {
		return a.refuse(ctx, access.ErrTooLong)
	}
	hash := sha256.Sum256([]byte(text))
	e, err := a.verify(ctx, text, hash, inQuery)
	if err != nil {
		return a.refuse(ctx, err)
	}
	a.audit.Authentication(ctx, e.subject, true, "")
	info := client.FromContext(ctx)
	info.Auth = e.auth
	return client.NewContext(ctx, info), nil
}

// verify judges a token, by memory if it was judged before.
func (a *authenticator) verify(ctx context.Context, text string, hash [sha256.Size]byte, inQuery bool) (entry, error) {
	now := time.Now()
	keys := a.ring.Load()
	if keys.good(now) && !inQuery { // presigned tokens are not remembered
		if e, ok := keys.cache.get(hash, now); ok {
			return e, nil
		}
	}
	claims, keys, err := a.claims(ctx, text, keys, now)
	if err != nil {
		return entry{}, err
	}
	if inQuery && claims.Feedback == nil {
		return entry{}, access.ErrInQuery
	}
	grant := claims.Grant(a.uses, a.cfg.Leeway)
	e := entry{auth: access.AuthData(grant), subject: grant.Subject, until: grant.Expires}
	if grant.Presigned == nil {
		keys.cache.put(hash, e)
	}
	return e, nil
}

// claims verifies a token, with newer keys if these do not know it.
func (a *authenticator) claims(ctx context.Context, text string, keys *ring, now time.Time) (*token.Claims, *ring, error) {
	if !keys.good(now) {
		keys = a.newer(ctx)
		if keys == nil {
			return nil, nil, access.ErrNoKeys
		}
	}
	claims, err := a.rules.Verify(text, keys.keys, now)
	if err == nil {
		return claims, keys, nil
	}
	if a.remote == nil || !errors.Is(err, access.ErrUnknownKey) {
		return nil, nil, err
	}
	current := a.remote.current(ctx)
	if changed := a.ring.Load(); changed != keys && changed.good(now) {
		keys = changed
		if claims, err = a.rules.Verify(text, keys.keys, now); err == nil {
			return claims, keys, nil
		}
	}
	if !current && errors.Is(err, access.ErrUnknownKey) {
		// It may be of a key that we could not fetch: this is not the client's fault.
		return nil, nil, access.ErrNoKeys
	}
	return nil, nil, err
}

// newer waits a bounded time for keys where there are none that may be used.
func (a *authenticator) newer(ctx context.Context) *ring {
	if a.remote == nil {
		return nil
	}
	a.remote.current(ctx)
	if keys := a.ring.Load(); keys.good(time.Now()) {
		return keys
	}
	return nil
}

// refuse notes why, and returns the reason as the error.
func (a *authenticator) refuse(ctx context.Context, err error) (context.Context, error) {
	if r, ok := errors.AsType[*access.Refusal](err); ok {
		a.refusals.count(r, a.logger)
		a.audit.Authentication(ctx, "", false, r.Reason)
	}
	return ctx, err
}

// refusalInterval is how often one reason is logged at most.
const refusalInterval = time.Minute

// refusals logs that credentials are refused, and why, without letting anyone
// who is refused fill the log.
type refusals struct {
	mu     sync.Mutex // guards counts
	counts map[*access.Refusal]*refusalCount
}

type refusalCount struct {
	n    int64
	next time.Time
}

func (r *refusals) count(reason *access.Refusal, logger *zap.Logger) {
	now := time.Now()
	r.mu.Lock()
	c := r.counts[reason]
	if c == nil {
		if r.counts == nil {
			r.counts = make(map[*access.Refusal]*refusalCount)
		}
		c = &refusalCount{}
		r.counts[reason] = c
	}
	c.n++
	n, due := c.n, !now.Before(c.next)
	if due {
		c.n, c.next = 0, now.Add(refusalInterval)
	}
	r.mu.Unlock()
	if due {
		logger.Info("Credentials were refused", zap.String("reason", reason.Reason), zap.Int64("requests", n))
	}
}
