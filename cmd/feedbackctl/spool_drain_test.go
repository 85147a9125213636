// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

func TestSpoolDrain(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "events"))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	brokers := strings.Join(c.ListenAddrs(), ",")
	dir := t.TempDir()
	sp, err := spool.Open(dir, spool.Options{})
	require.NoError(t, err)
	const n = 1200
	for i := range n {
		id := spool.LaneID{Topic: "events", Partition: int32(i%3) - 1} // all, 0, 1
		_, err = sp.Append(id, []spool.Entry{{
			Topic: "events", Partition: id.Partition, Key: []byte("key"), Value: fmt.Appendf(nil, "%d/%d", id.Partition, i),
			Headers: []spool.Header{{Key: "event_id", Value: []byte("x")}},
		}})
		require.NoError(t, err)
	}
	got := ctl(t, "", nil, "spool", "drain", "-d", dir, "--brokers", brokers)
	assert.Equal(t, exitError, got.code, "in use")
	assert.Contains(t, got.err, dir)
	require.NoError(t, sp.Close())

	got = ctl(t, "", nil, "spool", "drain", "-d", dir, "--brokers", brokers)
	assert.Equal(t, outcome{exitOK, "sent 1200, left 0\n", ""}, got)
	got = ctl(t, "", nil, "spool", "drain", "-d", dir, "--brokers", brokers)
	assert.Equal(t, outcome{exitOK, "sent 0, left 0\n", ""}, got)

	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics("events"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	byKey := int32(kgo.StickyKeyPartitioner(nil).ForTopic("").Partition(&kgo.Record{Key: []byte("key")}, 4))
	last := map[int]int{}
	for read := 0; read < n; {
		fetches := client.PollFetches(t.Context())
		require.NoError(t, fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			var lane, i int
			_, err := fmt.Sscanf(string(r.Value), "%d/%d", &lane, &i)
			require.NoError(t, err)
			if lane < 0 {
				assert.Equal(t, byKey, r.Partition)
			} else {
				assert.EqualValues(t, lane, r.Partition)
			}
			assert.GreaterOrEqual(t, i, last[lane], "in order")
			last[lane] = i + 1
			assert.Equal(t, []kgo.RecordHeader{{Key: "event_id", Value: []byte("x")}}, r.Headers)
			read++
		})
	}
}

func TestSpoolDrainRefuses(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, fillSpool(t, dir).Close())
	got := ctl(t, "", nil, "spool", "drain", "-d", dir)
	assert.Equal(t, exitError, got.code)
	assert.Empty(t, got.out)
	assert.Contains(t, got.err, "exactly-once mode")
	assert.Equal(t, exitOK, ctl(t, "", nil, "spool", "verify", "-d", dir).code)

	got = ctl(t, "", nil, "spool", "drain", "-d", dir+"/none")
	assert.Equal(t, exitError, got.code)
	assert.NoDirExists(t, dir+"/none")
}

// TestSpoolDrainStops: what Kafka does not take stays.
func TestSpoolDrainStops(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	dir := t.TempDir()
	sp, err := spool.Open(dir, spool.Options{})
	require.NoError(t, err)
	id := spool.LaneID{Topic: "events", Partition: 7}
	_, err = sp.Append(id, []spool.Entry{{Topic: "events", Partition: 7, Value: []byte("secret")}})
	require.NoError(t, err)
	require.NoError(t, sp.Close())
	got := ctl(t, "", nil, "spool", "drain", "-d", dir, "--brokers", strings.Join(c.ListenAddrs(), ","))
	assert.Equal(t, exitError, got.code)
	assert.Equal(t, "sent 0, left 1\n", got.out)
	assert.Contains(t, got.err, "topic events")
	assert.NotContains(t, got.err, "secret")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errOut syncBuffer
	code := run(ctx, []string{"spool", "drain", "-d", dir, "--brokers", "127.0.0.1:1"}, streams{strings.NewReader(""), &out, &errOut, func(string) string { return "" }})
	assert.Equal(t, exitError, code)
	assert.Equal(t, "interrupted\n", errOut.String())
}
