// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package hostile

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
)

// What browsers send beside a page's request.
var (
	chrome = []string{
		"User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
		"Accept", "*/*", "Accept-Language", "en-US,en;q=0.9", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "empty",
		"Sec-Ch-Ua", `"Chromium";v="126"`, "Referer", "https://evil.example/",
	}
	firefox = []string{
		"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
		"Accept", "*/*", "Referer", "https://evil.example/",
	}
)

// TestForeignPages: what a page of another site can make a browser send to a
// collector on the visitor's own machine.
func TestForeignPages(t *testing.T) {
	c := collector.Run(t, collector.Options{
		Configs: []string{collector.ConfigFile("sidecar.yaml"), "yaml:exporters::debug::verbosity: basic",
			"yaml:service::pipelines::logs::exporters: [debug]"},
	})
	g := &target{Collector: c, client: newClient(t), scheme: "http"}
	_, port, err := net.SplitHostPort(g.HTTP)
	require.NoError(t, err)

	for _, tt := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"beacon", []string{"Origin", "https://evil.example", "Content-Type", "text/plain;charset=UTF-8"}, 403},
		{"beacon from a plain page", []string{"Origin", "http://evil.example", "Content-Type", "text/plain;charset=UTF-8"}, 403},
		{"form", []string{"Origin", "https://evil.example", "Content-Type", "text/plain"}, 403},
		{"blob without a type", []string{"Origin", "https://evil.example"}, 403},
		{"sandboxed frame, file, data URL", []string{"Origin", "null", "Content-Type", "text/plain"}, 403},
		{"empty origin", []string{"Origin", "", "Content-Type", "text/plain"}, 403},
		{"two origins", []string{"Origin", "http://" + g.HTTP, "Origin", "https://evil.example"}, 403},
		{"name resolved anew", []string{"Host", "evil.example:" + port, "Origin", "http://evil.example:" + port, "Content-Type", "application/json"}, 403},
		{"name that ends like ours", []string{"Host", "evil-localhost:" + port, "Origin", "http://evil-localhost:" + port}, 403},
		{"name that begins like ours", []string{"Host", "localhost.evil.example:" + port, "Origin", "http://localhost.evil.example:" + port}, 403},
		{"address that begins like ours", []string{"Host", "127.0.0.1.evil.example:" + port, "Origin", "http://127.0.0.1.evil.example:" + port}, 403},
		{"another port here", []string{"Origin", "http://127.0.0.1:1", "Content-Type", "text/plain"}, 403},
		{"our port, over TLS", []string{"Origin", "https://evil.example:" + port, "Content-Type", "text/plain"}, 403},
		{"user in front", []string{"Origin", "http://" + g.HTTP + "@evil.example", "Content-Type", "text/plain"}, 403},
		{"our own page", []string{"Origin", "http://" + g.HTTP, "Content-Type", "application/json"}, 202},
		{"no page at all", []string{"Content-Type", "application/json"}, 202},
	} {
		for browser, usual := range map[string][]string{"chrome": chrome, "firefox": firefox} {
			t.Run(tt.name+", "+browser, func(t *testing.T) {
				headers := append(append([]string{}, usual...), tt.headers...)
				a := g.mustPost(t, event, headers...)
				assert.Equal(t, tt.status, a.Status, a.Body)
				assert.Empty(t, a.Header.Get("Access-Control-Allow-Origin"))
			})
		}
	}
	t.Run("preflight", func(t *testing.T) {
		for _, address := range []string{g.HTTP, g.OTLPHTTP} {
			path := "/v1/feedback"
			if address == g.OTLPHTTP {
				path = "/v1/logs"
			}
			resp, _ := ask(t, g, http.MethodOptions, address, path, append([]string{
				"Origin", "https://evil.example", "Access-Control-Request-Method", "POST",
				"Access-Control-Request-Headers", "content-type", "Access-Control-Request-Private-Network", "true",
			}, chrome...)...)
			assert.GreaterOrEqual(t, resp.StatusCode, 400, address)
			for name := range resp.Header {
				assert.False(t, strings.HasPrefix(name, "Access-Control-Allow"), "%s: %s", address, name)
			}
		}
	})
	t.Run("OTLP without a preflight", func(t *testing.T) {
		record := `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"{}"}}]}]}]}`
		for _, mediaType := range []string{"text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""} {
			headers := append([]string{"Origin", "https://evil.example"}, chrome...)
			if mediaType != "" {
				headers = append(headers, "Content-Type", mediaType)
			}
			resp, body := askBody(t, g, http.MethodPost, g.OTLPHTTP, "/v1/logs", record, headers...)
			assert.Equal(t, http.StatusUnsupportedMediaType, resp.StatusCode, "%q: %s", mediaType, body)
		}
	})
	t.Run("gRPC ports", func(t *testing.T) {
		// A browser speaks HTTP/1.1 to them: nothing is understood.
		for _, address := range []string{g.GRPC, g.OTLPGRPC} {
			conn := dial(t, address)
			_, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nContent-Length: 2\r\n\r\n{}")
			require.NoError(t, err)
			answer, _ := io.ReadAll(conn)
			assert.NotContains(t, string(answer), "200")
		}
	})
	t.Run("what can be read", func(t *testing.T) {
		// No answer allows a page to read it, whatever the page asks for.
		for address, paths := range map[string][]string{
			g.HTTP:    {"/health", "/ready", "/openapi.yaml", "/schema/v1/feedback.json", "/v1/feedback", "/"},
			g.Metrics: {"/metrics"},
		} {
			for _, path := range paths {
				for _, origin := range []string{"https://evil.example", "null"} {
					resp, _ := ask(t, g, http.MethodGet, address, path, append([]string{"Origin", origin}, chrome...)...)
					assert.Empty(t, resp.Header.Get("Access-Control-Allow-Origin"), path)
				}
			}
		}
	})
}

