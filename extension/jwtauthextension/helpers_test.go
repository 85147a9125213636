// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package jwtauthextension

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"
)

const secret = "0123456789abcdef0123456789abcdef"

// marker stands for what a token says. No log line and no error holds it.
const marker = "Zq7MARKERx9"

// keyPair is a key of an issuer.
type keyPair struct {
	id     string
	public crypto.PublicKey
	signer *token.Signer
}

func newPair(t testing.TB, id string) keyPair {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	signer, err := token.NewPEMSigner(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), "")
	require.NoError(t, err)
	return keyPair{id, public, signer}
}

func (k keyPair) pem(t testing.TB) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(k.public)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func (k keyPair) mint(t testing.TB, change ...func(*token.Claims)) string {
	t.Helper()
	return mint(t, k.signer, k.id, change...)
}

func jwks(t testing.TB, pairs ...keyPair) string {
	t.Helper()
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, p := range pairs {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: p.public, KeyID: p.id})
	}
	data, err := json.Marshal(set)
	require.NoError(t, err)
	return string(data)
}

func mint(t testing.TB, signer *token.Signer, keyID string, change ...func(*token.Claims)) string {
	t.Helper()
	c := &token.Claims{
		Claims: jwt.Claims{Subject: "app-" + marker, ID: marker, Expiry: jwt.NewNumericDate(time.Now().Add(time.Hour))},
		Scope:  token.Scopes{access.ScopeWrite},
	}
	for _, f := range change {
		f(c)
	}
	text, err := signer.Mint(c, keyID)
	require.NoError(t, err)
	return text
}

// bySecret makes a token that secret verifies.
func bySecret(t testing.TB, change ...func(*token.Claims)) string {
	t.Helper()
	signer, err := token.NewSecretSigner([]byte(secret), "")
	require.NoError(t, err)
	return mint(t, signer, "", change...)
}

func presigned(c *token.Claims) {
	c.Scope = nil
	c.Feedback = &token.Feedback{SessionID: marker, Types: []string{"user_feedback"}, MaxUses: 2}
}

func write(t testing.TB, path, data string) string {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "keys")
	}
	require.NoError(t, os.WriteFile(path, []byte(data), 0o600))
	return path
}

// start runs an extension until the test ends, and sees to it that it logs
// nothing of a token.
func start(t testing.TB, change func(*Config), prepare ...func(*authenticator)) (*authenticator, *observer.ObservedLogs) {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	change(cfg)
	require.NoError(t, cfg.Validate())
	core, logs := observer.New(zap.DebugLevel)
	a := newAuthenticator(cfg, zap.New(core))
	for _, f := range prepare {
		f(a)
	}
	require.NoError(t, a.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() {
		assert.NoError(t, a.Shutdown(context.Background()))
		for _, e := range logs.All() {
			text := fmt.Sprint(e.Message, e.ContextMap())
			assert.NotContains(t, text, marker)
			assert.NotContains(t, text, secret)
			assert.NotContains(t, text, "eyJ", "the beginning of a token")
		}
	})
	return a, logs
}

func static(c *Config) { c.HMACSecret = secret }

// ask shows a token as an HTTP server passes it on.
func (a *authenticator) ask(ctx context.Context, text string) (*access.Grant, error) {
	ctx, err := a.Authenticate(ctx, map[string][]string{"Authorization": {"Bearer " + text}})
	if err != nil {
		return nil, err
	}
	grant, _ := access.FromContext(ctx)
	return grant, nil
}

func refused(t testing.TB, want *access.Refusal, err error) {
	t.Helper()
	assert.Equal(t, error(want), err)
	if err != nil {
		assert.NotContains(t, err.Error(), marker)
		assert.NotContains(t, err.Error(), "eyJ")
	}
}

func forDays(c *token.Claims) { c.Expiry = jwt.NewNumericDate(time.Now().Add(72 * time.Hour)) }
