// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// scripted is a Kafka client of which the test decides what becomes of what it
// is handed: answer is called with all records it holds, which are one batch.
type scripted struct {
	mu      sync.Mutex
	held    []handedOver
	batches [][]string // the numbers of each batch's events, in order
	purged  []string
}

type handedOver struct {
	rec     *kgo.Record
	promise func(*kgo.Record, error)
}

func (s *scripted) Produce(_ context.Context, r *kgo.Record, promise func(*kgo.Record, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = append(s.held, handedOver{r, promise})
}

// Flush is for a client that lingers.
func (s *scripted) Flush(context.Context) error { return nil }

func (s *scripted) PurgeTopicsFromProducing(topics ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.purged = append(s.purged, topics...)
}

// take returns what the client holds.
func (s *scripted) take() []handedOver {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.held
	s.held = nil
	if len(out) > 0 {
		var ids []string
		for _, h := range out {
			ids = append(ids, ratingOf(h.rec))
		}
		s.batches = append(s.batches, ids)
	}
	return out
}

// ratingOf is the number by which a test's record goes.
func ratingOf(r *kgo.Record) string { return header(r, "event_id")[24:] }

func (s *scripted) answer(err error) (n int) {
	batch := s.take()
	for _, h := range batch {
		h.promise(h.rec, err)
	}
	return len(batch)
}

type bench struct {
	*delivery
	t       *testing.T
	client  *scripted
	account *feedbackruntimeextension.Account
	spool   *memSpool
	stop    func() // ends the goroutines, as a crash would
}

// newBench starts a delivery with a scripted client in a synctest bubble. All
// topics but one named late are known.
func newBench(t *testing.T, change func(*Config)) *bench { return newBenchOn(t, nil, change) }

// newBenchOn has a spool besides.
func newBenchOn(t *testing.T, s *memSpool, change func(*Config), tune ...func(*delivery)) *bench {
	cfg := createDefaultConfig().(*Config)
	if change != nil {
		change(cfg)
	}
	topics, byType, dead := topicsOf(cfg)
	b := &bench{t: t, client: &scripted{}, account: feedbackruntimeextension.NewAccount(1<<20, 1<<30, time.Second)}
	b.delivery = newDelivery(zap.NewNop(), newBuilder("c", "v", byType, dead), newCounts(), topics)
	b.delivery.client, b.delivery.account = b.client, b.account
	b.spoolAfter = cfg.SpoolAfter
	if s != nil {
		b.spool = s
		b.keep(s)
		topics = b.restore(defaultLimit(cfg))
	}
	b.backoff = func(failures int) time.Duration { return min(time.Second<<(failures-1), backoffMax) }
	for _, tp := range topics {
		if tp.name != "late" {
			b.seen(tp, 1, 1<<20)
		}
	}
	for _, f := range tune {
		f(b.delivery)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { b.run(ctx) })
	if s != nil {
		wg.Go(func() { b.keeper.run(ctx) })
	}
	b.stop = func() {
		cancel()
		wg.Wait()
	}
	t.Cleanup(b.stop)
	return b
}

func (b *bench) send(from, to int) {
	var rs []*record
	ld := plog.NewLogs()
	for i := from; i < to; i++ {
		rs = append(rs, b.builder.build(addFeedback(ld, i, testSession)))
	}
	require.NoError(b.t, b.enqueue(rs, nil))
	synctest.Wait()
}

func numbers(from, to int) (out []string) {
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprintf("%012d", i))
	}
	return out
}

// A refusal is said of a whole batch: its records go again, first alone, and
// only the one that is refused alone becomes a dead letter. What arrives
// meanwhile waits behind them.
func TestRefusedBatchGoesAgainOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.send(0, 4)
		require.Equal(t, 4, b.client.answer(kerr.MessageTooLarge))
		synctest.Wait()
		b.send(4, 6)
		require.Equal(t, 1, b.client.answer(nil)) // 0 alone
		synctest.Wait()
		require.Equal(t, 2, b.client.answer(kerr.MessageTooLarge)) // 1 and 2 together
		synctest.Wait()
		require.Equal(t, 1, b.client.answer(kerr.MessageTooLarge)) // 1 alone: its own fate
		synctest.Wait()
		for b.client.answer(nil) > 0 {
			synctest.Wait()
		}
		require.Zero(t, b.unsettled())
		assert.Zero(t, b.account.Events())
		assert.Zero(t, b.account.Bytes())

		var order []string
		for i, batch := range b.client.batches {
			if i == 0 || i == 2 || i == 3 { // the refused ones
				continue
			}
			order = append(order, batch...)
		}
		assert.ElementsMatch(t, numbers(0, 6), order)
		var others []string
		for _, id := range order {
			if id != numbers(1, 2)[0] {
				others = append(others, id)
			}
		}
		assert.Equal(t, append(numbers(0, 1), numbers(2, 6)...), others, "neighbours keep their order")
		assert.EqualValues(t, 5, b.counts.published[0].Load())
		assert.EqualValues(t, 1, b.counts.dead[deadKey{stageKafka, "MESSAGE_TOO_LARGE"}])
	})
}

