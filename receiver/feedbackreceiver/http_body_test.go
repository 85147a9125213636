// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
)

// through compresses data with a streaming compressor.
func through(t testing.TB, data string, open func(io.Writer) io.WriteCloser) []byte {
	var out bytes.Buffer
	w := open(&out)
	_, err := io.WriteString(w, data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func compress(t testing.TB, encoding, data string) []byte {
	switch encoding {
	case "gzip":
		return through(t, data, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	case "deflate", "zlib":
		return through(t, data, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
	case "zstd": // a stream: its frame does not name the size
		return through(t, data, func(w io.Writer) io.WriteCloser {
			enc, err := zstd.NewWriter(w)
			require.NoError(t, err)
			return enc
		})
	case "x-snappy-framed":
		return through(t, data, func(w io.Writer) io.WriteCloser { return snappy.NewBufferedWriter(w) })
	case "lz4":
		return through(t, data, func(w io.Writer) io.WriteCloser { return lz4.NewWriter(w) })
	case "snappy":
		return snappy.Encode(nil, []byte(data))
	}
	t.Fatal(encoding)
	return nil
}

func zstdSized(t testing.TB, data string) []byte {
	enc, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	defer enc.Close()
	return enc.EncodeAll([]byte(data), nil)
}

func (h *httpHarness) sendBytes(body []byte, header ...string) answer {
	h.t.Helper()
	return h.do(http.MethodPost, pathFeedback, bytes.NewReader(body), header...)
}

func TestHTTPCompression(t *testing.T) {
	const limit = 1 << 20
	h := newHTTPHarness(t, withHTTPConfig(func(c *HTTPConfig) { c.ServerConfig.MaxRequestBodySize = limit }))
	array := "[" + strings.Repeat(good+",", 999) + good + "]"
	padded := func(n int) string { return `{"comment":"` + strings.Repeat("x", n-14) + `"}` }

	for name := range codecs {
		t.Run(name, func(t *testing.T) {
			for range 2 { // the second time from the pool
				got := h.sendBytes(compress(t, name, array), "Content-Encoding", name)
				require.Equal(t, 202, got.status, got.body)
				assert.Contains(t, got.body, `"accepted":1000,`)

				// Without a length known beforehand.
				got = h.do("POST", pathFeedback, io.MultiReader(bytes.NewReader(compress(t, name, good))), "Content-Encoding", strings.ToUpper(name))
				require.Equal(t, 202, got.status, got.body)

				// At the limit and one byte over it.
				got = h.sendBytes(compress(t, name, padded(limit)), "Content-Encoding", name)
				assert.Equal(t, 202, got.status, got.body)
				h.sendBytes(compress(t, name, padded(limit+1)), "Content-Encoding", name).refused(t, 413, "too_large")
				h.sendBytes(compress(t, name, padded(16<<20)), "Content-Encoding", name).refused(t, 413, "too_large")

				// Cut, and not it at all.
				whole := compress(t, name, array)
				for _, broken := range [][]byte{whole[:len(whole)/2], []byte(good), {}} {
					got = h.sendBytes(broken, "Content-Encoding", name)
					assert.Equal(t, 400, got.status, got.body)
					assert.Contains(t, got.body, `{"accepted":0,"rejected":1,"errors":[{"index":0,"code":"malformed_json"`)
				}
			}
		})
	}
	t.Run("zstd frames", func(t *testing.T) {
		frames := append(zstdSized(t, "["+good+","), zstdSized(t, good+"]")...)
		got := h.sendBytes(frames, "Content-Encoding", "zstd")
		assert.Equal(t, 202, got.status, got.body)
		h.sendBytes(zstdSized(t, padded(limit+1)), "Content-Encoding", "zstd").refused(t, 413, "too_large")
		assert.Equal(t, 202, h.sendBytes(zstdSized(t, padded(limit)), "Content-Encoding", "zstd").status)
	})
	t.Run("snappy that is framed", func(t *testing.T) {
		got := h.sendBytes(compress(t, "x-snappy-framed", good), "Content-Encoding", "snappy")
		assert.Equal(t, 202, got.status, got.body)
	})
	t.Run("identity", func(t *testing.T) {
		assert.Equal(t, 202, h.send(good, "Content-Encoding", "identity").status)
		assert.Equal(t, 202, h.send(good, "Content-Encoding", "").status)
	})
	t.Run("unknown", func(t *testing.T) {
		for _, headers := range [][]string{
			{"Content-Encoding", "br"},
			{"Content-Encoding", "gzip, gzip"},
			{"Content-Encoding", "gzip", "Content-Encoding", "gzip"},
		} {
			got := h.send(good, headers...)
			got.refused(t, 415, "unsupported_media_type")
			assert.Equal(t, "deflate, gzip, lz4, snappy, x-snappy-framed, zlib, zstd, identity", got.header.Get("Accept-Encoding"))
		}
	})
}

func TestHTTPCompressionCanBeLimited(t *testing.T) {
	h := newHTTPHarness(t, withHTTPConfig(func(c *HTTPConfig) { c.ServerConfig.CompressionAlgorithms = []string{"", "zstd"} }))
	assert.Equal(t, 202, h.sendBytes(zstdSized(t, good), "Content-Encoding", "zstd").status)
	got := h.sendBytes(compress(t, "gzip", good), "Content-Encoding", "gzip")
	got.refused(t, 415, "unsupported_media_type")
	assert.Equal(t, "zstd, identity", got.header.Get("Accept-Encoding"))
}

func TestHTTPBodySizes(t *testing.T) {
	const limit = 5 << 20 // several steps of counting
	h := newHTTPHarness(t, withHTTPConfig(func(c *HTTPConfig) { c.ServerConfig.MaxRequestBodySize = limit }))
	for _, n := range []int{14, 15, firstRead - 1, firstRead, firstRead + 1, 4 * firstRead, 4*firstRead + 1, 1 << 20, 3 << 20, limit, limit + 1} {
		body := `{"comment":"` + strings.Repeat("x", n-14) + `"}`
		for _, known := range []bool{true, false} {
			var r io.Reader = strings.NewReader(body)
			if !known {
				r = io.MultiReader(r)
			}
			got := h.do("POST", pathFeedback, r)
			if n > limit {
				got.refused(t, 413, "too_large")
				continue
			}
			require.Equal(t, 202, got.status, "%d bytes, length known: %t", n, known)
			assert.Equal(t, []int{n}, h.judge.last(t).req.Sizes)
		}
	}
}

func TestHTTPSlowBody(t *testing.T) {
	h := newHTTPHarness(t, withHTTPConfig(func(c *HTTPConfig) { c.ServerConfig.ReadTimeout = 100 * time.Millisecond }))
	conn := h.rawConn()
	_, err := fmt.Fprintf(conn, "POST /v1/feedback HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
	require.NoError(t, err)
	raw, err := io.ReadAll(conn) // the server closes
	require.NoError(t, err)
	assert.Contains(t, string(raw), "HTTP/1.1 408 ")
	assert.Contains(t, string(raw), "Connection: close")
	assert.Contains(t, string(raw), `{"error":{"code":"timeout",`)
}

// What a client announces, or a decoder would need, is not counted before it is
// there: a crowd of slow clients must not fill the account.
func TestHTTPSlowBodiesHoldLittle(t *testing.T) {
	h := newHTTPHarness(t)
	const crowd = 20
	for i := range crowd {
		conn := h.rawConn()
		coding := [...]string{"identity", "gzip", "zstd", "lz4"}[i%4]
		_, err := fmt.Fprintf(conn, "POST /v1/feedback HTTP/1.1\r\nHost: x\r\nContent-Encoding: %s\r\nContent-Length: 10000000\r\n\r\n", coding)
		require.NoError(t, err)
		_, err = conn.Write(zstdLargeWindow)
		require.NoError(t, err)
	}
	assert.Eventually(t, func() bool { return h.runtime.account.Bytes() == crowd*firstRead }, 10*time.Second, time.Millisecond)
	assert.Equal(t, 202, h.send(good).status)
	assert.Equal(t, int64(crowd*firstRead), h.runtime.account.Bytes())
}

// zstdLargeWindow begins a frame that asks for a window of 32 MiB.
var zstdLargeWindow = []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 15 << 3}

func TestHTTPBodyThatEndsEarly(t *testing.T) {
	h := newHTTPHarness(t)
	conn := h.rawConn()
	_, err := fmt.Fprintf(conn, "POST /v1/feedback HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\nnonsense\r\n")
	require.NoError(t, err)
	raw, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.Contains(t, string(raw), "HTTP/1.1 400 ")
	assert.Contains(t, string(raw), `"code":"malformed_json","field":"","message":"the body ended early"`)
}

// The deadline for reading must not look like a client that hung up while the
// pipeline works.
func TestHTTPReadTimeoutSparesThePipeline(t *testing.T) {
	const timeout = 250 * time.Millisecond
	h := newHTTPHarness(t, withHTTPConfig(func(c *HTTPConfig) { c.ServerConfig.ReadTimeout = timeout }))
	h.judge.wait = func(ctx context.Context) {
		select {
		case <-ctx.Done():
			t.Error("the request's context has ended")
		case <-time.After(4 * timeout):
		}
	}
	assert.Equal(t, 202, h.send(good).status)
}

func TestHTTPFullAccount(t *testing.T) {
	h := newHTTPHarness(t)
	h.runtime.account = feedbackruntimeextension.NewAccount(10, 256<<10, 10*time.Millisecond)
	other := h.runtime.account.Open()
	require.NoError(t, other.Grow(context.Background(), 0, 252<<10))

	assert.Equal(t, 202, h.send(good).status, "there is room for a small one")
	large := "[" + strings.Repeat(good+",", 100) + good + "]"
	got := h.send(large)
	got.refused(t, 503, "unavailable")
	assert.Equal(t, "1", got.header.Get("Retry-After"))
	h.sendBytes(compress(t, "zstd", large), "Content-Encoding", "zstd").refused(t, 503, "unavailable")
	h.sendBytes(compress(t, "gzip", large), "Content-Encoding", "gzip").refused(t, 503, "unavailable")

	other.Release()
	assert.Equal(t, 202, h.send(large).status)
	h.send(`{"comment":"`+strings.Repeat("x", 260<<10)+`"}`).refused(t, 413, "too_large")
}

// What a body holds of the account is held until the pipeline has returned.
func TestHTTPBodyIsCountedUntilItsFateIsKnown(t *testing.T) {
	h := newHTTPHarness(t)
	var during int64
	h.judge.wait = func(context.Context) { during = h.runtime.account.Bytes() }
	require.Equal(t, 202, h.send(good).status)
	assert.Equal(t, int64(len(good)), during)
}

func TestHTTPLargeHeaders(t *testing.T) {
	h := newHTTPHarness(t, withHTTPConfig(func(c *HTTPConfig) { c.MaxHeaderBytes = 8 << 10 }))
	assert.Equal(t, 202, h.send(good, "X-Large", strings.Repeat("x", 7<<10)).status)
	h.send(good, "X-Large", strings.Repeat("x", 9<<10)).refused(t, 431, "headers_too_large")
	h.do("GET", pathHealth+"?"+strings.Repeat("x", 9<<10), nil).refused(t, 431, "headers_too_large")

	// Far over the limit net/http answers, in words of its own.
	resp, err := h.client.Do(must(http.NewRequest(http.MethodGet, h.url+pathHealth+"?"+strings.Repeat("x", 64<<10), nil)))
	require.NoError(t, err)
	assert.Equal(t, 431, h.read(resp).status)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
