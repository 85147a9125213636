// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package hostile

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Timeouts short enough for a test; those that are shipped are two to four times
// as long.
const shortTimeouts = "receivers::feedback::protocols::http: {read_header_timeout: 4s, read_timeout: 8s, idle_timeout: 8s}"

const (
	headPart     = "POST /v1/feedback HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Slow: "
	announcement = "POST /v1/feedback HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048576\r\n\r\n["
	chunkedPart  = "POST /v1/feedback HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
)

// TestSlowSenders: a thousand connections drip bytes, of a header, of a body
// that announces a MiB, of a body of unknown length.
func TestSlowSenders(t *testing.T) {
	g := attacked(t, shortTimeouts)
	stop := make(chan struct{})
	defer close(stop)
	began := time.Now()
	slow := []*crowd{
		gather(t, g.HTTP, 334, headPart),
		gather(t, g.HTTP, 333, announcement),
		gather(t, g.HTTP, 333, chunkedPart),
	}
	slow[0].drip(200*time.Millisecond, "x", stop)
	slow[1].drip(200*time.Millisecond, " ", stop)
	slow[2].drip(100*time.Millisecond, "1\r\n \r\n", stop)

	g.serves(t, 400, 50*time.Millisecond, time.Second)
	for i, c := range slow {
		assert.Zero(t, c.ended.Load(), "crowd %d was not there while the normal client was", i)
	}
	for i, limit := range []time.Duration{4 * time.Second, 8 * time.Second, 8 * time.Second} {
		c := slow[i]
		require.Eventually(t, func() bool { return int(c.ended.Load()) == len(c.conns) }, 15*time.Second, 50*time.Millisecond,
			"slow connections were not cut")
		assert.GreaterOrEqual(t, time.Since(began), limit)
	}
	t.Logf("all were cut after %s; peak RSS %d MiB", time.Since(began).Round(100*time.Millisecond), g.peak(t)/mib)
	g.lives(t)
}

// TestIdleConnections: ten thousand connections of which nothing comes, to each
// server.
func TestIdleConnections(t *testing.T) {
	g := attacked(t)
	n := 10_000
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)) // Go has raised the soft limit to the hard one
	if most := int(min(limit.Cur, 1<<20)) - 500; most < n {
		t.Logf("the system allows no more than %d open files: %d connections instead of %d", limit.Cur, most, n)
		n = most
	}
	for _, server := range []struct{ name, address, first string }{
		{"HTTP", g.HTTP, ""},
		{"gRPC", g.GRPC, http2Preface},
		{"OTLP over HTTP", g.OTLPHTTP, ""},
		{"OTLP over gRPC", g.OTLPGRPC, http2Preface},
	} {
		t.Run(server.name, func(t *testing.T) {
			before := g.rss(t)
			idle := gather(t, server.address, n, server.first)
			g.serves(t, 100, 50*time.Millisecond, time.Second)
			each := (g.rss(t) - before) / int64(n)
			t.Logf("%d idle connections: RSS %d MiB, %d KiB each", n, g.rss(t)/mib, each/1024)
			assert.Zero(t, idle.ended.Load(), "they were not there while the normal client was")
			assert.Less(t, each, int64(48<<10))
			idle.leave()
			require.Eventually(t, func() bool { return g.files(t) < 500 }, 10*time.Second, 50*time.Millisecond, "their files stay open")
		})
	}
	g.lives(t)
}

// http2Preface opens a connection of HTTP/2 with an empty SETTINGS frame.
const http2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
