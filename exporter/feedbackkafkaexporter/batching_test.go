// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// sized is a sizer for tests: 50 ms, 10 to 1000 records.
func sized(start int) *sizer {
	return newSizer(&BatchingConfig{TargetLatency: 50 * time.Millisecond, MinRecords: 10, MaxRecords: 1000}, start)
}

// follow has the sizer see one latency after the other, each of the size it says.
func follow(s *sizer, n int, full bool, took func(records int) time.Duration) {
	now := s.changed.Add(time.Hour)
	for range n {
		began := now
		now = now.Add(took(s.current()))
		s.observe(began, now, full)
		now = now.Add(time.Nanosecond)
	}
}

func constant(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }

func TestSizerFollowsLatency(t *testing.T) {
	t.Run("slow", func(t *testing.T) {
		s := sized(100)
		follow(s, 1, true, constant(61*time.Millisecond))
		assert.Equal(t, 90, s.current())
		follow(s, 100, true, constant(time.Second))
		assert.Equal(t, 10, s.current(), "not below its bound")
	})
	t.Run("fast", func(t *testing.T) {
		s := sized(100)
		follow(s, 1, true, constant(39*time.Millisecond))
		assert.Equal(t, 110, s.current())
		follow(s, 100, true, constant(time.Millisecond))
		assert.Equal(t, 1000, s.current(), "not above its bound")
	})
	t.Run("as it should be", func(t *testing.T) {
		s := sized(100)
		follow(s, 100, true, constant(45*time.Millisecond))
		follow(s, 100, true, constant(55*time.Millisecond))
		assert.Equal(t, 100, s.current())
	})
	t.Run("fast, but something else ended the wait", func(t *testing.T) {
		s := sized(100)
		follow(s, 100, false, constant(time.Millisecond))
		assert.Equal(t, 100, s.current())
	})
	t.Run("small steps too", func(t *testing.T) {
		s := newSizer(&BatchingConfig{TargetLatency: time.Second, MinRecords: 1, MaxRecords: 4}, 1)
		follow(s, 3, true, constant(time.Millisecond))
		assert.Equal(t, 4, s.current())
	})
	t.Run("finds what meets the target", func(t *testing.T) {
		for _, start := range []int{10, 1000} {
			s := sized(start)
			follow(s, 200, true, func(n int) time.Duration { return 5*time.Millisecond + time.Duration(n)*100*time.Microsecond })
			assert.InDelta(t, 450, s.current(), 180, "from %d", start) // 450 take 50 ms
		}
	})
	t.Run("forth and back", func(t *testing.T) {
		s := sized(100)
		follow(s, 100, true, constant(time.Second))
		follow(s, 100, true, constant(time.Millisecond))
		assert.Equal(t, 1000, s.current())
	})
}

// What was on the way while the size changed says nothing about the new one.
func TestSizerChangesOnceForWhatWasOnTheWay(t *testing.T) {
	s := sized(100)
	began := time.Unix(0, 0)
	for i := range 20 {
		s.observe(began, began.Add(time.Second+time.Duration(i)), true)
	}
	assert.Equal(t, 90, s.current())
}

// A commit takes what it takes: fewer records would not make it faster, only the
// commit dearer for each of them.
func TestSizerLeavesOverheadItsShare(t *testing.T) {
	took := func(n int) time.Duration { return 200*time.Millisecond + time.Duration(n)*time.Millisecond }
	s := sized(1000)
	follow(s, 300, true, took)
	assert.Equal(t, 10, s.current(), "without that")
	s = sized(1000)
	s.overhead = true
	follow(s, 1, false, constant(took(1))) // when little waited
	follow(s, 300, true, took)
	assert.InDelta(t, 250, s.current(), 120, "half of the time is the records'")
}

// gathers has a delivery hold records back for up to 10 ms, where 20 come in
// that time.
func gathers(d *delivery) {
	d.gathering.linger = 10 * time.Millisecond
	d.gathering.sizer = newSizer(&BatchingConfig{TargetLatency: 50 * time.Millisecond, MinRecords: 20, MaxRecords: 1000}, 100)
}

