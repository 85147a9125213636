// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/pdata/plog"
)

// simSeeds are the schedules of the simulation. FEEDBACK_SIM_SEED=n runs that one
// alone, FEEDBACK_SIM_RUNS=n so many from a seed that is printed.
func simSeeds(t *testing.T) []uint64 {
	if s, err := strconv.ParseUint(os.Getenv("FEEDBACK_SIM_SEED"), 10, 64); err == nil {
		return []uint64{s}
	}
	first, runs := uint64(1), 2000
	if n, err := strconv.Atoi(os.Getenv("FEEDBACK_SIM_RUNS")); err == nil {
		first, runs = rand.Uint64N(1<<40), n
		t.Logf("seeds from %d", first)
	} else if testing.Short() || raceDetector {
		runs = 200
	}
	out := make([]uint64, runs)
	for i := range out {
		out[i] = first + uint64(i)
	}
	return out
}

// TestSimulation drives delivery through random faults of brokers, disk and
// process, on a clock of its own, and looks after every step at what was
// acknowledged.
func TestSimulation(t *testing.T) {
	for _, seed := range simSeeds(t) {
		synctest.Test(t, func(t *testing.T) {
			s := newSim(t, seed)
			defer func() {
				if t.Failed() {
					t.Logf("FEEDBACK_SIM_SEED=%d\n%s", seed, strings.Join(s.history, "\n"))
				}
			}()
			s.run()
		})
		if t.Failed() {
			return
		}
	}
}

// simBroker is a cluster and the client before it: it answers for each partition
// in order, whole batches, and tells of it later.
type simBroker struct {
	mu      sync.Mutex
	held    map[simPartition][]handedOver
	answers []answer    // not told yet
	log     []simRecord // what it has, in the order it got it
	has     map[string]int
}

// answer is what became of a record.
type answer struct {
	handedOver
	err error
}

type simPartition struct {
	topic     string
	partition int32
}

type simRecord struct {
	simPartition
	id, key string
}

func (s *simBroker) Produce(_ context.Context, r *kgo.Record, promise func(*kgo.Record, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := simPartition{r.Topic, r.Partition}
	s.held[p] = append(s.held[p], handedOver{r, promise})
}

// Flush is for a client that lingers.
func (*simBroker) Flush(context.Context) error { return nil }

func (*simBroker) PurgeTopicsFromProducing(...string) {}

func (s *simBroker) partitions() (out []simPartition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, held := range s.held {
		if len(held) > 0 {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b simPartition) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return out
}

// take removes the first n records of a partition, and writes them if asked.
func (s *simBroker) take(p simPartition, n int, write bool) []handedOver {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.held[p][:n]
	s.held[p] = s.held[p][n:]
	if write {
		for _, h := range out {
			id := ratingOf(h.rec)
			s.log = append(s.log, simRecord{p, id, string(h.rec.Key)})
			s.has[id]++
		}
	}
	return out
}

// decide notes what became of records.
func (s *simBroker) decide(batch []handedOver, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range batch {
		s.answers = append(s.answers, answer{h, err})
	}
}

// tell gives up to n answers, in the order in which they were decided.
func (s *simBroker) tell(n int) {
	s.mu.Lock()
	n = min(n, len(s.answers))
	told := s.answers[:n]
	s.answers = s.answers[n:]
	s.mu.Unlock()
	for _, a := range told {
		a.promise(a.rec, a.err)
	}
}

func (s *simBroker) untold() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.answers)
}

func (s *simBroker) len(p simPartition) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.held[p])
}

// sim is one schedule.
type sim struct {
	t       *testing.T
	rnd     *rand.Rand
	bench   *bench
	broker  *simBroker
	spool   *memSpool
	waiting map[*request][]string // not acknowledged yet
	acked   []string
	sent    int
	poison  map[string]bool
	stuck   map[simPartition]bool
	crashes int
	parts   int
	history []string
}

