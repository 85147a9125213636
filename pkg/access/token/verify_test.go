// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
)

func mint(t testing.TB, s *Signer, claims *Claims, keyID string) string {
	t.Helper()
	text, err := s.Mint(claims, keyID)
	require.NoError(t, err)
	return text
}

// Each algorithm verifies with its own key, and with no other.
func TestVerifyAlgorithms(t *testing.T) {
	for _, signs := range Algorithms {
		text := mint(t, signer(t, signs), good(), "")
		for _, verifies := range Algorithms {
			claims, err := rules.Verify(text, verifying(t, verifies), now)
			if kindOf(signs) == kindOf(verifies) {
				require.NoError(t, err, "%s by the key of %s", signs, verifies)
				assert.Equal(t, "app-1", claims.Subject)
				continue
			}
			assert.Equal(t, access.ErrAlgorithm, err, "%s by the key of %s", signs, verifies)
			assert.Nil(t, claims)
		}
	}
}

func TestVerifyPinned(t *testing.T) {
	text := mint(t, signer(t, "RS256"), good(), "")
	keys, err := ReadPEM(pemOf(t, "PUBLIC KEY", privateKeys()["RSA"].Public()))
	require.NoError(t, err)
	_, err = rules.Verify(text, NewKeys(keys, []string{"PS256", "ES256"}), now)
	assert.Equal(t, access.ErrAlgorithm, err)
	_, err = rules.Verify(text, NewKeys(keys, []string{"RS256"}), now)
	require.NoError(t, err)
	none := NewKeys(keys, []string{"HS256"})
	assert.Zero(t, none.Len())
	_, err = rules.Verify(text, none, now)
	assert.Equal(t, access.ErrUnknownKey, err)
	assert.Zero(t, (*Keys)(nil).Len())
}

func TestVerifyForgeries(t *testing.T) {
	public := pemOf(t, "PUBLIC KEY", privateKeys()["RSA"].Public())
	rsaKeys := verifying(t, "RS256")
	hs := func(secret []byte, header map[string]any) string {
		unsigned := forged(t, header, good(), nil)
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(strings.TrimSuffix(unsigned, ".")))
		return unsigned + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	valid := mint(t, signer(t, "RS256"), good(), "")
	part := strings.Split(valid, ".")
	other := strings.Split(mint(t, signer(t, "RS256"), good(func(c *Claims) { c.Subject = "app-2" }), ""), ".")
	attacker := jose.JSONWebKey{Key: privateKeys()["P-256"].Public()}

	for name, tt := range map[string]struct {
		token string
		keys  *Keys
		want  error
	}{
		"none":                     {forged(t, map[string]any{"alg": "none"}, good(), nil), rsaKeys, access.ErrAlgorithm},
		"None":                     {forged(t, map[string]any{"alg": "nOnE"}, good(), nil), rsaKeys, access.ErrAlgorithm},
		"no algorithm":             {forged(t, map[string]any{"typ": "JWT"}, good(), nil), rsaKeys, access.ErrAlgorithm},
		"none to a secret":         {forged(t, map[string]any{"alg": "none"}, good(), nil), verifying(t, "HS256"), access.ErrAlgorithm},
		"public key as a secret":   {hs(public, map[string]any{"alg": "HS256"}), rsaKeys, access.ErrAlgorithm},
		"HS to a mixed set":        {hs(public, map[string]any{"alg": "HS256"}), mixed(t), access.ErrSignature},
		"empty signature":          {part[0] + "." + part[1] + ".", rsaKeys, access.ErrSignature},
		"another's payload":        {part[0] + "." + other[1] + "." + part[2], rsaKeys, access.ErrSignature},
		"cut":                      {valid[:len(valid)-6], rsaKeys, access.ErrSignature},
		"two parts":                {part[0] + "." + part[1], rsaKeys, access.ErrMalformed},
		"four parts":               {valid + ".x", rsaKeys, access.ErrMalformed},
		"empty":                    {"", rsaKeys, access.ErrMalformed},
		"no base64":                {"!." + part[1] + "." + part[2], rsaKeys, access.ErrMalformed},
		"too long":                 {valid + strings.Repeat("A", 8192), rsaKeys, access.ErrTooLong},
		"a JWE":                    {"a.b.c.d.e", rsaKeys, access.ErrMalformed},
		"JSON serialization":       {`{"payload":"` + part[1] + `"}`, rsaKeys, access.ErrMalformed},
		"own key in the header":    {raw(t, signer(t, "ES256"), map[string]any{"jwk": attacker}, "{}"), rsaKeys, access.ErrAlgorithm},
		"own key, algorithm fits":  {raw(t, signer(t, "ES256"), map[string]any{"jwk": attacker}, "{}"), otherP256(t), access.ErrSignature},
		"critical header":          {raw(t, signer(t, "RS256"), map[string]any{"crit": []string{"exp"}, "exp": 1}, "{}"), rsaKeys, access.ErrSignature},
		"another kind of document": {raw(t, signer(t, "RS256"), map[string]any{"typ": "logout+jwt"}, "{}"), rsaKeys, access.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			claims, err := rules.Verify(tt.token, tt.keys, now)
			assert.Equal(t, tt.want, err)
			assert.Nil(t, claims)
		})
	}
}

