// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package sender

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/source"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/sample"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// request is what the server saw of one.
type request struct {
	lines  []string
	sum    [sha256.Size]byte // of the body as it came
	header http.Header
}

// collector is a server whose answers are scripted; when they are used up it
// accepts everything.
type collector struct {
	t       *testing.T
	url     string
	script  []http.HandlerFunc
	mu      sync.Mutex
	seen    []request
	discard bool // do not keep the lines
}

func newCollector(t *testing.T, script ...http.HandlerFunc) *collector {
	c := &collector{t: t, script: script}
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	c.url = srv.URL
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	hash := sha256.New()
	body := io.TeeReader(r.Body, hash)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if !assert.NoError(c.t, err) {
			return
		}
		body = z
	}
	req := request{header: r.Header}
	n := 0
	for lines := bufio.NewScanner(body); lines.Scan(); n++ {
		if !c.discard {
			req.lines = append(req.lines, lines.Text())
		}
	}
	req.sum = [sha256.Size]byte(hash.Sum(nil))
	c.mu.Lock()
	c.seen = append(c.seen, req)
	answer := accept(n)
	if len(c.script) > 0 {
		answer, c.script = c.script[0], c.script[1:]
	}
	c.mu.Unlock()
	answer(w, r)
}

func accept(n int) http.HandlerFunc {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf(`"id-%d"`, i)
	}
	return reply(202, fmt.Sprintf(`{"accepted":%d,"rejected":0,"event_ids":[%s]}`, n, strings.Join(ids, ",")))
}

