// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package token // import "github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
)

const (
	// MaxPresigned is how long a presigned token may be good.
	MaxPresigned = 24 * time.Hour
	// MaxUses bounds the uses of a presigned token.
	MaxUses = 10_000

	maxSubject = 256
	maxTypes   = 16
)

// Claims are what a token says.
type Claims struct {
	jwt.Claims
	// Scope and Scopes are one set, see Union.
	Scope  Scopes `json:"scope,omitempty"`
	Scopes Scopes `json:"scopes,omitempty"`
	// Feedback makes the token a presigned one.
	Feedback *Feedback `json:"feedback,omitempty"`
}

// Feedback is what a presigned token is good for.
type Feedback struct {
	RequestID string   `json:"request_id,omitempty"`
	SessionID string   `json:"session_id,omitempty"`
	Types     []string `json:"types"`
	MaxUses   int      `json:"max_uses"`
}

// Scopes is a list of names; in a token one string with spaces between, or an
// array.
type Scopes []string

// UnmarshalJSON implements json.Unmarshaler.
func (s *Scopes) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		var text string
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
		*s = strings.Fields(text)
		return nil
	}
	var list []string
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	*s = list
	return nil
}

// Union is the set of all scopes.
func (c *Claims) Union() []string {
	union := slices.Concat(c.Scope, c.Scopes)
	slices.Sort(union)
	return slices.Compact(union)
}

// Check reports what is wrong with the claim, in the words of whom makes tokens.
func (f *Feedback) Check() error {
	switch {
	case (f.RequestID == "") == (f.SessionID == ""):
		return errors.New("exactly one of request_id and session_id")
	case f.RequestID != "" && !isUUID(f.RequestID):
		return errors.New("request_id is no UUID")
	case len(f.Types) == 0 || len(f.Types) > maxTypes || slices.Contains(f.Types, ""):
		return errors.New("types must name 1 to 16 event types")
	case f.MaxUses < 1 || f.MaxUses > MaxUses:
		return errors.New("max_uses must lie between 1 and 10000")
	}
	return nil
}

func isUUID(s string) bool {
	id, err := uuid.Parse(s)
	return err == nil && len(s) == 36 && id != uuid.Nil
}

// check judges all but signature and times.
func (c *Claims) check(now time.Time, leeway time.Duration) error {
	if c.Feedback == nil {
		if c.Subject == "" || !isName(c.Subject) {
			return access.ErrSubject
		}
		return nil
	}
	switch {
	case !isName(c.Subject):
		return access.ErrSubject
	case c.ID == "" || !isName(c.ID), c.Feedback.Check() != nil:
		return access.ErrPresigned
	}
	from := now.Add(leeway)
	if c.IssuedAt != nil && c.IssuedAt.Time().Before(from) {
		from = c.IssuedAt.Time()
	}
	if c.Expiry.Time().Sub(from) > MaxPresigned {
		return access.ErrPresigned
	}
	return nil
}

// isName reports whether s may stand in logs and headers.
func isName(s string) bool {
	return len(s) <= 4*maxSubject && utf8.RuneCountInString(s) <= maxSubject && !strings.ContainsFunc(s, unicode.IsControl)
}

// Grant is what verified claims allow.
func (c *Claims) Grant(uses access.Counter, leeway time.Duration) *access.Grant {
	g := &access.Grant{
		Subject: c.Subject, TokenID: c.ID, Scopes: c.Union(), ScopesKnown: true,
		Expires: c.Expiry.Time().Add(leeway),
	}
	if c.Feedback != nil {
		// Tokens are counted by issuer and id; the hash bounds what is kept of them.
		id := sha256.Sum256([]byte(c.Issuer + "\x00" + c.ID))
		g.Presigned = &access.Presigned{
			RequestID: strings.ToLower(c.Feedback.RequestID),
			SessionID: c.Feedback.SessionID,
			Types:     c.Feedback.Types,
			MaxUses:   c.Feedback.MaxUses,
			Uses:      uses,
			ID:        string(id[:16]),
			Expires:   g.Expires,
		}
	}
	return g
}