func newSim(t *testing.T, seed uint64) *sim {
	s := &sim{
		t: t, rnd: rand.New(rand.NewPCG(seed, 0)), spool: newMemSpool(), parts: 3,
		waiting: map[*request][]string{}, poison: map[string]bool{}, stuck: map[simPartition]bool{},
		broker: &simBroker{held: map[simPartition][]handedOver{}, has: map[string]int{}},
	}
	s.start()
	return s
}

func (s *sim) note(format string, args ...any) {
	s.history = append(s.history, fmt.Sprintf(format, args...))
}

// start begins a process on what the spool holds.
func (s *sim) start() {
	s.bench = newBenchOn(s.t, s.spool,
		func(c *Config) { c.Topics.Events, c.DeadLetter.Topic = "late", "dead" },
		func(d *delivery) { d.client, d.room = s.broker, 16<<10 })
	if s.rnd.IntN(3) > 0 {
		s.know()
	}
}

// know tells delivery how many partitions the topic has.
func (s *sim) know() {
	s.note("%d partitions", s.parts)
	s.bench.seen(s.bench.builder.topics[0], s.parts, 1<<20)
}

func (s *sim) run() {
	steps := []func(){
		s.send, s.send, s.send, s.send, s.answer, s.answer, s.answer, s.answer, s.fail, s.tell, s.wait, s.wait,
		s.stick, s.know, s.full, s.breakDisk, s.shelter, s.restart,
	}
	for range 40 + s.rnd.IntN(60) {
		steps[s.rnd.IntN(len(steps))]()
		synctest.Wait()
		s.checkAcknowledged()
		if s.t.Failed() {
			return
		}
	}
	s.heal()
	s.checkEnd()
}

// send is one request of some events, a few of them poison.
func (s *sim) send() {
	n := 1 + s.rnd.IntN(6)
	q := newRequest(n)
	var records []*record
	for range n {
		lr := addFeedback(plog.NewLogs(), s.sent, fmt.Sprint("key", s.rnd.IntN(5)))
		r := s.bench.builder.build(lr)
		r.request = q
		records = append(records, r)
		id := numbers(s.sent, s.sent+1)[0]
		if s.rnd.IntN(40) == 0 {
			s.poison[id] = true
		}
		s.waiting[q] = append(s.waiting[q], id)
		s.sent++
	}
	s.note("send %v", s.waiting[q])
	require.NoError(s.t, s.bench.enqueue(records, nil))
}

// answer has some partition write a batch.
func (s *sim) answer() {
	for _, p := range s.broker.partitions() {
		if !s.stuck[p] && s.rnd.IntN(2) == 0 {
			s.write(p, 1+s.rnd.IntN(s.broker.len(p)))
		}
	}
}

// write answers for the first n records. With poison in them, all that the
// client has for the partition comes back.
func (s *sim) write(p simPartition, n int) {
	s.broker.mu.Lock()
	bad := slices.ContainsFunc(s.broker.held[p][:n], func(h handedOver) bool {
		return s.poison[ratingOf(h.rec)] && p.topic != "dead"
	})
	s.broker.mu.Unlock()
	if bad {
		s.refuse(p, kerr.InvalidRecord)
		return
	}
	batch := s.broker.take(p, n, true)
	s.note("write %v %v", p, idsOf(batch))
	s.broker.decide(batch, nil)
	s.mayTell()
}

// mayTell has the client tell of all that was decided, three times out of four.
func (s *sim) mayTell() {
	if s.rnd.IntN(4) > 0 {
		s.tell()
	}
}

func (s *sim) tell() {
	n := s.broker.untold()
	if n > 0 && s.rnd.IntN(4) == 0 {
		n = 1 + s.rnd.IntN(n)
	}
	if n > 0 {
		s.note("tell %d of %d", n, s.broker.untold())
	}
	s.broker.tell(n)
}

