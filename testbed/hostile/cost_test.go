// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package hostile

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const secret = "a secret that only this test and its collector share"

// token signs claims, as JSON, with HS256.
func token(claims string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." +
		base64.RawURLEncoding.EncodeToString([]byte(claims))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// bearer is an Authorization value of a client that may write these types.
func bearer(subject, scope string) string {
	return "Bearer " + token(fmt.Sprintf(`{"sub":%q,"scope":%q,"exp":%d}`, subject, scope, time.Now().Add(time.Hour).Unix()))
}

// closedToStrangers asks for tokens, and limits rates.
func closedToStrangers(eventsPerSecond int) []string {
	return []string{
		"extensions::jwtauth::hmac_secret: " + secret,
		"service::extensions: [feedbackruntime, jwtauth]",
		"receivers::feedback::protocols::http::auth::authenticator: jwtauth",
		"receivers::feedback::protocols::http::max_request_events: 100",
		fmt.Sprintf("processors::feedbackadmission::rate_limit: {events_per_second: %d, overrides: [{client: limited, events_per_second: 1}]}", eventsPerSecond),
	}
}

// TestRefusedCostsLess: the CPU time of a request that is refused, for each
// reason, against that of the same body accepted.
func TestRefusedCostsLess(t *testing.T) {
	const n = 100
	array := func(n int, one string) string { return "[" + strings.Repeat(one+",", n-1) + one + "]" }
	good := array(n, event)
	may, limited := bearer("app", "feedback:write"), bearer("limited", "feedback:write")
	open := attackedWhole(t, nil, closedToStrangers(1_000_000)...)
	// It has no memory left from the start.
	full := attackedFull(t, closedToStrangers(1_000_000)...)

	type request struct {
		why     string
		g       *target
		status  int
		body    string
		headers []string
	}
	accepted := request{"accepted", open, http.StatusAccepted, good, []string{"Authorization", may}}
	requests := []request{
		accepted,
		{"not JSON", open, 400, good[:len(good)-1], []string{"Authorization", may}},
		{"not JSON from the start", open, 400, "x" + good, []string{"Authorization", may}},
		{"all events invalid", open, 400, array(n, strings.Replace(event, `"rating":4`, `"rating":9`, 1)), []string{"Authorization", may}},
		{"no event has its fields", open, 400, array(n, `{"type":"model_response","comment":"`+strings.Repeat("x", 86)+`"}`), []string{"Authorization", may}},
		{"no token", open, 401, good, nil},
		{"a forged token", open, 401, good, []string{"Authorization", may + "x"}},
		{"another scope", open, 403, good, []string{"Authorization", bearer("app", "feedback:write:system_health")}},
		{"a foreign page", open, 403, good, []string{"Authorization", may, "Origin", "https://evil.example"}},
		{"an event too many", open, 413, array(n+1, event), []string{"Authorization", may}},
		{"another media type", open, 415, good, []string{"Authorization", may, "Content-Type", "application/xml"}},
		{"another coding", open, 415, good, []string{"Authorization", may, "Content-Encoding", "br"}},
		{"over its rate", open, 429, good, []string{"Authorization", limited}},
		{"no memory left", full, 503, good, []string{"Authorization", may}},
	}
	measure := func(r request, n int) time.Duration {
		before := r.g.cpu(t)
		for range n {
			a := r.g.mustPost(t, r.body, r.headers...)
			require.Equal(t, r.status, a.Status, "%s: %s", r.why, a.Body)
		}
		return (r.g.cpu(t) - before) / time.Duration(n)
	}
	open.mustPost(t, good, "Authorization", limited) // takes the whole bucket
	require.Eventually(t, func() bool {
		return full.mustPost(t, event, "Authorization", may).Status == http.StatusServiceUnavailable
	}, 20*time.Second, 50*time.Millisecond, "the limiter has not noticed")
	for _, r := range requests {
		measure(r, 50) // warms up
	}
	t.Logf("%-26s %6s %12s %8s", "100 events", "answer", "CPU/request", "share")
	for _, r := range requests {
		base, cost := time.Hour, time.Hour
		for range 4 { // in turns, so that what else the machine does hits both
			base, cost = min(base, measure(accepted, 60)), min(cost, measure(r, 60))
		}
		t.Logf("%-26s %6d %12s %7.0f%%", r.why, r.status, cost.Round(time.Microsecond), 100*float64(cost)/float64(base))
		if r.status != http.StatusAccepted {
			assert.Less(t, cost, base, r.why)
		}
	}
}
