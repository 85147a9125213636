// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
)

// ctlEnv names the command line tool under test.
const ctlEnv = "FEEDBACK_CTL"

// ctlBinary returns the path of feedbackctl. Without it the test is skipped;
// with CI=true it fails.
func ctlBinary(t *testing.T) string {
	t.Helper()
	bin, err := filepath.Abs(os.Getenv(ctlEnv))
	if _, lookErr := exec.LookPath(bin); os.Getenv(ctlEnv) == "" || err != nil || lookErr != nil {
		what := ctlEnv + ` names no binary: run "make build", or "make test", which sets it`
		if os.Getenv("CI") == "true" {
			t.Fatal(what)
		}
		t.Skip(what)
	}
	return bin
}

// ctl runs feedbackctl on the stream and returns its exit code and output.
func (s *stream) ctl(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, ctlBinary(t), args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), s.env()...), &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errOut.String()
}

// TestTopics creates topics and checks them as an operator does.
func TestTopics(t *testing.T) {
	ctlBinary(t)
	s := newStream(t)
	s.topic, s.deadLetter = "made.by.topics.create", "made.by.topics.create-dlq"
	code, _, stderr := s.ctl(t, "topics", "create")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "the cluster has 1 broker: add brokers, or give --replication-factor 1")

	one := []string{"--replication-factor", "1"}
	code, out, stderr := s.ctl(t, append([]string{"topics", "create"}, one...)...)
	assert.Zero(t, code, stderr)
	assert.Equal(t, s.topic+": created, partitions 12, copies 1\n"+s.deadLetter+": created, partitions 3, copies 1\n", out)
	same := s.topic + ": as it should be\n" + s.deadLetter + ": as it should be\n"
	for _, command := range []string{"create", "check"} {
		code, out, stderr = s.ctl(t, append([]string{"topics", command}, one...)...)
		assert.Zero(t, code, stderr)
		assert.Equal(t, same, out, "%s again", command)
	}
	code, out, _ = s.ctl(t, append([]string{"topics", "check", "--retention", "24h", "--partitions", "6"}, one...)...)
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "retention.ms  is 604800000  should be 86400000\n")
	assert.Contains(t, out, "partitions    is 12         should be 6\n")
}

// oldEvent is valid but for its age.
func oldEvent(id string, age time.Duration) string {
	return fmt.Sprintf(`{"type":"user_feedback","event_id":%q,"session_id":"s-7","request_id":"7f1f4e1e-2f0c-4c4e-9d5b-1d1a3d8e6f10","comment":"from %s@example.com","timestamp":%q}`,
		id, marker, time.Now().Add(-age).UTC().Format(time.RFC3339))
}

// TestReplay: what a collector refused under a limit that was too low is
// replayed once the limit is right, as the same event, once.
func TestReplay(t *testing.T) {
	ctlBinary(t)
	s := newStream(t)
	c := collector.Run(t, collector.Options{
		Configs: []string{collector.ConfigFile("collector.yaml")},
		Env:     s.env(),
		Args:    []string{"--set=processors::feedbackvalidation::max_age=1h"},
	})
	old, broken := uuid.NewString(), uuid.NewString()
	require.NoError(t, exportOTLP(t, c, oldEvent(old, 2*time.Hour), `{"type":"user_feedback","event_id":"`+broken+`"}`, "no JSON "+marker))
	require.Eventually(t, func() bool {
		letters, err := s.reader.All(t.Context(), s.deadLetter)
		return err == nil && len(letters) == 3
	}, 30*time.Second, 50*time.Millisecond)

	code, out, stderr := s.ctl(t, "dlq", "ls", "--code", "out_of_range")
	assert.Zero(t, code, stderr)
	assert.Contains(t, out, old)
	assert.NotContains(t, out, broken)
	assert.Regexp(t, `out_of_range\s+1\n`, out)
	code, out, stderr = s.ctl(t, "dlq", "show", old)
	assert.Zero(t, code, stderr)
	assert.Contains(t, out, `"comment": "from [EMAIL_REDACTED]"`)
	assert.Regexp(t, `dlq_stage +validation\n`, out)

	code, out, stderr = s.ctl(t, "dlq", "replay", "--dry-run")
	assert.Equal(t, 1, code, stderr)
	assert.Contains(t, out, "would be replayed 1, refused again 2, cannot be replayed 0, replayed before 0\n")
	records, err := s.reader.All(t.Context(), s.topic)
	require.NoError(t, err)
	assert.Empty(t, records)

	code, out, stderr = s.ctl(t, "dlq", "replay", "--yes")
	assert.Equal(t, 1, code, stderr)
	assert.Empty(t, stderr)
	assert.Contains(t, out, "replayed 1, refused again 2, cannot be replayed 0, replayed before 0\n")
	assert.NotContains(t, out, marker)
	code, out, stderr = s.ctl(t, "dlq", "replay", "--yes", "--code", "out_of_range")
	assert.Zero(t, code, stderr)
	assert.Contains(t, out, "replayed 0, refused again 0, cannot be replayed 0, replayed before 1\n", "a second time nothing happens")

	records = s.committed(t)
	require.Len(t, records, 1)
	r := records[0]
	assert.Equal(t, "s-7", string(r.Key))
	assert.Contains(t, string(r.Value), `"event_id":"`+old+`"`)
	assert.Equal(t, old, headerOf(r, "event_id"))
	assert.Equal(t, instanceID, headerOf(r, "collector_id"))
	assert.Regexp(t, `^`+s.deadLetter+`:\d:\d$`, headerOf(r, "dlq_replayed"))

	// Beside its new header, it is what the collector itself publishes.
	twin := uuid.NewString()
	require.NoError(t, exportOTLP(t, c, oldEvent(twin, time.Minute)))
	require.Eventually(t, func() bool { records = s.committed(t); return len(records) == 2 }, 30*time.Second, 50*time.Millisecond)
	var names [2][]string
	for _, r := range records {
		i := 0
		if headerOf(r, "event_id") == twin {
			i = 1
		}
		for _, h := range r.Headers {
			names[i] = append(names[i], h.Key)
		}
	}
	assert.Equal(t, append(names[1], "dlq_replayed"), names[0])
	assert.Equal(t, records[0].Partition, records[1].Partition, "one key, one partition")
}

