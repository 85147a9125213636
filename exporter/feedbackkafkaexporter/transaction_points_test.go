// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// awayAfter lets the calls up to the nth of a name through, has what happen to
// that one, and nothing arrive any more after it.
func (c *txnCluster) awayAfter(name string, nth int, what txnFault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, away := 0, false
	c.faults = func(call string) txnFault {
		if away {
			return txnLoss
		}
		if call == name {
			n++
		}
		if n < nth {
			return txnNone
		}
		away = true
		return what
	}
}

func (c *txnCluster) back() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = nil
}

// Kafka goes away at each point of a transaction, and comes back, with and
// without a crash of the collector in between.
func TestTransactionAtEachPoint(t *testing.T) {
	for name, point := range map[string]struct {
		call  string
		what  txnFault
		doubt bool // the commit was sent
	}{
		"before anything":            {"publish", txnLoss, false},
		"records written":            {"publish", txnDeafness, false},
		"commit fails":               {"commit", txnRefusal, true},
		"commit lost":                {"commit", txnLoss, true},
		"committed, answer lost":     {"commit", txnDeafness, true},
		"committed, connection lost": {"commit", txnBreakage, true},
		"commit late":                {"commit", txnLateness, true},
	} {
		for _, crash := range []bool{false, true} {
			title := name
			if crash {
				title += ", crash"
			}
			t.Run(title, func(t *testing.T) {
				inTxnWorld(t, func(w *txnWorld) {
					w.cluster.awayAfter(point.call, 2, point.what)
					first := w.send(3)
					require.True(t, first.answered())
					second := w.send(2)
					third := w.send(4)
					require.False(t, second.answered())
					time.Sleep(3 * time.Second)
					synctest.Wait()
					require.Equal(t, !point.doubt, second.answered(), "only what cannot be committed any more is stored and answered")
					require.True(t, third.answered(), "what came later is stored behind it")
					fourth := w.send(1)
					require.True(t, fourth.answered(), "Kafka is known to be away")
					time.Sleep(5 * time.Minute)
					synctest.Wait()
					require.Equal(t, !point.doubt, second.answered(), "nothing is guessed")
					if crash {
						w.kill(true)
						w.startProcess(nil)
					}
					w.cluster.back()
					w.settled()
					if !crash {
						require.True(t, second.answered())
					}
					w.verify()
					fifth := w.send(2)
					require.True(t, fifth.answered(), "the spool is left")
					assert.Zero(t, w.spool.Len(txnLane))
					w.verify()
				})
			})
		}
	}
}

// A draining transaction whose answer is lost is not drained again.
func TestDrainingInDoubt(t *testing.T) {
	for name, what := range map[string]txnFault{"lost": txnLoss, "answer lost": txnDeafness} {
		for _, crash := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				inTxnWorld(t, func(w *txnWorld) {
					w.cluster.awayAfter("publish", 1, txnLoss)
					w.send(3)
					w.send(2)
					time.Sleep(4 * time.Second)
					w.cluster.awayAfter("commit", 1, what)
					time.Sleep(time.Minute)
					require.Equal(t, 5, w.spool.Len(txnLane))
					if crash {
						w.kill(true)
						w.startProcess(nil)
					}
					w.cluster.back()
					w.settled()
					w.verify()
					require.Len(t, w.cluster.log, 1)
				})
			})
		}
	}
}

// While the last of the spool is sent, what arrives waits for it instead of
// going behind it: under a steady load the spool would never be left.
func TestSpoolIsLeftUnderLoad(t *testing.T) {
	inTxnWorld(t, func(w *txnWorld) {
		w.cluster.awayAfter("publish", 1, txnLoss)
		w.send(3)
		time.Sleep(4 * time.Second)
		w.cluster.mu.Lock()
		w.cluster.faults = nil
		w.cluster.slow = 50 * time.Millisecond
		w.cluster.mu.Unlock()
		for range 4000 {
			w.send(1)
			time.Sleep(5 * time.Millisecond)
		}
		require.Zero(t, w.spool.Len(txnLane), "Kafka came back within txnOpenLimit")
		w.settled()
		w.verify()
	})
}

// With no room in the spool, senders wait, in order, until there is.
func TestTransactionsWithFullSpool(t *testing.T) {
	inTxnWorld(t, func(w *txnWorld) {
		w.spool.max = 4
		w.cluster.awayAfter("publish", 1, txnLoss)
		first, second, third := w.send(3), w.send(2), w.send(1)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.True(t, first.answered())
		require.False(t, second.answered())
		require.False(t, third.answered(), "it must not overtake the second, which has no room")
		require.Equal(t, 3, w.engine.unsettled())
		w.cluster.back()
		w.settled()
		require.True(t, third.answered())
		w.verify()
	})
}

// At half of the time to shut down, what waits for Kafka is stored.
func TestTransactionsRetreat(t *testing.T) {
	inTxnWorld(t, func(w *txnWorld) {
		w.cluster.awayAfter("publish", 1, txnLoss)
		q := w.send(3)
		w.engine.retreat()
		synctest.Wait()
		require.True(t, q.answered())
		late := w.send(1)
		require.True(t, late.answered())
		require.Zero(t, w.engine.close())
		w.end()
		w.startProcess(nil)
		w.cluster.back()
		w.settled()
		w.verify()
	})
}

