// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// txnCluster is what Kafka is to a transactor, with faults. What it holds in
// log is what a read_committed consumer sees.
type txnCluster struct {
	mu      sync.Mutex
	epoch   int
	offset  txnClaim
	log     [][]string // transactions, each the numbers of its events, dead letters with "!" before
	staged  *stagedTxn
	refuses map[string]bool // the numbers of events that are refused

	// faults decides what becomes of a call; nil: nothing fails.
	faults func(call string) txnFault
	slow   time.Duration // what each call takes
}

type stagedTxn struct {
	epoch  int
	events []string
	number *txnClaim
}

// txnFault is what becomes of a call.
type txnFault int

const (
	txnNone     txnFault = iota
	txnRefusal           // fails at once, nothing has happened
	txnLoss              // never arrives, never answered
	txnDeafness          // happens, never answered
	txnBreakage          // happens, fails
	txnLateness          // happens later, unless another client was quicker; never answered
)

var errTxnBroken = errors.New("connection reset")

// txnProcess is one run of a collector: its clients.
type txnProcess struct {
	cluster *txnCluster
	dead    chan struct{} // closed when the process was killed
}

func (p *txnProcess) connect() (txnClient, error) {
	return &fakeTxn{process: p, cluster: p.cluster, epoch: -1, closed: make(chan struct{})}, nil
}

// fakeTxn is one client.
type fakeTxn struct {
	process *txnProcess
	cluster *txnCluster
	epoch   int // guarded by cluster.mu
	once    sync.Once
	closed  chan struct{}
}

// call runs effect as the fault wants it.
func (f *fakeTxn) call(ctx context.Context, name string, effect func() error) error {
	c := f.cluster
	c.mu.Lock()
	if slow := c.slow; slow > 0 {
		c.mu.Unlock()
		time.Sleep(slow) // in the bubble of the test
		c.mu.Lock()
	}
	what := txnNone
	if c.faults != nil {
		what = c.faults(name)
	}
	select {
	case <-f.process.dead: // the dead send nothing
		what = txnLoss
	case <-f.closed:
		what = txnRefusal
	default:
	}
	var err error
	switch what {
	case txnNone:
		err = effect()
	case txnRefusal:
		err = errTxnBroken
	case txnDeafness:
		_ = effect()
	case txnBreakage:
		_ = effect()
		err = errTxnBroken
	case txnLateness:
		time.AfterFunc(time.Duration(rand.Int64N(int64(5*time.Second))), func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			_ = effect()
		})
	}
	c.mu.Unlock()
	switch what {
	case txnNone, txnRefusal, txnBreakage:
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-f.closed:
		return errTxnBroken
	}
}

func (f *fakeTxn) committed(ctx context.Context, _ bool) (txnClaim, error) {
	var out txnClaim // what comes late writes here, when nobody looks any more
	if err := f.call(ctx, "committed", func() error {
		out = f.cluster.offset
		return nil
	}); err != nil {
		return txnClaim{}, err
	}
	return out, nil
}

func (f *fakeTxn) fence(ctx context.Context) error {
	return f.call(ctx, "fence", func() error {
		f.cluster.epoch++
		f.epoch = f.cluster.epoch
		f.cluster.staged = nil
		return nil
	})
}

func (f *fakeTxn) claim(ctx context.Context, cl txnClaim) error {
	return f.call(ctx, "claim", func() error {
		if f.epoch != f.cluster.epoch {
			return kerr.InvalidProducerEpoch
		}
		f.cluster.offset = cl
		return nil
	})
}

func (f *fakeTxn) publish(ctx context.Context, records []*record, alone map[*record]bool, cl txnClaim) ([]error, error) {
	errs := make([]error, len(records)) // as in committed
	ids, dead := make([]string, len(records)), make([]bool, len(records))
	for i, r := range records {
		ids[i], dead[i] = ratingOf(&r.Record), r.dead != nil
	}
	err := f.call(ctx, "publish", func() error {
		if f.epoch != f.cluster.epoch {
			return kerr.InvalidProducerEpoch
		}
		if f.cluster.staged != nil {
			return errors.New("a transaction is open")
		}
		st := &stagedTxn{epoch: f.epoch, number: &cl}
		f.cluster.staged = st
		refused := false
		for i, r := range records {
			id := ids[i]
			if dead[i] {
				st.events = append(st.events, "!"+id)
				continue
			}
			st.events = append(st.events, id)
			if f.cluster.refuses[id] {
				refused = true
				for j := range records { // the batch: all that are not sent alone
					if i == j || !alone[r] && !alone[records[j]] && !dead[j] {
						errs[j] = kerr.MessageTooLarge
					}
				}
			}
		}
		if refused {
			st.number = nil
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return errs, nil
}

func (f *fakeTxn) commit(ctx context.Context) error {
	return f.call(ctx, "commit", func() error {
		st := f.cluster.staged
		if st == nil || f.epoch != f.cluster.epoch {
			return kerr.InvalidProducerEpoch
		}
		if st.number == nil {
			return errors.New("a commit without number")
		}
		f.cluster.log = append(f.cluster.log, st.events)
		f.cluster.offset = *st.number
		f.cluster.staged = nil
		return nil
	})
}

func (f *fakeTxn) abort(ctx context.Context) error {
	return f.call(ctx, "abort", func() error {
		if f.epoch != f.cluster.epoch {
			return kerr.InvalidProducerEpoch
		}
		f.cluster.staged = nil
		return nil
	})
}

func (f *fakeTxn) close() { f.once.Do(func() { close(f.closed) }) }
