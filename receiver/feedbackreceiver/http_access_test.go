// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// tokens authenticates "Bearer <subject>" and refuses by name.
type tokens struct {
	component.StartFunc
	component.ShutdownFunc
}

type subject string

func (s subject) GetAttribute(name string) any {
	if name == "subject" {
		return string(s)
	}
	return nil
}

func (subject) GetAttributeNames() []string { return []string{"subject"} }

func (tokens) Authenticate(ctx context.Context, sources map[string][]string) (context.Context, error) {
	var token string
	for name, values := range sources {
		if strings.EqualFold(name, "authorization") && len(values) > 0 {
			token = values[0]
		}
	}
	switch token {
	case "":
		return ctx, errors.New("no credentials " + marker)
	case "Bearer forbidden":
		return ctx, status.Error(codes.PermissionDenied, marker)
	case "Bearer away":
		return ctx, status.Error(codes.Unavailable, marker)
	case "Bearer alice":
		info := client.FromContext(ctx)
		info.Auth = subject("alice")
		return client.NewContext(ctx, info), nil
	}
	return ctx, errors.New("bad credentials " + marker)
}

func withAuth(name string, params ...string) httpOption {
	id := component.MustNewID(name)
	return func(c *HTTPConfig, h *httpHarness) {
		withExtension(id, tokens{})(c, h)
		c.ServerConfig.Auth = configoptional.Some(confighttp.AuthConfig{
			Config: configauth.Config{AuthenticatorID: id}, RequestParameters: params,
		})
	}
}

func withOrigins(origins ...string) httpOption {
	return withHTTPConfig(func(c *HTTPConfig) {
		c.ServerConfig.CORS = configoptional.Some(confighttp.CORSConfig{AllowedOrigins: origins})
	})
}

// unread fails the test if its body is asked for.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func TestHTTPAuthentication(t *testing.T) {
	h := newHTTPHarness(t, withAuth("tokens", "authorization"), withOrigins("https://app.example.com"))

	t.Run("none", func(t *testing.T) {
		got := h.do("POST", pathFeedback, unread{t}, "Expect", "100-continue", "Origin", "https://app.example.com")
		got.refused(t, 401, "unauthenticated")
		assert.Equal(t, `Bearer realm="feedback"`, got.header.Get("WWW-Authenticate"))
		assert.Equal(t, "https://app.example.com", got.header.Get("Access-Control-Allow-Origin"), "a page must see the answer")
	})
	t.Run("bad", func(t *testing.T) {
		got := h.send(good, "Authorization", "Bearer "+marker)
		got.refused(t, 401, "unauthenticated")
		assert.Equal(t, `Bearer realm="feedback", error="invalid_token"`, got.header.Get("WWW-Authenticate"))
	})
	t.Run("not allowed", func(t *testing.T) {
		h.send(good, "Authorization", "Bearer forbidden").refused(t, 403, "permission_denied")
	})
	t.Run("authenticator away", func(t *testing.T) {
		h.send(good, "Authorization", "Bearer away").refused(t, 503, "unavailable")
	})
	t.Run("good", func(t *testing.T) {
		require.Equal(t, 202, h.send(good, "Authorization", "Bearer alice").status)
		info := client.FromContext(h.judge.last(t).ctx)
		assert.Equal(t, "alice", info.Auth.GetAttribute("subject"))
		assert.Equal(t, "127.0.0.1", info.Addr.String())
	})
	t.Run("by query", func(t *testing.T) {
		assert.Equal(t, 202, h.do("POST", pathFeedback+"?authorization=Bearer+alice", strings.NewReader(good)).status)
		h.do("POST", pathFeedback+"?other=x", strings.NewReader(good)).refused(t, 401, "unauthenticated")
	})
	t.Run("elsewhere", func(t *testing.T) {
		for _, path := range []string{pathHealth, pathReady, pathOpenAPI, pathSchema} {
			assert.Equal(t, 200, h.do("GET", path, nil).status, path)
		}
		h.do("GET", pathFeedback, nil).refused(t, 405, "method_not_allowed")
	})
}

func TestHTTPBasicChallenge(t *testing.T) {
	h := newHTTPHarness(t, withAuth("basicauth"))
	assert.Equal(t, `Basic realm="feedback"`, h.send(good).header.Get("WWW-Authenticate"))
}

