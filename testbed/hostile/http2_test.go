// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package hostile

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// withTLS is an overlay by which the HTTP server speaks TLS, and with it HTTP/2.
func withTLS(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	dir := t.TempDir()
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600))
		return path
	}
	return "receivers::feedback::protocols::http::tls: {cert_file: " + write("cert.pem", "CERTIFICATE", cert) +
		", key_file: " + write("key.pem", "PRIVATE KEY", der) + "}"
}

// h2 is a client of HTTP/2 that sends what frames it likes.
type h2 struct {
	conn   net.Conn
	framer *http2.Framer
	text   bytes.Buffer
	enc    *hpack.Encoder
	ended  chan struct{} // closed when the server hung up
	goAway atomic.Int64  // the code of its GOAWAY, -1 without one

	refused atomic.Int64 // streams that the server reset

	mu      sync.Mutex
	windows map[uint32]int // what may be sent, by stream; 0 is the connection
}

// speak opens a connection of HTTP/2; what the server says is read and dropped.
func speak(t *testing.T, conn net.Conn) *h2 {
	t.Helper()
	h := &h2{conn: conn, framer: http2.NewFramer(conn, conn), ended: make(chan struct{}), windows: map[uint32]int{}}
	h.enc = hpack.NewEncoder(&h.text)
	h.goAway.Store(-1)
	_, err := io.WriteString(conn, http2.ClientPreface)
	require.NoError(t, err)
	require.NoError(t, h.framer.WriteSettings())
	go func() {
		defer close(h.ended)
		for {
			frame, err := h.framer.ReadFrame()
			if err != nil {
				return
			}
			switch frame := frame.(type) {
			case *http2.GoAwayFrame:
				h.goAway.Store(int64(frame.ErrCode))
			case *http2.RSTStreamFrame:
				h.refused.Add(1)
			case *http2.WindowUpdateFrame:
				h.mu.Lock()
				h.windows[frame.StreamID] += int(frame.Increment)
				h.mu.Unlock()
			}
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-h.ended
	})
	return h
}

// may takes n bytes of a stream's window and the connection's, if there are.
func (h *h2) may(stream uint32, n int) bool {
	const initial = 65535
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.windows[stream]+initial < n || h.windows[0]+initial < n {
		return false
	}
	h.windows[stream] -= n
	h.windows[0] -= n
	return true
}

// over reports whether the server hung up.
func (h *h2) over() bool {
	select {
	case <-h.ended:
		return true
	default:
		return false
	}
}

// headers encodes name, value, name, value.
func (h *h2) headers(fields ...string) []byte {
	h.text.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = h.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return h.text.Bytes()
}

// asGRPC and asHTTP are the headers of a request.
var (
	asHTTP = []string{":method", "POST", ":scheme", "https", ":authority", "localhost", ":path", "/v1/feedback", "content-type", "application/json"}
	asGRPC = []string{":method", "POST", ":scheme", "http", ":authority", "localhost", ":path", "/feedback.v1.FeedbackService/Submit", "content-type", "application/grpc", "te", "trailers"}
)

