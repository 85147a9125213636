// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package hostile

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const maxBody = 20 * mib

// TestBodiesThatLie: lengths that are not true, and bodies that do not end.
func TestBodiesThatLie(t *testing.T) {
	g := attacked(t, shortTimeouts)
	head := func(more string) string {
		return "POST /v1/feedback HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + more + "\r\n"
	}
	for _, tt := range []struct {
		name, sent string
		status     int
	}{
		{"announces too much", head(fmt.Sprintf("Content-Length: %d\r\n", maxBody+1)), http.StatusRequestEntityTooLarge},
		{"announces all there is", head("Content-Length: 9223372036854775807\r\n"), http.StatusRequestEntityTooLarge},
		{"announces more than there is", head("Content-Length: 99999999999999999999\r\n"), http.StatusBadRequest},
		{"announces less than nothing", head("Content-Length: -1\r\n"), http.StatusBadRequest},
		{"two lengths", head("Content-Length: 4\r\nContent-Length: 5\r\n") + "null", http.StatusBadRequest},
		{"less than it sends", head("Content-Length: 2\r\n") + event, http.StatusBadRequest}, // "{" and a quote are no JSON
		{"more than it sends", head(fmt.Sprintf("Content-Length: %d\r\n", len(event)+1)) + event, http.StatusRequestTimeout},
		{"a chunk of no size", head("Transfer-Encoding: chunked\r\n") + "zz\r\n", http.StatusBadRequest},
		{"a chunk of all sizes", head("Transfer-Encoding: chunked\r\n") + "fffffffffffffffff\r\n", http.StatusBadRequest},
		{"length and chunks", head("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n") + "4\r\nnull\r\n0\r\n\r\n", http.StatusBadRequest},
		{"an unknown transfer coding", head("Transfer-Encoding: gzip, chunked\r\n"), http.StatusNotImplemented},
		{"chunk extensions without end", head("Transfer-Encoding: chunked\r\n") + "1;" + strings.Repeat("x", 64<<10), http.StatusBadRequest},
		{"headers without end", "POST /v1/feedback HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 256<<10), http.StatusRequestHeaderFieldsTooLarge},
		{"thirty thousand headers", head(strings.Repeat("X: \r\n", 30_000) + "Content-Length: 0\r\n"), http.StatusRequestHeaderFieldsTooLarge},
		{"a line that never ends", "GET /" + strings.Repeat("x", 256<<10), http.StatusRequestHeaderFieldsTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := dial(t, g.HTTP)
			_, _ = io.WriteString(conn, tt.sent) // the server may have hung up before the end
			resp, body := readAnswer(t, conn)
			assert.Equal(t, tt.status, resp.StatusCode, body)
		})
	}
	t.Run("endless chunks", func(t *testing.T) {
		// As fast as they are taken: the server stops at the limit.
		a, err := g.post(t.Context(), io.MultiReader(strings.NewReader("["), repeat(event+",")))
		if err == nil { // the client may have seen the connection's end first
			assert.Equal(t, http.StatusRequestEntityTooLarge, a.Status, a.Body)
		}
	})
	t.Run("over the limit by a byte", func(t *testing.T) {
		a := g.mustPost(t, strings.Repeat(" ", maxBody+1))
		assert.Equal(t, http.StatusRequestEntityTooLarge, a.Status, a.Body)
	})
	assert.Less(t, g.peak(t), int64(smallMemory))
	g.lives(t)
}

// repeat is a text without end.
func repeat(text string) io.Reader { return &repeater{text: text} }

type repeater struct {
	text string
	at   int
}

func (r *repeater) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		c := copy(p[n:], r.text[r.at:])
		n += c
		r.at = (r.at + c) % len(r.text)
	}
	return n, nil
}

// bomb compresses n bytes.
func bomb(t *testing.T, coding string, plain io.Reader) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "deflate":
		w = zlib.NewWriter(&out)
	case "zstd":
		var err error
		w, err = zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(8<<20))
		require.NoError(t, err)
	}
	_, err := io.Copy(w, plain)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