func (s *sim) refuse(p simPartition, err error) {
	batch := s.broker.take(p, s.broker.len(p), false)
	name, _ := reasonOf(err)
	s.note("refuse %v %v %s", p, idsOf(batch), name)
	s.broker.decide(batch, err)
	s.mayTell()
}

func idsOf(batch []handedOver) (out []string) {
	for _, h := range batch {
		out = append(out, strings.TrimLeft(ratingOf(h.rec), "0")+"/"+string(h.rec.Key))
	}
	return out
}

func (s *sim) fail() {
	if ps := s.broker.partitions(); len(ps) > 0 {
		errs := []error{kerr.UnknownServerError, kerr.TopicAuthorizationFailed, kerr.MessageTooLarge, kgo.ErrRecordTimeout}
		p, err := ps[s.rnd.IntN(len(ps))], errs[s.rnd.IntN(len(errs))]
		if fateOf(err) == refused && s.broker.len(p) == 1 {
			return // alone, it would be the record's own fate
		}
		s.refuse(p, err)
	}
}

func (s *sim) wait() {
	d := time.Duration(s.rnd.IntN(2000)) * time.Millisecond
	if s.rnd.IntN(3) == 0 {
		d += 3 * time.Second
	}
	s.note("wait %s", d)
	after(d)
}

func (s *sim) stick() {
	p := simPartition{"late", int32(s.rnd.IntN(s.parts))}
	s.stuck[p] = !s.stuck[p]
	s.note("stuck %v %v", p, s.stuck[p])
}

func (s *sim) full() {
	s.spool.mu.Lock()
	defer s.spool.mu.Unlock()
	s.spool.capacity = 0
	if s.rnd.IntN(2) == 0 {
		s.spool.capacity = 1 + s.rnd.IntN(20)
	}
	s.note("capacity %d", s.spool.capacity)
}

func (s *sim) breakDisk() {
	s.spool.mu.Lock()
	defer s.spool.mu.Unlock()
	s.spool.fail, s.spool.failSync = nil, nil
	switch s.rnd.IntN(4) {
	case 0:
		s.spool.fail = errDisk
	case 1:
		s.spool.failSync = errDisk
	}
	s.note("disk %v %v", s.spool.fail, s.spool.failSync)
}

func (s *sim) shelter() {
	on := s.rnd.IntN(3) == 0
	s.note("shelter %v", on)
	s.bench.shelter(on)
}

// restart ends the process, well or badly, and starts another, perhaps on a
// topic that has more partitions.
func (s *sim) restart() {
	if s.rnd.IntN(4) > 0 {
		return
	}
	crash := s.rnd.IntN(2) == 0
	if crash {
		s.crashes += s.broker.untold()
		s.broker.answers = nil
	} else {
		s.broker.tell(s.broker.untold())
		s.bench.stopDraining()
		s.bench.retreat()
		after(time.Second)
		s.checkAcknowledged()
		s.bench.close()
	}
	s.bench.stop()
	for _, p := range s.broker.partitions() {
		// What was on the way may have arrived.
		held := s.broker.take(p, s.broker.len(p), false)
		s.crashes++
		for _, h := range held[:s.rnd.IntN(len(held)+1)] {
			if s.poison[ratingOf(h.rec)] && p.topic != "dead" {
				break
			}
			s.broker.held[p] = append(s.broker.held[p], h)
		}
		s.note("on the way %v %v, arrived %v", p, idsOf(held), idsOf(s.broker.held[p]))
		s.broker.take(p, s.broker.len(p), true)
		if !crash { // the client gives them back at the end
			for _, h := range held {
				h.promise(h.rec, kgo.ErrClientClosed)
			}
		}
	}
	s.note("restart crash=%v", crash)
	if crash {
		s.crashes++
		s.spool = s.spool.crash(func() bool { return s.rnd.IntN(2) == 0 })
	} else {
		s.bench.keeper.tellDone()
	}
	clear(s.waiting)
	if s.rnd.IntN(3) == 0 {
		s.parts = 1 + s.rnd.IntN(5)
	}
	s.start()
}

