// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

// transactor is the engine that writes in Kafka transactions, exactly once.
//
// Every request has a sequence number, ascending in order of arrival and over
// restarts. A transaction takes one or several whole requests, the oldest first,
// and commits with them, as the offset of a consumer group, the number of the
// last. So the committed number tells of every request whether it is on Kafka:
// all up to it are, none behind it is. Whoever does not know asks, after a new
// client with the same transactional id has put an end to what the last one
// left open; nothing is ever concluded from silence.
//
// There is one lane. What cannot be committed in time is stored in the spool
// with its number, and everything that arrives later behind it, until the
// spool has been drained, in transactions too.
//
// One goroutine, run, decides everything. What takes time (open a client, send
// a transaction) are operations, one at a time, that it starts and waits for or
// abandons. Those that are abandoned can no longer commit; see txnOp.phase.
type transactor struct {
	transactorConfig
	spoolID string // of the spool's directory, made once
	owner   string // of this process

	wake    chan struct{}
	idle    chan struct{} // unsettled has become 0
	results chan *txnOp
	joins   sync.WaitGroup // operations, and clients that are being closed

	mu           sync.Mutex // guards what follows up to problem
	queue        []*txnRequest
	seq          uint64 // given last
	pending      int
	pendingBytes int64
	retreating   bool
	closed       bool
	refusal      error // why the spool takes nothing at present
	problem      error // what keeps it from delivering, for the status

	// run's own.

	waiting  []*txnRequest // neither sent nor stored, in order
	stored   []*txnRequest // in the spool, not known to be on disk
	doubt    *txnDoubt     // commit sent, answer never seen
	client   txnClient     // nil: none that can be used
	op       *txnOp        // under way
	away     bool          // Kafka did not answer in time: store at once
	yielded  bool          // another collector has the transactional id
	owned    bool          // the group has said that the id is ours
	failures int           // in a row, of opening or draining
	logged   string        // why the last transaction failed
	last     uint64        // the highest number known to be committed
	marked   uint64        // what the spool's mark says of it
	claimed  time.Time     // when the committed number was last written
	retryAt  time.Time     // not before it: open
	drainAt  time.Time     // not before it: drain
	storeAt  time.Time     // not before it: store, after the spool refused
}

// transactorConfig is what a transactor is made of.
type transactorConfig struct {
	logger  *zap.Logger
	account *feedbackruntimeextension.Account
	builder *builder
	counts  *counts
	spool   txnSpool
	// connect returns a new client that has not sent anything yet.
	connect func() (txnClient, error)
	// limit is the largest record of a topic.
	limit   func(*topic) int
	backoff func(failures int) time.Duration
	// report is told what keeps transactions from being written; nil: nothing.
	report          func(error)
	transactionalID string
	spoolAfter      time.Duration
	drainRate       int    // events per second; 0: no limit
	sizer           *sizer // of the requests that share a transaction; nil: there is none
}

// txnSpool is the part of the spool that transactions need.
type txnSpool interface {
	Append(id spool.LaneID, entries []spool.Entry) (spool.Position, error)
	Sync(ctx context.Context) error
	Read(id spool.LaneID, after spool.Position, maxEntries, maxBytes int) ([]spool.Positioned, error)
	Done(id spool.LaneID, positions ...spool.Position) error
	Len(id spool.LaneID) int
	Mark() map[string]string
	SetMark(values map[string]string) error
}

// txnLane is the one lane of the spool.
var txnLane = spool.LaneID{Partition: spool.AnyPartition}

// txnClient is a Kafka client with a transactional id. One operation uses it at
// a time; close may be called at any.
type txnClient interface {
	// committed reads the committed number; stable waits until no transaction
	// that could change it is open.
	committed(ctx context.Context, stable bool) (txnClaim, error)
	// fence ends what older clients with the id left open: an open transaction
	// is aborted, one whose commit has arrived is completed.
	fence(ctx context.Context) error
	// claim writes the number in a transaction of its own.
	claim(ctx context.Context, c txnClaim) error
	// publish begins a transaction and writes records and number. Where a record
	// was not taken, its error is in the list. Those in alone are sent alone.
	publish(ctx context.Context, records []*record, alone map[*record]bool, c txnClaim) ([]error, error)
	// commit ends the transaction. Unless it returns nil, nobody knows.
	commit(ctx context.Context) error
	abort(ctx context.Context) error
	close()
}

