// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
)

// FuzzVerify shows any text as a token: it ends in a known refusal, or it was
// signed by us.
func FuzzVerify(f *testing.F) {
	var keys []Key
	genuine := map[string]bool{}
	for _, algorithm := range []string{"HS256", "RS256", "ES256", "EdDSA"} {
		s := signer(f, algorithm)
		keys = append(keys, s.verifies)
		for _, claims := range []*Claims{good(), presigned()} {
			text := mint(f, s, claims, "k")
			_, payload, _, err := Inspect(text)
			require.NoError(f, err)
			genuine[string(payload)] = true
			f.Add(text)
			f.Add(text[:len(text)-3])
		}
	}
	f.Add("")
	f.Add("..")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("eyJhbGciOiJIUzI1NiIsImNyaXQiOlsiYjY0Il0sImI2NCI6ZmFsc2V9.e30.AAAA")
	set := NewKeys(keys, nil)
	f.Fuzz(func(t *testing.T, text string) {
		_, payload, _, _ := Inspect(text)
		claims, err := rules.Verify(text, set, now)
		if err == nil {
			require.True(t, genuine[string(payload)], "a forgery was taken")
			require.NotEmpty(t, claims.Grant(nil, 0).Subject)
			return
		}
		var refusal *access.Refusal
		require.ErrorAs(t, err, &refusal)
	})
}

// FuzzPayload puts any text into a token that is signed: what comes out is a
// refusal, or claims that are fit to be used.
func FuzzPayload(f *testing.F) {
	f.Add(`{"sub":"a","exp":1800000060}`)
	f.Add(`{"sub":"a","exp":1.8e9,"scope":"a b","scopes":["c"],"aud":["feedback"],"iss":"https://issuer.example"}`)
	f.Add(`{"exp":1800000060,"jti":"j","feedback":{"session_id":"s","types":["user_feedback"],"max_uses":1}}`)
	f.Add(`{"exp":1800000060,"jti":"j","feedback":{"request_id":"0197f5c4-0000-7000-8000-000000000001","types":["x"],"max_uses":10000}}`)
	s := signer(f, "HS256")
	set, open := s.Keys(), Rules{MaxBytes: 1 << 20}
	f.Fuzz(func(t *testing.T, payload string) {
		claims, err := open.Verify(raw(t, s, nil, payload), set, now)
		if err != nil {
			return
		}
		grant := claims.Grant(nil, 0)
		require.True(t, isName(grant.Subject))
		require.True(t, claims.Expiry.Time().After(now))
		if p := grant.Presigned; p != nil {
			require.NotEqual(t, p.RequestID == "", p.SessionID == "")
			require.NotEmpty(t, p.Types)
			require.Positive(t, p.MaxUses)
			require.LessOrEqual(t, p.Expires.Sub(now), MaxPresigned)
			return
		}
		require.NotEmpty(t, grant.Subject)
	})
}

// FuzzJWKS reads any text as a key set.
func FuzzJWKS(f *testing.F) {
	f.Add(`{"keys":[]}`)
	f.Add(`{"keys":[{"kty":"oct","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}]}`)
	f.Add(`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},{"kty":"OKP","crv":"Ed25519","x":"AA"},{"kty":"RSA","n":"AA","e":"AQAB"}]}`)
	text := mint(f, signer(f, "ES256"), good(), "")
	f.Fuzz(func(t *testing.T, set string) {
		keys, _, err := JWKS{MaxKeys: 20, Secrets: true}.Read([]byte(set))
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(keys), 20)
		_, _ = rules.Verify(text, NewKeys(keys, nil), now)
	})
}
