// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
)

func TestCutTokens(t *testing.T) {
	for query, want := range map[string]struct {
		rest   string
		tokens []string
	}{
		"a=1&b=2":                        {"a=1&b=2", nil},
		"access_token=x":                 {"", []string{"x"}},
		"a=1&access_token=x.y-z_0&b=2":   {"a=1&b=2", []string{"x.y-z_0"}},
		"access_token=x&access_token=y":  {"", []string{"x", "y"}},
		"access%5Ftoken=x":               {"", []string{"x"}},
		"%61ccess_token=x%2Ey":           {"", []string{"x.y"}},
		"access_token":                   {"", []string{""}},
		"Access_Token=x&ACCESS_TOKEN=y":  {"", nil},
		"a=1;access_token=x&c=3":         {"c=3", nil},
		"access_token=%zz&a=%zz&b=2":     {"b=2", nil},
		"a=access_token%3Dx":             {"", nil},
		"xaccess_token=x&access_tokens=": {"", nil},
	} {
		rest, tokens := cutTokens(query)
		assert.Equal(t, want.rest, rest, query)
		assert.Equal(t, want.tokens, tokens, query)
	}
}

// presigned takes the marker as token from the query, and ordinary tokens as
// tokens does.
type presigned struct{ tokens }

func (p presigned) Authenticate(ctx context.Context, sources map[string][]string) (context.Context, error) {
	if len(sources["Authorization"]) > 1 {
		return ctx, access.ErrAmbiguous
	}
	return p.tokens.Authenticate(ctx, sources)
}

func (p presigned) AuthenticateQuery(ctx context.Context, token string) (context.Context, error) {
	switch token {
	case marker + "expired":
		return ctx, access.ErrExpired
	case marker + "away":
		return ctx, access.ErrNoKeys
	case marker + "ordinary":
		return ctx, access.ErrInQuery
	case marker:
		return p.tokens.Authenticate(ctx, map[string][]string{"Authorization": {"Bearer alice"}})
	}
	return ctx, errors.New("not good: " + token)
}

// A token in the query is good for POST /v1/feedback alone, and nothing that is
// recorded of any request holds it.
func TestHTTPTokenInQuery(t *testing.T) {
	telemetry := componenttest.NewTelemetry()
	id := component.MustNewID("presigned")
	h := newHTTPHarness(t, func(c *HTTPConfig, h *httpHarness) {
		h.telemetry = telemetry
		withAuth("presigned")(c, h)
		withExtension(id, presigned{})(c, h)
	})
	post := func(query string, header ...string) answer {
		return h.do("POST", pathFeedback+"?"+query, strings.NewReader(good), header...)
	}

	t.Run("good", func(t *testing.T) {
		require.Equal(t, 202, post("x=1&access_token="+marker).status)
		call := h.judge.last(t)
		grant, ok := access.FromContext(call.ctx)
		require.True(t, ok)
		assert.Equal(t, "alice", grant.Subject)
		for _, verb := range []string{"%v", "%+v", "%#v"} {
			assert.NotContains(t, fmt.Sprintf(verb, call.ctx), marker, "the pipeline's context")
		}
		require.Equal(t, 202, post("access%5ftoken="+url.QueryEscape(marker), "Content-Type", "text/plain").status, "what a beacon sends")
	})
	t.Run("not good", func(t *testing.T) {
		got := post("access_token=" + marker + "expired")
		got.refused(t, 401, "unauthenticated")
		assert.Contains(t, got.body, "the token has expired")
		assert.Equal(t, `Bearer realm="feedback", error="invalid_token", error_description="the token has expired"`, got.header.Get("WWW-Authenticate"))
		post("access_token="+marker+"ordinary").refused(t, 401, "unauthenticated")
		got = post("access_token=" + marker + "other")
		got.refused(t, 401, "unauthenticated")
		assert.Equal(t, `Bearer realm="feedback", error="invalid_token"`, got.header.Get("WWW-Authenticate"))
		got = post("access_token=" + marker + "away")
		got.refused(t, 503, "unavailable")
		assert.Equal(t, "1", got.header.Get("Retry-After"))
	})
	t.Run("more than one", func(t *testing.T) {
		post("access_token="+marker+"&access_token="+marker).refused(t, 401, "unauthenticated")
		post("access_token="+marker, "Authorization", "Bearer alice").refused(t, 401, "unauthenticated")
	})
	t.Run("elsewhere", func(t *testing.T) {
		for _, path := range []string{pathHealth, pathReady, pathSchema, "/none/" + "x"} {
			h.do("GET", path+"?access_token="+marker, nil)
		}
		h.do("GET", pathFeedback+"?access_token="+marker, nil).refused(t, 405, "method_not_allowed")
		post("Access_Token="+marker).refused(t, 401, "unauthenticated")
		post("a=1;access_token="+marker).refused(t, 401, "unauthenticated")
	})

	require.NoError(t, h.receiver.Shutdown(context.Background()))
	spans := telemetry.SpanRecorder.Ended()
	require.NotEmpty(t, spans)
	for _, span := range spans {
		assert.NotContains(t, fmt.Sprintf("%+v %+v %+v %+v", span.Name(), span.Attributes(), span.Events(), span.Status()), marker)
	}
	var metrics metricdata.ResourceMetrics
	require.NoError(t, telemetry.Reader.Collect(t.Context(), &metrics))
	assert.NotContains(t, fmt.Sprintf("%+v", metrics), marker)
}

// Where the authenticator knows no presigned tokens, one in the query is as good
// as none; it is hidden all the same.
func TestHTTPTokenInQueryUnknown(t *testing.T) {
	h := newHTTPHarness(t, withAuth("tokens"))
	path := pathFeedback + "?access_token=" + marker
	h.do("POST", path, strings.NewReader(good)).refused(t, 401, "unauthenticated")
	assert.Equal(t, 202, h.do("POST", path, strings.NewReader(good), "Authorization", "Bearer alice").status)

	open := newHTTPHarness(t)
	assert.Equal(t, 202, open.do("POST", path, strings.NewReader(good)).status)
}

func TestHTTPForbiddenChallenge(t *testing.T) {
	h := newHTTPHarness(t, withAuth("tokens"))
	got := h.send(good, "Authorization", "Bearer forbidden")
	got.refused(t, 403, "permission_denied")
	assert.Equal(t, `Bearer realm="feedback", error="insufficient_scope"`, got.header.Get("WWW-Authenticate"))
	basic := newHTTPHarness(t, withAuth("basicauth"))
	assert.Equal(t, `Basic realm="feedback"`, basic.send(good, "Authorization", "Bearer forbidden").header.Get("WWW-Authenticate"))
}
