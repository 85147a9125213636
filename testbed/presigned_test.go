// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/events"
)

// TestPresigned: a token that feedbackctl made is good, as a beacon carries it,
// for what it names and as often as it says, over SIGKILL too, and is seen
// nowhere.
func TestPresigned(t *testing.T) {
	s := newStream(t)
	p := newSecured(t, s, strings.Repeat("0123456789abcdef", 2), "presigned-user", "presigned-password")
	options := collector.Options{
		Configs: []string{collector.ConfigFile("secure.yaml")},
		Env:     append(p.env, "COLLECTOR_HTTP__CORS_ALLOWED_ORIGINS=https://app.example", "COLLECTOR_TELEMETRY__TRACE_SAMPLING_RATE=1"),
		TLS:     p.client,
		Dir:     t.TempDir(),
	}
	c := collector.Run(t, options)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: p.client}}
	t.Cleanup(client.CloseIdleConnections)

	var secretFile string
	for _, v := range p.env {
		if rest, ok := strings.CutPrefix(v, "COLLECTOR_AUTH__HMAC_SECRET_FILE="); ok {
			secretFile = rest
		}
	}
	code, minted, problem := s.ctl(t, "token", "mint", "--hmac-secret-file", secretFile, "--issuer", "testbed", "--audience", "feedback",
		"--session-id", "s-presigned", "--max-uses", "3", "--subject", "app")
	require.Zero(t, code, problem)
	text := strings.TrimSpace(minted)

	beacon := func(token, body string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL("/v1/feedback")+"?access_token="+url.QueryEscape(token), strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
		req.Header.Set("Origin", "https://app.example")
		resp, err := client.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	event := func(session string, n int) string {
		return fmt.Sprintf(`{"type":"user_feedback","event_id":"0197f5c4-6f2a-7c31-b1a0-00000000000%d","session_id":%q,"request_id":"0197f5c4-6f2a-7c31-b1a0-5d6c7e8f9a0b","thumbs":"up"}`, n, session)
	}
	assert.Equal(t, http.StatusForbidden, beacon(text, event("s-other", 1)))
	assert.Equal(t, http.StatusForbidden, beacon(text, string(feedbackOther(t))), "another type")
	assert.Equal(t, http.StatusBadRequest, beacon(text, strings.Replace(event("s-presigned", 1), "up", "sideways", 1)), "which uses nothing up")
	assert.Equal(t, http.StatusUnauthorized, beacon(token(t, p.secret, claims(nil)), event("s-presigned", 1)), "an ordinary token")
	assert.Equal(t, http.StatusUnauthorized, beacon(text+"x", event("s-presigned", 1)))
	for n := range 2 {
		assert.Equal(t, http.StatusAccepted, beacon(text, event("s-presigned", n+1)))
	}
	assert.Equal(t, http.StatusForbidden, beacon(text, "["+event("s-presigned", 3)+","+event("s-presigned", 4)+"]"), "one use is left")
	c.Kill()
	<-c.Done()
	first := c

	c = collector.Run(t, options)
	assert.Equal(t, http.StatusAccepted, beacon(text, event("s-presigned", 3)))
	assert.Equal(t, http.StatusForbidden, beacon(text, event("s-presigned", 4)), "used up")
	assertStops(t, c)
	for _, log := range []string{first.Log(), c.Log()} {
		assert.NotContains(t, log, text)
		assert.NotContains(t, log, text[:20])
	}
}

// feedbackOther is an event of another type than user_feedback.
func feedbackOther(t *testing.T) []byte {
	t.Helper()
	for _, e := range sample(100, 1, events.JSON) {
		if e.Type == "system_health" {
			return e.JSON()
		}
	}
	t.Fatal("no such event in the sample")
	return nil
}
