// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/events"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/send"
)

// kafkaOverlay is a configuration file with the exporter's keys.
func kafkaOverlay(t *testing.T, keys ...string) string {
	t.Helper()
	text := "exporters:\n  feedbackkafka:\n"
	for _, line := range keys {
		text += "    " + line + "\n"
	}
	return writeConfig(t, text)
}

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "overlay.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// trust has the exporter trust the node's authority.
func (s *security) trust() string { return "tls: {ca_file: " + s.authority.File + "}" }

func saslKeys(mechanism, user, password string) string {
	return fmt.Sprintf("auth: {sasl: {mechanism: %s, username: %s, password: %s}}", mechanism, user, password)
}

// TestKafkaSecurity delivers over TLS, with each way to say who one is.
func TestKafkaSecurity(t *testing.T) {
	const user, password = "scram-user", "scram-marker-77aa"
	newStream(t) // so that the node is there
	require.NoError(t, shared.cluster.SetPassword(t.Context(), user, password))
	brokers := strings.Join(shared.cluster.SASL(), ",")
	for name, tt := range map[string]struct {
		brokers string
		keys    []string
	}{
		"PLAIN":         {brokers, []string{shared.security.trust(), saslKeys("PLAIN", plainUser, plainPassword)}},
		"SCRAM-SHA-256": {brokers, []string{shared.security.trust(), saslKeys("SCRAM-SHA-256", user, password)}},
		"SCRAM-SHA-512": {brokers, []string{shared.security.trust(), saslKeys("SCRAM-SHA-512", user, password)}},
		"certificate": {shared.cluster.Nodes[0].CertificateAddr(), []string{fmt.Sprintf("tls: {ca_file: %s, cert_file: %s, key_file: %s}",
			shared.security.authority.File, shared.security.client.Cert, shared.security.client.Key)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStream(t)
			c := collector.Run(t, collector.Options{
				Configs: []string{collector.ConfigFile("durable.yaml"), kafkaOverlay(t, tt.keys...)},
				Env:     s.env("COLLECTOR_KAFKA__BROKERS=" + tt.brokers),
			})
			batch := sample(few, 700, events.JSON)
			_, errs := httpWay(t, c).sendAll(t.Context(), batch)
			require.NoError(t, first(errs))
			assertArrived(t, s.reader, s.topic, batch)
			assert.NotContains(t, c.Log(), "spool")
			c.AssertUnsaid(t, plainPassword, password)
			assertStops(t, c)
		})
	}
}

// httpWay sends arrays over HTTP.
func httpWay(t *testing.T, c *collector.Collector) *way {
	return &way{batch: 20, senders: 2, sender: &send.HTTP{Client: httpClient(t), URL: c.URL("/v1/feedback"), Shape: send.Array}}
}

// tokenEndpoint gives out tokens that issue makes, to the client with this secret.
func tokenEndpoint(t *testing.T, secret string, issue func() (string, error)) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, given, _ := r.BasicAuth()
		w.Header().Set("Content-Type", "application/json")
		if id != "collector" || given != secret {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error":"invalid_client","error_description":"not with %s"}`, given)
			return
		}
		token, err := issue()
		if !assert.NoError(t, err) {
			return
		}
		assert.NoError(t, json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 6}))
	}))
	t.Cleanup(server.Close)
	return server
}

