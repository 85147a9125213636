// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// outcome is what a command line did.
type outcome struct {
	code     int
	out, err string
}

func ctl(t *testing.T, in string, env map[string]string, args ...string) outcome {
	t.Helper()
	var out, errOut syncBuffer
	s := streams{strings.NewReader(in), &out, &errOut, func(name string) string { return env[name] }}
	code := run(t.Context(), args, s)
	return outcome{code, out.String(), errOut.String()}
}

// syncBuffer may be read while a command writes.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

func TestHelp(t *testing.T) {
	for _, name := range []string{"", "send", "tail", "topics create", "topics check", "dlq", "dlq ls", "dlq show", "dlq replay", "bench", "healthcheck"} {
		args := append(strings.Fields(name), "--help")
		if name == "" {
			name, args = "root", nil
		}
		got := ctl(t, "", nil, args...)
		assert.Equal(t, exitOK, got.code)
		assert.Empty(t, got.err)
		golden(t, strings.ReplaceAll(name, " ", "-")+".help.txt", got.out)
	}
}

func TestVersion(t *testing.T) {
	got := ctl(t, "", nil, "version")
	assert.Equal(t, outcome{exitOK, "feedbackctl dev (" + runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + ")\n", ""}, got)
}

func TestUsageErrors(t *testing.T) {
	for want, args := range map[string][]string{
		`there is no command "sned"; did you mean "send"?`:              {"sned"},
		`there is no command "xyzzy"`:                                   {"xyzzy"},
		"feedbackctl version takes no argument":                         {"version", "1"},
		"unknown flag: --bogus":                                         {"send", "--bogus"},
		"--batch: must lie between 1 and 10000":                         {"send", "--batch", "0"},
		"--timeout must be positive":                                    {"send", "--timeout", "0s"},
		"--endpoint: must be http(s)://host:port":                       {"send", "--endpoint", "ftp://x"},
		`--header number 2: must be "Name: value"`:                      {"send", "-H", "A: b", "-H", "secret"},
		"--token-file: open nowhere":                                    {"send", "--token-file", "nowhere"},
		"--token-file: " + os.DevNull + " is empty":                     {"send", "--token-file", os.DevNull},
		"--tls-ca: open nowhere":                                        {"send", "--tls-ca", "nowhere"},
		"--file: open nowhere":                                          {"send", "--file", "nowhere"},
		"--format \"xml\": use auto, json or ndjson":                    {"send", "--format", "xml"},
		"--sample: must not be negative":                                {"send", "--sample", "-1"},
		"give events as arguments or with --file or --sample, not both": {"send", "--sample", "1", "{}"},
		"argument 1: no valid JSON at byte 1, after event 0":            {"send", "{secret}"},
		"none of the others can be; [file sample] were all set":         {"send", "--file", "x", "--sample", "1"},
		"feedbackctl tail takes no argument":                            {"tail", "feedback-events"},
		"--topic must not be empty":                                     {"tail", "--topic", ""},
		"--output \"xml\": use line or json":                            {"tail", "--output", "xml"},
		"--brokers: name at least one":                                  {"tail", "--brokers", ""},
		"none of the others can be; [from-beginning last] were all set": {"tail", "--from-beginning", "--last", "1"},
		"feedbackctl topics takes no argument":                          {"topics", "delete"},
		"feedbackctl topics create takes no argument":                   {"topics", "create", "x"},
		`not the name of a Kafka topic: "a/b"`:                          {"topics", "create", "--topic", "a/b"},
		"topic feedback-events is named twice":                          {"topics", "check", "--dlq-topic", "feedback-events"},
		"topic feedback-events: the number of partitions must be":       {"topics", "create", "--partitions", "0"},
		`--output "xml": use text or json`:                              {"topics", "check", "-o", "xml"},
		"feedbackctl dlq takes no argument":                             {"dlq", "rm"},
		"feedbackctl dlq ls takes no argument":                          {"dlq", "ls", "x"},
		`--since "yesterday": give a duration`:                          {"dlq", "ls", "--since", "yesterday"},
		"--limit must not be negative":                                  {"dlq", "ls", "--limit", "-1"},
		"name PARTITION:OFFSET or an event_id":                          {"dlq", "show"},
		`"x" is neither PARTITION:OFFSET nor an event_id`:               {"dlq", "show", "x"},
		"--rate: must be above 0":                                       {"dlq", "replay", "--rate", "0"},
		"--max-age and --max-errors must not be negative":               {"dlq", "replay", "--max-age", "-1s"},
		`--events-topic "feedback-events-dlq": must be the name of`:     {"dlq", "replay", "--events-topic", "feedback-events-dlq"},
	} {
		got := ctl(t, "", nil, args...)
		assert.Equal(t, exitError, got.code, want)
		assert.Empty(t, got.out, want)
		assert.Contains(t, got.err, want)
		assert.NotContains(t, got.err, "secret")
	}
}