// checkAcknowledged holds each acknowledgement to its promise.
func (s *sim) checkAcknowledged() {
	safe := map[string]bool{}
	s.spool.mu.Lock()
	for _, l := range s.spool.lanes {
		for _, e := range l.entries {
			if e.safe && !e.done {
				safe[idOf(e.Positioned.Headers)] = true
			}
		}
	}
	s.spool.mu.Unlock()
	for q, ids := range s.waiting {
		select {
		case <-q.done:
		default:
			continue
		}
		delete(s.waiting, q)
		s.acked = append(s.acked, ids...)
		for _, id := range ids {
			if s.broker.has[id] == 0 && !safe[id] {
				s.t.Errorf("%s was acknowledged, and is neither on Kafka nor on disk", id)
			}
		}
	}
}

// heal makes all well, and waits until everything is delivered.
func (s *sim) heal() {
	s.note("heal")
	clear(s.stuck)
	s.spool.mu.Lock()
	s.spool.capacity, s.spool.fail, s.spool.failSync = 0, nil, nil
	s.spool.mu.Unlock()
	s.know()
	s.bench.shelter(false)
	for quiet := 0; quiet < 4; quiet++ {
		after(31 * time.Second)
		for _, p := range s.broker.partitions() {
			quiet = 0
			s.write(p, s.broker.len(p))
		}
		s.broker.tell(s.broker.untold())
		synctest.Wait()
		s.checkAcknowledged()
		if len(s.history) > 20_000 {
			s.t.Fatal("it does not come to an end")
		}
	}
}

func (s *sim) checkEnd() {
	if n := s.bench.unsettled(); n != 0 || len(s.waiting) != 0 {
		s.t.Errorf("%d records without a fate, %d requests without an answer", n, len(s.waiting))
	}
	if n := s.spool.Stats().Entries; n != 0 {
		s.t.Errorf("%d entries remain in the spool", n)
	}
	if e, b := s.bench.account.Events(), s.bench.account.Bytes(); e != 0 || b != 0 {
		s.t.Errorf("the account counts %d events, %d bytes", e, b)
	}
	s.bench.mu.Lock()
	for _, t := range s.bench.topics {
		for l := range t.all {
			if !l.quiet() || l.entries != 0 || l.bytes != 0 {
				s.t.Errorf("lane %v is in mode %d: %d entries, %d on the way, %d behind", l.id, l.mode, l.entries, l.inflight, len(l.behind))
			}
		}
	}
	if s.bench.handed != 0 || s.bench.handedBytes != 0 {
		s.t.Errorf("the client is thought to have %d records, %d bytes", s.bench.handed, s.bench.handedBytes)
	}
	s.bench.mu.Unlock()
	for _, id := range s.acked {
		if s.broker.has[id] == 0 {
			s.t.Errorf("%s is lost", id)
		}
	}
	s.checkOrder()
}

// checkOrder looks at each key's events as a reader of the topic meets them
// first, and at duplicates.
func (s *sim) checkOrder() {
	last, seen := map[string]string{}, map[string]bool{}
	for _, r := range s.broker.log {
		if seen[r.id] {
			if s.crashes == 0 {
				s.t.Errorf("%s was published twice", r.id)
			}
			continue
		}
		seen[r.id] = true
		if dead := r.topic == "dead"; dead != s.poison[r.id] {
			if s.poison[r.id] || s.crashes == 0 {
				s.t.Errorf("%s went to %s", r.id, r.topic)
			}
			continue
		} else if dead {
			continue
		}
		if last[r.key] > r.id {
			s.t.Errorf("%s came after %s", r.id, last[r.key])
		}
		last[r.key] = r.id
	}
}