func TestClosedTransactorTakesNothing(t *testing.T) {
	inTxnWorld(t, func(w *txnWorld) {
		w.cluster.awayAfter("publish", 1, txnLoss)
		q := w.send(3)
		require.Equal(t, 3, w.engine.close())
		require.Zero(t, w.engine.close())
		assert.Zero(t, w.account.Events())
		assert.Zero(t, w.account.Bytes())
		require.ErrorIs(t, w.engine.enqueue(nil, nil), errStopped)
		require.False(t, q.answered())
	})
}

// Of two collectors with one transactional id the one that started last has it,
// and the other does not take it back.
func TestTwoCollectorsWithOneID(t *testing.T) {
	inTxnWorld(t, func(w *txnWorld) {
		require.True(t, w.send(1).answered())
		old, end := w.engine, w.end

		w.spool = newTxnMemory()
		w.startProcess(nil)
		require.True(t, w.send(1).answered())

		w.engine, w.next = old, 100
		behind := w.send(2)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.True(t, behind.answered(), "stored")
		require.ErrorContains(t, old.problem, testTxnID)
		require.Len(t, w.cluster.log, 2)
		require.Equal(t, 2, w.cluster.epoch, "it does not fence back")
		end()
	})
}

// Numbers ascend over restarts, whatever the group knows.
func TestNumbersAscend(t *testing.T) {
	inTxnWorld(t, func(w *txnWorld) {
		last := uint64(0)
		for range 3 {
			w.send(1)
			assert.Greater(t, w.engine.last, last)
			last = w.engine.last
			w.end()
			w.startProcess(nil)
			synctest.Wait()
		}
		w.end()
		// Another spool, an old group: its number says nothing about these entries.
		w.spool = newTxnMemory()
		w.cluster.awayAfter("fence", 1, txnLoss)
		w.startProcess(nil)
		q := w.send(2)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.True(t, q.answered())
		w.cluster.back()
		w.settled()
		w.verify()
		require.Len(t, w.cluster.log, 4)
	})
}

// The committed number is written anew each day, for the group to keep it.
func TestNumberIsWrittenDaily(t *testing.T) {
	inTxnWorld(t, func(w *txnWorld) {
		w.send(1)
		w.cluster.mu.Lock()
		before := w.cluster.offset
		w.cluster.offset = txnClaim{}
		w.cluster.mu.Unlock()
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		w.cluster.mu.Lock()
		assert.Equal(t, before, w.cluster.offset)
		w.cluster.mu.Unlock()
		require.True(t, w.send(1).answered())
		w.verify()
	})
}

// What is refused is a dead letter of the same transaction, also when it has
// been in the spool.
func TestRefusedEventsFromTheSpool(t *testing.T) {
	inTxnWorld(t, func(w *txnWorld) {
		w.cluster.mu.Lock()
		w.cluster.refuses[numbers(1, 2)[0]] = true
		w.cluster.mu.Unlock()
		w.cluster.awayAfter("publish", 1, txnLoss)
		w.send(3)
		time.Sleep(4 * time.Second)
		w.cluster.back()
		w.settled()
		w.verify()
		require.Equal(t, [][]string{{numbers(0, 1)[0], "!" + numbers(1, 2)[0], numbers(2, 3)[0]}}, w.cluster.log)
	})
}

// Without a dead-letter topic a refused event is dropped, alone.
func TestRefusedEventIsDropped(t *testing.T) {
	inTxnWorld(t, func(w *txnWorld) {
		core, logs := observer.New(zapcore.WarnLevel)
		w.end()
		w.logger = zap.New(core)
		w.startProcess(func(c *transactorConfig) { c.builder.deadLetter = nil })
		w.cluster.mu.Lock()
		w.cluster.refuses[numbers(1, 2)[0]], w.cluster.refuses[numbers(3, 4)[0]] = true, true
		w.cluster.mu.Unlock()
		require.True(t, w.send(3).answered())
		require.True(t, w.send(1).answered(), "nothing is left of it")
		require.Equal(t, [][]string{{numbers(0, 1)[0], numbers(2, 3)[0]}}, w.cluster.log)
		dropped := logs.FilterMessageSnippet("Event dropped")
		require.Equal(t, 2, dropped.Len())
		for _, e := range dropped.All() {
			assert.NotContains(t, strings.ToLower(e.Message), testSession)
		}
		assert.EqualValues(t, 2, w.engine.counts.dead[deadKey{stageKafka, "MESSAGE_TOO_LARGE"}])
	})
}

// Requests that wait share a transaction.
func TestRequestsShareTransactions(t *testing.T) {
	inTxnWorld(t, func(w *txnWorld) {
		w.cluster.mu.Lock()
		w.cluster.slow = 100 * time.Millisecond
		w.cluster.mu.Unlock()
		qs := []*txnSent{w.send(1), w.send(2), w.send(3)}
		time.Sleep(time.Second)
		synctest.Wait()
		for _, q := range qs {
			require.True(t, q.answered())
		}
		require.LessOrEqual(t, len(w.cluster.log), 2)
		w.verify()
	})
}

func TestBrokenMarksAreRefused(t *testing.T) {
	s := newTxnMemory()
	require.NoError(t, s.SetMark(map[string]string{markRun: "x"}))
	_, err := newTransactor(transactorConfig{spool: s})
	require.ErrorContains(t, err, markRun)
	s = newTxnMemory()
	s.broken = errTxnDisk
	_, err = newTransactor(transactorConfig{spool: s})
	require.ErrorIs(t, err, errTxnDisk)
}