// TestKafkaTokens: the exporter logs in with tokens of an OAuth client, takes new
// ones before they expire, and tells what is wrong with one that is not taken.
func TestKafkaTokens(t *testing.T) {
	const secret = "client-marker-90c2"
	s := newStream(t)
	var subject atomic.Pointer[string] // nil: tokens of nobody Kafka trusts
	var given atomic.Int64
	endpoint := tokenEndpoint(t, secret, func() (string, error) {
		given.Add(1)
		if name := subject.Load(); name != nil {
			return shared.security.token(*name, 6*time.Second)
		}
		return "a.token-marker-11.b", nil
	})
	overlay := func(secret string) string {
		return writeConfig(t, fmt.Sprintf(`
extensions:
  oauth2client:
    client_id: collector
    client_secret: %s
    token_url: %s
    expiry_buffer: 2s
exporters:
  feedbackkafka:
    %s
    auth: {sasl: {mechanism: OAUTHBEARER, oauthbearer_token_source: oauth2client}}
service:
  extensions: [feedbackruntime, oauth2client]
`, secret, endpoint.URL, shared.security.trust()))
	}
	options := collector.Options{
		Configs: []string{collector.ConfigFile("durable.yaml"), overlay("another")},
		Env:     s.env("COLLECTOR_KAFKA__BROKERS=" + strings.Join(shared.cluster.SASL(), ",")),
	}

	c := collector.Launch(t, options)
	awaitLog(t, c, "there is no token to show to Kafka")
	assert.Contains(t, c.Log(), "its endpoint answered 401, invalid_client")
	c.AssertUnsaid(t, "not with")
	assertStops(t, c)

	options.Configs[1] = overlay(secret)
	c = collector.Launch(t, options)
	awaitLog(t, c, "Kafka refuses the credentials of the subject of the OAuth token")
	name := "collector"
	subject.Store(&name)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, c.AwaitReady(ctx))

	// Longer than a token is good for.
	var all []*events.Event
	way, before, end := httpWay(t, c), given.Load(), time.Now().Add(8*time.Second)
	for time.Now().Before(end) {
		batch := sample(10, 710+uint64(len(all)), events.JSON)
		_, errs := way.sendAll(t.Context(), batch)
		require.NoError(t, first(errs))
		all = append(all, batch...)
	}
	assertArrived(t, s.reader, s.topic, all)
	assert.Greater(t, given.Load(), before, "no new token was taken")
	c.AssertUnsaid(t, secret, "token-marker-11", "eyJ")
	assertStops(t, c)
}

// TestWrongPassword: refused credentials are said, readiness goes, what was
// acknowledged stays, and all is well again once Kafka knows the password.
func TestWrongPassword(t *testing.T) {
	const user, password = "mended-user", "wrong-marker-3e8b"
	s := newStream(t)
	require.NoError(t, s.cluster.SetPassword(t.Context(), user, "the right one"))
	c := collector.Launch(t, collector.Options{
		Configs: []string{collector.ConfigFile("durable.yaml"), kafkaOverlay(t, shared.security.trust(), saslKeys("SCRAM-SHA-512", user, password))},
		Env: s.env("COLLECTOR_KAFKA__BROKERS="+strings.Join(shared.cluster.SASL(), ","),
			"COLLECTOR_ERROR_HANDLING__CIRCUIT_BREAKER_TIMEOUT=2s"),
	})
	awaitLog(t, c, "Kafka refuses the credentials of User:"+user)
	status, body, err := c.Get(t.Context(), "/ready")
	require.NoError(t, err)
	assert.Equal(t, http.StatusServiceUnavailable, status, body)
	assert.Contains(t, body, "Kafka refuses the credentials of User:"+user)

	batch := sample(few, 720, events.JSON)
	_, errs := httpWay(t, c).sendAll(t.Context(), batch)
	require.NoError(t, first(errs), "the spool takes them meanwhile")

	require.NoError(t, s.cluster.SetPassword(t.Context(), user, password))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, c.AwaitReady(ctx))
	assertArrived(t, s.reader, s.topic, batch)
	c.AssertUnsaid(t, password)
	assertStops(t, c)
}

// TestKafkaCertificates: a broker that cannot prove itself gets nothing, not even
// a password; one that wants a certificate says so.
func TestKafkaCertificates(t *testing.T) {
	s := newStream(t)
	for name, tt := range map[string]struct {
		brokers, says string
		keys          []string
	}{
		"unknown authority": {strings.Join(s.cluster.SASL(), ","), "Kafka's certificate is not trusted",
			[]string{"tls: {}", saslKeys("PLAIN", plainUser, plainPassword)}},
		"no client certificate": {s.cluster.Nodes[0].CertificateAddr(), "Kafka refuses the TLS connection",
			[]string{shared.security.trust()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := collector.Launch(t, collector.Options{
				Configs: []string{collector.ConfigFile("durable.yaml"), kafkaOverlay(t, tt.keys...)},
				Env:     s.env("COLLECTOR_KAFKA__BROKERS=" + tt.brokers),
			})
			awaitLog(t, c, tt.says)
			c.AssertUnsaid(t, plainPassword)
			assertStops(t, c)
		})
	}
}

// awaitLog waits until the collector has said something.
func awaitLog(t *testing.T, c *collector.Collector, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(c.Log(), text) }, 30*time.Second, 50*time.Millisecond, text)
}
