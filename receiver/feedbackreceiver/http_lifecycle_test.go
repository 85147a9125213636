// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otelcol-feedback/otelcol-feedback/api"
	"github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver/internal/metadata"
)

func TestHTTPProbes(t *testing.T) {
	h := newHTTPHarness(t)
	got := h.do("GET", pathHealth, nil)
	assert.Equal(t, 200, got.status)
	assert.JSONEq(t, `{"status":"healthy"}`, got.body)

	got = h.do("GET", pathReady, nil)
	assert.Equal(t, 200, got.status)
	assert.JSONEq(t, `{"status":"ready"}`, got.body)
	assert.Equal(t, "no-store", got.header.Get("Cache-Control"))

	h.runtime.setNotReady(errors.New("the buffer is full"))
	got = h.do("GET", pathReady, nil)
	got.refused(t, 503, "unavailable")
	assert.Contains(t, got.body, "the buffer is full")
	assert.Equal(t, 200, h.do("GET", pathHealth, nil).status, "not ready is not dead")
	assert.Empty(t, h.do("HEAD", pathHealth, nil).body)
}

func TestHTTPDocuments(t *testing.T) {
	h := newHTTPHarness(t)
	for path, want := range map[string]struct {
		body []byte
		mime string
	}{
		pathOpenAPI: {api.OpenAPI, "application/yaml"},
		pathSchema:  {api.JSONSchema, "application/schema+json"},
	} {
		got := h.do("GET", path, nil)
		assert.Equal(t, 200, got.status)
		assert.Equal(t, string(want.body), got.body)
		assert.Equal(t, want.mime, got.header.Get("Content-Type"))
		assert.Equal(t, "public, max-age=3600", got.header.Get("Cache-Control"))
		require.NotEmpty(t, got.header.Get("ETag"))
		assert.Equal(t, http.StatusNotModified, h.do("GET", path, nil, "If-None-Match", got.header.Get("ETag")).status)

		head := h.do("HEAD", path, nil)
		assert.Equal(t, 200, head.status)
		assert.Empty(t, head.body)
		assert.Equal(t, fmt.Sprint(len(want.body)), head.header.Get("Content-Length"))
	}
}

// sendTraced reports whether the request used a connection again.
func (h *httpHarness) sendTraced(body string) (answer, bool) {
	var reused bool
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+pathFeedback, strings.NewReader(body))
	require.NoError(h.t, err)
	resp, err := h.client.Do(req)
	require.NoError(h.t, err)
	return h.read(resp), reused
}

func TestHTTPKeepAlive(t *testing.T) {
	h := newHTTPHarness(t)
	_, reused := h.sendTraced(good)
	assert.False(t, reused)
	for _, body := range []string{good, bad, "{", good} {
		_, reused = h.sendTraced(body)
		assert.True(t, reused, body)
	}

	close(h.runtime.draining)
	got, reused := h.sendTraced(good)
	assert.Equal(t, 202, got.status, "events are taken until the delay is over")
	assert.True(t, reused)
	_, reused = h.sendTraced(good)
	assert.False(t, reused, "but connections are not kept")

	close(h.runtime.stopping)
	got, _ = h.sendTraced(good)
	got.refused(t, 503, "unavailable")
	assert.Equal(t, "1", got.header.Get("Retry-After"))
}

func TestHTTPShutdownAnswersWhatIsInWork(t *testing.T) {
	h := newHTTPHarness(t)
	entered, release := make(chan struct{}), make(chan struct{})
	h.judge.wait = func(context.Context) { close(entered); <-release }

	answered := make(chan answer, 1)
	go func() { answered <- h.send(good) }()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- h.receiver.Shutdown(context.Background()) }()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", h.receiver.http.addr.String())
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, 5*time.Second, time.Millisecond, "the listener closes first")
	close(release)
	assert.Equal(t, 202, (<-answered).status)
	require.NoError(t, <-stopped)
	require.NoError(t, h.receiver.Shutdown(context.Background()), "twice")
}

