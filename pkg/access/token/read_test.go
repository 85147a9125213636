// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadSecret(t *testing.T) {
	for n, want := range map[int]int{31: 0, 32: 1, 47: 1, 48: 2, 63: 2, 64: 3, 500: 3} {
		keys, err := ReadSecret([]byte(strings.Repeat("x", n) + "\r\n"))
		if want == 0 {
			require.ErrorContains(t, err, "at least 32 bytes")
			continue
		}
		require.NoError(t, err)
		assert.Len(t, keys[0].algorithms, want, "%d bytes", n)
	}
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestReadPEM(t *testing.T) {
	rsaKey := privateKeys()["RSA"].(*rsa.PrivateKey)
	small := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1023, 1), E: 65537}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now()}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, rsaKey.Public(), rsaKey)
	require.NoError(t, err)
	one := string(pemOf(t, "PUBLIC KEY", privateKeys()["P-256"].Public()))

	for name, tt := range map[string]struct {
		pem  string
		keys int
		want string
	}{
		"PKIX":            {one, 1, ""},
		"PKCS1":           {block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey)), 1, ""},
		"a certificate":   {block("CERTIFICATE", cert), 1, ""},
		"several":         {"new:\n" + one + "old:\n" + one, 2, ""},
		"too many":        {strings.Repeat(one, 5), 0, "more than 4 keys"},
		"nothing":         {"", 0, "no PEM block of a public key"},
		"a private key":   {string(pemOf(t, "PRIVATE KEY", rsaKey)), 0, "it holds a private key"},
		"something else":  {block("X509 CRL", []byte("x")), 0, "no public key"},
		"broken":          {block("PUBLIC KEY", []byte("x")), 0, "asn1"},
		"a broken cert":   {block("CERTIFICATE", []byte("x")), 0, "x509"},
		"small RSA":       {block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(small)), 0, "2048 to 4096 bits"},
		"another curve":   {string(pemOf(t, "PUBLIC KEY", p224.Public())), 0, "P-256, P-384 or P-521"},
		"one good, a bad": {one + block("PUBLIC KEY", []byte("x")), 0, "asn1"},
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := ReadPEM([]byte(tt.pem))
			if tt.want != "" {
				require.ErrorContains(t, err, tt.want)
				return
			}
			require.NoError(t, err)
			assert.Len(t, keys, tt.keys)
		})
	}
}