// busy sends a record every 250 µs, of which Kafka answers each hand-over at
// once, and returns how many went at once, each time.
func (b *bench) busy(from, to int) (sizes []int) {
	for i := from; i < to; i++ {
		b.send(i, i+1)
		if n := b.client.answer(nil); n > 0 {
			sizes = append(sizes, n)
		}
		time.Sleep(250 * time.Microsecond)
	}
	return sizes
}

func TestRecordsAreHeldBackOnlyUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBenchOn(t, nil, nil, gathers)
		for i := range 20 { // a record every 2 ms is not worth a wait
			b.send(i, i+1)
			require.Equal(t, 1, b.client.answer(nil), "record %d waits", i)
			time.Sleep(2 * time.Millisecond)
		}
		sizes := b.busy(20, 420)
		assert.Equal(t, 1, sizes[0])
		for _, n := range sizes[len(sizes)-8:] {
			assert.InDelta(t, 40, n, 2, "what arrives in 10 ms: %v", sizes)
		}
		// The last ones wait no longer than linger, and then it is quiet again.
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		b.client.answer(nil)
		require.Zero(t, b.unsettled())
		time.Sleep(time.Second)
		b.send(420, 421)
		require.Equal(t, 1, b.client.answer(nil), "the line is idle")

		var order []string
		for _, batch := range b.client.batches {
			order = append(order, batch...)
		}
		assert.Equal(t, numbers(0, 421), order)
	})
}

// What may be held back grows with the partitions, whose batches are what counts.
func TestMoreIsHeldBackForMorePartitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBenchOn(t, nil, nil, func(d *delivery) {
			gathers(d)
			d.gathering.perPartition = 100
		})
		most := func() (n float64) {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.gathering.most
		}
		at := func(partitions int) float64 {
			b.seen(b.topics[0], partitions, 1<<20)
			synctest.Wait()
			return most()
		}
		one := at(1)
		assert.InDelta(t, one+400, at(5), 0)
		assert.InDelta(t, maxTxnRecords, at(1000), 0)
	})
}

// No more wait than the target says, however long linger is.
func TestTargetEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBenchOn(t, nil, nil, gathers, func(d *delivery) {
			d.gathering.linger = time.Minute
			d.gathering.before, d.gathering.window = 1000, time.Now()
		})
		b.send(0, 99)
		require.Empty(t, b.client.take())
		b.send(99, 100)
		require.Equal(t, 100, b.client.answer(nil))
		synctest.Wait()
		assert.Equal(t, 110, b.gathering.current(), "it was fast, and 100 were enough")
	})
}

// A request that is all there is to come does not wait for more.
func TestRequestsOfOneSenderDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBenchOn(t, nil, nil, gathers)
		for i := range 50 {
			b.send(i*40, i*40+40)
			require.Equal(t, 40, b.client.answer(nil), "request %d waits", i)
			time.Sleep(11 * time.Millisecond)
		}
	})
}

// What a lane that does not answer got is not measured, and does not keep others
// from being.
func TestOnlyWhatIsAnsweredIsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBenchOn(t, nil, nil, gathers)
		lr := addFeedback(plog.NewLogs(), 0, testSession)
		refuse(lr, feedback.CodeMalformedJSON, "", "not JSON") // so it takes another lane
		dead := b.builder.buildDead(lr, string(feedback.CodeMalformedJSON), time.Now())
		require.NoError(t, b.enqueue([]*record{dead}, nil))
		synctest.Wait()
		stuck := b.client.take()
		require.Len(t, stuck, 1)
		for i := 1; i < 10; i++ {
			b.send(i, i+1)
			time.Sleep(time.Second)
			require.Equal(t, 1, b.client.answer(nil))
		}
		synctest.Wait()
		assert.Less(t, b.gathering.current(), 100)
		slow := b.gathering.average
		stuck[0].promise(stuck[0].rec, errDisk)
		synctest.Wait()
		assert.Equal(t, slow, b.gathering.average, "what came back says nothing about speed")
	})
}

