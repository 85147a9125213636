// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package token // import "github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
)

// Rules are what a token must meet beside its signature.
type Rules struct {
	// Issuer is what iss must be; empty: anything.
	Issuer string
	// Audience is what aud must name one of; empty: anything.
	Audience []string
	// Leeway is by how much clocks may differ.
	Leeway time.Duration
	// MaxBytes bounds a token.
	MaxBytes int
}

// Verify returns what a token says if all of it holds. Its errors are those of
// package access. Nothing of the claims is read before the signature was good.
func (r *Rules) Verify(token string, keys *Keys, now time.Time) (*Claims, error) {
	if len(token) > r.MaxBytes {
		return nil, access.ErrTooLong
	}
	payload, err := verifySignature(token, keys)
	if err != nil {
		return nil, err
	}
	// This decoder knows no other case of a name and no name twice.
	var claims Claims
	if err := json.Unmarshal(payload, &claims); err != nil {
		return nil, access.ErrClaims
	}
	return &claims, r.judge(&claims, now)
}

// Judge is Verify without a key: whether the token would be good if its signature
// were. It lets nobody in.
func (r *Rules) Judge(token string, now time.Time) error {
	_, _, claims, err := Inspect(token)
	if err != nil {
		return access.ErrMalformed
	}
	return r.judge(claims, now)
}

func (r *Rules) judge(c *Claims, now time.Time) error {
	switch {
	case c.Expiry == nil:
		return access.ErrClaims
	case !now.Before(c.Expiry.Time().Add(r.Leeway)):
		return access.ErrExpired
	case c.NotBefore != nil && now.Add(r.Leeway).Before(c.NotBefore.Time()),
		c.IssuedAt != nil && now.Add(r.Leeway).Before(c.IssuedAt.Time()):
		return access.ErrNotYet
	case r.Issuer != "" && c.Issuer != r.Issuer:
		return access.ErrIssuer
	case len(r.Audience) > 0 && !slices.ContainsFunc(r.Audience, c.Audience.Contains):
		return access.ErrAudience
	}
	return c.check(now, r.Leeway)
}

// verifySignature returns the payload if one of the keys has signed it.
func verifySignature(token string, keys *Keys) ([]byte, error) {
	if keys.Len() == 0 {
		return nil, access.ErrUnknownKey
	}
	jws, err := jose.ParseSignedCompact(token, all)
	if err != nil {
		var unexpected *jose.ErrUnexpectedSignatureAlgorithm
		if errors.As(err, &unexpected) {
			return nil, access.ErrAlgorithm
		}
		return nil, access.ErrMalformed
	}
	header := &jws.Signatures[0].Protected
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); !isTokenType(typ) {
		return nil, access.ErrMalformed
	}
	var buf [maxTried]*Key
	candidates, known := keys.candidates(buf[:0], header.KeyID, header.Algorithm)
	if !known {
		return nil, access.ErrUnknownKey
	}
	for _, key := range candidates {
		if payload, err := jws.Verify(key.verifier); err == nil {
			return payload, nil
		}
	}
	switch {
	case header.KeyID == "" && keys.named:
		// It may be of a key that came after the set was read.
		return nil, access.ErrUnknownKey
	case len(candidates) == 0:
		return nil, access.ErrAlgorithm
	}
	return nil, access.ErrSignature
}

// isTokenType tells tokens from what else may be signed with the same key: the
// header's typ is absent, JWT, or that of an access token (RFC 9068).
func isTokenType(typ string) bool {
	if typ == "" || strings.EqualFold(typ, "JWT") {
		return true
	}
	return len(typ) >= len("at+jwt") && strings.EqualFold(typ[len(typ)-len("at+jwt"):], "at+jwt")
}
