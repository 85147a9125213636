// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/kafka"
)

// httpCase is a request as a whole and its answer.
type httpCase struct {
	name    string
	body    string
	method  string   // POST if empty
	path    string   // /v1/feedback if empty
	headers []string // name, value, …; a value of "-" removes it

	status             int
	accepted, rejected int
	// code is the one of {"error": …} or of the first of {"errors": …}.
	code, field string
	index       int
	answers     map[string]string // headers of the answer; "*" is any value
}

func zipped(body []byte) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(body)
	must(err)
	must(w.Close())
	return b.String()
}

// bodyCases are about bodies.
func bodyCases() []httpCase {
	many := strings.TrimSuffix(strings.Repeat(good()+",", maxRequestEvents+1), ",")
	spaces := bytes.Repeat([]byte(" "), maxRequestSize+1)
	return []httpCase{
		{name: "one object", body: good(), status: 202, accepted: 1},
		{name: "no content type", body: good(), headers: []string{"Content-Type", "-"}, status: 202, accepted: 1},
		{name: "charset", body: good(), headers: []string{"Content-Type", "application/json; charset=UTF-8"}, status: 202, accepted: 1},
		{name: "byte order mark", body: "\ufeff" + good(), status: 202, accepted: 1},
		{name: "beacon", body: good(), headers: []string{"Content-Type", "text/plain;charset=UTF-8"}, status: 202, accepted: 1},
		{name: "beacon of lines", body: good() + "\n" + good(), headers: []string{"Content-Type", "text/plain"}, status: 202, accepted: 2},
		{name: "blank lines", body: "\n" + good() + "\r\n\n" + good() + "\n\n", headers: []string{"Content-Type", "application/x-ndjson"}, status: 202, accepted: 2},
		{name: "carriage return", body: feedback(`"comment":"a\r\nb"`), status: 202, accepted: 1},
		{name: "an event with events", body: feedback(`"events":[1]`), status: 202, accepted: 1},
		{name: "empty", body: "", status: 400, rejected: 1, code: "malformed_json"},
		{name: "empty array", body: "[]", status: 400, code: "missing_field", field: "events"},
		{name: "empty envelope", body: `{"events":[]}`, status: 400, code: "missing_field", field: "events"},
		{name: "broken", body: `{"comment":"` + marker, status: 400, rejected: 1, code: "malformed_json"},
		{name: "broken later", body: "[" + good() + "," + good() + `,{"comment":"` + marker, status: 400, rejected: 1, code: "malformed_json", index: 2},
		{name: "garbage behind", body: good() + marker, status: 400, rejected: 1, code: "malformed_json", index: 1},
		{name: "duplicate name", body: "[" + good() + `,{"type":"user_feedback","` + marker + `":1,"` + marker + `":2}]`, status: 400, rejected: 1, code: "malformed_json", index: 1},
		{name: "lone surrogate", body: "[" + feedback(`"comment":"`+marker+`\ud800"`) + "]", status: 400, rejected: 1, code: "malformed_json"},
		{name: "not UTF-8", body: feedback(`"comment":"` + marker + "\xff\""), status: 400, rejected: 1, code: "malformed_json"},
		{name: "broken line", body: good() + "\n" + marker + "\n" + good(), headers: []string{"Content-Type", "application/x-ndjson"},
			status: 207, accepted: 2, rejected: 1, code: "malformed_json", index: 1},
		{name: "array of nothing", body: "[null]", status: 400, rejected: 1, code: "invalid_type"},
		{name: "too many events", body: "[" + many + "]", status: 413, code: "too_large"},
		{name: "body too large", body: good() + string(spaces), status: 413, code: "too_large"},
		{name: "bomb", body: zipped(bytes.Repeat([]byte(" "), 64<<20)), headers: []string{"Content-Encoding", "gzip"}, status: 413, code: "too_large"},
		{name: "no gzip", body: marker, headers: []string{"Content-Encoding", "gzip"}, status: 400, rejected: 1, code: "malformed_json"},
		{name: "unknown coding", body: good(), headers: []string{"Content-Encoding", "br0tli"}, status: 415, code: "unsupported_media_type"},
		{name: "gzip", body: zipped([]byte(good())), headers: []string{"Content-Encoding", "gzip"}, status: 202, accepted: 1},
		{name: "media type", body: good(), headers: []string{"Content-Type", "application/xml"}, status: 415, code: "unsupported_media_type"},
		{name: "other charset", body: good(), headers: []string{"Content-Type", "application/json; charset=latin1"}, status: 415, code: "unsupported_media_type"},
		{name: "headers too large", body: good(), headers: []string{"X-Large", strings.Repeat("x", 80<<10)}, status: 431, code: "headers_too_large"},
	}
}

