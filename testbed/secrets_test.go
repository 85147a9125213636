// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/events"
)

// hush are the secrets of TestSecretsAreNeverSaid, by what they are.
type hush struct {
	secured
	ear     ear
	secrets map[string]string
	tokens  map[string]string
}

const (
	hushedUser     = "hushed-user"
	hushedPassword = "sasl-marker-4c21e9"
	hushedHMAC     = "hmac-marker-b7d05f-hmac-marker-b7d05f"
	hushedHashKey  = "hash-key-marker-19fa33"
)

func newHush(t *testing.T, s *stream) *hush {
	t.Helper()
	h := &hush{
		secured: *newSecured(t, s, hushedHMAC, hushedUser, "not yet "+hushedUser),
		secrets: map[string]string{"the password": hushedPassword, "the secret": hushedHMAC, "the hash key": hushedHashKey},
	}
	h.env = append(h.env, "COLLECTOR_KAFKA__SASL_PASSWORD="+hushedPassword, "COLLECTOR_PII__HASH_KEY="+hushedHashKey)
	key, err := os.ReadFile(h.pair.Key)
	require.NoError(t, err)
	h.secrets["the TLS key"] = strings.Split(string(key), "\n")[1][8:48]

	sign := func(more map[string]any) string { return token(t, hushedHMAC, claims(more)) }
	presigned := map[string]any{"sub": nil, "scope": nil, "feedback": map[string]any{
		"request_id": "0197f5c4-6f2a-7c31-b1a0-5d6c7e8f9a0b", "types": []string{"user_feedback"}, "max_uses": 1,
	}}
	h.tokens = map[string]string{
		"a good token":       sign(nil),
		"a narrow token":     sign(map[string]any{"scope": "feedback:write:system_health"}),
		"an expired token":   sign(map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}),
		"a foreign token":    sign(map[string]any{"iss": "someone else"}),
		"a token of others":  token(t, "another secret of some length, not ours", claims(nil)),
		"a presigned token":  sign(presigned),
		"a token of no type": sign(map[string]any{"scope": 42}),
	}
	for name, text := range h.tokens {
		h.secrets[name] = text
		h.secrets[name+"'s signature"] = text[strings.LastIndexByte(text, '.')+1:]
	}
	h.tokens["garbage"] = "garbage-marker-71b0d4"
	h.secrets["garbage"] = h.tokens["garbage"]
	return h
}

// overlay has the collector say all it can: debug log, zpages with expvar, and
// every span to sink.
func (h *hush) overlay(t *testing.T, sink string) string {
	return writeConfig(t, fmt.Sprintf(`
extensions:
  zpages: {endpoint: "localhost:0", expvar: {enabled: true}}
service:
  extensions: [feedbackruntime, jwtauth, zpages]
  telemetry:
    logs: {level: debug}
    traces:
      level: detailed
      sampler: {parent_based: {root: {always_on: {}}}}
      processors:
        - simple: {exporter: {otlp: {protocol: http/protobuf, endpoint: %q, insecure: true}}}
`, sink))
}

// TestSecretsAreNeverSaid starts secure.yaml with secrets that can be told from
// anything else, makes it fail in every way, and searches all it has said.
func TestSecretsAreNeverSaid(t *testing.T) {
	s := newStream(t)
	h := newHush(t, s)
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.ear.hear("exported spans", string(body))
	}))
	defer sink.Close()
	zpages := freeEndpoint(t)
	options := collector.Options{
		Configs: []string{collector.ConfigFile("secure.yaml"), h.overlay(t, sink.URL), "yaml:extensions::zpages::endpoint: " + zpages},
		Env:     append(h.env, "COLLECTOR_ERROR_HANDLING__CIRCUIT_BREAKER_TIMEOUT=1s"), TLS: h.client, Dir: t.TempDir(),
	}
	c := collector.Launch(t, options)

	// Kafka refuses the password; meanwhile, every kind of request.
	awaitLog(t, c, "Kafka refuses the credentials of User:"+hushedUser)
	h.request(t, c)
	h.garbage(t, c)
	h.look(t, c, zpages)
	require.NoError(t, s.cluster.SetPassword(t.Context(), hushedUser, hushedPassword))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, c.AwaitReady(ctx))
	h.request(t, c)
	c.Reload()
	require.Eventually(t, func() bool { return strings.Count(c.Log(), "Everything is ready") == 2 }, 30*time.Second, 50*time.Millisecond)
	require.NoError(t, c.AwaitReady(ctx))
	h.request(t, c)
	h.look(t, c, zpages)
	assertStops(t, c)
	h.files(t, options.Dir)

	// No Kafka at all, and one that is not what it says.
	for _, brokers := range []string{"127.0.0.1:1", s.cluster.Nodes[0].Addr()} {
		away := options
		away.Dir = t.TempDir()
		away.Env = append(options.Env, "COLLECTOR_KAFKA__BROKERS="+brokers)
		c = collector.Launch(t, away)
		awaitLog(t, c, "Cannot deliver to Kafka")
		h.look(t, c, zpages)
		assertStops(t, c)
		h.files(t, away.Dir)
	}
	h.misconfigure(t, options)
	h.tools(t, s, c)
	assert.Greater(t, len(h.ear.heard), 100)
	h.ear.assertUnsaid(t, h.secrets)
}