// Shutdown and the spool do not wait for company.
func TestNothingIsHeldBackAtTheEnd(t *testing.T) {
	for name, end := range map[string]func(*bench){
		"shutdown": func(b *bench) { b.stopDraining() },
		"retreat":  func(b *bench) { b.retreat() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBenchOn(t, newMemSpool(), nil, gathers, func(d *delivery) {
					d.gathering.linger = time.Hour
					d.gathering.before, d.gathering.window = 1000, time.Now()
				})
				b.send(0, 50)
				require.Equal(t, 50, b.unsettled())
				end(b)
				synctest.Wait()
				b.client.answer(nil)
				synctest.Wait()
				assert.Zero(t, b.unsettled())
			})
		})
	}
}

// A transaction has as many records as its latency allows.
func TestTransactionsFollowLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTxnWorld(t)
		w.end()
		var size *sizer
		w.startProcess(func(c *transactorConfig) {
			size = sized(100)
			c.sizer = size
		})
		w.cluster.mu.Lock()
		w.cluster.slow = time.Millisecond
		w.cluster.mu.Unlock()
		for range 40 {
			w.send(30)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Len(t, w.cluster.log[1], 90, "whole requests, 100 records at most")
		assert.Greater(t, size.current(), 100, "transactions were fast and full")
		before := size.current()
		w.cluster.mu.Lock()
		w.cluster.slow = 100 * time.Millisecond
		w.cluster.mu.Unlock()
		for range 40 {
			w.send(30)
			time.Sleep(200 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Less(t, size.current(), before)
		w.end()
	})
}

// TestBatchTargetFollowsTheBroker drives the whole exporter and a broker that is
// slow and then fast.
func TestBatchTargetFollowsTheBroker(t *testing.T) {
	c := newCluster(t, seeded())
	var delay atomic.Int64
	answerAfter(c, &delay)
	e, r := newInnerRig(t, c, func(cfg *Config, _ *testRuntime) {
		cfg.Batching.TargetLatency = 120 * time.Millisecond
		cfg.Batching.MinRecords = 10
	})
	r.statusIs(componentstatus.StatusOK, "")
	start := e.batchTarget()
	require.EqualValues(t, firstRecords, start)

	stop := make(chan struct{})
	done := make(chan struct{})
	defer func() {
		close(stop)
		<-done
		r.settled()
	}()
	go func() { // a steady 10,000 events a second, as far as there is room
		defer close(done)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			if r.runtime.account.Events() < 5000 {
				assert.NoError(t, r.exp.ConsumeLogs(context.Background(), feedbackLogs(0, 20, testSession)))
			}
		}
	}()
	delay.Store(int64(300 * time.Millisecond))
	require.Eventually(t, func() bool { return e.batchTarget() == 10 }, time.Minute, 5*time.Millisecond, "a slow broker")
	delay.Store(0)
	require.Eventually(t, func() bool { return e.batchTarget() >= 40 }, time.Minute, 5*time.Millisecond, "a fast broker")
	delay.Store(int64(300 * time.Millisecond))
	require.Eventually(t, func() bool { return e.batchTarget() == 10 }, time.Minute, 5*time.Millisecond, "slow again")
	delay.Store(0)
}

// answerAfter has the cluster answer what is produced with a delay.
func answerAfter(c *kfake.Cluster, delay *atomic.Int64) {
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if d := time.Duration(delay.Load()); d > 0 {
			timer := time.NewTimer(d)
			defer timer.Stop()
			<-timer.C
		}
		return nil, nil, false
	})
}

// A record that comes alone is with Kafka after a round trip, whatever linger is.
func TestLightLoadDoesNotWaitForLinger(t *testing.T) {
	const linger = 2 * time.Second
	for _, trip := range []time.Duration{0, 20 * time.Millisecond} {
		t.Run(trip.String(), func(t *testing.T) {
			c := newCluster(t, seeded())
			var delay atomic.Int64
			delay.Store(int64(trip))
			answerAfter(c, &delay)
			r := newRig(t, c, func(cfg *Config, _ *testRuntime) {
				cfg.Acknowledge = AcknowledgeDelivered // the answer tells when Kafka has it
				cfg.Producer.Linger = linger
			})
			r.statusIs(componentstatus.StatusOK, "")
			var took []time.Duration
			for i := range 15 {
				began := time.Now()
				require.NoError(t, r.exp.ConsumeLogs(context.Background(), feedbackLogs(i, i+1, testSession)))
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			assert.Less(t, took[len(took)/2], trip+linger/4, "the median of %v", took)
		})
	}
}