func TestReadJWKS(t *testing.T) {
	jwk := func(change func(*jose.JSONWebKey)) string {
		k := jose.JSONWebKey{Key: privateKeys()["RSA"].Public(), KeyID: "a"}
		change(&k)
		data, err := json.Marshal(k)
		require.NoError(t, err)
		return string(data)
	}
	good := jwk(func(*jose.JSONWebKey) {})
	secretKey := `{"kty":"oct","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}`
	for name, tt := range map[string]struct {
		set     string
		keys    int
		skipped string
		want    string
	}{
		"one":                   {`{"keys":[` + good + `],"other":1}`, 1, "", ""},
		"empty":                 {`{"keys":[]}`, 0, "", ""},
		"for signatures":        {`{"keys":[` + jwk(func(k *jose.JSONWebKey) { k.Use = "sig" }) + `]}`, 1, "", ""},
		"for encryption":        {`{"keys":[` + jwk(func(k *jose.JSONWebKey) { k.Use = "enc" }) + `]}`, 0, "", ""},
		"an encryption alg":     {`{"keys":[` + jwk(func(k *jose.JSONWebKey) { k.Algorithm = "RSA-OAEP" }) + `]}`, 0, "keys[0]: the algorithm", ""},
		"alg of another kind":   {`{"keys":[` + jwk(func(k *jose.JSONWebKey) { k.Algorithm = "HS256" }) + `]}`, 0, "keys[0]: the algorithm", ""},
		"alg none":              {`{"keys":[` + jwk(func(k *jose.JSONWebKey) { k.Algorithm = "none" }) + `]}`, 0, "keys[0]: the algorithm", ""},
		"a private key":         {`{"keys":[` + good + `,` + jwk(func(k *jose.JSONWebKey) { k.Key = privateKeys()["RSA"] }) + `]}`, 1, "keys[1]: a private key", ""},
		"a published secret":    {`{"keys":[` + secretKey + `]}`, 0, "keys[0]: a secret", ""},
		"an unknown type":       {`{"keys":[{"kty":"new"},` + good + `]}`, 1, "keys[0]: a type or form", ""},
		"no object":             {`{"keys":[7]}`, 0, "keys[0]: a type or form", ""},
		"no keys":               {`{}`, 0, "", "no JSON Web Key Set"},
		"keys are null":         {`{"keys":null}`, 0, "", "no JSON Web Key Set"},
		"no JSON":               {`<html>`, 0, "", "no JSON Web Key Set"},
		"something behind":      {`{"keys":[]}{}`, 0, "", "no JSON Web Key Set"},
		"many":                  {`{"keys":[` + strings.Repeat(good+",", 10) + good + `]}`, 0, "", "11 keys, more than the 10 allowed"},
		"a small key":           {`{"keys":[{"kty":"RSA","n":"` + strings.Repeat("f", 100) + `","e":"AQAB"}]}`, 0, "keys[0]: an RSA key must have", ""},
		"a point off the curve": {`{"keys":[{"kty":"EC","crv":"P-256","x":"` + strings.Repeat("A", 42) + `E","y":"` + strings.Repeat("A", 42) + `E"}]}`, 0, "keys[0]: a type or form", ""},
	} {
		t.Run(name, func(t *testing.T) {
			keys, skipped, err := JWKS{MaxKeys: 10}.Read([]byte(tt.set))
			if tt.want != "" {
				require.ErrorContains(t, err, tt.want)
				return
			}
			require.NoError(t, err)
			assert.Len(t, keys, tt.keys)
			if tt.skipped == "" {
				assert.Empty(t, skipped)
				return
			}
			require.Len(t, skipped, 1)
			assert.ErrorContains(t, skipped[0], tt.skipped)
		})
	}
	keys, skipped, err := JWKS{MaxKeys: 10, Secrets: true}.Read([]byte(`{"keys":[` + secretKey + `]}`))
	require.NoError(t, err)
	assert.Empty(t, skipped)
	assert.Len(t, keys, 1)
}

func TestSigners(t *testing.T) {
	pkcs1 := block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(privateKeys()["RSA"].(*rsa.PrivateKey)))
	sec1, err := x509.MarshalECPrivateKey(privateKeys()["P-256"].(*ecdsa.PrivateKey))
	require.NoError(t, err)
	for text, want := range map[string]string{
		pkcs1: "RS256",
		block("EC PARAMETERS", []byte("x")) + block("EC PRIVATE KEY", sec1): "ES256",
	} {
		s, err := NewPEMSigner([]byte(text), "")
		require.NoError(t, err)
		assert.Equal(t, want, s.Algorithm())
		_, err = rules.Verify(mint(t, s, good(), "x"), s.Keys(), now)
		require.NoError(t, err)
	}
	for text, want := range map[string]string{
		"":                                "no PEM block of a private key",
		block("PRIVATE KEY", []byte("x")): "cannot be read",
		block("ENCRYPTED PRIVATE KEY", []byte("x")):                   "is encrypted",
		string(pemOf(t, "PUBLIC KEY", privateKeys()["RSA"].Public())): "no PEM block of a private key",
	} {
		_, err := NewPEMSigner([]byte(text), "")
		require.ErrorContains(t, err, want)
	}
	_, err = NewPEMSigner([]byte(pkcs1), "ES256")
	require.ErrorContains(t, err, "does not fit")
	_, err = NewSecretSigner([]byte("short"), "")
	require.ErrorContains(t, err, "at least 32 bytes")
	_, err = signer(t, "HS256").Mint(good(func(c *Claims) { c.Scope = Scopes{"a b"} }), "")
	require.ErrorContains(t, err, "a scope is made of")
}

func TestInspect(t *testing.T) {
	text := mint(t, signer(t, "HS256"), presigned(), "k")
	header, payload, claims, err := Inspect(text)
	require.NoError(t, err)
	assert.JSONEq(t, `{"alg":"HS256","kid":"k","typ":"JWT"}`, string(header))
	assert.Contains(t, string(payload), `"jti":"id-1"`)
	assert.Equal(t, 3, claims.Feedback.MaxUses)
	require.NoError(t, rules.Judge(text, now))
	require.Error(t, rules.Judge(text, now.Add(time.Hour)))
	require.Error(t, rules.Judge("x", now))
}