// mixed is a set of a secret and a public key.
func mixed(t *testing.T) *Keys {
	secretKey, err := ReadSecret(secret)
	require.NoError(t, err)
	rsaKey, err := ReadPEM(pemOf(t, "PUBLIC KEY", privateKeys()["RSA"].Public()))
	require.NoError(t, err)
	return NewKeys(append(secretKey, rsaKey...), nil)
}

// otherP256 is a key of P-256 that has signed nothing.
func otherP256(t *testing.T) *Keys {
	keys, err := ReadPEM([]byte("-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9\nq9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==\n-----END PUBLIC KEY-----\n"))
	require.NoError(t, err)
	return NewKeys(keys, nil)
}

func TestVerifyClaims(t *testing.T) {
	for name, tt := range map[string]struct {
		claims *Claims
		want   error
	}{
		"good":                     {good(), nil},
		"no expiry":                {good(func(c *Claims) { c.Expiry = nil }), access.ErrClaims},
		"expired":                  {good(func(c *Claims) { c.Expiry = date(-10 * time.Second) }), access.ErrExpired},
		"expired within leeway":    {good(func(c *Claims) { c.Expiry = date(-9 * time.Second) }), nil},
		"not yet":                  {good(func(c *Claims) { c.NotBefore = date(11 * time.Second) }), access.ErrNotYet},
		"not yet within leeway":    {good(func(c *Claims) { c.NotBefore = date(10 * time.Second) }), nil},
		"no nbf and iat":           {good(func(c *Claims) { c.NotBefore, c.IssuedAt = nil, nil }), nil},
		"issued in the future":     {good(func(c *Claims) { c.IssuedAt = date(11 * time.Second) }), access.ErrNotYet},
		"other issuer":             {good(func(c *Claims) { c.Issuer += "/" }), access.ErrIssuer},
		"no issuer":                {good(func(c *Claims) { c.Issuer = "" }), access.ErrIssuer},
		"other audience":           {good(func(c *Claims) { c.Audience = jwt.Audience{"Feedback"} }), access.ErrAudience},
		"no audience":              {good(func(c *Claims) { c.Audience = nil }), access.ErrAudience},
		"no subject":               {good(func(c *Claims) { c.Subject = "" }), access.ErrSubject},
		"long subject":             {good(func(c *Claims) { c.Subject = strings.Repeat("ä", 256) }), nil},
		"too long subject":         {good(func(c *Claims) { c.Subject = strings.Repeat("x", 257) }), access.ErrSubject},
		"line end in subject":      {good(func(c *Claims) { c.Subject = "a\nb" }), access.ErrSubject},
		"no scope":                 {good(func(c *Claims) { c.Scope = nil }), nil},
		"presigned":                {presigned(), nil},
		"presigned by session":     {presigned(func(c *Claims) { c.Feedback.RequestID, c.Feedback.SessionID = "", "s" }), nil},
		"presigned, no subject":    {presigned(func(c *Claims) { c.Subject = "" }), nil},
		"presigned, bad subject":   {presigned(func(c *Claims) { c.Subject = "\x00" }), access.ErrSubject},
		"presigned, no jti":        {presigned(func(c *Claims) { c.ID = "" }), access.ErrPresigned},
		"presigned, both":          {presigned(func(c *Claims) { c.Feedback.SessionID = "s" }), access.ErrPresigned},
		"presigned, neither":       {presigned(func(c *Claims) { c.Feedback.RequestID = "" }), access.ErrPresigned},
		"presigned, no UUID":       {presigned(func(c *Claims) { c.Feedback.RequestID = "1" }), access.ErrPresigned},
		"presigned, nil UUID":      {presigned(func(c *Claims) { c.Feedback.RequestID = "00000000-0000-0000-0000-000000000000" }), access.ErrPresigned},
		"presigned, no types":      {presigned(func(c *Claims) { c.Feedback.Types = nil }), access.ErrPresigned},
		"presigned, no uses":       {presigned(func(c *Claims) { c.Feedback.MaxUses = 0 }), access.ErrPresigned},
		"presigned, negative uses": {presigned(func(c *Claims) { c.Feedback.MaxUses = -1 }), access.ErrPresigned},
		"presigned, many uses":     {presigned(func(c *Claims) { c.Feedback.MaxUses = 10_001 }), access.ErrPresigned},
		"presigned for a day":      {presigned(func(c *Claims) { c.Expiry, c.IssuedAt = date(24*time.Hour), date(0) }), nil},
		"presigned for longer":     {presigned(func(c *Claims) { c.Expiry, c.IssuedAt = date(24*time.Hour+time.Second), date(0) }), access.ErrPresigned},
		"presigned long ago":       {presigned(func(c *Claims) { c.Expiry, c.IssuedAt = date(time.Hour), date(-23*time.Hour-time.Second) }), access.ErrPresigned},
		"presigned, no iat":        {presigned(func(c *Claims) { c.Expiry, c.IssuedAt = date(24*time.Hour+10*time.Second), nil }), nil},
		"presigned, no iat, long":  {presigned(func(c *Claims) { c.Expiry, c.IssuedAt = date(24*time.Hour+11*time.Second), nil }), access.ErrPresigned},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := rules.Verify(mint(t, signer(t, "HS256"), tt.claims, ""), verifying(t, "HS256"), now)
			if tt.want == nil {
				assert.NoError(t, err)
				return
			}
			assert.Equal(t, tt.want, err)
			assert.NotContains(t, err.Error(), "app-1")
		})
	}
}

