// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/dlq"
)

func cluster(t *testing.T) (*kfake.Cluster, []kgo.Opt) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "events", "dead"))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	opts := []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...)}
	cl, err := kgo.NewClient(append(opts, kgo.DefaultProduceTopic("dead"))...)
	require.NoError(t, err)
	defer cl.Close()
	for range 10 {
		require.NoError(t, cl.ProduceSync(t.Context(), kgo.StringRecord("a letter")).FirstErr())
	}
	return c, opts
}

func newSender(t *testing.T, opts []kgo.Opt) *Sender {
	t.Helper()
	s, err := NewSender(t.Context(), opts, "dead")
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func item(offset int64, size int) *Item {
	return &Item{
		Letter: &dlq.Letter{Position: dlq.Position{Offset: offset}},
		Record: &kgo.Record{Topic: "events", Value: make([]byte, size)},
		Next:   offset + 1,
	}
}

// committed is how many records of the events topic a reader sees.
func committed(t *testing.T, opts []kgo.Opt) (n int) {
	t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.ConsumeTopics("events"), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())...)
	require.NoError(t, err)
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(t.Context(), "events")
	require.NoError(t, err)
	end, _ := ends.Lookup("events", 0)
	for at := int64(0); at < end.Offset; {
		for _, r := range cl.PollFetches(t.Context()).Records() {
			if at = r.Offset + 1; !r.Attrs.IsControl() {
				n++
			}
		}
	}
	return n
}

func TestSendAndMark(t *testing.T) {
	_, opts := cluster(t)
	s := newSender(t, opts)
	require.NoError(t, s.Send(t.Context(), []*Item{item(0, 1), item(1, 1), item(5, 1)}))
	require.NoError(t, s.Send(t.Context(), []*Item{item(7, 1)}))
	require.NoError(t, s.KeepMarks(t.Context()))
	assert.Equal(t, 4, committed(t, opts))
	for _, m := range []*dlq.Marks{s.Marks()[0], newSender(t, opts).Marks()[0]} {
		assert.Equal(t, int64(2), m.Low)
		for offset, want := range []bool{true, true, false, false, false, true, false, true, false} {
			assert.Equal(t, want, m.Has(int64(offset)), offset)
		}
	}
}

// One that Kafka refuses costs the others nothing.
func TestSendTooLarge(t *testing.T) {
	_, opts := cluster(t)
	s := newSender(t, opts)
	items := []*Item{item(0, 1), item(1, maxRecordBytes+1), item(2, 1)}
	require.NoError(t, s.Send(t.Context(), items))
	assert.NoError(t, items[0].Err)
	assert.ErrorIs(t, items[1].Err, kerr.MessageTooLarge)
	assert.NoError(t, items[2].Err)
	assert.Equal(t, 2, committed(t, opts))
	assert.False(t, s.Marks()[0].Has(1))
	assert.True(t, s.Marks()[0].Has(2))
}

func TestOneReplayAtATime(t *testing.T) {
	_, opts := cluster(t)
	first := newSender(t, opts)
	require.NoError(t, first.Send(t.Context(), []*Item{item(0, 1)}))
	second := newSender(t, opts)
	assert.True(t, second.Marks()[0].Has(0))
	err := first.Send(t.Context(), []*Item{item(1, 1)})
	assert.ErrorContains(t, err, "another replay of dead has begun")
	require.NoError(t, second.Send(t.Context(), []*Item{item(1, 1)}))
	assert.Equal(t, 2, committed(t, opts))
}

// What cannot be marked is not published.
func TestMarkRefused(t *testing.T) {
	c, opts := cluster(t)
	s := newSender(t, opts)
	c.ControlKey(int16(kmsg.TxnOffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		r := req.(*kmsg.TxnOffsetCommitRequest)
		resp := r.ResponseKind().(*kmsg.TxnOffsetCommitResponse)
		resp.Topics = []kmsg.TxnOffsetCommitResponseTopic{{Topic: "dead", Partitions: []kmsg.TxnOffsetCommitResponseTopicPartition{{ErrorCode: kerr.GroupAuthorizationFailed.Code}}}}
		return resp, nil, true
	})
	err := s.Send(t.Context(), []*Item{item(0, 1)})
	assert.ErrorContains(t, err, "group feedbackctl-dlq-replay, partition 0: GROUP_AUTHORIZATION_FAILED")
	assert.False(t, s.Marks()[0].Has(0))
	assert.Zero(t, committed(t, opts))
	require.NoError(t, s.Send(t.Context(), []*Item{item(0, 1)}), "the transaction has ended")
	assert.Equal(t, 1, committed(t, opts))
}

func TestInterrupted(t *testing.T) {
	_, opts := cluster(t)
	s := newSender(t, opts)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, s.Send(ctx, []*Item{item(0, 1)}), context.Canceled)
	assert.Zero(t, committed(t, opts))
	require.NoError(t, s.Send(t.Context(), []*Item{item(0, 1)}))
}

func TestPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pacer{rate: 100}
		start := time.Now()
		for range 5 {
			require.NoError(t, p.wait(t.Context(), 25))
		}
		assert.Equal(t, time.Second, time.Since(start), "the first does not wait")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		assert.ErrorIs(t, p.wait(ctx, 1), context.DeadlineExceeded)
	})
}

// Offsets that are no letters belong to the letter in front of them.
func TestPlan(t *testing.T) {
	p := NewPlan()
	for _, r := range []struct {
		partition int32
		offset    int64
		chosen    bool
	}{{0, 3, true}, {1, 8, false}, {0, 6, true}, {0, 7, false}, {1, 9, true}, {0, 10, true}} {
		p.See(dlq.Position{Partition: r.partition, Offset: r.offset}, r.chosen)
	}
	assert.Equal(t, 4, p.Count)
	assert.Equal(t, map[int32]int64{0: 3, 1: 9}, p.first)
	assert.Equal(t, map[dlq.Position]int64{{Partition: 0, Offset: 3}: 6, {Partition: 0, Offset: 6}: 7, {Partition: 1, Offset: 9}: 10, {Partition: 0, Offset: 10}: 11}, p.next)
}