// servers are what speaks HTTP/2.
func (g *target) servers(t *testing.T) map[string]struct {
	open    func() net.Conn
	headers []string
} {
	type server = struct {
		open    func() net.Conn
		headers []string
	}
	return map[string]server{
		"HTTP": {func() net.Conn {
			conn := tls.Client(dial(t, g.HTTP), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
			require.NoError(t, conn.HandshakeContext(t.Context()))
			require.Equal(t, "h2", conn.ConnectionState().NegotiatedProtocol)
			return conn
		}, asHTTP},
		"gRPC":      {func() net.Conn { return dial(t, g.GRPC) }, asGRPC},
		"OTLP gRPC": {func() net.Conn { return dial(t, g.OTLPGRPC) }, asGRPC},
	}
}

// alive asks a server of HTTP/2 that is not the one under attack.
func (g *target) alive(t *testing.T) {
	t.Helper()
	require.True(t, g.Running(), "the collector has ended")
	conn := dial(t, g.GRPC)
	h := speak(t, conn)
	require.NoError(t, h.framer.WritePing(false, [8]byte{1}))
}

// TestRapidReset: requests that are opened and taken back at once, as fast as the
// connection takes them (CVE-2023-44487).
func TestRapidReset(t *testing.T) {
	g := attackedTLS(t)
	for name, server := range g.servers(t) {
		t.Run(name, func(t *testing.T) {
			cpu, before := g.cpu(t), g.rss(t)
			var sent atomic.Int64
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			done := make(chan struct{})
			const connections = 4
			for range connections {
				h := speak(t, server.open())
				go func() {
					defer func() { done <- struct{}{} }()
					for id := uint32(1); ctx.Err() == nil && id < 1<<31-2; id += 2 {
						block := h.headers(server.headers...)
						if h.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndHeaders: true}) != nil ||
							h.framer.WriteRSTStream(id, http2.ErrCodeCancel) != nil {
							return // the server hung up: as well
						}
						sent.Add(1)
					}
				}()
			}
			for range connections {
				<-done
			}
			t.Logf("%d requests were reset; %s of CPU, RSS %d MiB more", sent.Load(), (g.cpu(t) - cpu).Round(time.Millisecond), (g.rss(t)-before)/mib)
			assert.Less(t, g.rss(t)-before, int64(64*mib+garbage))
			g.alive(t)
			g.serves(t, 20, 100*time.Millisecond, 2*time.Second)
		})
	}
}

// TestContinuationFlood: a header that never ends, in frames that are each within
// the limit (CVE-2023-45288).
func TestContinuationFlood(t *testing.T) {
	g := attackedTLS(t)
	for name, server := range g.servers(t) {
		t.Run(name, func(t *testing.T) {
			before := g.rss(t)
			h := speak(t, server.open())
			block := bytes.Clone(h.headers(server.headers...))
			require.NoError(t, h.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block}))
			more := bytes.Repeat(h.headers("x", string(bytes.Repeat([]byte("y"), 1000))), 1)
			sent := 0
			end := time.Now().Add(10 * time.Second)
			for time.Now().Before(end) {
				if h.framer.WriteContinuation(1, false, more) != nil {
					break
				}
				sent += len(more)
				select {
				case <-h.ended:
					end = time.Time{}
				default:
				}
			}
			t.Logf("cut after %d KiB of headers; RSS %d MiB more", sent>>10, (g.rss(t)-before)/mib)
			select {
			case <-h.ended:
			case <-time.After(10 * time.Second):
				t.Error("the server goes on reading")
			}
			assert.Less(t, g.rss(t)-before, int64(32*mib+garbage))
			g.alive(t)
		})
	}
}

// TestFrameFloods: frames that cost nothing to send and each want an answer.
func TestFrameFloods(t *testing.T) {
	g := attackedTLS(t)
	for name, server := range g.servers(t) {
		for flood, frame := range map[string]func(h *h2, i uint32) error{
			"pings":         func(h *h2, _ uint32) error { return h.framer.WritePing(false, [8]byte{}) },
			"settings":      func(h *h2, _ uint32) error { return h.framer.WriteSettings() },
			"window update": func(h *h2, _ uint32) error { return h.framer.WriteWindowUpdate(0, 1) },
			"empty data": func(h *h2, i uint32) error {
				if i == 0 {
					return h.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: h.headers(server.headers...), EndHeaders: true})
				}
				return h.framer.WriteData(1, false, nil)
			},
		} {
			t.Run(name+", "+flood, func(t *testing.T) {
				before := g.rss(t)
				h := speak(t, server.open())
				end := time.Now().Add(500 * time.Millisecond)
				n := uint32(0)
				for ; time.Now().Before(end); n++ {
					if frame(h, n) != nil {
						break
					}
				}
				if flood == "pings" && name != "HTTP" {
					require.Eventually(t, func() bool { return h.goAway.Load() == int64(http2.ErrCodeEnhanceYourCalm) },
						10*time.Second, 10*time.Millisecond, "the keepalive policy is not enforced")
				}
				t.Logf("%d frames, GOAWAY %d; RSS %d MiB more", n, h.goAway.Load(), (g.rss(t)-before)/mib)
				assert.Less(t, g.rss(t)-before, int64(32*mib+garbage))
			})
		}
	}
	g.alive(t)
	g.serves(t, 20, 100*time.Millisecond, 2*time.Second)
}
