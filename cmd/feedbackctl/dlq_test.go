// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	idBad  = "0197f5c4-6f2a-7c31-b1a0-5d6c7e8f9a01"
	idGood = "0197f5c4-6f2a-7c31-b1a0-5d6c7e8f9a02"
	idCut  = "0197f5c4-6f2a-7c31-b1a0-5d6c7e8f9a03"
	idOld  = "0197f5c4-6f2a-7c31-b1a0-5d6c7e8f9a04"
)

func feedbackEvent(id, more string) string {
	if id != "" {
		id = `"event_id":"` + id + `",`
	}
	return `{"type":"user_feedback",` + id + `"session_id":"s-1","request_id":"0197f5c4-6f2a-7c31-b1a0-5d6c7e8f9a0b"` + more + `}`
}

// dead is a dead letter to write.
type dead struct {
	id, eventType, original, code, stage string
	more                                 string
}

func (d dead) record(i int) *kgo.Record {
	r := &kgo.Record{
		Topic: "dead", Partition: int32(i % 2), Timestamp: time.Date(2026, 3, 4, 5, 6, 8, 0, time.UTC),
		Value: fmt.Appendf(nil, `{"original_event":%s,"error_code":%q,"error_message":"m","failed_stage":%q,"failed_at":"2026-03-04T05:06:%02dZ","retry_count":0%s}`,
			d.original, d.code, d.stage, i, d.more),
	}
	add := func(name, value string) {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
	}
	add("event_type", d.eventType)
	if d.id != "" {
		r.Key = []byte(d.id)
		add("event_id", d.id)
	}
	add("timestamp", time.Now().UTC().Add(-time.Hour).Format(time.RFC3339Nano))
	add("collector_id", "c-1")
	add("client_id", "someone")
	add("dlq_reason", d.code)
	add("dlq_stage", d.stage)
	return r
}

func letters() []dead {
	return []dead{
		{idBad, "user_feedback", feedbackEvent(idBad, `,"rating":9`), "out_of_range", "validation", ""},
		{idGood, "user_feedback", feedbackEvent(idGood, `,"comment":"mail ann@example.com","thumbs":"up"`), "MESSAGE_TOO_LARGE", "kafka", ""},
		{idCut, "user_feedback", `"{\"type\""`, "MESSAGE_TOO_LARGE", "kafka", `,"original_truncated":true,"original_size":5000000`},
		{"", "user_feedback", feedbackEvent("", ""), "INVALID_RECORD", "kafka", ""},
		{"", "unknown", `"no JSON"`, "malformed_json", "validation", ""},
		{idOld, "user_feedback", feedbackEvent(idOld, `,"timestamp":"`+time.Now().UTC().Add(-20*24*time.Hour).Format(time.RFC3339)+`"`), "out_of_range", "validation", ""},
		{"", "unknown", "null", "redaction_failed", "validation", ""},
	}
}

// deadLetters starts a broker with dead letters in two partitions.
func deadLetters(t *testing.T) (env map[string]string) {
	t.Helper()
	_, env = deadLetterCluster(t)
	return env
}

func deadLetterCluster(t *testing.T) (*kfake.Cluster, map[string]string) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "dead"), kfake.SeedTopics(4, "events"))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer cl.Close()
	for i, d := range letters() {
		require.NoError(t, cl.ProduceSync(t.Context(), d.record(i)).FirstErr())
	}
	foreign := &kgo.Record{Topic: "dead", Value: []byte("\x1b[2J"), Timestamp: time.Date(2026, 3, 4, 5, 7, 0, 0, time.UTC)}
	require.NoError(t, cl.ProduceSync(t.Context(), foreign).FirstErr())
	return c, map[string]string{
		"COLLECTOR_KAFKA__BROKERS": c.ListenAddrs()[0], "COLLECTOR_KAFKA__TOPIC": "events",
		"COLLECTOR_ERROR_HANDLING__DLQ_TOPIC": "dead",
	}
}

func TestDLQList(t *testing.T) {
	env := deadLetters(t)
	got := ctl(t, "", env, "dlq", "ls")
	assert.Equal(t, exitOK, got.code)
	assert.Empty(t, got.err)
	golden(t, "dlq-ls.txt", got.out)

	positions := func(args ...string) (out []string) {
		got := ctl(t, "", env, append([]string{"dlq", "ls", "-o", "json"}, args...)...)
		require.Equal(t, exitOK, got.code, got.err)
		for _, m := range regexp.MustCompile(`"position":"([0-9:]+)"`).FindAllStringSubmatch(got.out, -1) {
			out = append(out, m[1])
		}
		return out
	}
	assert.Equal(t, []string{"0:0", "1:0", "0:1", "1:1", "0:2", "1:2", "0:3", "0:4"}, positions())
	assert.Equal(t, []string{"0:0", "1:2"}, positions("--code", "out_of_range"))
	assert.Equal(t, []string{"1:0", "0:1", "1:1"}, positions("--stage", "kafka"))
	assert.Equal(t, []string{"0:2", "0:3"}, positions("--type", "unknown"))
	assert.Equal(t, []string{"1:2", "0:3", "0:4"}, positions("--since", "2026-03-04T05:06:05Z"))
	assert.Equal(t, []string{"0:3", "0:4"}, positions("--limit", "2"))
	assert.Empty(t, positions("--since", "1h"))
	assert.Equal(t, "no dead letters\n", ctl(t, "", env, "dlq", "ls", "--since", "1h").out)
	assert.Contains(t, ctl(t, "", env, "dlq", "ls", "--limit", "3").out, "… and 5 older ones (--limit)\n")
}