// routeCases are about paths, methods and origins.
var routeCases = []httpCase{
	{name: "path", path: "/v1/nothing", status: 404, code: "not_found"},
	{name: "root", path: "/", method: http.MethodGet, status: 404, code: "not_found"},
	{name: "method", method: http.MethodPut, body: "{}", status: 405, code: "method_not_allowed", answers: map[string]string{"Allow": "*"}},
	{name: "get", method: http.MethodGet, status: 405, code: "method_not_allowed", answers: map[string]string{"Allow": "*"}},
	{name: "method of a probe", path: "/ready", method: http.MethodDelete, status: 405, code: "method_not_allowed", answers: map[string]string{"Allow": "*"}},
	{name: "foreign origin", headers: []string{"Origin", "https://evil.example"}, body: "{}", status: 403, code: "permission_denied"},
	{name: "no origin at all", headers: []string{"Origin", "null"}, body: "{}", status: 403, code: "permission_denied"},
	{name: "beacon of a foreign page", headers: []string{"Origin", "https://evil.example", "Content-Type", "text/plain"}, body: "{}", status: 403, code: "permission_denied"},
	{name: "preflight", method: http.MethodOptions, status: 204, headers: []string{
		"Origin", "https://app.example.com", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type",
	}, answers: map[string]string{"Access-Control-Allow-Origin": "https://app.example.com"}},
	{name: "health", path: "/health", method: http.MethodGet, status: 200},
	{name: "ready", path: "/ready", method: http.MethodGet, status: 200},
}

func TestAnswersOverHTTP(t *testing.T) {
	a := newAnswering(t)
	cases := append(bodyCases(), routeCases...)
	cases = append(cases,
		httpCase{name: "allowed origin", body: good(), headers: []string{"Origin", "https://app.example.com"}, status: 202, accepted: 1,
			answers: map[string]string{"Access-Control-Allow-Origin": "https://app.example.com", "Access-Control-Expose-Headers": "*"}},
		httpCase{name: "own origin", body: good(), headers: []string{"Origin", "http://" + a.HTTP}, status: 202, accepted: 1})
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) { a.check(t, tt) })
	}
	for path, word := range map[string]string{"/openapi.yaml": "openapi:", "/schema/v1/feedback.json": `"$schema"`} {
		status, body, err := a.Get(t.Context(), path)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, status)
		assert.Contains(t, body, word)
	}
	a.close(t)
}

func (a *answering) check(t *testing.T, tt httpCase) {
	t.Helper()
	req := post(t, a.Collector, tt.body)
	if tt.method != "" {
		req.Method = tt.method
	}
	if tt.path != "" {
		req.URL.Path = tt.path
	}
	for i := 0; i < len(tt.headers); i += 2 {
		if tt.headers[i+1] == "-" {
			req.Header.Del(tt.headers[i])
		} else {
			req.Header.Set(tt.headers[i], tt.headers[i+1])
		}
	}
	answer := a.ask(t, req)
	assert.Equal(t, tt.status, answer.Status, answer.Body)
	assert.Equal(t, tt.accepted, answer.Accepted, answer.Body)
	assert.Equal(t, tt.rejected, answer.Rejected, answer.Body)
	switch {
	case tt.code == "":
		assert.Nil(t, answer.Error, answer.Body)
		assert.Empty(t, answer.Errors, answer.Body)
	case tt.status == 400 || tt.status == 207:
		if assert.NotEmpty(t, answer.Errors, answer.Body) {
			e := answer.Errors[0]
			assert.Equal(t, tt.code, e.Code)
			assert.Equal(t, tt.field, e.Field)
			assert.Equal(t, tt.index, e.Index)
		}
	default:
		if assert.NotNil(t, answer.Error, answer.Body) {
			assert.Equal(t, tt.code, answer.Error.Code)
			assert.NotEmpty(t, answer.Error.Message)
		}
	}
	for name, want := range tt.answers {
		got := answer.Header.Get(name)
		if want == "*" {
			assert.NotEmpty(t, got, name)
		} else {
			assert.Equal(t, want, got, name)
		}
	}
}

// withToken puts a stock authenticator before the receiver.
const withToken = `yaml:extensions: {bearertokenauth: {token: right}}
service: {extensions: [feedbackruntime, bearertokenauth]}
receivers: {feedback: {protocols: {http: {auth: {authenticator: bearertokenauth}}, grpc: {auth: {authenticator: bearertokenauth}}}}}`