// What can heal goes again without end, waiting 1 s, 2 s, … 30 s, one record
// first and then all that waited, in order.
func TestWhatCanHealIsNeverGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		var last error
		b.trouble = func(_ *topic, err error) { last = err }
		b.send(0, 3)
		b.client.answer(kerr.TopicAuthorizationFailed)
		synctest.Wait()
		require.ErrorIs(t, last, kerr.TopicAuthorizationFailed)
		b.send(3, 5)
		for i, seconds := range []int{1, 2, 4, 8, 16, 30, 30, 30} {
			wait := time.Duration(seconds) * time.Second
			time.Sleep(wait - time.Millisecond)
			synctest.Wait()
			require.Empty(t, b.client.take(), "try %d came too early", i)
			time.Sleep(time.Millisecond)
			synctest.Wait()
			require.Equal(t, 1, b.client.answer(kerr.TopicAuthorizationFailed), "try %d", i)
			synctest.Wait()
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		b.client.batches = nil
		for b.client.answer(nil) > 0 {
			synctest.Wait()
		}
		require.NoError(t, last, "the topic works again")
		var order []string
		for _, batch := range b.client.batches {
			order = append(order, batch...)
		}
		assert.Equal(t, numbers(0, 5), order)
		assert.Zero(t, b.unsettled())
		b.send(5, 6)
		require.Equal(t, 1, b.client.answer(nil), "the lane is open again")
	})
}

// A record that comes back while others of its lane are on the way waits for
// their fate, and goes before them if they come back too.
func TestLaneKeepsOrderOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.send(0, 3)
		batch := b.client.take()
		batch[1].promise(batch[1].rec, kerr.UnknownServerError)
		batch[2].promise(batch[2].rec, kerr.UnknownServerError)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Empty(t, b.client.take(), "one is still on the way")
		batch[0].promise(batch[0].rec, kerr.UnknownServerError)
		time.Sleep(time.Minute)
		b.client.batches = nil
		synctest.Wait()
		for b.client.answer(nil) > 0 {
			synctest.Wait()
		}
		assert.Equal(t, [][]string{numbers(0, 1), numbers(1, 3)}, b.client.batches)
	})
}

// A topic that was deleted and made again must be forgotten by the client, but
// not while it has records of it.
func TestStaleTopicIsPurged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.send(0, 2)
		batch := b.client.take()
		batch[0].promise(batch[0].rec, kerr.UnknownTopicID)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Empty(t, b.client.purged)
		batch[1].promise(batch[1].rec, nil)
		b.send(2, 3)
		require.Equal(t, []string{testTopic}, b.client.purged)
		for b.client.answer(nil) > 0 {
			synctest.Wait()
		}
		assert.Zero(t, b.unsettled())
		assert.Len(t, b.client.purged, 1)
	})
}

func TestOneTopicDoesNotHoldAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *Config) { c.Topics.ByType = map[string]string{feedback.TypeSystemHealth: "health"} })
		b.send(0, 1)
		b.client.answer(kerr.TopicAuthorizationFailed)
		lr := addFeedback(plog.NewLogs(), 7, "svc")
		lr.Attributes().PutStr(feedback.AttrEventType, feedback.TypeSystemHealth)
		require.NoError(t, b.enqueue([]*record{b.builder.build(lr)}, nil))
		synctest.Wait()
		require.Equal(t, 1, b.client.answer(nil))
		require.Equal(t, 1, b.unsettled())
	})
}

// Records wait for a topic until its partitions are known.
func TestUnknownTopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *Config) { c.Topics.Events = "late" })
		late := b.builder.topics[0]
		b.send(0, 2)
		require.Empty(t, b.client.take())
		b.seen(late, 3, 1<<20)
		b.send(2, 3)
		require.Equal(t, 3, b.client.answer(nil))
		assert.Equal(t, [][]string{numbers(0, 3)}, b.client.batches)
	})
}

func TestTooLargeForTheTopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		big := addFeedback(plog.NewLogs(), 1, testSession)
		big.Body().Map().PutStr("comment", string(make([]byte, 2<<20)))
		require.NoError(t, b.enqueue([]*record{b.builder.build(big)}, nil))
		b.send(2, 3)
		require.Empty(t, b.client.batches)
		batch := b.client.take()
		require.Len(t, batch, 2, "the neighbour goes, and the dead letter")
		assert.Equal(t, testDLQ, batch[0].rec.Topic)
		assert.Less(t, len(batch[0].rec.Value), 1<<20)
		assert.Contains(t, string(batch[0].rec.Value), `"error_code":"MESSAGE_TOO_LARGE"`)
		for _, h := range batch {
			h.promise(h.rec, nil)
		}
		assert.Zero(t, b.account.Bytes())
	})
}

