// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// topic starts a broker with four records in one partition.
func topic(t *testing.T, name string) string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, name))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	produceEvents(t, c.ListenAddrs()[0], name, "user_feedback:s-1", "system_health:api", "user_feedback:s-2", "user_feedback:s-1")
	return c.ListenAddrs()[0]
}

func produceEvents(t *testing.T, broker, topic string, events ...string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.DefaultProduceTopic(topic))
	require.NoError(t, err)
	defer cl.Close()
	for i, e := range events {
		eventType, key, _ := strings.Cut(e, ":")
		r := kgo.KeySliceRecord([]byte(key), []byte(`{"type":"`+eventType+`"}`))
		r.Headers = []kgo.RecordHeader{{Key: "event_type", Value: []byte(eventType)}, {Key: "schema_version", Value: []byte("1.0")}}
		r.Timestamp = time.Date(2026, 3, 4, 5, 6, i, 0, time.UTC)
		require.NoError(t, cl.ProduceSync(t.Context(), r).FirstErr())
	}
}

func TestTailOutput(t *testing.T) {
	broker := topic(t, "feedback-events")
	env := map[string]string{"COLLECTOR_KAFKA__BROKERS": broker}
	got := ctl(t, "", env, "tail", "--follow=false")
	assert.Equal(t, exitOK, got.code)
	assert.Empty(t, got.err)
	golden(t, "tail.line.txt", got.out)

	got = ctl(t, "", env, "tail", "--follow=false", "-o", "json")
	golden(t, "tail.json.txt", got.out)
	for line := range strings.Lines(got.out) {
		assert.True(t, json.Valid([]byte(line)))
	}
}

func TestTailSelects(t *testing.T) {
	broker := topic(t, "other")
	for name, tt := range map[string]struct {
		args    []string
		offsets string
	}{
		"all":       {[]string{"--from-beginning"}, "0123"},
		"last":      {[]string{"-n", "2"}, "23"},
		"none":      {[]string{"--last", "0"}, ""},
		"offset":    {[]string{"--offset", "1"}, "123"},
		"limit":     {[]string{"--limit", "2"}, "01"},
		"type":      {[]string{"--type", "user_feedback"}, "023"},
		"types":     {[]string{"--type", "system_health", "--type", "model_response"}, "1"},
		"key":       {[]string{"--key", "s-1"}, "03"},
		"empty key": {[]string{"--key", ""}, ""},
		"all three": {[]string{"--type", "user_feedback", "--key", "s-1", "--limit", "1"}, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{"COLLECTOR_KAFKA__TOPIC": "other"}
			got := ctl(t, "", env, append([]string{"tail", "--brokers", broker, "--follow=false"}, tt.args...)...)
			assert.Equal(t, exitOK, got.code)
			offsets := ""
			for line := range strings.Lines(got.out) {
				at, _, _ := strings.Cut(strings.TrimPrefix(line, "other/0@"), " ")
				offsets += at
			}
			assert.Equal(t, tt.offsets, offsets)
		})
	}
}

func TestTailUntilInterrupted(t *testing.T) {
	broker := topic(t, "feedback-events")
	ctx, cancel := context.WithCancel(t.Context())
	var out, errOut syncBuffer
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"tail", "--brokers", broker}, streams{nil, &out, &errOut, func(string) string { return "" }})
	}()
	lines := func(n int) func() bool { return func() bool { return strings.Count(out.String(), "\n") == n } }
	require.Eventually(t, lines(4), 10*time.Second, 5*time.Millisecond)
	produceEvents(t, broker, "feedback-events", "user_feedback:new")
	require.Eventually(t, lines(5), 10*time.Second, 5*time.Millisecond)
	cancel()
	assert.Equal(t, exitOK, <-done)
	assert.Empty(t, errOut.String())
}

func TestTailReaderGoesAway(t *testing.T) {
	broker := topic(t, "feedback-events")
	r, w := io.Pipe()
	require.NoError(t, r.Close())
	var errOut syncBuffer
	code := run(t.Context(), []string{"tail", "--brokers", broker}, streams{nil, w, &errOut, func(string) string { return "" }})
	assert.Equal(t, exitOK, code)
	assert.Empty(t, errOut.String())
}

func TestTailFails(t *testing.T) {
	broker := topic(t, "feedback-events")
	got := ctl(t, "", nil, "tail", "--follow=false", "--brokers", broker, "--topic", "nowhere")
	assert.Equal(t, exitError, got.code)
	assert.Contains(t, got.err, "Error: topic nowhere: UNKNOWN_TOPIC_OR_PARTITION")
	got = ctl(t, "", nil, "tail", "--follow=false", "--brokers", "127.0.0.1:1")
	assert.Equal(t, exitError, got.code)
	assert.Contains(t, got.err, "127.0.0.1:1")
}
