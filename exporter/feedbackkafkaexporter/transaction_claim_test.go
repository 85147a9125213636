// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/zap"
)

// failNumbers refuses the next writes of a number, as a broker does that does
// not lead the group's partition any more, and counts what it was asked.
func failNumbers(c *kfake.Cluster, next int32) (asked *atomic.Int32) {
	asked = new(atomic.Int32)
	c.ControlKey(int16(kmsg.TxnOffsetCommit), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if asked.Add(1) > next {
			return nil, nil, false
		}
		req := kreq.(*kmsg.TxnOffsetCommitRequest)
		resp := req.ResponseKind().(*kmsg.TxnOffsetCommitResponse)
		for _, t := range req.Topics {
			rt := kmsg.NewTxnOffsetCommitResponseTopic()
			rt.Topic = t.Topic
			for _, p := range t.Partitions {
				rp := kmsg.NewTxnOffsetCommitResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p.Partition, kerr.NotCoordinator.Code
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
	return asked
}

// What was read from a broker that leads the group no more is borne out by no
// write to the next one: the number there may be newer.
func TestClaimIsWrittenWhereTheNumberWasRead(t *testing.T) {
	c := newCluster(t, seeded())
	asked := failNumbers(c, 1)
	cfg := createDefaultConfig().(*Config)
	cfg.Brokers = c.ListenAddrs()
	opts, err := clientOpts(t.Context(), componenttest.NewNopHost(), cfg, zap.NewNop(), func(string) int32 { return 1 << 20 })
	require.NoError(t, err)
	k, err := newKafkaTxn(opts, "", testTxnID, cfg.Topics.Events)
	require.NoError(t, err)
	defer k.close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	require.NoError(t, k.fence(ctx))
	_, err = k.committed(ctx, true)
	require.NoError(t, err)
	require.ErrorIs(t, k.claim(ctx, txnClaim{seq: 1}), kerr.NotCoordinator)
	assert.EqualValues(t, 1, asked.Load(), "it is not written elsewhere")
}

// The next opening asks anew.
func TestOpensAgainWhenTheGroupHasMoved(t *testing.T) {
	c := newCluster(t, seeded())
	asked := failNumbers(c, 2)
	r := newTxnRig(t, c.ListenAddrs(), newTxnMemory(), nil)
	r.await(r.send(0, 3))
	assert.Equal(t, numbers(0, 3), txnCommitted(t, r.brokers, testTopic, 3))
	assert.GreaterOrEqual(t, asked.Load(), int32(4), "two that fail, a claim, and the request's number")
}