// A dead letter that its topic finds too large is cut until it fits; any other
// refusal keeps it waiting.
func TestDeadLetterRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		lr := addFeedback(plog.NewLogs(), 1, testSession)
		lr.Body().SetStr(string(make([]byte, 10_000)))
		refuse(lr, feedback.CodeInvalidType, "", "x")
		require.NoError(t, b.enqueue([]*record{b.builder.buildDead(lr, "invalid_type", failedAt)}, nil))
		synctest.Wait()
		require.Equal(t, 1, b.client.answer(kerr.MessageTooLarge)) // perhaps its neighbours' fault
		synctest.Wait()
		batch := b.client.take()
		before := len(batch[0].rec.Value)
		batch[0].promise(batch[0].rec, kerr.MessageTooLarge)
		synctest.Wait()
		batch = b.client.take()
		require.Len(t, batch, 1)
		assert.Less(t, len(batch[0].rec.Value), before)
		assert.Contains(t, string(batch[0].rec.Value), `"original_truncated":true`)
		batch[0].promise(batch[0].rec, kerr.InvalidRecord)
		synctest.Wait()
		require.Empty(t, b.client.take(), "later")
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, 1, b.client.answer(nil))
		assert.Zero(t, b.account.Bytes())
		assert.EqualValues(t, 1, b.counts.dead[deadKey{stageValidation, "invalid_type"}])
	})
}

func TestDeadLettersSwitchedOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *Config) { c.DeadLetter.Enabled = false })
		b.send(0, 1)
		b.client.answer(kerr.InvalidRecord)
		synctest.Wait()
		b.client.answer(kerr.InvalidRecord)
		synctest.Wait()
		require.Empty(t, b.client.take())
		assert.Zero(t, b.unsettled())
		assert.Zero(t, b.account.Events())
		assert.EqualValues(t, 1, b.counts.dead[deadKey{stageKafka, "INVALID_RECORD"}])
		b.send(1, 2)
		require.Equal(t, 1, b.client.answer(nil))
	})
}

func TestClosedDeliveryTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.send(0, 3)
		require.Equal(t, 3, b.close())
		require.Zero(t, b.close())
		assert.Zero(t, b.account.Events())
		require.Error(t, b.enqueue([]*record{b.builder.build(addFeedback(plog.NewLogs(), 9, "s"))}, nil))
		b.client.answer(errors.New("closed"))
		synctest.Wait()
		assert.Zero(t, b.inClient())
		assert.Zero(t, b.account.Events())
	})
}

func TestFateOf(t *testing.T) {
	assert.Equal(t, delivered, fateOf(nil))
	assert.Equal(t, refused, fateOf(fmt.Errorf("%w (uncompressed_bytes=1)", kerr.MessageTooLarge)))
	for _, err := range []error{
		kerr.TopicAuthorizationFailed, kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.NotEnoughReplicas,
		kerr.UnknownServerError, kgo.ErrClientClosed, context.Canceled,
	} {
		assert.Equal(t, returned, fateOf(err), err.Error())
	}
	name, _ := reasonOf(errors.New("x"))
	assert.Equal(t, reasonOther, name)
}

func TestBackoff(t *testing.T) {
	for failures, want := range []time.Duration{time.Second, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second, 30 * time.Second} {
		got := backoff(failures)
		assert.LessOrEqual(t, got, want)
		assert.GreaterOrEqual(t, got, want*4/5)
	}
	assert.LessOrEqual(t, backoff(1<<40), backoffMax)
}

func TestResize(t *testing.T) {
	tp := newTopic("t", false, 1)
	tp.resize(2, true)
	require.Len(t, tp.lanes, 2)
	tp.lanes[1].mode = laneHeld
	tp.resize(3, true)
	require.Len(t, tp.lanes, 2, "a key must not change its lane while one is held")
	tp.resize(2, true)
	require.Len(t, tp.lanes, 2)
	tp.lanes[1].mode = laneOpen
	tp.lanes[1].inflight = 1
	tp.resize(3, false)
	require.Len(t, tp.lanes, 2, "nor while something is on the way that may come back and be sent elsewhere")
	tp.resize(1, true)
	require.Len(t, tp.lanes, 2, "nor while it needs its lane")
	tp.resize(3, true)
	require.Len(t, tp.lanes, 3, "the lane is the partition")
	tp.lanes[1].inflight = 0
	tp.lanes[0].behind, tp.lanes[1].behind = []*record{{seq: 1}, {seq: 4}}, []*record{{seq: 2}, {seq: 3}}
	var order []uint64
	for _, r := range tp.resize(4, false) {
		order = append(order, r.seq)
	}
	require.Len(t, tp.lanes, 4)
	require.Equal(t, []uint64{1, 2, 3, 4}, order)
}