func freeEndpoint(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "localhost:0") //nolint:noctx // at once
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// request sends every token in every way and place.
func (h *hush) request(t *testing.T, c *collector.Collector) {
	client := bearerClient(t, c, "")
	defer client.CloseIdleConnections()
	for name, text := range h.tokens {
		for _, w := range waysWith(t, c, text) {
			if _, err := w.sender.Send(t.Context(), []*events.Event{feedbackEvent(w.style)}); err != nil {
				h.ear.hear(w.name+" with "+name, fmt.Sprintf("%v %v", err, status.Convert(err).Proto()))
			}
		}
		for _, target := range []string{
			c.URL("/v1/feedback?access_token=" + text), c.URL("/v1/feedback?token=" + text), c.URL("/v1/feed?access_token=" + text),
			c.URL("/health?access_token=" + text), c.At(c.OTLPHTTP) + "/v1/logs?access_token=" + text,
		} {
			for _, body := range []string{
				`{"type":"user_feedback","session_id":"s","request_id":"0197f5c4-6f2a-7c31-b1a0-5d6c7e8f9a0b"}`,
				`{"type":"user_feedback","request_id":"` + text + `"}`, `{"` + text, text,
			} {
				h.post(t, client, target, body, nil)
			}
		}
		h.post(t, client, c.URL("/v1/feedback"), text, http.Header{"Authorization": {"Basic " + text}, "Origin": {"https://" + text}})
		h.post(t, client, c.URL("/v1/feedback"), "{}", http.Header{"Authorization": {"Bearer " + text, "Bearer " + text}, "Traceparent": {text}})
		h.post(t, client, c.URL("/v1/feedback"), "{}", http.Header{"Authorization": {"Bearer " + strings.Repeat(text, 300)}})
		h.post(t, client, c.URL("/v1/feedback"), "{}", http.Header{"Content-Type": {text}, "Content-Encoding": {text}})
	}
}

func (h *hush) post(t *testing.T, client *http.Client, target, body string, header http.Header) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(body))
	if !assert.NoError(t, err) {
		return
	}
	req.Header.Set("Content-Type", "application/json")
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := client.Do(req)
	if err != nil { // headers so large that nobody reads them to the end
		return
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	h.ear.hear("an answer", fmt.Sprint(resp.Status, resp.Header, string(answer)))
}

// garbage sends what is no request, with secrets in it, with and without TLS.
func (h *hush) garbage(t *testing.T, c *collector.Collector) {
	var shouts sync.WaitGroup
	for _, endpoint := range []string{c.HTTP, c.GRPC, c.OTLPHTTP, c.OTLPGRPC} {
		for _, secret := range []string{hushedPassword, h.tokens["a good token"]} {
			// At level debug grpc-go logs the first 24 bytes of what is no HTTP/2.
			for _, text := range []string{
				strings.Repeat("x", 24) + secret, "GET /openapi.yaml?token=" + secret + " HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nHost: " + secret + "\r\nAuthorization " + secret + "\r\n\r\n",
				"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + secret,
			} {
				shouts.Go(func() {
					h.shout(t, endpoint, text, nil)
					h.shout(t, endpoint, text, h.client)
				})
			}
		}
	}
	shouts.Wait()
	conn := dial(t, c.GRPC, dialOptions(c, h.tokens["a good token"])...)
	for name, text := range h.tokens {
		err := conn.Invoke(t.Context(), "/feedback.v1.FeedbackService/Submit", rawMessage(text), &rawMessage{}, grpc.ForceCodec(rawCodec{}))
		h.ear.hear("gRPC with "+name, fmt.Sprint(err))
	}
}

// rawMessage is a body as it is.
type rawMessage []byte

type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) { return v.(rawMessage), nil }
func (rawCodec) Unmarshal([]byte, any) error   { return nil }
func (rawCodec) Name() string                  { return "proto" }

// shout writes text to a port and hears what comes back.
func (h *hush) shout(t *testing.T, endpoint, text string, secure *tls.Config) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", endpoint)
	if !assert.NoError(t, err) {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(500 * time.Millisecond)) // not all hang up
	if secure != nil {
		secure = secure.Clone()
		secure.ServerName, secure.NextProtos = "localhost", []string{"h2", "http/1.1"}
		conn = tls.Client(conn, secure)
	}
	_, _ = io.WriteString(conn, text)
	answer, _ := io.ReadAll(io.LimitReader(conn, 4096))
	h.ear.hear("garbage to "+endpoint, string(answer))
}