// TestReplayKilled: a replay that is killed again and again, and begun again,
// publishes everything once.
func TestReplayKilled(t *testing.T) {
	const letters, kills = 3000, 4
	bin := ctlBinary(t)
	s := newStream(t)
	client, err := s.cluster.Client()
	require.NoError(t, err)
	defer client.Close()
	batch := make([]*kgo.Record, letters)
	for i := range batch {
		id := uuid.NewString()
		batch[i] = &kgo.Record{
			Topic: s.deadLetter, Key: []byte(id), Headers: []kgo.RecordHeader{{Key: "event_id", Value: []byte(id)}},
			Value: fmt.Appendf(nil, `{"original_event":%s,"error_code":"INVALID_RECORD","error_message":"","failed_stage":"kafka","failed_at":%q,"retry_count":0}`,
				oldEvent(id, time.Minute), time.Now().UTC().Format(time.RFC3339Nano)),
		}
	}
	require.NoError(t, client.ProduceSync(t.Context(), batch...).FirstErr())

	for range kills {
		cmd := exec.CommandContext(t.Context(), bin, "dlq", "replay", "--yes", "--rate", "2000", "--output", "json")
		cmd.Env = append(os.Environ(), s.env()...)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for done := 0; done < 600 && lines.Scan(); {
			if strings.Contains(lines.Text(), `"fate":"replayed"`) {
				done++
			}
		}
		require.NoError(t, cmd.Process.Kill()) // while the next transaction is open
		_ = cmd.Wait()                         // killed
	}
	code, out, stderr := s.ctl(t, "dlq", "replay", "--yes", "--rate", "2000")
	assert.Zero(t, code, stderr)
	assert.Contains(t, out, "refused again 0, cannot be replayed 0")

	seen := map[string]int{}
	for _, r := range s.committed(t) {
		seen[headerOf(r, "event_id")]++
	}
	twice := 0
	for _, n := range seen {
		if n > 1 {
			twice++
		}
	}
	assert.Len(t, seen, letters)
	assert.Zero(t, twice)
	code, out, stderr = s.ctl(t, "dlq", "replay", "--yes")
	assert.Zero(t, code, stderr)
	assert.Contains(t, out, fmt.Sprintf("replayed before %d\n", letters))
}

// committed is what a consumer with read_committed finds in the topic.
func (s *stream) committed(t *testing.T) []*kgo.Record {
	t.Helper()
	client, err := s.cluster.Client(kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	require.NoError(t, err)
	defer client.Close()
	code, out, stderr := s.ctl(t, "tail", "--from-beginning", "--follow=false", "--output", "json")
	require.Zero(t, code, stderr)
	want := strings.Count(out, "\n")
	client.AddConsumeTopics(s.topic)
	var records []*kgo.Record
	for len(records) < want {
		fetches := client.PollFetches(t.Context())
		require.NoError(t, fetches.Err())
		records = append(records, fetches.Records()...)
	}
	return records
}

func headerOf(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}