// Payloads that no token of ours has.
func TestVerifyPayloads(t *testing.T) {
	open := Rules{MaxBytes: 8192}
	for payload, want := range map[string]error{
		``:                                     access.ErrClaims,
		`null`:                                 access.ErrClaims,
		`[]`:                                   access.ErrClaims,
		`{"sub":"a"}`:                          access.ErrClaims,
		`{"sub":"a","EXP":1900000000}`:         access.ErrClaims,
		`{"sub":"a","exp":"1900000000"}`:       access.ErrClaims,
		`{"sub":"a","exp":1e300}`:              access.ErrClaims,
		`{"sub":"a","exp":null}`:               access.ErrClaims,
		`{"sub":7,"exp":1900000000}`:           access.ErrClaims,
		`{"Sub":"a","exp":1900000000}`:         access.ErrSubject,
		`{"sub":"a","sub":"b","exp":1.9e9}`:    access.ErrClaims,
		`{"sub":"a","exp":1.9e9,"aud":7}`:      access.ErrClaims,
		`{"sub":"a","exp":1.9e9,"scope":7}`:    access.ErrClaims,
		`{"sub":"a","exp":1.9e9,"feedback":7}`: access.ErrClaims,
		`{"sub":"a","exp":1.9e9,"jti":"j","feedback":{}}`:                                                    access.ErrPresigned,
		`{"sub":"a","exp":1800000060,"jti":"j","feedback":{"session_id":"s","types":["x"],"max_uses":1.5}}`:  access.ErrClaims,
		`{"sub":"a","exp":1800000060,"jti":"j","feedback":{"session_id":"s","types":["x"],"max_uses":1e30}}`: access.ErrClaims,
		`{"sub":"a","exp":1800000060,"jti":"j","feedback":{"session_id":"s","types":"user_feedback"}}`:       access.ErrClaims,
		`{"sub":"a","exp":1800000060,"jti":"j","feedback":{"session_id":"s","types":["x"],"max_uses":1}}`:    nil,
		`{"sub":"a","exp":1.9e9}`:                                      nil,
		`{"sub":"a","exp":1.9e9,"iss":"x","aud":[],"other":{"exp":1}}`: nil,
	} {
		_, err := open.Verify(raw(t, signer(t, "HS256"), nil, payload), verifying(t, "HS256"), now)
		if want == nil {
			assert.NoError(t, err, payload)
			continue
		}
		assert.Equal(t, want, err, payload)
	}
}