func TestHTTPOrigin(t *testing.T) {
	h := newHTTPHarness(t, withOrigins("https://app.example.com, http://localhost:*", ""))
	own := h.receiver.http.addr.String()
	_, port, err := net.SplitHostPort(own)
	require.NoError(t, err)

	tests := []struct {
		origin string
		host   string
		status int
	}{
		{origin: "", status: 202},
		{origin: "https://app.example.com", status: 202},
		{origin: "HTTPS://APP.example.com", status: 202},
		{origin: "http://localhost:3000", status: 202},
		{origin: "http://" + own, status: 202},
		{origin: "https://127.0.0.1:" + port, status: 202}, // TLS ended before us
		{origin: "http://my.localhost:" + port, host: "my.localhost:" + port, status: 202},

		{origin: "null", status: 403},
		{origin: "http://app.example.com", status: 403},
		{origin: "https://app.example.com.evil.com", status: 403},
		{origin: "https://evil.com/https://app.example.com", status: 403},
		{origin: "http://127.0.0.1:1", status: 403},
		{origin: "ftp://" + own, status: 403},
		{origin: "http://evil.com:" + port, host: "evil.com:" + port, status: 403}, // its name resolves to us
	}
	for _, tt := range tests {
		t.Run(tt.origin+" "+tt.host, func(t *testing.T) {
			var header []string
			if tt.origin != "" {
				header = append(header, "Origin", tt.origin)
			}
			if tt.host != "" {
				header = append(header, "Host", tt.host)
			}
			if tt.status == 202 {
				assert.Equal(t, 202, h.send(good, header...).status)
				return
			}
			got := h.do("POST", pathFeedback, unread{t}, append(header, "Expect", "100-continue", "Content-Type", "text/plain")...)
			got.refused(t, 403, "permission_denied")
			assert.Empty(t, got.header.Get("Access-Control-Allow-Origin"))
		})
	}
	t.Run("two", func(t *testing.T) {
		h.send(good, "Origin", "https://app.example.com", "Origin", "https://evil.com").refused(t, 403, "permission_denied")
	})
	t.Run("probes", func(t *testing.T) {
		assert.Equal(t, 200, h.do("GET", pathHealth, nil, "Origin", "https://evil.com").status)
	})
}

func TestHTTPNoOriginsByDefault(t *testing.T) {
	for _, origins := range [][]string{nil, {}, {""}, {" , "}} {
		h := newHTTPHarness(t, withOrigins(origins...))
		h.send(good, "Origin", "https://app.example.com").refused(t, 403, "permission_denied")
		h.do("OPTIONS", pathFeedback, nil, "Origin", "https://app.example.com", "Access-Control-Request-Method", "POST").
			refused(t, 403, "permission_denied")
	}
}

func TestHTTPAllOrigins(t *testing.T) {
	h := newHTTPHarness(t, withOrigins("*"))
	assert.Equal(t, 202, h.send(good, "Origin", "https://anyone.example").status)
}

func TestHTTPPreflight(t *testing.T) {
	h := newHTTPHarness(t, withAuth("tokens"), withOrigins("https://app.example.com"))
	got := h.do("OPTIONS", pathFeedback, nil, "Origin", "https://app.example.com",
		"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,traceparent")
	assert.Equal(t, http.StatusNoContent, got.status)
	assert.Equal(t, "https://app.example.com", got.header.Get("Access-Control-Allow-Origin"))
	assert.Equal(t, "POST", got.header.Get("Access-Control-Allow-Methods"))
	assert.Equal(t, "authorization,content-type,traceparent", got.header.Get("Access-Control-Allow-Headers"))

	got = h.do("OPTIONS", pathFeedback, nil, "Origin", "https://evil.com", "Access-Control-Request-Method", "POST")
	assert.Empty(t, got.header.Get("Access-Control-Allow-Origin"))

	got = h.send(good, "Origin", "https://app.example.com", "Authorization", "Bearer alice")
	assert.Equal(t, 202, got.status)
	exposed := strings.ToLower(got.header.Get("Access-Control-Expose-Headers"))
	for _, name := range []string{"retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} {
		assert.Contains(t, exposed, name)
	}
}

func TestHTTPClientAddress(t *testing.T) {
	trusting := newHTTPHarness(t, withHTTPConfig(func(c *HTTPConfig) {
		c.TrustedProxies = []string{"127.0.0.0/8", "10.0.0.0/8"}
	}))
	require.Equal(t, 202, trusting.send(good, "X-Forwarded-For", "6.6.6.6, 203.0.113.9, 10.1.2.3").status)
	assert.Equal(t, "203.0.113.9", client.FromContext(trusting.judge.last(t).ctx).Addr.String())

	wary := newHTTPHarness(t)
	require.Equal(t, 202, wary.send(good, "X-Forwarded-For", "203.0.113.9").status)
	assert.Equal(t, "127.0.0.1", client.FromContext(wary.judge.last(t).ctx).Addr.String())
}