// seen is a request as the server saw it.
type seen struct {
	path, auth, extra string
	lines             []string
}

// server answers with the given bodies in turn, then accepts everything.
func server(t *testing.T, answers ...func(http.ResponseWriter)) (string, *[]seen) {
	t.Helper()
	var requests []seen
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(body)
			if !assert.NoError(t, err) {
				return
			}
			body = z
		}
		text, err := io.ReadAll(body)
		assert.NoError(t, err)
		lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		requests = append(requests, seen{r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("X-Extra"), lines})
		if len(answers) > 0 {
			answers[0](w)
			answers = answers[1:]
			return
		}
		ids := strings.TrimSuffix(strings.Repeat(`"id",`, len(lines)), ",")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"rejected":0,"accepted":`+itoa(len(lines))+`,"event_ids":[`+ids+`]}`)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, &requests
}

func itoa(n int) string {
	return strings.TrimLeft(string([]byte{byte('0' + n/100%10), byte('0' + n/10%10), byte('0' + n%10)}), "0")
}

func answer(status int, body string, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestSend(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events.json")
	require.NoError(t, os.WriteFile(file, []byte(`[{"event_id":"1"},{"event_id":"2"},{"event_id":"3"}]`), 0o600))
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("tok\n"), 0o600))
	tests := map[string]struct {
		in    string
		args  []string
		out   string
		sizes []int // events in each request
	}{
		"argument":       {args: []string{`{"a":1}`}, out: "accepted 1, refused 0\nid\n", sizes: []int{1}},
		"arguments":      {args: []string{`{"a":1}`, `{"a":2}`}, out: "accepted 2, refused 0\nid\nid\n", sizes: []int{2}},
		"file":           {args: []string{"--file", file, "--batch", "2"}, out: "accepted 3, refused 0\nid\nid\nid\n", sizes: []int{2, 1}},
		"standard input": {in: "{\"a\":1}\n{\"a\":2}\n", out: "accepted 2, refused 0\nid\nid\n", sizes: []int{2}},
		"file -":         {in: "[{}]", args: []string{"--file", "-"}, out: "accepted 1, refused 0\nid\n", sizes: []int{1}},
		"nothing":        {out: "accepted 0, refused 0\n"},
		"sample":         {args: []string{"--sample", "250"}, out: "accepted 250, refused 0\n", sizes: []int{100, 100, 50}},
		"token":          {args: []string{"--token-file", token, "-H", "X-Extra: x", "--gzip=false", "{}"}, out: "accepted 1, refused 0\nid\n", sizes: []int{1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			url, requests := server(t)
			got := ctl(t, tt.in, nil, append([]string{"send", "--endpoint", url}, tt.args...)...)
			assert.Equal(t, outcome{exitOK, tt.out, ""}, got)
			var sizes []int
			for _, r := range *requests {
				assert.Equal(t, "/v1/feedback", r.path)
				sizes = append(sizes, len(r.lines))
				for _, line := range r.lines {
					assert.Contains(t, line, `"event_id":`)
				}
				if name == "token" {
					assert.Equal(t, "Bearer tok", r.auth)
					assert.Equal(t, "x", r.extra)
				}
			}
			assert.Equal(t, tt.sizes, sizes)
		})
	}
}

var uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[0-9:.]+Z`)