func TestScopes(t *testing.T) {
	for payload, want := range map[string][]string{
		`{}`:                                    nil,
		`{"scope":"a  b","scopes":["c","a"]}`:   {"a", "b", "c"},
		`{"scope":["a"],"scopes":"b feedback"}`: {"a", "b", "feedback"},
		`{"scope":"","scopes":[]}`:              nil,
		`{"scope":null}`:                        nil,
		`{"scopes":["a b"]}`:                    {"a b"},
	} {
		var c Claims
		require.NoError(t, json.Unmarshal([]byte(payload), &c), payload)
		assert.ElementsMatch(t, want, c.Union(), payload)
	}
}

func TestKeyIDs(t *testing.T) {
	key := func(id, kind, only string) Key {
		k, err := NewKey(id, privateKeys()[kind].Public(), only)
		require.NoError(t, err)
		return k
	}
	set := NewKeys([]Key{key("a", "RSA", "RS256"), key("b", "P-256", ""), key("c", "Ed25519", "")}, nil)
	for name, tt := range map[string]struct {
		algorithm, id string
		want          error
	}{
		"by id":                  {"ES256", "b", nil},
		"without id":             {"EdDSA", "", nil},
		"id of another":          {"ES256", "c", access.ErrAlgorithm},
		"pinned to another":      {"PS256", "a", access.ErrAlgorithm},
		"unknown id":             {"ES256", "x", access.ErrUnknownKey},
		"of no algorithm of any": {"HS256", "b", access.ErrAlgorithm},
		"new in kind and id":     {"ES384", "d", access.ErrUnknownKey},
		"new in kind, no id":     {"ES384", "", access.ErrUnknownKey},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := rules.Verify(mint(t, signer(t, tt.algorithm), good(), tt.id), set, now)
			if tt.want == nil {
				assert.NoError(t, err)
				return
			}
			assert.Equal(t, tt.want, err)
		})
	}
	t.Run("without id, of no key", func(t *testing.T) {
		k, err := NewKey("a", otherP256(t).keys[0].verifier, "")
		require.NoError(t, err)
		_, err = rules.Verify(mint(t, signer(t, "ES256"), good(), ""), NewKeys([]Key{k}, nil), now)
		assert.Equal(t, access.ErrUnknownKey, err, "a newer set may have it")
	})
	t.Run("without id, many keys", func(t *testing.T) {
		var many []Key
		for range 50 {
			many = append(many, otherP256(t).keys[0])
		}
		set := NewKeys(append(many, key("", "P-256", "")), nil)
		_, err := rules.Verify(mint(t, signer(t, "ES256"), good(), ""), set, now)
		assert.Equal(t, access.ErrSignature, err, "a token is tried against no more than four")
	})
}

func TestGrant(t *testing.T) {
	c := presigned(func(c *Claims) { c.Scope = Scopes{"feedback:write"} })
	g := c.Grant(nil, time.Second)
	assert.Equal(t, "app-1", g.Subject)
	assert.Equal(t, "id-1", g.TokenID)
	assert.True(t, g.ScopesKnown)
	assert.False(t, g.Allows("system_health"), "scopes give a presigned token nothing")
	assert.True(t, g.Allows("user_feedback"))
	assert.True(t, g.Presigned.Names("0197f5c4-0000-7000-8000-000000000001", ""))
	assert.Equal(t, now.Add(time.Minute+time.Second), g.Presigned.Expires)
	assert.Len(t, g.Presigned.ID, 16)
	assert.False(t, g.Expired(now.Add(time.Minute)))
	assert.True(t, g.Expired(now.Add(time.Minute+time.Second)))
	assert.False(t, (&access.Grant{}).Expired(now))
	c.Issuer = "other"
	assert.NotEqual(t, g.Presigned.ID, c.Grant(nil, 0).Presigned.ID)
	assert.Nil(t, good().Grant(nil, 0).Presigned)
}

func BenchmarkVerify(b *testing.B) {
	for _, algorithm := range Algorithms {
		text, keys := mint(b, signer(b, algorithm), good(), ""), verifying(b, algorithm)
		b.Run(algorithm, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := rules.Verify(text, keys, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	text, keys := mint(b, signer(b, "RS256"), good(), ""), verifying(b, "RS256")
	b.Run("RS256/forged", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := rules.Verify(text[:len(text)-6], keys, now); err == nil {
				b.Fatal("verified")
			}
		}
	})
}
