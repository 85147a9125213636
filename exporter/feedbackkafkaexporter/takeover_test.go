// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

// after lets time pass.
func after(d time.Duration) {
	time.Sleep(d) // in a bubble: it is the fake clock that moves
	synctest.Wait()
}

// deliverAll answers until the client has nothing more, and returns the order.
func (b *bench) deliverAll() []string {
	b.client.batches = nil
	for idle := 0; idle < 3; {
		if b.client.answer(nil) > 0 {
			idle = 0
		} else {
			idle++
		}
		after(time.Second)
	}
	var order []string
	for _, batch := range b.client.batches {
		order = append(order, batch...)
	}
	return order
}

func TestHealthyPathTouchesNoSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBenchOn(t, newMemSpool(), nil)
		for i := range 50 {
			b.send(i, i+1)
			after(100 * time.Millisecond)
			b.client.answer(nil)
		}
		assert.Zero(t, b.spool.appends.Load())
		assert.Zero(t, b.unsettled())
	})
}

// Kafka does not answer: after spool_after the lane's records are stored, which
// settles them; new ones go behind; the originals, when answered, are not sent
// again, and the others in order.
func TestTakeOverAndReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBenchOn(t, newMemSpool(), nil)
		b.send(0, 3)
		originals := b.client.take()
		require.Len(t, originals, 3)
		after(2900 * time.Millisecond)
		require.Equal(t, 3, b.unsettled())
		require.Zero(t, b.spool.appends.Load())
		after(300 * time.Millisecond)
		require.Zero(t, b.unsettled(), "stored")
		require.Zero(t, b.account.Events())
		b.send(3, 6)
		require.Zero(t, b.unsettled(), "stored at once")
		require.Empty(t, b.client.take(), "the lane has a barrier")
		require.Equal(t, 6, b.spool.Stats().Entries)
		after(time.Minute)
		require.Empty(t, b.client.take(), "originals are pending")

		for _, h := range originals[:2] {
			h.promise(h.rec, nil)
		}
		synctest.Wait()
		require.Empty(t, b.client.take(), "one is pending still")
		require.Equal(t, 4, b.spool.Stats().Entries)
		originals[2].promise(originals[2].rec, nil)
		synctest.Wait()
		assert.Equal(t, numbers(3, 6), b.deliverAll())
		assert.Zero(t, b.spool.Stats().Entries)
		appends := b.spool.appends.Load()
		b.send(6, 8)
		assert.Equal(t, numbers(6, 8), b.deliverAll(), "the lane is open again")
		assert.Equal(t, appends, b.spool.appends.Load())
		assert.EqualValues(t, 6, b.counts.spooled.Load())
		assert.EqualValues(t, 3, b.counts.drained.Load())
		assert.EqualValues(t, 8, b.counts.published[0].Load())
	})
}

// A lane that is behind but gets answers is busy, not stuck: however old its oldest
// record and however full the buffer, the spool leaves it alone, until the answers
// stop.
func TestBusyLaneIsNotTakenOver(t *testing.T) {
	for name, tune := range map[string]func(*bench){
		"spool_after": func(*bench) {},
		"nearly full": func(b *bench) { b.account.Hand(nil, 1<<20, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBenchOn(t, newMemSpool(), nil)
				tune(b)
				b.send(0, 40)
				held := b.client.take()
				for _, h := range held[:30] { // 12 s for what was there at once
					after(400 * time.Millisecond)
					h.promise(h.rec, nil)
				}
				synctest.Wait()
				require.Zero(t, b.spool.appends.Load(), "a busy lane went to the disk")
				require.Equal(t, 10, b.unsettled())
				after(3200 * time.Millisecond)
				assert.Zero(t, b.unsettled(), "no answer any more: stored")
				assert.Equal(t, 10, b.spool.Stats().Entries)
				for _, h := range held[30:] {
					h.promise(h.rec, nil)
				}
			})
		})
	}
}

// Originals that come back are drained from their copies, in order.
func TestOriginalsComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBenchOn(t, newMemSpool(), nil)
		b.send(0, 3)
		originals := b.client.take()
		after(4 * time.Second)
		b.send(3, 5)
		originals[0].promise(originals[0].rec, nil)
		for _, h := range originals[1:] {
			h.promise(h.rec, kerr.UnknownServerError)
		}
		synctest.Wait()
		assert.Equal(t, numbers(1, 5), b.deliverAll())
		assert.EqualValues(t, 2, b.counts.retries.Load())
		assert.Zero(t, b.counts.fail.of("UNKNOWN_SERVER_ERROR"))
		assert.Zero(t, b.spool.Stats().Entries)
	})
}