// look reads every page and the metrics.
func (h *hush) look(t *testing.T, c *collector.Collector, zpages string) {
	client := httpClient(t)
	pages := []string{"http://" + strings.Replace(c.Metrics, "127.0.0.1", "localhost", 1) + "/metrics"}
	for _, page := range []string{"servicez", "pipelinez", "extensionz", "featurez", "tracez", "expvarz",
		"pipelinez?pipelinenamez=logs&componentnamez=feedbackkafka&componentkindz=exporter",
		"tracez?zspanname=HTTP+POST&ztype=1&zlatencybucket=0", "tracez?zspanname=POST+/v1/feedback&ztype=1&zlatencybucket=0"} {
		pages = append(pages, "http://"+zpages+"/debug/"+page)
	}
	for _, page := range pages {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page, nil)
		require.NoError(t, err)
		resp, err := client.Do(req)
		if !assert.NoError(t, err) {
			continue
		}
		body, err := io.ReadAll(resp.Body)
		assert.NoError(t, errors.Join(err, resp.Body.Close()))
		if page == pages[0] || strings.HasSuffix(page, "z") {
			assert.Equal(t, http.StatusOK, resp.StatusCode, page)
		}
		h.ear.hear(page, string(body))
	}
	for _, path := range []string{"/health", "/ready", "/openapi.yaml"} {
		_, body, err := c.Get(t.Context(), path)
		require.NoError(t, err)
		h.ear.hear(path, body)
	}
}

// misconfigure has validate and the start refuse configurations with secrets in
// the wrong places.
func (h *hush) misconfigure(t *testing.T, options collector.Options) {
	var overlays []string
	for _, key := range []string{
		"exporters::feedbackkafka::auth::sasl::password", "extensions::jwtauth::hmac_secret", "processors::piiredaction::hash_key",
		"exporters::feedbackkafka::auth::sasl", "exporters::feedbackkafka::auth", "receivers::feedback::protocols::http::tls::key_pem",
		"receivers::otlp::protocols::grpc::tls::key_pem",
	} {
		for _, value := range []string{
			"[${env:COLLECTOR_KAFKA__SASL_PASSWORD}, ${env:COLLECTOR_PII__HASH_KEY}]", "{a: ${env:COLLECTOR_KAFKA__SASL_PASSWORD}}",
			"{${env:COLLECTOR_KAFKA__SASL_PASSWORD}: 1}", "${env:COLLECTOR_PII__HASH_KEY}", "'" + h.secrets["the TLS key"] + "'",
		} {
			overlays = append(overlays, "yaml:"+key+": "+value)
		}
	}
	overlays = append(overlays, "yaml:extensions::jwtauth::hmac_secret: "+hushedHMAC[:20], "yaml:processors::piiredaction::hash_key: "+hushedHashKey[:15])
	h.secrets["part of the secret"], h.secrets["part of the hash key"] = hushedHMAC[:20], hushedHashKey[:15]
	broken := writeConfig(t, "processors:\n  piiredaction:\n    hash_key: "+hushedHashKey+"\n   hash_key: ["+hushedHMAC+"\n")
	overlays = append(overlays, broken)
	for _, overlay := range overlays {
		out, _ := validate(t, options.Env, options.Configs[0], overlay)
		h.ear.hear("validate "+overlay[:min(len(overlay), 60)], out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, args := range [][]string{{"print-config"}, {"print-config", "--format=json"}, {"components"}, {"featuregate"}, {"validate", "--set=processors.piiredaction.hash_key=" + hushedHashKey[:15]}} {
		args = append(args, collector.Args(options.Configs[:1])...)
		if args[0] == "components" || args[0] == "featuregate" {
			args = args[:1]
		}
		cmd := exec.CommandContext(ctx, collector.Binary(t), args...)
		cmd.Env, cmd.Dir = append(os.Environ(), options.Env...), t.TempDir()
		out, _ := cmd.CombinedOutput()
		require.NoError(t, ctx.Err())
		h.ear.hear(args[0][:5], string(out))
	}
}

// tools hears feedbackctl, whose password is wrong and whose token is bad.
func (h *hush) tools(t *testing.T, s *stream, c *collector.Collector) {
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(h.tokens["an expired token"]+"\n"), 0o600))
	for _, args := range [][]string{
		{"tail", "--from-beginning", "--follow=false", "--sasl-username", "nobody"}, {"topics", "check", "--sasl-mechanism", "PLAIN"}, {"dlq", "ls", "--tls-ca", file},
		{"send", "--sample", "1", "--endpoint", "https://" + c.HTTP, "--tls-ca", h.authority.File, "--token-file", file, "--retry-for", "0"},
		{"token", "show", h.tokens["an expired token"][:40]},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		cmd := exec.CommandContext(ctx, ctlBinary(t), args...)
		cmd.Env = append(append(os.Environ(), s.env()...), h.env...)
		out, _ := cmd.CombinedOutput()
		cancel()
		h.ear.hear("feedbackctl "+args[0], string(out))
	}
}

// files hears all that the collector has left on disk, its log among it.
func (h *hush) files(t *testing.T, dir string) {
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		h.ear.hear(path, string(text))
		return err
	}))
}
