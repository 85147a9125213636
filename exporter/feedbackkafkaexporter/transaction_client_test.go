// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
)

const testTxnID = "collector-7"

// txnRig is a transactor in front of brokers.
type txnRig struct {
	*transactor
	t       testing.TB
	brokers []string
	stop    func()

	mu       sync.Mutex
	problems []error
}

func newTxnRig(t testing.TB, brokers []string, s txnSpool, change func(*transactorConfig)) *txnRig {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	cfg.Brokers = brokers
	cfg.Acknowledge = AcknowledgeDelivered
	_, byType, dead := topicsOf(cfg)
	opts, err := clientOpts(context.Background(), componenttest.NewNopHost(), cfg, zap.NewNop(), func(string) int32 { return 1 << 20 })
	require.NoError(t, err)
	r := &txnRig{t: t, brokers: brokers}
	tc := transactorConfig{
		logger:  zaptest.NewLogger(t),
		account: feedbackruntimeextension.NewAccount(1<<20, 1<<30, time.Second),
		builder: newBuilder("c", "v", byType, dead),
		counts:  newCounts(),
		spool:   s,
		connect: func() (txnClient, error) {
			return newKafkaTxn(opts, "", testTxnID, cfg.Topics.Events)
		},
		limit:   func(*topic) int { return 1 << 20 },
		backoff: func(int) time.Duration { return 20 * time.Millisecond },
		report: func(err error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.problems = append(r.problems, err)
		},
		transactionalID: testTxnID,
		spoolAfter:      3 * time.Second,
	}
	if change != nil {
		change(&tc)
	}
	r.transactor, err = newTransactor(tc)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { r.run(ctx) })
	r.stop = sync.OnceFunc(func() {
		cancel()
		wg.Wait()
	})
	t.Cleanup(r.stop)
	return r
}

// send takes a request of events over, and returns it.
func (r *txnRig) send(from, to int) *request {
	r.t.Helper()
	ld := plog.NewLogs()
	q := newRequest(to - from)
	var rs []*record
	for i := from; i < to; i++ {
		rec := r.builder.build(addFeedback(ld, i, testSession))
		rec.request = q
		rs = append(rs, rec)
	}
	require.NoError(r.t, r.enqueue(rs, nil))
	return q
}

func (r *txnRig) await(qs ...*request) {
	r.t.Helper()
	for _, q := range qs {
		select {
		case <-q.done:
		case <-time.After(20 * time.Second):
			require.FailNow(r.t, "no answer")
		}
	}
}

// txnCommitted reads the numbers of a topic's events that are committed.
func txnCommitted(t testing.TB, brokers []string, topic string, n int) (out []string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(50*time.Millisecond))
	require.NoError(t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for len(out) < n {
		fs := cl.PollFetches(ctx)
		require.NoError(t, ctx.Err(), "only %d of %d records in %s: %v", len(out), n, topic, out)
		fs.EachRecord(func(rec *kgo.Record) { out = append(out, ratingOf(rec)) })
	}
	return out
}

func TestTransactions(t *testing.T) {
	c := newCluster(t, seeded())
	r := newTxnRig(t, c.ListenAddrs(), newTxnMemory(), nil)
	for i := range 20 {
		r.await(r.send(3*i, 3*i+3))
	}
	assert.Equal(t, numbers(0, 60), txnCommitted(t, r.brokers, testTopic, 60))
	assert.Zero(t, r.account.Events())
	assert.Zero(t, r.account.Bytes())
	assert.EqualValues(t, 60, r.counts.published[0].Load())
}

// A batch that the broker refuses: the one record that it refuses alone becomes
// a dead letter of the same transaction.
func TestTransactionWithRefusedRecord(t *testing.T) {
	c := newCluster(t, seeded())
	c.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		p := req.(*kmsg.ProduceRequest)
		if p.Topics[0].Topic == testDLQ || !containsMark(p, "poison") {
			return nil, nil, false
		}
		resp := p.ResponseKind().(*kmsg.ProduceResponse)
		for _, rt := range p.Topics {
			st := kmsg.NewProduceResponseTopic()
			st.Topic, st.TopicID = rt.Topic, rt.TopicID
			for _, rp := range rt.Partitions {
				sp := kmsg.NewProduceResponseTopicPartition()
				sp.Partition = rp.Partition
				sp.ErrorCode = kerr.MessageTooLarge.Code
				st.Partitions = append(st.Partitions, sp)
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, true
	})
	r := newTxnRig(t, c.ListenAddrs(), newTxnMemory(), nil)
	ld := plog.NewLogs()
	q := newRequest(5)
	var rs []*record
	for i := range 5 {
		lr := addFeedback(ld, i, testSession)
		if i == 2 {
			lr.Body().Map().PutStr("comment", "poison")
		}
		rec := r.builder.build(lr)
		rec.request = q
		rs = append(rs, rec)
	}
	require.NoError(t, r.enqueue(rs, nil))
	r.await(q, r.send(5, 8))
	assert.Equal(t, append(numbers(0, 2), numbers(3, 8)...), txnCommitted(t, r.brokers, testTopic, 7))
	assert.Equal(t, numbers(2, 3), txnCommitted(t, r.brokers, testDLQ, 1))
}

func containsMark(p *kmsg.ProduceRequest, mark string) bool {
	for _, rt := range p.Topics {
		for _, rp := range rt.Partitions {
			if batchContains(rp.Records, mark) {
				return true
			}
		}
	}
	return false
}

func batchContains(b []byte, mark string) bool {
	var batch kmsg.RecordBatch
	if batch.ReadFrom(b) != nil {
		return false
	}
	raw, err := kgo.DefaultDecompressor().Decompress(batch.Records, kgo.CompressionCodecType(batch.Attributes&7))
	return err == nil && strings.Contains(string(raw), mark)
}