// TestForeignPagesAndTheQuickStart: there other ports of the visitor's machine
// may send, and no one else; its pages and its broker are no way in.
func TestForeignPagesAndTheQuickStart(t *testing.T) {
	zpages := "localhost:0"
	c := collector.Run(t, collector.Options{
		Configs: []string{collector.ConfigFile("quickstart.yaml"), "yaml:extensions::zpages::endpoint: " + zpages},
	})
	g := &target{Collector: c, client: newClient(t), scheme: "http"}
	for origin, status := range map[string]int{
		"http://localhost:3000":              202,
		"https://localhost:3000":             403,
		"http://localhost.evil.example":      403,
		"http://localhost:3000.evil.example": 202, // no browser sends it: a port is a number
		"null":                               403,
		"https://evil.example":               403,
	} {
		a := g.mustPost(t, event, append([]string{"Origin", origin, "Content-Type", "text/plain"}, firefox...)...)
		assert.Equal(t, status, a.Status, origin)
	}
	// The first bytes of a browser's request look like a message of 1.2 GiB to
	// the broker inside: it must hang up, and not make room.
	before := g.rss(t)
	conn := dial(t, g.Kafka)
	_, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nContent-Length: 65536\r\n\r\n"+strings.Repeat("x", 65536))
	_ = err // it may have hung up already
	g.lives(t)
	t.Logf("RSS %d MiB more", (g.rss(t)-before)/mib)
	assert.Less(t, g.rss(t)-before, int64(64*mib+garbage))
}

func ask(t *testing.T, g *target, method, address, path string, headers ...string) (*http.Response, string) {
	t.Helper()
	return askBody(t, g, method, address, path, "", headers...)
}

func askBody(t *testing.T, g *target, method, address, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	if strings.HasSuffix(address, ":"+portOf(g.Metrics)) {
		address = "localhost:" + portOf(g.Metrics)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+path, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := g.client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(answer)
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}
