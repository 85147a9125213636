// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
)

var (
	txnSeeds = flag.Int("txn.seeds", 400, "how many random schedules of faults the transactions are run through")
	txnSeed  = flag.Uint64("txn.seed", 0, "the one schedule to run")
)

// txnWorld is a cluster, and processes one after the other that write to it.
type txnWorld struct {
	t        testing.TB
	cluster  *txnCluster
	spool    *txnMemory
	logger   *zap.Logger
	process  *txnProcess
	engine   *transactor
	account  *feedbackruntimeextension.Account
	end      func()
	next     int // number of the next event
	requests []*txnSent
}

// txnSent is a request that was taken over.
type txnSent struct {
	from, to int
	*request
}

func (q *txnSent) answered() bool {
	select {
	case <-q.done:
		return true
	default:
		return false
	}
}

func newTxnWorld(t testing.TB) *txnWorld {
	w := &txnWorld{t: t, cluster: &txnCluster{refuses: map[string]bool{}}, spool: newTxnMemory(), logger: zap.NewNop()}
	w.startProcess(nil)
	return w
}

func (w *txnWorld) startProcess(change func(*transactorConfig)) {
	cfg := createDefaultConfig().(*Config)
	_, byType, dead := topicsOf(cfg)
	w.process = &txnProcess{cluster: w.cluster, dead: make(chan struct{})}
	w.account = feedbackruntimeextension.NewAccount(1<<20, 1<<30, time.Second)
	tc := transactorConfig{
		logger:          w.logger,
		account:         w.account,
		builder:         newBuilder("c", "v", byType, dead),
		counts:          newCounts(),
		spool:           w.spool,
		connect:         w.process.connect,
		limit:           func(*topic) int { return 1 << 20 },
		backoff:         func(failures int) time.Duration { return min(time.Second<<(failures-1), 30*time.Second) },
		report:          func(error) {},
		transactionalID: testTxnID,
		spoolAfter:      3 * time.Second,
	}
	if change != nil {
		change(&tc)
	}
	engine, err := newTransactor(tc)
	require.NoError(w.t, err)
	w.engine = engine
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { engine.run(ctx) })
	w.end = func() {
		cancel()
		wg.Wait()
	}
}

// kill ends the process without a word. What it waits for is lost.
func (w *txnWorld) kill(forget bool) {
	w.cluster.mu.Lock()
	close(w.process.dead)
	w.cluster.mu.Unlock()
	found := w.spool.crash(forget)
	w.end()
	w.spool = found
	for _, q := range w.requests {
		if !q.answered() {
			q.request = &request{done: make(chan struct{})} // nobody will hear of it
		}
	}
}

func (w *txnWorld) send(n int) *txnSent {
	ld := plog.NewLogs()
	q := &txnSent{from: w.next, to: w.next + n, request: newRequest(n)}
	w.next += n
	var rs []*record
	for i := q.from; i < q.to; i++ {
		r := w.engine.builder.build(addFeedback(ld, i, testSession))
		r.request = q.request
		rs = append(rs, r)
	}
	require.NoError(w.t, w.engine.enqueue(rs, nil))
	w.requests = append(w.requests, q)
	synctest.Wait()
	return q
}

// settled waits until the faults' consequences are over.
func (w *txnWorld) settled() {
	for range 1000 {
		synctest.Wait()
		if w.engine.unsettled() == 0 && w.spool.Len(txnLane) == 0 {
			return
		}
		time.Sleep(time.Second)
	}
	w.end()
	require.FailNow(w.t, "not settled", "%d in memory, %d in the spool", w.engine.unsettled(), w.spool.Len(txnLane))
}

// verify holds what is on Kafka against what was sent: what was answered is
// there, nothing is there twice, no request in parts, all in order.
func (w *txnWorld) verify() {
	w.cluster.mu.Lock()
	defer w.cluster.mu.Unlock()
	where := map[int]int{}
	last := -1
	for i, txn := range w.cluster.log {
		for _, e := range txn {
			id := strings.TrimPrefix(e, "!")
			n, err := strconv.Atoi(id)
			require.NoError(w.t, err)
			_, twice := where[n]
			require.False(w.t, twice, "event %d is there twice: %v", n, w.cluster.log)
			require.Greater(w.t, n, last, "event %d is out of order: %v", n, w.cluster.log)
			require.Equal(w.t, w.cluster.refuses[id], strings.HasPrefix(e, "!"), "event %d", n)
			where[n], last = i, n
		}
	}
	for _, q := range w.requests {
		first, there := where[q.from]
		require.False(w.t, q.answered() && !there, "request %d–%d was answered and is lost: %v", q.from, q.to, w.cluster.log)
		for i := q.from; i < q.to; i++ {
			at, is := where[i]
			require.Equal(w.t, there, is, "request %d–%d is there in parts", q.from, q.to)
			require.Equal(w.t, first, at, "request %d–%d is split", q.from, q.to)
		}
	}
}