func TestHTTPShutdownIsBounded(t *testing.T) {
	h := newHTTPHarness(t)
	h.runtime.timeout = 50 * time.Millisecond
	entered := make(chan struct{})
	h.judge.wait = func(ctx context.Context) { close(entered); <-ctx.Done() }

	failed := make(chan error, 1)
	go func() {
		req := must(http.NewRequest(http.MethodPost, h.url+pathFeedback, strings.NewReader(good)))
		resp, err := h.client.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		failed <- err
	}()
	<-entered
	err := h.receiver.Shutdown(context.Background())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorContains(t, err, "protocols::http")
	require.Error(t, <-failed, "what was cut was not answered, so not acknowledged")
	h.runtime.timeout = time.Second
}

func TestHTTPAfterShutdownOnAnOpenConnection(t *testing.T) {
	h := newHTTPHarness(t)
	conn := h.rawConn()
	<-h.receiver.http.handler.inWork.drained() // what Shutdown does in the end
	_, err := fmt.Fprintf(conn, "POST /v1/feedback HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	assert.True(t, resp.Close)
	h.read(resp).refused(t, 503, "unavailable")
}

func newStartTest(t *testing.T, change func(*HTTPConfig)) *feedbackReceiver {
	cfg := createDefaultConfig().(*Config)
	httpCfg := cfg.Protocols.HTTP.GetOrInsertDefault()
	httpCfg.ServerConfig.NetAddr.Endpoint = "localhost:0"
	cfg.Protocols.GRPC.GetOrInsertDefault().ServerConfig.NetAddr.Endpoint = "localhost:0"
	change(httpCfg)
	r, err := newFeedbackReceiver(cfg, receivertest.NewNopSettings(metadata.Type), consumertest.NewNop())
	require.NoError(t, err)
	return r
}

func TestStartNeedsTheRuntime(t *testing.T) {
	r := newStartTest(t, func(*HTTPConfig) {})
	require.NoError(t, r.Shutdown(context.Background()), "before Start")
	require.ErrorContains(t, r.Start(context.Background(), componenttest.NewNopHost()), "feedbackruntime")
	require.NoError(t, r.Shutdown(context.Background()))
}

func TestPartialStartIsUndone(t *testing.T) {
	taken, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	defer taken.Close()
	host := &httpHost{extensions: map[component.ID]component.Component{component.MustNewID("feedbackruntime"): newHTTPRuntime()}}

	for name, tt := range map[string]struct {
		change func(*HTTPConfig)
		want   string
	}{
		"port taken": {func(c *HTTPConfig) { c.ServerConfig.NetAddr.Endpoint = taken.Addr().String() }, "address already in use"},
		"no authenticator": {func(c *HTTPConfig) {
			c.ServerConfig.Auth = configoptional.Some(confighttp.AuthConfig{Config: configauth.Config{AuthenticatorID: component.MustNewID("absent")}})
		}, "absent"},
		"bad proxies": {func(c *HTTPConfig) { c.TrustedProxies = []string{"x"} }, "protocols::http"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newStartTest(t, tt.change)
			err := r.Start(context.Background(), host)
			require.ErrorContains(t, err, tt.want)
			assert.ErrorContains(t, err, "protocols::http")
			require.NotNil(t, r.grpc.addr)
			_, err = net.Dial("tcp", r.grpc.addr.String())
			require.Error(t, err, "the other server was stopped again")
			require.NoError(t, r.Shutdown(context.Background()))
		})
	}
}

func TestServeFailureIsFatal(t *testing.T) {
	h := newHTTPHarness(t)
	require.NoError(t, h.receiver.http.listener.Close())
	require.Eventually(t, func() bool {
		s := h.host.statuses()
		return len(s) == 1 && s[0] == componentstatus.StatusFatalError
	}, 5*time.Second, time.Millisecond)
}
