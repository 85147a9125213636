// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"
)

// now is when the tests take place.
var now = time.Unix(1_800_000_000, 0)

var secret = []byte(strings.Repeat("0123456789abcdef", 4))

// privateKeys are made once; RSA takes its time.
var privateKeys = sync.OnceValue(func() map[string]crypto.Signer {
	must := func(k crypto.Signer, err error) crypto.Signer {
		if err != nil {
			panic(err)
		}
		return k
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	keys := map[string]crypto.Signer{"RSA": must(rsaKey, err)}
	for name, curve := range map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()} {
		k, err := ecdsa.GenerateKey(curve, rand.Reader)
		keys[name] = must(k, err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	keys["Ed25519"] = must(ed, err)
	return keys
})

// kindOf is the kind of key of an algorithm.
func kindOf(algorithm string) string {
	switch algorithm {
	case "ES256":
		return "P-256"
	case "ES384":
		return "P-384"
	case "ES512":
		return "P-521"
	case "EdDSA":
		return "Ed25519"
	}
	if strings.HasPrefix(algorithm, "HS") {
		return ""
	}
	return "RSA"
}

func pemOf(t testing.TB, kind string, key any) []byte {
	t.Helper()
	var der []byte
	var err error
	if strings.HasPrefix(kind, "PRIVATE") {
		der, err = x509.MarshalPKCS8PrivateKey(key)
	} else {
		der, err = x509.MarshalPKIXPublicKey(key)
	}
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// signer makes tokens of an algorithm with the tests' key of its kind.
func signer(t testing.TB, algorithm string) *Signer {
	t.Helper()
	var s *Signer
	var err error
	if kind := kindOf(algorithm); kind == "" {
		s, err = NewSecretSigner(secret, algorithm)
	} else {
		s, err = NewPEMSigner(pemOf(t, "PRIVATE KEY", privateKeys()[kind]), algorithm)
	}
	require.NoError(t, err)
	return s
}

// verifying is the set an operator would configure for an algorithm.
func verifying(t testing.TB, algorithm string) *Keys {
	t.Helper()
	var keys []Key
	var err error
	if kind := kindOf(algorithm); kind == "" {
		keys, err = ReadSecret(append(secret, '\n'))
	} else {
		keys, err = ReadPEM(pemOf(t, "PUBLIC KEY", privateKeys()[kind].Public()))
	}
	require.NoError(t, err)
	return NewKeys(keys, nil)
}

func good(change ...func(*Claims)) *Claims {
	c := &Claims{
		Claims: jwt.Claims{
			Issuer: "https://issuer.example", Subject: "app-1", Audience: jwt.Audience{"feedback", "other"}, ID: "id-1",
			Expiry: date(time.Minute), NotBefore: date(-time.Minute), IssuedAt: date(-time.Minute),
		},
		Scope: Scopes{"feedback:write"},
	}
	for _, f := range change {
		f(c)
	}
	return c
}

func presigned(change ...func(*Claims)) *Claims {
	return good(append([]func(*Claims){func(c *Claims) {
		c.Scope = nil
		c.Feedback = &Feedback{RequestID: "0197F5C4-0000-7000-8000-000000000001", Types: []string{"user_feedback"}, MaxUses: 3}
	}}, change...)...)
}

func date(d time.Duration) *jwt.NumericDate { return jwt.NewNumericDate(now.Add(d)) }

var rules = Rules{Issuer: "https://issuer.example", Audience: []string{"feedback"}, Leeway: 10 * time.Second, MaxBytes: 8192}

// raw makes a token of any header and payload, signed as jose would.
func raw(t testing.TB, s *Signer, header map[string]any, payload string) string {
	t.Helper()
	options := &jose.SignerOptions{}
	for k, v := range header {
		options = options.WithHeader(jose.HeaderKey(k), v)
	}
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: s.algorithm, Key: s.key}, options)
	require.NoError(t, err)
	jws, err := made.Sign([]byte(payload))
	require.NoError(t, err)
	text, err := jws.CompactSerialize()
	require.NoError(t, err)
	return text
}

// forged makes a token with any header and signature.
func forged(t testing.TB, header map[string]any, claims *Claims, signature []byte) string {
	t.Helper()
	h, err := json.Marshal(header)
	require.NoError(t, err)
	c, err := json.Marshal(claims)
	require.NoError(t, err)
	b := base64.RawURLEncoding
	return b.EncodeToString(h) + "." + b.EncodeToString(c) + "." + b.EncodeToString(signature)
}