// inTxnWorld runs a test in a bubble.
func inTxnWorld(t *testing.T, f func(w *txnWorld)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newTxnWorld(t)
		f(w)
		w.end()
		w.cluster.mu.Lock()
		w.cluster.faults = nil
		w.cluster.mu.Unlock()
		time.Sleep(time.Minute) // in the bubble: commits on their way arrive
	})
}

// TestTransactionsUnderRandomFaults runs through many schedules of faults. Run
// again with -txn.seed what it has found.
func TestTransactionsUnderRandomFaults(t *testing.T) {
	seeds := make([]uint64, 0, *txnSeeds)
	for range *txnSeeds {
		seeds = append(seeds, rand.Uint64())
	}
	if *txnSeed != 0 {
		seeds = []uint64{*txnSeed}
	}
	if testing.Short() {
		seeds = seeds[:min(len(seeds), 50)]
	}
	for _, seed := range seeds {
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { inTxnWorld(t, func(w *txnWorld) { randomFaults(w, seed) }) }) {
			t.Logf("go test -run %s -txn.seed %d", "TestTransactionsUnderRandomFaults", seed)
			return
		}
	}
}

func randomFaults(w *txnWorld, seed uint64) {
	if *txnSeed != 0 {
		w.logger, _ = zap.NewDevelopment()
	}
	rnd := rand.New(rand.NewPCG(seed, 1))
	faults := rand.New(rand.NewPCG(seed, 2)) // guarded by the cluster's mutex
	share := rnd.Float64() / 2
	w.cluster.mu.Lock()
	w.cluster.faults = func(string) txnFault {
		if faults.Float64() >= share {
			return txnNone
		}
		return 1 + txnFault(faults.IntN(int(txnLateness)))
	}
	w.cluster.mu.Unlock()
	if rnd.IntN(3) == 0 {
		w.spool.max = 5 + rnd.IntN(40)
	}
	for range 5 + rnd.IntN(60) {
		switch n := rnd.IntN(20); {
		case n < 12:
			size := 1 + rnd.IntN(8)
			w.cluster.mu.Lock()
			for i := range size {
				if rnd.IntN(20) == 0 {
					w.cluster.refuses[numbers(w.next+i, w.next+i+1)[0]] = true
				}
			}
			w.cluster.mu.Unlock()
			w.send(size)
		case n < 16:
			time.Sleep(time.Duration(rnd.Int64N(int64(2 * time.Second))))
		case n < 17:
			time.Sleep(time.Duration(rnd.Int64N(int64(time.Minute))))
		case n < 18:
			w.spool.mu.Lock()
			if w.spool.broken = nil; rnd.IntN(2) == 0 {
				w.spool.broken = errTxnDisk
			}
			w.spool.mu.Unlock()
		case n < 19:
			w.spool.mu.Lock()
			w.spool.broken = nil
			w.spool.mu.Unlock()
			w.kill(rnd.IntN(2) == 0)
			w.startProcess(nil)
		default:
			w.engine.retreat() // a stop half over
		}
		if w.engine.retreats() && rnd.IntN(3) == 0 {
			w.engine.close()
			w.end()
			w.abandonUnanswered()
			w.spool.mu.Lock()
			w.spool.broken = nil
			w.spool.mu.Unlock()
			w.startProcess(nil)
		}
	}
	w.cluster.mu.Lock()
	w.cluster.faults = nil
	w.cluster.mu.Unlock()
	w.spool.mu.Lock()
	w.spool.broken, w.spool.max = nil, 0
	w.spool.mu.Unlock()
	if w.engine.retreats() {
		w.engine.close()
		w.end()
		w.abandonUnanswered()
		w.startProcess(nil)
	}
	w.settled()
	w.verify()
}

// abandonUnanswered forgets who waits for a process that has stopped.
func (w *txnWorld) abandonUnanswered() {
	for _, q := range w.requests {
		if !q.answered() {
			q.request = &request{done: make(chan struct{})}
		}
	}
}