func reply(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// hangUp closes the connection without an answer.
func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// halfAnswer closes it in the middle of one.
func halfAnswer(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"accepted":`)
	panic(http.ErrAbortHandler)
}

// setup returns a sender whose pauses take no time but are remembered.
func setup(t *testing.T, c *collector, change ...func(*Config)) (*Sender, *[]time.Duration) {
	client := &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(client.CloseIdleConnections)
	cfg := Config{
		URL: c.url, Client: client, BatchEvents: 2, Gzip: true, RetryFor: time.Minute, MaxRejects: 3,
		Header: http.Header{"Authorization": {"Bearer t"}},
	}
	for _, f := range change {
		f(&cfg)
	}
	s := New(cfg)
	var (
		pauses []time.Duration
		clock  = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	)
	s.now = func() time.Time { return clock }
	s.sleep = func(ctx context.Context, d time.Duration) error {
		pauses = append(pauses, d)
		clock = clock.Add(d)
		return ctx.Err()
	}
	return s, &pauses
}

func events(t *testing.T, text string) source.Source {
	t.Helper()
	src, err := source.FromReader(strings.NewReader(text), "in", source.FormatNDJSON)
	require.NoError(t, err)
	return src
}

func TestBatches(t *testing.T) {
	for _, zip := range []bool{true, false} {
		c := newCollector(t)
		var progress []int
		s, pauses := setup(t, c, func(c *Config) {
			c.Gzip = zip
			c.Progress = func(t Totals) { progress = append(progress, t.Sent()) }
		})
		r, err := s.Send(t.Context(), events(t, "{\"event_id\":\"a\"}\n{\"b\":1}\nbroken"))
		require.NoError(t, err)
		assert.Equal(t, Totals{Accepted: 3}, r.Totals)
		assert.Equal(t, []string{"id-0", "id-1", "id-0"}, r.IDs)
		assert.Equal(t, []int{2, 3}, progress)
		assert.Empty(t, *pauses)

		require.Len(t, c.seen, 2)
		assert.Equal(t, `{"event_id":"a"}`, c.seen[0].lines[0])
		assert.Regexp(t, `^{"event_id":"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}","b":1}$`, c.seen[0].lines[1])
		assert.Equal(t, []string{"broken"}, c.seen[1].lines)
		assert.Equal(t, "application/x-ndjson", c.seen[0].header.Get("Content-Type"))
		assert.Equal(t, "Bearer t", c.seen[0].header.Get("Authorization"))
	}
}

func TestRetries(t *testing.T) {
	busy := `{"error":{"code":"rate_limited","message":"slow down"}}`
	tests := map[string]struct {
		script []http.HandlerFunc
		pauses []time.Duration // 0: any
		err    string
	}{
		"429 with seconds":     {[]http.HandlerFunc{reply(429, busy, "Retry-After", "7")}, []time.Duration{7 * time.Second}, ""},
		"503 with a date":      {[]http.HandlerFunc{reply(503, "", "Retry-After", "Wed, 04 Mar 2026 05:06:10 GMT")}, []time.Duration{3 * time.Second}, ""},
		"503 without":          {[]http.HandlerFunc{reply(503, ""), reply(503, "")}, []time.Duration{0, 0}, ""},
		"503 with nonsense":    {[]http.HandlerFunc{reply(503, "", "Retry-After", "soon")}, []time.Duration{0}, ""},
		"408, 502, 504":        {[]http.HandlerFunc{reply(408, ""), reply(502, "<html>"), reply(504, "")}, []time.Duration{0, 0, 0}, ""},
		"connection lost":      {[]http.HandlerFunc{hangUp, halfAnswer}, []time.Duration{0, 0}, ""},
		"longer than RetryFor": {[]http.HandlerFunc{reply(429, busy, "Retry-After", "61")}, nil, "gave up after 1m0s: the collector answered 429 Too Many Requests: slow down"},
		"then something final": {[]http.HandlerFunc{reply(503, ""), reply(401, "")}, []time.Duration{0}, "401 Unauthorized (set --token or --token-file)"},
		"forever":              {slicesRepeat(reply(503, ""), 50), nil, "gave up after 1m0s: the collector answered 503 Service Unavailable"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCollector(t, tt.script...)
			var notices []string
			s, pauses := setup(t, c, func(c *Config) { c.Notice = func(s string) { notices = append(notices, s) } })
			r, err := s.Send(t.Context(), events(t, `{"a":1}`))
			for i := 1; i < len(c.seen); i++ {
				assert.Equal(t, c.seen[0].sum, c.seen[i].sum, "the same bytes again")
			}
			assert.Len(t, notices, len(*pauses))
			assert.Equal(t, len(*pauses), r.Retries)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				assert.Zero(t, r.Sent())
				return
			}
			require.NoError(t, err)
			assert.Equal(t, 1, r.Accepted)
			require.Len(t, *pauses, len(tt.pauses))
			for i, want := range tt.pauses {
				if want != 0 {
					assert.Equal(t, want, (*pauses)[i])
				} else {
					top := firstWait << i
					assert.True(t, (*pauses)[i] >= top/2 && (*pauses)[i] <= top, "%v", (*pauses)[i])
				}
			}
		})
	}
}

func slicesRepeat(h http.HandlerFunc, n int) []http.HandlerFunc {
	all := make([]http.HandlerFunc, n)
	for i := range all {
		all[i] = h
	}
	return all
}

func TestNoRetry(t *testing.T) {
	c := newCollector(t, reply(503, ""))
	s, _ := setup(t, c, func(c *Config) { c.RetryFor = 0 })
	_, err := s.Send(t.Context(), events(t, "1"))
	require.EqualError(t, err, "the collector answered 503 Service Unavailable")
	assert.Len(t, c.seen, 1)
}

func TestFinalAnswers(t *testing.T) {
	tests := map[string]struct {
		answer http.HandlerFunc
		err    string
	}{
		"401":                   {reply(401, `{"error":{"code":"unauthenticated","message":"no token"}}`), "401 Unauthorized: no token (set --token or --token-file)"},
		"403":                   {reply(403, `{"error":{"code":"permission_denied"}}`), "403 Forbidden: permission_denied (the token does not allow this)"},
		"404":                   {reply(404, "<html>nothing here</html>"), "404 Not Found (does --endpoint name a feedback collector?)"},
		"307":                   {reply(307, "", "Location", "https://elsewhere.example"), "307 Temporary Redirect (it points elsewhere"},
		"500":                   {reply(500, ""), "500 Internal Server Error"},
		"400 of something else": {reply(400, "Bad Request"), "the collector answered 400 Bad Request"},
		"202 without JSON":      {reply(202, "OK"), "not a collector's: it is no JSON"},
		"202 cut off":           {reply(202, `{"accepted":2,`), "not a collector's: it is no JSON"},
		"202 of something else": {reply(202, "{}"), "not a collector's: it does not tell of each of 2 events"},
		"202 for too few":       {reply(202, `{"accepted":1,"rejected":0}`), "does not tell of each of 2 events"},
		"200":                   {reply(200, "{}"), "the collector answered 200 OK"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, pauses := setup(t, newCollector(t, accept(2), tt.answer))
			r, err := s.Send(t.Context(), events(t, "1\n2\n3\n4\n5"))
			require.ErrorContains(t, err, tt.err)
			assert.Equal(t, Totals{Accepted: 2}, r.Totals, "what went before is told")
			assert.Empty(t, *pauses)
		})
	}
}

func TestRejects(t *testing.T) {
	c := newCollector(t,
		reply(207, `{"accepted":1,"rejected":1,"event_ids":["x",null],"errors":[
			{"index":1,"code":"missing_field","field":"session_id","message":"is required"},
			{"index":1,"code":"invalid_type","field":"rating","message":"must be a number"}]}`),
		reply(400, `{"accepted":0,"rejected":2,"errors_truncated":true,"errors":[
			{"index":0,"code":"malformed_json","message":"no JSON"},
			{"index":7,"code":"unknown_type","field":"type","message":"?"}]}`))
	s, _ := setup(t, c)
	r, err := s.Send(t.Context(), events(t, "1\n\n2\n3\n4"))
	require.NoError(t, err)
	assert.Equal(t, Totals{Accepted: 1, Rejected: 3}, r.Totals)
	assert.Equal(t, []string{"x"}, r.IDs)
	assert.True(t, r.MoreRejects)
	assert.Equal(t, []Reject{
		{Where: "line 3", Code: "missing_field", Field: "session_id", Message: "is required"},
		{Where: "line 3", Code: "invalid_type", Field: "rating", Message: "must be a number"},
		{Where: "line 4", Code: "malformed_json", Message: "no JSON"},
	}, r.Rejects)
}

func TestTooLarge(t *testing.T) {
	large := reply(413, `{"error":{"code":"too_large","message":"over 1 MiB"}}`)
	// Four events: as a whole, the first half, its first event.
	c := newCollector(t, large, large, large)
	s, _ := setup(t, c, func(c *Config) { c.BatchEvents = 4 })
	r, err := s.Send(t.Context(), events(t, "1\n2\n3\n4"))
	require.NoError(t, err)
	assert.Equal(t, Totals{Accepted: 3, Rejected: 1}, r.Totals)
	assert.Equal(t, []Reject{{Where: "line 1", Code: "too_large", Message: "over 1 MiB"}}, r.Rejects)
	assert.Equal(t, []string{"3", "4"}, c.seen[len(c.seen)-1].lines)

	s, _ = setup(t, newCollector(t, reply(413, "<html>")))
	r, err = s.Send(t.Context(), events(t, "1"))
	require.NoError(t, err)
	assert.Equal(t, "the collector answered 413 Request Entity Too Large", r.Rejects[0].Message)

	s, _ = setup(t, newCollector(t))
	r, err = s.Send(t.Context(), events(t, "1\n"+strings.Repeat("x", source.MaxEventBytes+1)))
	require.NoError(t, err)
	assert.Equal(t, Totals{Accepted: 1, Rejected: 1}, r.Totals)
	assert.Equal(t, "too_large", r.Rejects[0].Code)
}

func TestBatchBytes(t *testing.T) {
	c := newCollector(t)
	c.discard = true
	s, _ := setup(t, c, func(c *Config) { c.BatchEvents, c.Gzip = 100, false })
	line := strings.Repeat("x", 60<<10) + "\n"
	_, err := s.Send(t.Context(), events(t, strings.Repeat(line, 80)))
	require.NoError(t, err)
	assert.Len(t, c.seen, 2)
}

func TestSourceError(t *testing.T) {
	src, err := source.FromReader(strings.NewReader("[1,2,3,oops]"), "in", source.FormatAuto)
	require.NoError(t, err)
	c := newCollector(t)
	s, _ := setup(t, c)
	r, err := s.Send(t.Context(), src)
	require.ErrorContains(t, err, "in: no valid JSON")
	assert.Equal(t, 3, r.Accepted, "what came before it is sent")
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, _ := setup(t, newCollector(t, accept(2), func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	r, err := s.Send(ctx, events(t, "1\n2\n3\n4"))
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 2, r.Accepted)

	s, _ = setup(t, newCollector(t, reply(503, "")))
	s.sleep = sleep
	ctx, cancel = context.WithCancel(t.Context())
	s.cfg.Notice = func(string) { cancel() }
	s.cfg.RetryFor = time.Hour
	_, err = s.Send(ctx, events(t, "1"))
	require.ErrorIs(t, err, context.Canceled)
}

func TestCertificate(t *testing.T) {
	srv := httptest.NewUnstartedServer(accept(1))
	srv.Config.ErrorLog = nil
	srv.StartTLS()
	defer srv.Close()
	c := newCollector(t)
	c.url = srv.URL
	s, pauses := setup(t, c)
	_, err := s.Send(t.Context(), events(t, "1"))
	require.ErrorContains(t, err, "certificate")
	assert.Empty(t, *pauses, "it will be no better the next time")
}

func TestNobodyListens(t *testing.T) {
	c := newCollector(t)
	c.url = "http://127.0.0.1:1"
	s, _ := setup(t, c)
	_, err := s.Send(t.Context(), events(t, "1"))
	require.ErrorContains(t, err, "gave up after 1m0s: http://127.0.0.1:1: dial tcp")
}

// endless is a source of n events that says how much memory is in use.
type endless struct {
	n    int
	g    *sample.Generator
	peak uint64
}

func (e *endless) Next() (source.Event, error) {
	if e.n == 0 {
		return source.Event{}, io.EOF
	}
	if e.n--; e.n%8_000 == 0 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		e.peak = max(e.peak, m.HeapAlloc)
	}
	return source.Event{Text: e.g.Event(), Where: "event"}, nil
}

func TestMemoryIsBounded(t *testing.T) {
	c := newCollector(t)
	c.discard = true
	s, _ := setup(t, c, func(c *Config) { c.BatchEvents, c.Gzip = 1000, false }) // gzip is slow under -race
	src := &endless{n: 40_000, g: sample.New(1)}                                 // some 18 MB
	r, err := s.Send(t.Context(), src)
	require.NoError(t, err)
	assert.Equal(t, 40_000, r.Accepted)
	assert.Nil(t, r.IDs)
	assert.Less(t, src.peak, uint64(10<<20))
}

func TestSleepEnds(t *testing.T) {
	require.NoError(t, sleep(t.Context(), time.Nanosecond))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, sleep(ctx, time.Hour), context.Canceled)
}
