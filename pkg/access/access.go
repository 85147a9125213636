// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package access says what the credential of a request allows. Authenticators
// put a Grant into the context, feedbackadmission decides by it.
package access // import "github.com/otelcol-feedback/otelcol-feedback/pkg/access"

import (
	"slices"
	"strings"
	"time"
)

// ScopeWrite allows events of every type; with ":" and a type behind it, of that
// type alone.
const ScopeWrite = "feedback:write"

// Grant is what the credential of a request allows. It is immutable and may be
// shared by requests.
type Grant struct {
	// Subject is whom the credential was issued to: the client's id. A presigned
	// token may have none.
	Subject string
	// TokenID is the token's jti, for the audit log alone; often empty.
	TokenID string
	// Scopes is the union of the claims scope and scopes.
	Scopes []string
	// ScopesKnown is false where the authenticator does not speak of scopes
	// (basicauth, bearertokenauth): Scopes is then empty and says nothing.
	ScopesKnown bool
	// Expires is until when the credential is good, leeway included; zero: it is
	// not known.
	Expires time.Time
	// Presigned is nil for an ordinary credential. A presigned token needs no
	// scope, and scopes give it nothing.
	Presigned *Presigned
}

// Presigned is what a presigned feedback token is good for.
type Presigned struct {
	// RequestID or SessionID is what events must carry; exactly one is set.
	// RequestID is in lower case.
	RequestID, SessionID string
	// Types are the event types allowed, at least one.
	Types []string
	// MaxUses is the number of events the token is good for, at least 1.
	MaxUses int
	// Uses counts them under ID until Expires.
	Uses    Counter
	ID      string
	Expires time.Time
}

// Counter counts the uses of presigned tokens. It is safe for concurrent use.
type Counter interface {
	// Take takes n uses of a token at once or none. False: fewer than n of limit
	// are left, or there is no room to count another token.
	Take(id string, expires time.Time, limit, n int) bool
	// Return gives back n uses that were taken and not needed.
	Return(id string, n int)
}

// Expired reports whether the credential is good no more: what a long stream was
// opened with may have run out since.
func (g *Grant) Expired(now time.Time) bool { return !g.Expires.IsZero() && !now.Before(g.Expires) }

// Allows reports whether the grant allows events of a type: by a scope, or by
// being presigned for it. A grant whose scopes are not known allows nothing here.
func (g *Grant) Allows(eventType string) bool {
	if g.Presigned != nil {
		return slices.Contains(g.Presigned.Types, eventType)
	}
	return g.Holds(ScopeWrite, eventType)
}

// Holds reports whether one of the grant's scopes is scope, or scope narrowed to
// the type.
func (g *Grant) Holds(scope, eventType string) bool {
	for _, s := range g.Scopes {
		rest, ok := strings.CutPrefix(s, scope)
		if ok && (rest == "" || (rest[0] == ':' && rest[1:] == eventType)) {
			return true
		}
	}
	return false
}

// Names reports whether the token is good for an event that carries these ids.
// request ids are compared without regard to case, as events may be written in
// either.
func (p *Presigned) Names(requestID, sessionID string) bool {
	if p.RequestID != "" {
		return strings.EqualFold(p.RequestID, requestID)
	}
	return p.SessionID != "" && p.SessionID == sessionID
}

// Take takes n uses of the token at once or none.
func (p *Presigned) Take(n int) bool {
	return p.Uses != nil && p.Uses.Take(p.ID, p.Expires, p.MaxUses, n)
}

// Return gives back n uses that Take took.
func (p *Presigned) Return(n int) {
	if p.Uses != nil {
		p.Uses.Return(p.ID, n)
	}
}
