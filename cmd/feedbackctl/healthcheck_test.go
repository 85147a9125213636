// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// healthy answers as a collector whose process lives and whose /ready says the status.
func healthy(ready int) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("alive\n")) })
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(ready)
		_, _ = w.Write([]byte("the topic is missing\x1b[2J\n"))
	})
	return mux
}

func TestHealthcheck(t *testing.T) {
	up := httptest.NewServer(healthy(http.StatusOK))
	defer up.Close()
	down := httptest.NewServer(healthy(http.StatusServiceUnavailable))
	defer down.Close()
	elsewhere := httptest.NewServer(http.RedirectHandler(up.URL+"/ready", http.StatusFound))
	defer elsewhere.Close()
	secured := httptest.NewTLSServer(healthy(http.StatusOK))
	defer secured.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secured.Certificate().Raw}), 0o600))

	env := func(url string) map[string]string {
		return map[string]string{envHTTPEndpoint: "0.0.0.0:" + port(t, url)}
	}
	over := func(vars map[string]string, name, value string) map[string]string {
		vars[name] = value
		return vars
	}
	tests := map[string]struct {
		args     []string
		env      map[string]string
		code     int
		out, err string
	}{
		"ready":            {args: []string{"-e", up.URL}, out: "/ready answered 200 OK: the topic"},
		"own":              {env: env(up.URL), out: "http://localhost:" + port(t, up.URL) + "/ready answered 200"},
		"not ready":        {args: []string{"-e", down.URL}, code: 1, err: "not healthy: " + down.URL + "/ready answered 503 Service Unavailable: the topic is missing"},
		"own, not ready":   {env: env(down.URL), code: 1, err: "503"},
		"live":             {args: []string{"-e", down.URL, "--live"}, out: "/health answered 200 OK: alive"},
		"redirected":       {args: []string{"-e", elsewhere.URL}, code: 1, err: "302"},
		"nobody":           {args: []string{"-e", "127.0.0.1:1"}, code: 1, err: "not healthy: "},
		"tls":              {args: []string{"-e", secured.URL, "--tls-ca", ca}, out: "200"},
		"tls, own":         {env: over(env(secured.URL), envTLSCertFile, "any.pem"), out: "https://localhost:"},
		"tls, not trusted": {args: []string{"-e", secured.URL}, code: 1, err: "certificate"},
		"tls, insecure":    {args: []string{"-e", secured.URL, "--insecure"}, out: "200"},
		"plain, of tls":    {env: env(secured.URL), code: 1, err: "400"},
		"bad endpoint":     {args: []string{"-e", "ftp://x"}, code: 2, err: "--endpoint: must be http(s)://host:port"},
		"bad variable":     {env: map[string]string{envHTTPEndpoint: "8080"}, code: 2, err: envHTTPEndpoint},
		"bad timeout":      {args: []string{"--timeout", "0s"}, code: 2, err: "--timeout must be positive"},
		"bad authorities":  {args: []string{"--tls-ca", "nowhere"}, code: 2, err: "--tls-ca"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := ctl(t, "", tt.env, append([]string{"healthcheck"}, tt.args...)...)
			assert.Equal(t, tt.code, got.code, got.err)
			assert.Contains(t, got.out, tt.out)
			assert.Contains(t, got.err, tt.err)
			assert.NotContains(t, got.out+got.err, "\x1b")
		})
	}
}

func port(t *testing.T, text string) string {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u.Port()
}

// The certificate of a collector that is asked over the network is verified.
func TestHealthcheckTrustsLoopbackAlone(t *testing.T) {
	for listen, want := range map[string]healthFlags{
		"":               {endpoint: "https://localhost:8080", insecure: true},
		":1":             {endpoint: "https://localhost:1", insecure: true},
		"[::]:1":         {endpoint: "https://localhost:1", insecure: true},
		"127.0.0.1:1":    {endpoint: "https://127.0.0.1:1", insecure: true},
		"192.0.2.1:1":    {endpoint: "https://192.0.2.1:1"},
		"feedback.lan:1": {endpoint: "https://feedback.lan:1"},
	} {
		var got healthFlags
		require.NoError(t, got.ownEndpoint(func(name string) string {
			return map[string]string{envHTTPEndpoint: listen, envTLSCertFile: "cert.pem"}[name]
		}))
		assert.Equal(t, want, got, listen)
	}
}

func TestHealthcheckGRPC(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv, state := grpc.NewServer(), health.NewServer()
	healthpb.RegisterHealthServer(srv, state)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(lis) }()
	address := lis.Addr().String()

	got := ctl(t, "", nil, "healthcheck", "--grpc", address)
	assert.Equal(t, outcome{exitOK, address + " answered SERVING\n", ""}, got)

	state.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
	got = ctl(t, "", nil, "healthcheck", "--grpc", address)
	assert.Equal(t, outcome{exitRejected, "", "not healthy: " + address + " answered NOT_SERVING\n"}, got)

	srv.Stop()
	require.NoError(t, <-served)
	got = ctl(t, "", nil, "healthcheck", "--grpc", address)
	assert.Equal(t, exitRejected, got.code)
	assert.Contains(t, got.err, "Unavailable")
}

func TestMan(t *testing.T) {
	first, second := t.TempDir(), filepath.Join(t.TempDir(), "new")
	require.Equal(t, exitOK, ctl(t, "", nil, "man", first).code)
	require.Equal(t, exitOK, ctl(t, "", nil, "man", second).code)
	pages, err := os.ReadDir(first)
	require.NoError(t, err)
	var names []string
	for _, p := range pages {
		names = append(names, p.Name())
		a, err := os.ReadFile(filepath.Join(first, p.Name()))
		require.NoError(t, err)
		b, err := os.ReadFile(filepath.Join(second, p.Name()))
		require.NoError(t, err)
		assert.Equal(t, string(a), string(b), "the same bytes twice")
	}
	assert.Subset(t, names, []string{"feedbackctl.1", "feedbackctl-send.1", "feedbackctl-spool-drain.1", "feedbackctl-healthcheck.1"})
	assert.NotContains(t, names, "feedbackctl-man.1")
	assert.Equal(t, exitError, ctl(t, "", nil, "man").code)
}