func TestUnauthenticatedOverHTTP(t *testing.T) {
	a := newAnswering(t, withToken)
	for _, tt := range []httpCase{
		{name: "none", body: good(), status: 401, code: "unauthenticated", answers: map[string]string{"WWW-Authenticate": "*"}},
		{name: "wrong", body: good(), headers: []string{"Authorization", "Bearer " + marker}, status: 401, code: "unauthenticated", answers: map[string]string{"WWW-Authenticate": "*"}},
		{name: "right", body: good(), headers: []string{"Authorization", "Bearer right"}, status: 202, accepted: 1},
		{name: "health", path: "/health", method: http.MethodGet, status: 200},
		{name: "ready", path: "/ready", method: http.MethodGet, status: 200},
	} {
		t.Run(tt.name, func(t *testing.T) { a.check(t, tt) })
	}
	for _, path := range []string{"/openapi.yaml", "/schema/v1/feedback.json"} {
		status, _, err := a.Get(t.Context(), path)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, status, path)
	}
	a.close(t)
}

// TestNoRoom: Kafka is away, there is no spool and the buffer is small.
func TestNoRoom(t *testing.T) {
	kafka.Libs(t)
	c := collector.Launch(t, collector.Options{
		Configs: []string{collector.ConfigFile("collector.yaml"), absolute(t, "testdata/answers.yaml"),
			`yaml:receivers: {feedback: {protocols: {grpc: {max_request_events: 50}}}}
extensions: {feedbackruntime: {shutdown_timeout: 2s}}
exporters: {feedbackkafka: {spool: {directory: ''}}}`},
		Env: []string{
			"COLLECTOR_KAFKA__BROKERS=127.0.0.1:1", "COLLECTOR_BUFFER__CAPACITY=100",
			"COLLECTOR_HTTP__ENQUEUE_TIMEOUT=300ms", "COLLECTOR_TELEMETRY__TRACE_SAMPLING_RATE=0",
		},
	})
	require.Eventually(t, func() bool {
		status, _, err := c.Get(t.Context(), "/health")
		return err == nil && status == http.StatusOK
	}, time.Minute, 50*time.Millisecond)

	status, body, err := c.Get(t.Context(), "/ready")
	require.NoError(t, err)
	assert.Equal(t, http.StatusServiceUnavailable, status, body)

	a := &answering{Collector: c, client: httpClient(t)}
	batch := "[" + strings.TrimSuffix(strings.Repeat(feedback("")+",", 50), ",") + "]"
	for i := range 20 {
		answer := a.ask(t, post(t, c, batch))
		if answer.Status == http.StatusAccepted {
			continue
		}
		assert.Equal(t, http.StatusServiceUnavailable, answer.Status, answer.Body)
		require.NotNil(t, answer.Error, answer.Body)
		assert.Equal(t, "unavailable", answer.Error.Code)
		seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
		require.NoError(t, err)
		assert.GreaterOrEqual(t, seconds, 1)
		assert.Positive(t, i, "the first request found no room")
		// The account holds capacity; batch may hold some calls more.
		assert.LessOrEqual(t, a.accepted.Load(), int64(1000))
		grpcNoRoom(t, c)
		return
	}
	t.Error("there was room without end")
}

// TestShutdownDelay: readiness turns at once, requests are taken for a while.
func TestShutdownDelay(t *testing.T) {
	a := newAnswering(t, "yaml:extensions::feedbackruntime::shutdown_delay: 3s")
	a.Terminate()
	assert.Eventually(t, func() bool {
		status, _, err := a.Get(t.Context(), "/ready")
		return err == nil && status == http.StatusServiceUnavailable
	}, 2*time.Second, 10*time.Millisecond)
	answer := a.ask(t, post(t, a.Collector, good()))
	assert.Equal(t, http.StatusAccepted, answer.Status, answer.Body)
	a.close(t)
	_, _, err := a.Get(t.Context(), "/ready")
	assert.Error(t, err)
}

// TestTopicMissing: readiness says so, and comes back when the topic is there.
func TestTopicMissing(t *testing.T) {
	s := newStream(t)
	s.topic += ".later"
	c := collector.Launch(t, collector.Options{Configs: []string{collector.ConfigFile("collector.yaml")}, Env: s.env()})
	var body string
	require.Eventually(t, func() bool {
		status, b, err := c.Get(t.Context(), "/ready")
		body = b
		return err == nil && status == http.StatusServiceUnavailable && strings.Contains(b, s.topic)
	}, time.Minute, 50*time.Millisecond, "/ready does not name the topic")
	require.NoError(t, s.cluster.CreateTopic(t.Context(), s.topic, eventPartitions, nil), body)
	require.Eventually(t, func() bool {
		status, _, err := c.Get(t.Context(), "/ready")
		return err == nil && status == http.StatusOK
	}, time.Minute, 50*time.Millisecond, "/ready does not turn")
	a := &answering{Collector: c, stream: s, client: httpClient(t)}
	assert.Equal(t, http.StatusAccepted, a.ask(t, post(t, c, good())).Status)
	a.close(t)
}