// While the last stored records are on the way, new ones wait in memory and
// follow at once; if the last come back after all, they are stored.
func TestReturning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBenchOn(t, newMemSpool(), nil)
		b.send(0, 2)
		first := b.client.take()
		after(4 * time.Second)
		for _, h := range first {
			h.promise(h.rec, kerr.UnknownServerError)
		}
		synctest.Wait()
		require.Equal(t, 1, b.client.answer(nil))
		synctest.Wait()
		last := b.client.take()
		require.Len(t, last, 1)
		appends := b.spool.appends.Load()
		b.send(2, 4)
		require.Equal(t, appends, b.spool.appends.Load())
		require.Equal(t, 2, b.unsettled())
		last[0].promise(last[0].rec, kerr.UnknownServerError)
		synctest.Wait()
		require.Zero(t, b.unsettled(), "stored after all")
		assert.Equal(t, numbers(1, 4), b.deliverAll())

		b.send(4, 6)
		require.Len(t, b.client.take(), 2)
	})
}

// The buffer nearly full: the spool takes over after half a second.
func TestTakeOverUnderPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBenchOn(t, newMemSpool(), nil, func(d *delivery) {
			d.account = feedbackruntimeextension.NewAccount(10, 1<<30, time.Second)
		})
		b.send(0, 8)
		after(400 * time.Millisecond)
		require.Equal(t, 8, b.unsettled())
		after(200 * time.Millisecond)
		require.Zero(t, b.unsettled())
	})
}

func TestSpoolFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemSpool()
		s.capacity = 4
		b := newBenchOn(t, s, nil)
		b.send(0, 3)
		originals := b.client.take()
		after(4 * time.Second)
		require.Zero(t, b.unsettled())
		b.send(3, 6)
		require.Equal(t, 3, b.unsettled(), "in memory")
		require.False(t, b.keeper.mayTakeOver())
		for _, h := range originals {
			h.promise(h.rec, nil)
		}
		after(time.Second)
		assert.Equal(t, numbers(3, 6), b.deliverAll())
		assert.Zero(t, b.unsettled())
		assert.Zero(t, b.account.Events())
	})
}

func TestDiskFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemSpool()
		s.failSync = errDisk
		b := newBenchOn(t, s, nil)
		b.send(0, 3)
		originals := b.client.take()
		after(4 * time.Second)
		require.Equal(t, 3, b.unsettled(), "not known to be on disk")
		originals[0].promise(originals[0].rec, nil)
		synctest.Wait()
		require.Equal(t, 2, b.unsettled())
		s.mu.Lock()
		s.failSync = nil
		s.mu.Unlock()
		after(time.Second)
		require.Zero(t, b.unsettled())
		for _, h := range originals[1:] {
			h.promise(h.rec, nil)
		}
		synctest.Wait()
		assert.Empty(t, b.deliverAll())
		assert.Zero(t, s.Stats().Entries)
	})
}

// What an earlier run stored goes first; the new events of its lanes go behind.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemSpool()
		b := newBenchOn(t, s, func(c *Config) { c.Topics.Events = "late" })
		b.send(0, 3)
		after(4 * time.Second)
		require.Equal(t, []spool.LaneID{{Topic: "late", Partition: spool.AnyPartition}}, s.Lanes())
		require.Empty(t, b.client.take())
		b.close()

		b = newBenchOn(t, s, func(c *Config) { c.Topics.Events = "late" })
		b.send(3, 5)
		b.seen(b.builder.topics[0], 3, 1<<20)
		synctest.Wait()
		assert.Equal(t, numbers(0, 5), b.deliverAll())
		assert.Zero(t, s.Stats().Entries)
		assert.Zero(t, b.unsettled())
	})
}

// The topic has got more partitions since its events were stored: its lanes keep
// their number until they are drained.
func TestOtherPartitionCountAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemSpool()
		b := newBenchOn(t, s, nil)
		tp := b.builder.topics[0]
		b.seen(tp, 3, 1<<20)
		for i := range 30 {
			require.NoError(t, b.enqueue([]*record{b.builder.build(addFeedback(plog.NewLogs(), i, fmt.Sprint("s", i%5)))}, nil))
		}
		after(4 * time.Second)
		require.Zero(t, b.unsettled())
		b.close()

		b = newBenchOn(t, s, nil)
		tp = b.builder.topics[0]
		b.seen(tp, 7, 1<<20)
		for i := 30; i < 60; i++ {
			require.NoError(t, b.enqueue([]*record{b.builder.build(addFeedback(plog.NewLogs(), i, fmt.Sprint("s", i%5)))}, nil))
		}
		synctest.Wait()
		require.Len(t, tp.lanes, 3)
		order := b.deliverAll()
		require.Len(t, order, 60)
		last := map[int]string{}
		for _, id := range order {
			n, err := strconv.Atoi(id)
			require.NoError(t, err)
			assert.Less(t, last[n%5], id)
			last[n%5] = id
		}
		b.send(60, 61)
		b.seen(tp, 8, 1<<20)
		synctest.Wait()
		assert.Len(t, tp.lanes, 8)
	})
}