// txnClaim is what the group's offset says: the number, of which spool, and who
// wrote it.
type txnClaim struct {
	seq     uint64
	spoolID string
	owner   string
}

// txnRequest is what one call gave, which is never split.
type txnRequest struct {
	records []*record
	seq     uint64
	arrived time.Time
	bytes   int64
}

func (q *txnRequest) spooled() {
	for _, r := range q.records {
		r.spans.spooled()
	}
}

// txnDoubt is a transaction whose commit was sent and not answered.
type txnDoubt struct {
	requests []*txnRequest
	stored   bool // a copy is in the spool, for order; it counts for nothing yet
}

const (
	maxTxnRecords = 10_000   // the requests of a transaction that share it
	maxTxnBytes   = 16 << 20 // same

	txnDrainRecords = 2_000   // the entries of a draining transaction
	txnDrainBytes   = 8 << 20 // same

	// The account so full means that senders are about to be turned away.
	txnCrowded         = 0.8
	txnCrowdedPatience = 500 * time.Millisecond

	txnOpenLimit  = 10 * time.Second // after which opening has failed
	txnDrainLimit = 40 * time.Second // after which draining has; below txnTimeout
	txnTimeout    = time.Minute      // after which the brokers abort a transaction

	maxNamedBatches = 10 // in a log line

	txnStoreRetry = time.Second
	txnSoon       = 100 * time.Millisecond // until the next try, where Kafka has just started
	txnClaimAgain = 24 * time.Hour         // offsets of a group without members expire
)

func newTransactor(c transactorConfig) (*transactor, error) {
	t := &transactor{
		transactorConfig: c,
		wake:             make(chan struct{}, 1),
		idle:             make(chan struct{}, 1),
		results:          make(chan *txnOp),
	}
	if err := t.readMarks(); err != nil {
		return nil, err
	}
	return t, nil
}

// enqueue implements engine.
func (t *transactor) enqueue(records []*record, hold *feedbackruntimeextension.Hold) error {
	q := &txnRequest{records: records, arrived: time.Now()}
	for _, r := range records {
		r.counted = r.payload() + recordOverhead
		q.bytes += r.counted
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return errStopped
	}
	t.account.Hand(hold, len(records), q.bytes)
	t.seq++
	q.seq = t.seq
	t.queue = append(t.queue, q)
	t.pending += len(records)
	t.pendingBytes += q.bytes
	signal(t.wake)
	return nil
}

// unsettled implements engine.
func (t *transactor) unsettled() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pending
}

// settled implements engine.
func (t *transactor) settled() <-chan struct{} { return t.idle }

// retreat implements engine.
func (t *transactor) retreat() {
	t.mu.Lock()
	t.retreating = true
	t.mu.Unlock()
	signal(t.wake)
}

// close implements engine. run ends with its context.
func (t *transactor) close() (undelivered int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return 0
	}
	t.closed = true
	undelivered = t.pending
	t.account.Done(t.pending, t.pendingBytes)
	t.pending, t.pendingBytes = 0, 0
	t.queue = nil
	return undelivered
}

// settle ends the responsibility for requests that are committed or stored.
func (t *transactor) settle(requests []*txnRequest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, q := range requests {
		if !t.closed {
			t.pending -= len(q.records)
			t.pendingBytes -= q.bytes
			t.account.Done(len(q.records), q.bytes)
		}
		for _, r := range q.records {
			r.handover.settle()
			if r.request != nil {
				r.request.settle()
			}
		}
	}
	if t.pending == 0 {
		signal(t.idle)
	}
}

// say tells the status what is wrong, once.
func (t *transactor) say(err error) {
	t.mu.Lock()
	same := (err == nil) == (t.problem == nil) && (err == nil || err.Error() == t.problem.Error())
	t.problem = err
	t.mu.Unlock()
	if !same {
		t.report(err)
	}
}
