// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver/internal/metadata"
)

// marker stands for personal data. It is part of requests, never of an answer
// or of a log line.
const marker = "Zq7MARKERx9"

// httpRuntime is a runtime whose state a test sets.
type httpRuntime struct {
	component.StartFunc
	component.ShutdownFunc

	account  *feedbackruntimeextension.Account
	draining chan struct{}
	stopping chan struct{}
	timeout  time.Duration

	mu       sync.Mutex // guards notReady
	notReady error
}

func newHTTPRuntime() *httpRuntime {
	return &httpRuntime{
		account:  feedbackruntimeextension.NewAccount(100_000, 256<<20, 50*time.Millisecond),
		draining: make(chan struct{}),
		stopping: make(chan struct{}),
		timeout:  10 * time.Second,
	}
}

func (rt *httpRuntime) Account() *feedbackruntimeextension.Account { return rt.account }
func (rt *httpRuntime) EnqueueTimeout() time.Duration              { return 50 * time.Millisecond }
func (rt *httpRuntime) Draining() <-chan struct{}                  { return rt.draining }
func (rt *httpRuntime) Stopping() <-chan struct{}                  { return rt.stopping }
func (rt *httpRuntime) ShutdownTimeout() time.Duration             { return rt.timeout }

func (rt *httpRuntime) Readiness() error {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.notReady
}

func (rt *httpRuntime) setNotReady(err error) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.notReady = err
}

// httpHost has the runtime and other extensions, and keeps what is reported.
type httpHost struct {
	extensions map[component.ID]component.Component
	mu         sync.Mutex // guards events
	events     []*componentstatus.Event
}

func (h *httpHost) GetExtensions() map[component.ID]component.Component { return h.extensions }

func (h *httpHost) Report(e *componentstatus.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
}

func (h *httpHost) statuses() []componentstatus.Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []componentstatus.Status
	for _, e := range h.events {
		out = append(out, e.Status())
	}
	return out
}

// judge is a pipeline that decides by what an event says of itself: refused if
// it has "refuse", an error code. It keeps what it was given.
type judge struct {
	mu    sync.Mutex // guards all below
	calls []judged
	err   error
	wait  func(ctx context.Context) // called first, if set
	mute  bool                      // judges nothing
}

type judged struct {
	ctx  context.Context
	logs plog.Logs
	req  *feedback.Request
}

const judgedID = "018f3a0e-0000-7000-8000-000000000001"

func (j *judge) Capabilities() consumer.Capabilities { return consumer.Capabilities{MutatesData: true} }

func (j *judge) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	j.mu.Lock()
	wait, mute, err := j.wait, j.mute, j.err
	j.mu.Unlock()
	if wait != nil {
		wait(ctx)
	}
	req := feedback.FromContext(ctx)
	if !mute {
		judgeAll(logs, req)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls = append(j.calls, judged{ctx, logs, req})
	return err
}

func judgeAll(logs plog.Logs, req *feedback.Request) {
	records := recordsOf(logs)
	for i := range records.Len() {
		v := req.Verdicts.At(i)
		body := records.At(i).Body()
		if body.Type() != pcommon.ValueTypeMap {
			v.Errors = []feedback.Error{{Code: feedback.CodeInvalidType, Message: "expected an object"}}
			continue
		}
		if id, ok := body.Map().Get("event_id"); ok {
			v.EventID = id.Str()
		} else {
			v.EventID = judgedID
		}
		if code, ok := body.Map().Get("refuse"); ok {
			v.Errors = []feedback.Error{{Code: feedback.Code(code.Str()), Field: "refuse", Message: "expected no \"refuse\""}}
			if n, ok := body.Map().Get("times"); ok {
				for range n.Int() - 1 {
					v.Errors = append(v.Errors, v.Errors[0])
				}
			}
			_, v.Truncated = body.Map().Get("cut")
		}
	}
	req.Verdicts.MarkJudged()
}

func recordsOf(logs plog.Logs) plog.LogRecordSlice {
	return logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
}

func (j *judge) last(t testing.TB) judged {
	j.mu.Lock()
	defer j.mu.Unlock()
	require.NotEmpty(t, j.calls)
	return j.calls[len(j.calls)-1]
}

func (j *judge) fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.err = err
}

func (j *judge) seen() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.calls)
}

// httpHarness is a started receiver and all that a test watches of it.
type httpHarness struct {
	t        testing.TB
	receiver *feedbackReceiver
	runtime  *httpRuntime
	host     *httpHost
	judge    *judge
	logs     *observer.ObservedLogs
	client   *http.Client
	url      string

	telemetry *componenttest.Telemetry // nil: none is recorded
}

