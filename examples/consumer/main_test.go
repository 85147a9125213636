// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type broker struct {
	t      *testing.T
	addr   string
	client *kgo.Client
}

func newBroker(t *testing.T, partitions int32) *broker {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "events"))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.TransactionalID("t"), kgo.DefaultProduceTopic("events"))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return &broker{t, c.ListenAddrs()[0], cl}
}

// produce writes events in one transaction; "s-1:id" is one with key s-1.
func (b *broker) produce(end kgo.TransactionEndTry, version string, events ...string) {
	b.t.Helper()
	require.NoError(b.t, b.client.BeginTransaction())
	for _, e := range events {
		key, id, _ := strings.Cut(e, ":")
		r := kgo.KeySliceRecord([]byte(key), fmt.Appendf(nil, `{"event_id":%q,"added_later":1}`, id))
		r.Headers = []kgo.RecordHeader{
			{Key: "event_type", Value: []byte("user_feedback")}, {Key: "event_id", Value: []byte(id)}, {Key: "schema_version", Value: []byte(version)},
		}
		require.NoError(b.t, b.client.ProduceSync(b.t.Context(), r).FirstErr())
	}
	require.NoError(b.t, b.client.EndTransaction(b.t.Context(), end))
}

// consume runs the consumer until it has printed so many events, and returns
// their ids.
func (b *broker) consume(count, window int) (ids []string, err error) {
	var out bytes.Buffer
	err = run(b.t.Context(), config{brokers: b.addr, topic: "events", group: "g", window: window, count: count}, &out)
	for line := range strings.Lines(out.String()) {
		ids = append(ids, strings.Fields(line)[1])
	}
	return ids, err
}

func TestEachEventOnce(t *testing.T) {
	b := newBroker(t, 1)
	b.produce(kgo.TryCommit, "1.0", "s:a", "s:b", "s:a")
	b.produce(kgo.TryAbort, "1.0", "s:aborted")
	b.produce(kgo.TryCommit, "1.0", "s:b", "s:c", "s:c", "s:d")
	ids, err := b.consume(4, 100)
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", "c", "d"}, ids, "in order, committed ones only")
}

// A copy is recognised by the next process, and what was not done comes again.
func TestRestart(t *testing.T) {
	b := newBroker(t, 1)
	b.produce(kgo.TryCommit, "1.0", "s:a", "s:b", "s:c")
	ids, err := b.consume(2, 100)
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, ids)
	b.produce(kgo.TryCommit, "1.0", "s:a", "s:b", "s:d")
	ids, err = b.consume(2, 100)
	require.NoError(t, err)
	assert.Equal(t, []string{"c", "d"}, ids)
	b.produce(kgo.TryCommit, "1.0", "s:a", "s:e")
	ids, err = b.consume(2, 1)
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "e"}, ids, "the window is bounded")
}

func TestOtherSchemaVersion(t *testing.T) {
	b := newBroker(t, 1)
	b.produce(kgo.TryCommit, "1.0", "s:a")
	b.produce(kgo.TryCommit, "2.0", "s:b")
	for range 2 {
		ids, err := b.consume(0, 100)
		require.EqualError(t, err, `events/0@2: schema version "2.0": this program knows 1.0`)
		assert.Subset(t, []string{"a"}, ids)
	}
}

// Two consumers share the partitions; one takes over where the other ends.
func TestTwoConsumers(t *testing.T) {
	b := newBroker(t, 4)
	var events []string
	for i := range 200 {
		events = append(events, fmt.Sprintf("s-%d:%d", i%20, i))
	}
	b.produce(kgo.TryCommit, "1.0", events...)
	first, err := b.consume(120, 1000)
	require.NoError(t, err)
	second, err := b.consume(80, 1000)
	require.NoError(t, err)
	seen := map[string]int{}
	for _, id := range append(first, second...) {
		seen[id]++
	}
	assert.Len(t, seen, 200)
}

func TestWindow(t *testing.T) {
	w := newWindows(2)
	copied := func(id string, partition int32) bool {
		return w.copied(&kgo.Record{Topic: "t", Partition: partition, Timestamp: time.Now(), Headers: []kgo.RecordHeader{{Key: "event_id", Value: []byte(id)}}})
	}
	assert.False(t, copied("a", 0))
	assert.True(t, copied("a", 0))
	assert.False(t, copied("a", 1))
	assert.False(t, copied("b", 0))
	assert.False(t, copied("c", 0), "a makes room")
	assert.True(t, copied("b", 0))
	assert.False(t, copied("a", 0))
	assert.False(t, copied("", 0))
	assert.False(t, copied("", 0), "no id is no id")
	w.forgetThem(t.Context(), nil, map[string][]int32{"t": {0}})
	assert.False(t, copied("a", 0))
}