// TestCompressionBombs: bodies that become a thousand times as large, in each
// coding, in many members, twice compressed, with headers that name several.
func TestCompressionBombs(t *testing.T) {
	g := attackedEnv(t, smallMachine, smallLimiter)
	spaces := func() io.Reader { return io.LimitReader(repeat(" "), 64*mib) }
	send := func(body []byte, codings ...string) func(*testing.T) {
		return func(t *testing.T) {
			var headers []string
			for _, c := range codings {
				headers = append(headers, "Content-Encoding", c)
			}
			before := g.cpu(t)
			a, err := g.post(t.Context(), bytes.NewReader(body), headers...)
			require.NoError(t, err)
			want := http.StatusRequestEntityTooLarge
			if len(codings) > 1 || strings.Contains(codings[0], ",") || codings[0] == "br" {
				want = http.StatusUnsupportedMediaType
			}
			if strings.HasSuffix(t.Name(), "compressed_twice") {
				want = http.StatusBadRequest // inside it is no JSON
			}
			assert.Equal(t, want, a.Status, a.Body)
			spent := g.cpu(t) - before
			t.Logf("%d bytes: %d after %s of CPU", len(body), a.Status, spent.Round(time.Millisecond))
			assert.Less(t, spent, time.Second)
		}
	}
	for _, coding := range []string{"gzip", "deflate", "zstd"} {
		one := bomb(t, coding, spaces())
		t.Run(coding, send(one, coding))
		t.Run(coding+" compressed twice", send(bomb(t, coding, bytes.NewReader(one)), coding))
		t.Run(coding+" listed twice", send(one, coding+", "+coding))
		t.Run(coding+" in two headers", send(one, coding, coding))
	}
	member := bomb(t, "gzip", io.LimitReader(repeat(" "), mib))
	t.Run("gzip in many members", send(bytes.Repeat(member, 64), "gzip"))
	frame := bomb(t, "zstd", io.LimitReader(repeat(" "), mib))
	t.Run("zstd in many frames", send(bytes.Repeat(frame, 64), "zstd"))
	empty := bomb(t, "gzip", strings.NewReader(""))
	t.Run("gzip members of nothing", func(t *testing.T) {
		before := g.cpu(t)
		a, err := g.post(t.Context(), bytes.NewReader(bytes.Repeat(empty, 19*mib/len(empty))), "Content-Encoding", "gzip")
		require.NoError(t, err)
		spent := g.cpu(t) - before
		t.Logf("%d after %s of CPU", a.Status, spent.Round(time.Millisecond))
		assert.Equal(t, http.StatusBadRequest, a.Status, a.Body)
		assert.Less(t, spent, 3*time.Second)
	})

	one := bomb(t, "gzip", spaces())
	g.flood(t, 100, 3*time.Second, string(one), "Content-Encoding", "gzip")
	assert.Less(t, g.peak(t), int64(smallMemory))
	g.lives(t)
}

// TestNesting: brackets in any number, as a whole and in a field.
func TestNesting(t *testing.T) {
	g := attacked(t)
	const deep = 9 * mib
	for name, body := range map[string]string{
		"arrays":          strings.Repeat("[", deep),
		"closed":          strings.Repeat("[", deep) + strings.Repeat("]", deep),
		"objects":         strings.Repeat(`{"a":`, deep/5),
		"in a field":      `{"type":"user_feedback","x":` + strings.Repeat("[", deep) + strings.Repeat("]", deep) + "}",
		"in an event":     `[` + event + `,` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "]",
		"in lines":        strings.Repeat(strings.Repeat("[", 5000)+"\n", 1000),
		"names in names":  strings.Repeat(`{"events":[`, deep/11),
		"a string inside": `{"comment":"` + strings.Repeat(`\\u005b`, deep/7) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			before := g.cpu(t)
			var headers []string
			if name == "in lines" {
				headers = []string{"Content-Type", "application/x-ndjson"}
			}
			a := g.mustPost(t, body, headers...)
			spent := g.cpu(t) - before
			t.Logf("%d after %s of CPU", a.Status, spent.Round(time.Millisecond))
			if name == "in an event" {
				assert.Contains(t, []int{http.StatusMultiStatus, http.StatusBadRequest}, a.Status)
			} else {
				assert.Contains(t, []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge}, a.Status)
			}
			assert.Less(t, len(a.Body), mib, "the answer is short")
			assert.Less(t, spent, 2*time.Second)
		})
	}
	g.lives(t)
}