func TestSeed(t *testing.T) {
	url, requests := server(t)
	for _, args := range [][]string{{"--seed", "7"}, {"--seed", "7"}, {}, {}} {
		require.Equal(t, exitOK, ctl(t, "", nil, append([]string{"send", "-e", url, "--sample", "20"}, args...)...).code)
	}
	text := func(i int) string { return uuids.ReplaceAllString(strings.Join((*requests)[i].lines, "\n"), "") }
	assert.Equal(t, text(0), text(1))
	assert.NotEqual(t, text(2), text(3))
}

func TestSendRejects(t *testing.T) {
	url, _ := server(t, answer(207, `{"accepted":1,"rejected":2,"event_ids":["0197f5c4",null,null],"errors":[
		{"index":1,"code":"missing_field","field":"session_id","message":"is required and must not be empty"},
		{"index":1,"code":"out_of_range","field":"rating","message":"must lie between 0 and 5\u001b[2J"},
		{"index":2,"code":"malformed_json","message":"is no JSON"}]}`))
	got := ctl(t, "{}\n\n{}\nbroken", nil, "send", "-e", url)
	assert.Equal(t, exitRejected, got.code)
	assert.Empty(t, got.err)
	golden(t, "rejects.txt", got.out)

	url, _ = server(t, answer(400, `{"accepted":0,"rejected":1,"errors":[{"index":0,"code":"a"},{"index":0,"code":"b"}]}`))
	got = ctl(t, "", nil, "send", "-e", url, "--max-errors", "1", "{}")
	assert.Equal(t, outcome{exitRejected, "accepted 0, refused 1\n\nEVENT    CODE  FIELD  MESSAGE\nevent 1  a     -      \n… and more reasons that are not shown\n", ""}, got)
}

func TestSendRetries(t *testing.T) {
	busy := answer(503, `{"error":{"code":"unavailable","message":"the buffer is full"}}`)
	url, requests := server(t, busy, busy)
	got := ctl(t, "", nil, "send", "-e", url, "{}")
	assert.Equal(t, exitOK, got.code)
	assert.Equal(t, "accepted 1, refused 0, requests sent again 2\nid\n", got.out)
	assert.Equal(t, "the collector answered 503 Service Unavailable: the buffer is full; trying again for 1m0s\n", got.err, "said once")
	require.Len(t, *requests, 3)
	assert.Equal(t, (*requests)[0].lines, (*requests)[2].lines)
}

func TestSendFails(t *testing.T) {
	url, _ := server(t, answer(202, `{"accepted":1,"rejected":0}`), answer(401, `{"error":{"code":"unauthenticated","message":"the token has expired"}}`))
	got := ctl(t, "", nil, "send", "-e", url, "--batch", "1", "{}", "{}")
	assert.Equal(t, outcome{
		exitError, "accepted 1, refused 0\n",
		"Error: the collector answered 401 Unauthorized: the token has expired (set --token or --token-file)\n",
	}, got)

	got = ctl(t, "", nil, "send", "-e", "127.0.0.1:1", "--retry-for", "0", "{}")
	assert.Equal(t, exitError, got.code)
	assert.Empty(t, got.out)
	assert.Contains(t, got.err, "Error: http://127.0.0.1:1/v1/feedback: dial tcp 127.0.0.1:1")
}

func TestSendInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	url, _ := server(t, func(http.ResponseWriter) { cancel() })
	var out, errOut syncBuffer
	code := run(ctx, []string{"send", "-e", url, "{}"}, streams{strings.NewReader(""), &out, &errOut, func(string) string { return "" }})
	assert.Equal(t, exitError, code)
	assert.Equal(t, "interrupted\n", errOut.String())
}

func TestFeedbackURL(t *testing.T) {
	for in, want := range map[string]string{
		"http://localhost:8080":             "http://localhost:8080/v1/feedback",
		"localhost:8080":                    "http://localhost:8080/v1/feedback",
		"https://x.example/":                "https://x.example/v1/feedback",
		"https://x.example/base/":           "https://x.example/base/v1/feedback",
		"https://x.example/v1/feedback":     "https://x.example/v1/feedback",
		"https://x.example/v1/feedback?a=b": "https://x.example/v1/feedback?a=b",
		"http://":                           "",
		"http://%":                          "",
	} {
		got, err := feedbackURL(in)
		assert.Equal(t, want == "", err != nil, in)
		assert.Equal(t, want, got)
	}
}