type httpOption func(*HTTPConfig, *httpHarness)

// withExtension adds an extension beside the runtime.
func withExtension(id component.ID, ext component.Component) httpOption {
	return func(_ *HTTPConfig, h *httpHarness) { h.host.extensions[id] = ext }
}

func withHTTPConfig(change func(*HTTPConfig)) httpOption {
	return func(c *HTTPConfig, _ *httpHarness) { change(c) }
}

// newHTTPHarness starts the receiver on a free port, before a judge or, if next
// is not nil, before that.
func newHTTPHarness(t testing.TB, options ...httpOption) *httpHarness {
	h := &httpHarness{t: t, runtime: newHTTPRuntime(), judge: &judge{}}
	h.host = &httpHost{extensions: map[component.ID]component.Component{
		component.MustNewID("feedbackruntime"): h.runtime,
	}}
	cfg := createDefaultConfig().(*Config)
	httpCfg := cfg.Protocols.HTTP.GetOrInsertDefault()
	httpCfg.ServerConfig.NetAddr.Endpoint = "localhost:0"
	for _, o := range options {
		o(httpCfg, h)
	}

	core, logs := observer.New(zapcore.DebugLevel)
	h.logs = logs
	set := receivertest.NewNopSettings(metadata.Type)
	if h.telemetry != nil {
		set.TelemetrySettings = h.telemetry.NewTelemetrySettings()
	}
	set.Logger = zap.New(core)
	var err error
	h.receiver, err = newFeedbackReceiver(cfg, set, h.judge)
	require.NoError(t, err)
	require.NoError(t, h.receiver.Start(context.Background(), h.host))
	h.url = "http://" + h.receiver.http.addr.String()

	transport := &http.Transport{DisableCompression: true, ExpectContinueTimeout: 10 * time.Second}
	h.client = &http.Client{Transport: transport, Timeout: 20 * time.Second}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		assert.NoError(t, h.receiver.Shutdown(context.Background()))
		h.noMarker()
		assert.Zero(t, h.runtime.account.Bytes(), "bytes left on the account")
		assert.Zero(t, h.runtime.account.Events(), "events left on the account")
	})
	return h
}

// noMarker looks for the marker in all that was logged.
func (h *httpHarness) noMarker() {
	for _, e := range h.logs.All() {
		line, err := zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "m"}).EncodeEntry(e.Entry, e.Context)
		require.NoError(h.t, err)
		assert.NotContains(h.t, line.String(), marker, "a log line repeats a value")
	}
}

// answer is what a client reads.
type answer struct {
	status int
	header http.Header
	body   string
}

// send posts body with the headers, given as name, value, name, value, …
func (h *httpHarness) send(body string, header ...string) answer {
	return h.do(http.MethodPost, pathFeedback, strings.NewReader(body), header...)
}

func (h *httpHarness) do(method, path string, body io.Reader, header ...string) answer {
	h.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, h.url+path, body)
	require.NoError(h.t, err)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
			continue
		}
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := h.client.Do(req)
	require.NoError(h.t, err)
	return h.read(resp)
}

func (h *httpHarness) read(resp *http.Response) answer {
	h.t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(h.t, err)
	assert.NotContains(h.t, string(body), marker, "the answer repeats a value")
	for name, values := range resp.Header {
		assert.NotContains(h.t, strings.Join(values, ","), marker, name)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: string(body)}
}

// refused asserts an answer {"error": {code, message}}.
func (a answer) refused(t testing.TB, status int, code string) {
	t.Helper()
	assert.Equal(t, status, a.status, a.body)
	assert.Equal(t, "application/json", a.header.Get("Content-Type"))
	var body struct {
		Error struct{ Code, Message string }
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &body), a.body)
	assert.Equal(t, code, body.Error.Code)
	assert.NotEmpty(t, body.Error.Message)
}

// rawConn is a connection on which a test speaks HTTP itself.
func (h *httpHarness) rawConn() net.Conn {
	h.t.Helper()
	conn, err := net.DialTimeout("tcp", h.receiver.http.addr.String(), 5*time.Second)
	require.NoError(h.t, err)
	require.NoError(h.t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	h.t.Cleanup(func() { conn.Close() })
	return conn
}

// refusedWhole asserts an answer of 400 about the request as a whole.
func (a answer) refusedWhole(t testing.TB, code string) {
	t.Helper()
	assert.Equal(t, http.StatusBadRequest, a.status)
	assert.Contains(t, a.body, `"errors":[{"index":0,"code":"`+code+`"`)
}
