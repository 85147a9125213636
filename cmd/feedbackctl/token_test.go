// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"
)

const tokenSecret = "0123456789abcdef0123456789abcdef"

func writeFile(t *testing.T, data string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte(data), 0o600))
	return path
}

// keyPair writes a key and returns the files of both halves.
func keyPair(t *testing.T, key crypto.Signer, err error) (private, public string) {
	t.Helper()
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	private = writeFile(t, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	der, err = x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	return private, writeFile(t, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
}

func TestTokenHelp(t *testing.T) {
	for _, name := range []string{"token mint", "token show"} {
		got := ctl(t, "", nil, append(strings.Fields(name), "--help")...)
		assert.Equal(t, exitOK, got.code)
		golden(t, strings.ReplaceAll(name, " ", "-")+".help.txt", got.out)
	}
}

// What changes from run to run.
var volatile = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}|\d{10}|20\d\d-\d\d-\d\dT[0-9:]+Z|\(in [0-9hms]+\)`)

func TestTokenMintAndShow(t *testing.T) {
	secret := writeFile(t, tokenSecret+"\n")
	env := map[string]string{envIssuer: "https://issuer.example", envAudience: "feedback, other"}

	minted := ctl(t, "", env, "token", "mint", "--subject", "my-app", "--hmac-secret-file", secret,
		"--scope", "feedback:write:user_feedback", "--scope", "feedback:write:system_health")
	require.Equal(t, exitOK, minted.code, minted.err)
	assert.Empty(t, minted.err)
	shown := ctl(t, "Bearer "+minted.out, env, "token", "show", "--hmac-secret-file", secret)
	assert.Equal(t, exitOK, shown.code, shown.err)
	golden(t, "token-show.txt", volatile.ReplaceAllString(shown.out, "…"))

	minted = ctl(t, "", nil, "token", "mint", "--request-id", "0197f5c4-6f2a-4c31-b1a0-5d6c7e8f9a0b", "--hmac-secret-file", secret,
		"--type", "user_feedback,model_response", "--max-uses", "3", "--key-id", "k1")
	require.Equal(t, exitOK, minted.code, minted.err)
	shown = ctl(t, "", nil, "token", "show", strings.TrimSpace(minted.out))
	assert.Equal(t, exitOK, shown.code, shown.err)
	golden(t, "token-show.presigned.txt", volatile.ReplaceAllString(shown.out, "…"))
}

func TestTokenKeys(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	rsaPrivate, rsaPublic := keyPair(t, rsaKey, err)
	ecKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	ecPrivate, ecPublic := keyPair(t, ecKey, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	edPrivate, edPublic := keyPair(t, edKey, err)
	long := writeFile(t, strings.Repeat("x", 64))

	for name, tt := range map[string]struct{ flag, key, algorithm, want, public string }{
		"secret":          {"--hmac-secret-file", long, "", "HS512", long},
		"secret, HS256":   {"--hmac-secret-file", long, "HS256", "HS256", long},
		"RSA":             {"--private-key-file", rsaPrivate, "", "RS256", rsaPublic},
		"RSA, PSS":        {"--private-key-file", rsaPrivate, "PS384", "PS384", rsaPublic},
		"elliptic":        {"--private-key-file", ecPrivate, "", "ES384", ecPublic},
		"Ed25519":         {"--private-key-file", edPrivate, "", "EdDSA", edPublic},
		"over the secret": {"--private-key-file", edPrivate, "", "EdDSA", edPublic},
	} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{envHMACSecretFile: long}
			if tt.algorithm != "" || tt.flag == "--hmac-secret-file" {
				env = nil
			}
			minted := ctl(t, "", env, "token", "mint", "--subject", "a", tt.flag, tt.key, "--algorithm", tt.algorithm)
			require.Equal(t, exitOK, minted.code, minted.err)
			verifies := "--public-key-file"
			if tt.flag == "--hmac-secret-file" {
				verifies = tt.flag
			}
			shown := ctl(t, minted.out, nil, "token", "show", verifies, tt.public)
			assert.Equal(t, exitOK, shown.code, shown.err)
			assert.Contains(t, shown.out, `"alg": "`+tt.want+`"`)
			assert.Contains(t, shown.out, "verified   yes\n")

			shown = ctl(t, minted.out, nil, "token", "show", "--hmac-secret-file", writeFile(t, tokenSecret))
			assert.Equal(t, exitRejected, shown.code)
			assert.Contains(t, shown.out, "refused    ")
		})
	}
}

func TestTokenShowRefused(t *testing.T) {
	secret := writeFile(t, tokenSecret)
	signer, err := token.NewSecretSigner([]byte(tokenSecret), "")
	require.NoError(t, err)
	made := func(change func(*token.Claims)) string {
		c := &token.Claims{Claims: jwt.Claims{Subject: "a", Expiry: jwt.NewNumericDate(time.Now().Add(time.Hour))}}
		change(c)
		text, err := signer.Mint(c, "")
		require.NoError(t, err)
		return text
	}
	good := made(func(*token.Claims) {})
	for want, tt := range map[string]struct {
		token string
		args  []string
	}{
		"the token has expired":     {made(func(c *token.Claims) { c.Expiry = jwt.NewNumericDate(time.Now().Add(-time.Hour)) }), nil},
		"s ago)":                    {made(func(c *token.Claims) { c.Expiry = jwt.NewNumericDate(time.Now().Add(-time.Hour)) }), nil},
		"the token is not valid":    {made(func(c *token.Claims) { c.NotBefore = jwt.NewNumericDate(time.Now().Add(time.Hour)) }), nil},
		"expires    never":          {made(func(c *token.Claims) { c.Expiry = nil }), nil},
		"must have a subject":       {made(func(c *token.Claims) { c.Subject = "" }), []string{"--hmac-secret-file", secret}},
		"for another audience":      {good, []string{"--audience", "x"}},
		"of another issuer":         {good, []string{"--issuer", "x"}},
		"not signed with this key":  {good, []string{"--hmac-secret-file", writeFile(t, tokenSecret+"x")}},
		"no key of the set goes by": {good, []string{"--jwks-file", writeFile(t, `{"keys":[]}`)}},
		"a presigned token must":    {made(func(c *token.Claims) { c.Feedback = &token.Feedback{SessionID: "s"} }), nil},
	} {
		got := ctl(t, tt.token, nil, append([]string{"token", "show"}, tt.args...)...)
		assert.Equal(t, exitRejected, got.code, want)
		assert.Contains(t, got.out, want)
		assert.Empty(t, got.err)
	}
	got := ctl(t, good, map[string]string{envPublicKeyFile: "nowhere"}, "token", "show", "--hmac-secret-file", secret)
	assert.Contains(t, got.out, "verified   yes", "a flag counts more than the environment")
	got = ctl(t, made(func(c *token.Claims) { c.Subject = "a\u202e\x1b[2J" }), nil, "token", "show")
	assert.NotContains(t, got.out, "\u202e")
	assert.NotContains(t, got.out, "\x1b")
	assert.Contains(t, got.out, "nothing: it has no scope feedback:write")
}

func TestTokenUsage(t *testing.T) {
	secret := writeFile(t, tokenSecret)
	mint := func(args ...string) []string {
		return append([]string{"token", "mint", "--hmac-secret-file", secret}, args...)
	}
	for want, args := range map[string][]string{
		"feedbackctl token takes no argument":                    {"token", "make"},
		"feedbackctl token mint takes no argument":               {"token", "mint", "x"},
		"name the client with --subject":                         mint(),
		"name the key to sign with":                              {"token", "mint", "--subject", "a"},
		"--hmac-secret-file or --private-key-file":               mint("--subject", "a", "--private-key-file", secret),
		"--type is for presigned tokens":                         mint("--subject", "a", "--type", "user_feedback"),
		"--max-uses is for presigned tokens":                     mint("--subject", "a", "--max-uses", "2"),
		"--scope: a presigned token has none":                    mint("--session-id", "s", "--scope", "x"),
		`--type "x": use user_feedback, `:                        mint("--session-id", "s", "--type", "x"),
		"exactly one of request_id and session_id":               mint("--session-id", "s", "--request-id", "r"),
		"request_id is no UUID":                                  mint("--request-id", "r"),
		"max_uses must lie between 1 and 10000":                  mint("--session-id", "s", "--max-uses", "0"),
		"--expires: a presigned token is good for 24h at most":   mint("--session-id", "s", "--expires", "25h"),
		"--expires: must be at least 1s":                         mint("--subject", "a", "--expires", "0s"),
		"the algorithm it names does not fit it":                 mint("--subject", "a", "--algorithm", "none"),
		"--hmac-secret-file: open nowhere":                       {"token", "mint", "--subject", "a", "--hmac-secret-file", "nowhere"},
		"a secret must have at least 32 bytes":                   {"token", "mint", "--subject", "a", "--hmac-secret-file", writeFile(t, "short-s3cret")},
		"no PEM block of a private key":                          {"token", "mint", "--subject", "a", "--private-key-file", secret},
		"a scope is made of printable ASCII":                     mint("--subject", "a", "--scope", "a b"),
		"feedbackctl token show takes one token":                 {"token", "show", "a", "b"},
		"this is no token: a token has three parts":              {"token", "show", "s3cret"},
		"this is no token: its header is no base64url":           {"token", "show", "!.s3cret.c"},
		"this is no token: its header is no JSON object":         {"token", "show", "YQ.YQ.c"},
		"this is no token: its claims are no JSON object":        {"token", "show", "e30.YQ.c"},
		"--hmac-secret-file and --jwks-file: name one key":       {"token", "show", "--hmac-secret-file", "a", "--jwks-file", "b", "x"},
		"--jwks-file: " + secret + ": no JSON Web Key Set":       {"token", "show", "--jwks-file", secret, "x"},
		"--public-key-file: " + secret + ": no PEM block of a p": {"token", "show", "--public-key-file", secret, "x"},
	} {
		got := ctl(t, "", nil, args...)
		assert.Equal(t, exitError, got.code, want)
		assert.Empty(t, got.out, want)
		assert.Contains(t, got.err, want)
		assert.NotContains(t, got.err, "s3cret")
		assert.NotContains(t, got.err, tokenSecret)
	}
}
