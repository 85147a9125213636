// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/events"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/certs"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/send"
)

// secured is what a collector with secure.yaml and its clients need.
type secured struct {
	authority *certs.Authority
	pair      *certs.Pair // the collector's
	client    *tls.Config // trusts it
	secret    string      // signs tokens
	env       []string
}

// newSecured lays out the files, makes the Kafka user and says where both are.
func newSecured(t *testing.T, s *stream, secret, user, password string) *secured {
	t.Helper()
	p := &secured{authority: newAuthority(t), secret: secret}
	p.pair = issue(t, p.authority, "collector")
	var err error
	p.client, err = p.authority.Client(nil)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "hmac")
	require.NoError(t, os.WriteFile(file, []byte(secret+"\n"), 0o600))
	require.NoError(t, s.cluster.SetPassword(t.Context(), user, password))
	p.env = s.env(
		"COLLECTOR_KAFKA__BROKERS="+strings.Join(s.cluster.SASL(), ","),
		"COLLECTOR_KAFKA__SASL_USERNAME="+user,
		"COLLECTOR_KAFKA__SASL_PASSWORD="+password,
		"COLLECTOR_KAFKA__SSL_CA_LOCATION="+shared.security.authority.File,
		"COLLECTOR_TLS__CERT_FILE="+p.pair.Cert,
		"COLLECTOR_TLS__KEY_FILE="+p.pair.Key,
		"COLLECTOR_AUTH__HMAC_SECRET_FILE="+file,
		"COLLECTOR_AUTH__ISSUER=testbed",
		"COLLECTOR_AUTH__AUDIENCE=feedback, other",
	)
	return p
}

// claims are those of a token that allows everything for an hour.
func claims(more map[string]any) map[string]any {
	c := map[string]any{
		"iss": "testbed", "aud": "feedback", "sub": "app", "scope": "feedback:write", "jti": "1",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	for name, value := range more {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

// token signs claims with a secret.
func token(t *testing.T, secret string, claims map[string]any) string {
	t.Helper()
	text, err := json.Marshal(claims)
	require.NoError(t, err)
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(text)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

// TestSecureConfig: over TLS and with a token every way in works, without either
// none does, and a scope holds.
func TestSecureConfig(t *testing.T) {
	s := newStream(t)
	p := newSecured(t, s, strings.Repeat("0123456789abcdef", 2), "secure-user", "secure-password")
	options := collector.Options{Configs: []string{collector.ConfigFile("secure.yaml")}, Env: p.env, TLS: p.client, Dir: t.TempDir()}
	c := collector.Run(t, options)
	all := sendEach(t, waysWith(t, c, token(t, p.secret, claims(nil))), 900)
	assertArrived(t, s.reader, s.topic, all)
	assertPlainRefused(t, c)
	assertLoopback(t, c.Metrics)
	assertMetrics(t, c, "otelcol_feedback_published_events")

	narrow := token(t, p.secret, claims(map[string]any{"scope": "feedback:write:system_health"}))
	for name, want := range map[string]codes.Code{"": codes.Unauthenticated, "x.y.z": codes.Unauthenticated, narrow: codes.PermissionDenied} {
		for _, w := range waysWith(t, c, name) {
			if w.name == "gRPC stream" && name == "" {
				continue // refused when it is opened, as the next way is
			}
			batch := []*events.Event{feedbackEvent(w.style)}
			_, err := w.sender.Send(t.Context(), batch)
			require.Error(t, err, w.name)
			if strings.Contains(w.name, "HTTP") {
				assert.Contains(t, err.Error(), map[codes.Code]string{codes.Unauthenticated: "answered 401", codes.PermissionDenied: "answered 403"}[want], w.name)
			} else {
				assert.Equal(t, want, status.Code(err), "%s: %v", w.name, err)
			}
		}
	}
	for _, path := range []string{"/health", "/ready", "/openapi.yaml", "/schema/v1/feedback.json"} {
		code, body, err := c.Get(t.Context(), path)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, code, "%s: %s", path, body)
	}
	assert.Contains(t, c.Log(), `authentication_attempt`)
	assertStops(t, c)

	// And with certificates for clients.
	options.Env = append(options.Env, "COLLECTOR_TLS__CLIENT_CA_FILE="+p.authority.File)
	var err error
	options.TLS, err = p.authority.Client(issue(t, p.authority, "client"))
	require.NoError(t, err)
	c = collector.Run(t, options)
	batch := sample(10, 990, events.JSON)
	sender := &send.HTTP{Client: bearerClient(t, c, token(t, p.secret, claims(nil))), URL: c.URL("/v1/feedback"), Shape: send.Array}
	_, err = sender.Send(t.Context(), batch)
	require.NoError(t, err)
	c.TLS = p.client
	sender = &send.HTTP{Client: bearerClient(t, c, token(t, p.secret, claims(nil))), URL: c.URL("/v1/feedback"), Shape: send.Array}
	_, err = sender.Send(t.Context(), batch)
	require.Error(t, err)
	require.ErrorContains(t, handshake(t, c), "certificate required")
	assertArrived(t, s.reader, s.topic, append(all, batch...))
	assertStops(t, c)
}

// handshake is what the HTTP server says to a client that only connects. One that
// writes at once may find the connection closed before it reads that: in TLS 1.3
// the client's part is over before its certificate is looked at.
func handshake(t *testing.T, c *collector.Collector) error {
	conn, err := (&tls.Dialer{Config: c.TLS}).DialContext(t.Context(), "tcp", c.HTTP)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_, err = conn.Read(make([]byte, 1))
	return err
}

// feedbackEvent is one of type user_feedback.
func feedbackEvent(style events.Style) *events.Event {
	for _, e := range sample(100, 1, style) {
		if e.Type == "user_feedback" {
			return e
		}
	}
	return nil
}

// TestSecureNamesWhatIsMissing: a variable without which secure.yaml cannot be is
// named, and no other.
func TestSecureNamesWhatIsMissing(t *testing.T) {
	collector.Binary(t)
	all := required["secure.yaml"]
	for i, variable := range all {
		name, _, _ := strings.Cut(variable, "=")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := append(append([]string{}, all[:i]...), all[i+1:]...)
			out, err := validate(t, env, collector.ConfigFile("secure.yaml"))
			require.Error(t, err)
			assert.Contains(t, out, name)
			for _, given := range env {
				other, value, _ := strings.Cut(given, "=")
				assert.NotContains(t, out, other)
				assert.NotContains(t, out, value)
			}
		})
	}
}