func TestDLQShow(t *testing.T) {
	env := deadLetters(t)
	got := ctl(t, "", env, "dlq", "show", "0:0")
	assert.Equal(t, exitOK, got.code, got.err)
	golden(t, "dlq-show.txt", regexp.MustCompile(`(?m)^timestamp .*$`).ReplaceAllString(got.out, "timestamp TIME"))
	got = ctl(t, "", env, "dlq", "show", strings.ToUpper(idGood), "0:4")
	assert.Equal(t, exitOK, got.code, got.err)
	assert.Contains(t, got.out, "dead 1:0\n")
	assert.Contains(t, got.out, "dead 0:4\n")
	assert.Contains(t, got.out, `\u001b[2J`, "what others wrote does not drive the terminal")
	got = ctl(t, "", env, "dlq", "show", "0:1", "-o", "json")
	assert.Contains(t, got.out, `{"topic":"dead","partition":0,"offset":1,`)
	got = ctl(t, "", env, "dlq", "show", "0:0", "1:99")
	assert.Equal(t, exitRejected, got.code)
	assert.Equal(t, "1:99 is not in dead: it has expired, or never was\n", got.err)
	assert.Contains(t, got.out, "dead 0:0\n")
}

// events reads what is published.
func events(t *testing.T, env map[string]string) []*kgo.Record {
	t.Helper()
	got := ctl(t, "", env, "tail", "--from-beginning", "--follow=false", "-o", "json")
	require.Equal(t, exitOK, got.code, got.err)
	n := strings.Count(got.out, "\n")
	cl, err := kgo.NewClient(kgo.SeedBrokers(env["COLLECTOR_KAFKA__BROKERS"]), kgo.ConsumeTopics("events"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	require.NoError(t, err)
	defer cl.Close()
	var out []*kgo.Record
	for len(out) < n {
		f := cl.PollFetches(t.Context())
		require.NoError(t, f.Err())
		out = append(out, f.Records()...)
	}
	return out
}

func TestDLQReplay(t *testing.T) {
	env := deadLetters(t)
	replay := func(args ...string) outcome { return ctl(t, "", env, append([]string{"dlq", "replay"}, args...)...) }

	got := replay("--dry-run")
	assert.Equal(t, exitRejected, got.code)
	golden(t, "dlq-replay.dry.txt", got.out)
	assert.Empty(t, events(t, env))

	got = replay()
	assert.Equal(t, exitError, got.code)
	assert.Contains(t, got.err, "give --yes, since nobody can be asked here: Replay 5 dead letters of dead into events?")

	got = replay("--yes", "--stage", "kafka")
	assert.Equal(t, exitOK, got.code, got.err)
	assert.Empty(t, got.err)
	assert.Contains(t, got.out, "replayed 2, refused again 0, cannot be replayed 1, replayed before 0\n")
	assert.Contains(t, got.out, idCut+"  -     -      its original was cut from 5000000 bytes\n")
	published := events(t, env)
	require.Len(t, published, 2)
	for _, r := range published {
		assert.Equal(t, "s-1", string(r.Key))
		assert.NotContains(t, string(r.Value), "ann@example.com")
		assert.Equal(t, "someone", header(r, "client_id"))
		assert.Equal(t, header(r, "event_id"), regexp.MustCompile(`"event_id":"([^"]+)"`).FindStringSubmatch(string(r.Value))[1])
		assert.Equal(t, header(r, "timestamp"), regexp.MustCompile(`"timestamp":"([^"]+)"`).FindStringSubmatch(string(r.Value))[1])
	}
	assert.Equal(t, []string{idGood, "dead:1:0"}, []string{header(published[0], "event_id"), header(published[0], "dlq_replayed")})
	assert.Equal(t, "dead:1:1", header(published[1], "dlq_replayed"))
	derived := header(published[1], "event_id")

	// A second time nothing happens, and what was passed over is still new.
	got = replay("--yes", "--stage", "kafka")
	assert.Equal(t, exitOK, got.code)
	assert.Contains(t, got.out, "replayed 0, refused again 0, cannot be replayed 1, replayed before 2\n")
	assert.Len(t, events(t, env), 2)
	states := ctl(t, "", env, "dlq", "ls", "-o", "json").out
	assert.Equal(t, 2, strings.Count(states, `"state":"replayed"`))
	assert.Equal(t, 3, strings.Count(states, `"state":"new"`))

	got = replay("--yes", "--max-age", "720h", "--limit", "3", "--max-errors", "1", "-o", "json")
	assert.Equal(t, exitRejected, got.code)
	assert.Contains(t, got.out, `{"position":"1:2","event_id":"`+idOld+`","fate":"replayed","topic":"events"}`)
	assert.Contains(t, got.out, `{"position":"0:0","event_id":"`+idBad+`","fate":"refused","code":"out_of_range","field":"rating"`)
	assert.Len(t, events(t, env), 3)

	got = replay("--yes", "1:1", "--again")
	assert.Equal(t, exitOK, got.code)
	published = events(t, env)
	require.Len(t, published, 4)
	assert.Equal(t, derived, header(published[3], "event_id"), "the same letter gives the same id")

	got = replay("--yes", "--code", "no_such_code")
	assert.Equal(t, outcome{exitOK, "replayed 0, refused again 0, cannot be replayed 0, replayed before 0\n", ""}, got)
}

func header(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// The limits and topics of a replay are those of the collector that is named;
// what a flag says comes first.
func TestDLQReplayConfig(t *testing.T) {
	env := deadLetters(t)
	file := filepath.Join(t.TempDir(), "collector.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
processors:
  feedbackvalidation: {max_age: 720h}
exporters:
  feedbackkafka:
    topics: {events: other, by_type: {user_feedback: opinions}}
    dead_letter: {topic: dead}
service:
  pipelines:
    logs: {processors: [filter/mine, feedbackvalidation], exporters: [feedbackkafka]}
`), 0o600))
	delete(env, "COLLECTOR_ERROR_HANDLING__DLQ_TOPIC")
	got := ctl(t, "", env, "dlq", "replay", "--dry-run", "--config", file)
	assert.Equal(t, "the processor filter/mine of the pipeline is not part of a replay\n", got.err)
	assert.Contains(t, got.out, "would replay 1:2 "+idOld+" into opinions\n")
	got = ctl(t, "", env, "dlq", "replay", "--dry-run", "--config", file, "--events-topic", "here", "--max-age", "24h")
	assert.Contains(t, got.out, "would replay 1:0 "+idGood+" into here\n")
	assert.NotContains(t, got.out, "would replay 1:2")
	got = ctl(t, "", env, "dlq", "replay", "--dry-run", "--config", "nowhere.yaml")
	assert.Equal(t, exitError, got.code)
	assert.Contains(t, got.err, "--config:")
}

func TestAsk(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, "Yes\n": true, "yes": true, "\n": false, "": false, "no\n": false, "yep\n": false} {
		var out bytes.Buffer
		assert.Equal(t, want, ask(strings.NewReader(answer), &out, "Really?") == nil, answer)
		assert.Equal(t, "Really? [y/N] ", out.String())
	}
}

// Who may read the topic and not the group still sees what is in it.
func TestDLQListWithoutGroup(t *testing.T) {
	c, env := deadLetterCluster(t)
	c.ControlKey(int16(kmsg.OffsetFetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		resp := req.ResponseKind().(*kmsg.OffsetFetchResponse)
		resp.ErrorCode = kerr.GroupAuthorizationFailed.Code
		for _, g := range req.(*kmsg.OffsetFetchRequest).Groups {
			resp.Groups = append(resp.Groups, kmsg.OffsetFetchResponseGroup{Group: g.Group, ErrorCode: resp.ErrorCode})
		}
		return resp, nil, true
	})
	got := ctl(t, "", env, "dlq", "ls")
	assert.Equal(t, exitOK, got.code)
	assert.Equal(t, "what was replayed is not shown: that needs Describe on the group feedbackctl-dlq-replay\n", got.err)
	assert.Contains(t, got.out, idGood)
	got = ctl(t, "", env, "dlq", "replay", "--yes")
	assert.Equal(t, exitError, got.code)
	assert.Contains(t, got.err, "group feedbackctl-dlq-replay: GROUP_AUTHORIZATION_FAILED")
}

func TestDLQReaderGoesAway(t *testing.T) {
	env := deadLetters(t)
	r, w := io.Pipe()
	require.NoError(t, r.Close())
	for _, args := range [][]string{{"dlq", "ls", "-o", "json"}, {"dlq", "show", "0:0"}} {
		var errOut syncBuffer
		assert.Equal(t, exitOK, run(t.Context(), args, streams{nil, w, &errOut, func(n string) string { return env[n] }}))
		assert.Empty(t, errOut.String())
	}
}

func TestDLQFails(t *testing.T) {
	env := deadLetters(t)
	got := ctl(t, "", env, "dlq", "ls", "--topic", "nowhere")
	assert.Equal(t, exitError, got.code)
	assert.Contains(t, got.err, "Error: topic nowhere: UNKNOWN_TOPIC_OR_PARTITION")
	got = ctl(t, "", env, "dlq", "replay", "--yes", "--events-topic", "nowhere", "--stage", "kafka")
	assert.Equal(t, exitError, got.code)
	assert.Contains(t, got.err, "Error: topic nowhere: UNKNOWN_TOPIC_OR_PARTITION")
	assert.NotContains(t, ctl(t, "", env, "dlq", "ls").out, " replayed\n")
	got = ctl(t, "", nil, "dlq", "ls", "--brokers", "127.0.0.1:1")
	assert.Equal(t, exitError, got.code)
	assert.Contains(t, got.err, "127.0.0.1:1")
}