// Entries go where they were bound, configured or not.
func TestTopicNoLongerConfigured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemSpool()
		b := newBenchOn(t, s, func(c *Config) { c.Topics.Events = "old" })
		b.send(0, 2)
		after(4 * time.Second)
		b.close()
		b = newBenchOn(t, s, nil)
		var order []string
		for range 3 {
			synctest.Wait()
			batch := b.client.take()
			for _, h := range batch {
				assert.Equal(t, "old", h.rec.Topic)
				order = append(order, ratingOf(h.rec))
				h.promise(h.rec, nil)
			}
			after(time.Second)
		}
		assert.Equal(t, numbers(0, 2), order)
	})
}

// A stored record that Kafka will never take becomes a dead letter, and its
// entry is done when that is safe.
func TestStoredRecordRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemSpool()
		b := newBenchOn(t, s, nil)
		b.send(0, 3)
		originals := b.client.take()
		after(4 * time.Second)
		for _, h := range originals {
			h.promise(h.rec, kerr.InvalidRecord)
		}
		synctest.Wait()
		require.Equal(t, 1, b.client.answer(kerr.InvalidRecord)) // 0 alone
		synctest.Wait()
		for b.client.answer(nil) > 0 {
			synctest.Wait()
		}
		after(time.Second)
		for b.client.answer(nil) > 0 {
			after(time.Second)
		}
		assert.EqualValues(t, 1, b.counts.dead[deadKey{stageKafka, "INVALID_RECORD"}])
		assert.EqualValues(t, 2, b.counts.published[0].Load())
		assert.Zero(t, s.Stats().Entries)
		assert.Zero(t, b.unsettled())
		assert.Zero(t, b.account.Bytes())
	})
}

// Stored dead letters keep what is needed to cut them.
func TestStoredDeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemSpool()
		b := newBenchOn(t, s, nil)
		lr := addFeedback(plog.NewLogs(), 1, testSession)
		lr.Body().SetStr(string(make([]byte, 10_000)))
		refuse(lr, feedback.CodeInvalidType, "comment", "x")
		require.NoError(t, b.enqueue([]*record{b.builder.buildDead(lr, "invalid_type", failedAt)}, nil))
		synctest.Wait()
		original := b.client.take()
		after(4 * time.Second)
		original[0].promise(original[0].rec, kerr.MessageTooLarge)
		synctest.Wait()
		require.Equal(t, 1, b.client.answer(kerr.MessageTooLarge)) // alone
		synctest.Wait()
		batch := b.client.take()
		require.Len(t, batch, 1)
		assert.Contains(t, string(batch[0].rec.Value), `"error_code":"invalid_type","error_message":"comment: x","failed_stage":"validation"`)
		assert.Contains(t, string(batch[0].rec.Value), `"original_truncated":true`)
		batch[0].promise(batch[0].rec, nil)
		synctest.Wait()
		assert.Zero(t, s.Stats().Entries)
		assert.EqualValues(t, 1, b.counts.dead[deadKey{stageValidation, "invalid_type"}])
	})
}

// Before the end of the time to shut down everything is stored.
func TestRetreat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBenchOn(t, newMemSpool(), nil)
		b.send(0, 3)
		b.retreat()
		synctest.Wait()
		require.Zero(t, b.unsettled())
		b.send(3, 4)
		require.Zero(t, b.unsettled())
		assert.Equal(t, 4, b.spool.Stats().Entries)
	})
}

func TestPace(t *testing.T) {
	var p pace
	now := time.Now()
	p.spend(1000)
	require.Zero(t, p.wait(now))
	p.rate = 100
	require.Zero(t, p.wait(now))
	p.spend(50)
	assert.Equal(t, 500*time.Millisecond, p.wait(now))
	assert.Equal(t, 100*time.Millisecond, p.wait(now.Add(400*time.Millisecond)))
	assert.Zero(t, p.wait(now.Add(time.Hour)))
}
