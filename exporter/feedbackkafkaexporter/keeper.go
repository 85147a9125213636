// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

const (
	// drainWindow and drainWindowBytes bound what of a lane is read at once.
	drainWindow      = 1024
	drainWindowBytes = 1 << 20
	// appendChunk and appendChunkBytes bound what is appended at once: what does
	// not fit any more is at most so much.
	appendChunk      = 256
	appendChunkBytes = 1 << 20
	// keeperRetry is how long the keeper waits after the disk refused.
	keeperRetry = 250 * time.Millisecond
)

// store is the part of the spool that lanes need.
type store interface {
	Lanes() []spool.LaneID
	Append(id spool.LaneID, es []spool.Entry) (spool.Position, error)
	Sync(ctx context.Context) error
	Read(id spool.LaneID, after spool.Position, maxEntries, maxBytes int) ([]spool.Positioned, error)
	Done(id spool.LaneID, ps ...spool.Position) error
	Len(id spool.LaneID) int
	Stats() spool.Stats
	Mark() map[string]string
	SetMark(values map[string]string) error
}

// keeper does what delivery needs of the disk, in two goroutines, so that the
// dispatcher never waits for it: one writes, and shares each fsync between all
// lanes and callers; one reads, and says what is done.
type keeper struct {
	d      *delivery
	store  store
	logger *zap.Logger

	write chan struct{} // something to do for the writer
	read  chan struct{} // something to do for the reader

	// All below is guarded by delivery.mu.
	awaiting []*lane // have records to append
	fetching []*lane // want entries to be read
	telling  []*lane // have entries that are done
	refusal  error   // why the spool takes nothing at present

	// The writer's own.
	unsynced []*record // appended, not known to be on disk
}

// keep gives delivery a spool.
func (d *delivery) keep(s store) {
	d.keeper = &keeper{d: d, store: s, logger: d.logger, write: make(chan struct{}, 1), read: make(chan struct{}, 1)}
}

// mayTakeOver reports whether the spool takes records at present: without room
// there, records are better off on their way. The caller holds mu.
func (k *keeper) mayTakeOver() bool { return k.refusal == nil }

// await has the writer append what a lane has unsaved. The caller holds mu.
func (k *keeper) await(l *lane) {
	k.list(l)
	if k.refusal == nil { // else it tries again by itself
		signal(k.write)
	}
}

// list puts a lane on the writer's list. The caller holds mu.
func (k *keeper) list(l *lane) {
	if !l.awaited {
		l.awaited = true
		k.awaiting = append(k.awaiting, l)
	}
}

// fetch has the reader read on in a lane. The caller holds mu.
func (k *keeper) fetch(l *lane) {
	if !l.fetching {
		l.fetching = true
		k.fetching = append(k.fetching, l)
		signal(k.read)
	}
}

// tell has the reader mark an entry as done. The caller holds mu.
func (k *keeper) tell(l *lane, p spool.Position) {
	if len(l.done) == 0 {
		k.telling = append(k.telling, l)
		signal(k.read)
	}
	l.done = append(l.done, p)
}

// run works until ctx is done.
func (k *keeper) run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { k.runWriter(ctx) })
	wg.Go(func() { k.runReader(ctx) })
	wg.Wait()
	k.tellDone()
}

func (k *keeper) runWriter(ctx context.Context) {
	retry := time.NewTimer(keeperRetry)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.write:
		case <-retry.C:
		}
		if !k.writeRound(ctx) {
			retry.Reset(keeperRetry)
		}
	}
}

// batch is what the writer takes from a lane at once.
type batch struct {
	lane    *lane
	records []*record
}

// writeRound appends what lanes have unsaved, and has it synced once for all.
// It reports false if something is left.
func (k *keeper) writeRound(ctx context.Context) bool {
	var refusal error
	for _, b := range k.takeUnsaved() {
		err := k.appendBatch(b)
		if refusal == nil {
			refusal = err
		}
	}
	if len(k.unsynced) > 0 {
		if err := k.store.Sync(ctx); err != nil {
			refusal = err
		} else {
			k.safe()
		}
	}
	k.note(refusal)
	return refusal == nil
}

func (k *keeper) takeUnsaved() (out []batch) {
	k.d.mu.Lock()
	defer k.d.mu.Unlock()
	for _, l := range k.awaiting {
		l.awaited = false
		records := slices.DeleteFunc(l.unsaved, func(r *record) bool { return r.resolved })
		l.unsaved = nil
		if len(records) > 0 && l.mode == laneStored {
			l.appending = true
			out = append(out, batch{l, records})
		}
	}
	k.awaiting = k.awaiting[:0]
	return out
}

// appendBatch appends a lane's records chunk by chunk; from the first that the
// spool refuses, they stay the lane's.
func (k *keeper) appendBatch(b batch) error {
	err := k.markLanes(b.lane)
	records := b.records
	for err == nil && len(records) > 0 {
		n := chunkOf(records)
		entries := make([]spool.Entry, n)
		for i, r := range records[:n] {
			entries[i] = entryOf(r, b.lane)
		}
		var first spool.Position
		if first, err = k.store.Append(b.lane.id, entries); err == nil {
			k.appended(b.lane, records[:n], first)
			records = records[n:]
		}
	}
	k.d.mu.Lock()
	defer k.d.mu.Unlock()
	b.lane.appending = false
	if len(records) > 0 {
		b.lane.unsaved = append(slices.Clone(records), b.lane.unsaved...)
		k.list(b.lane)
	}
	signal(k.d.wake)
	return err
}

// chunkOf is how many of the first records are appended at once.
func chunkOf(records []*record) int {
	bytes := records[0].payload()
	n := 1
	for n < min(len(records), appendChunk) {
		if bytes += records[n].payload(); bytes > appendChunkBytes {
			break
		}
		n++
	}
	return n
}

// appended notes where the copies of records lie. An original may have been
// delivered meanwhile.
func (k *keeper) appended(l *lane, records []*record, first spool.Position) {
	k.d.mu.Lock()
	defer k.d.mu.Unlock()
	for i, r := range records {
		p := first + spool.Position(i)
		if r.resolved {
			k.tell(l, p)
			continue
		}
		r.position = p
		l.entries++
	}
	l.tail = first + spool.Position(len(records)-1)
	k.unsynced = append(k.unsynced, records...)
}

// safe settles the records whose copies are on disk now.
func (k *keeper) safe() {
	k.d.mu.Lock()
	defer k.d.mu.Unlock()
	k.d.counts.spooled.Add(int64(len(k.unsynced)))
	for _, r := range k.unsynced {
		r.spans.spooled()
		k.d.settle(r)
	}
	k.unsynced = nil
}

// note remembers whether the spool takes records, and says so once.
func (k *keeper) note(refusal error) {
	k.d.mu.Lock()
	before := k.refusal
	k.refusal = refusal
	k.d.mu.Unlock()
	if refusal != nil {
		signal(k.d.wake) // what it refused may be sent from memory
	}
	switch {
	case refusal == nil && before != nil:
		k.logger.Info("The spool takes events again")
	case refusal == nil || before != nil && errors.Is(refusal, spool.ErrFull) == errors.Is(before, spool.ErrFull):
		return
	case errors.Is(refusal, spool.ErrFull):
		k.logger.Warn("The spool is full: senders are asked to come again", zap.Int64("max_bytes", k.store.Stats().MaxBytes))
	default:
		k.logger.Error("The spool cannot be written: senders are asked to come again", zap.Error(refusal))
	}
	k.d.trouble(nil, nil)
}

// markPartitions begins the name of the value that says how many lanes a topic
// was stored in.
const markPartitions = "partitions."

// markLanes keeps the number of a topic's lanes beside its entries: only under
// the same number a key has the same lane after a restart.
func (k *keeper) markLanes(l *lane) error {
	t := l.topic
	k.d.mu.Lock()
	n, marked := len(t.lanes), t.marked
	k.d.mu.Unlock()
	if l == t.any || n == marked {
		return nil
	}
	if err := k.store.SetMark(map[string]string{markPartitions + t.name: strconv.Itoa(n)}); err != nil {
		return err
	}
	k.d.mu.Lock()
	t.marked = n
	k.d.mu.Unlock()
	return nil
}

func (k *keeper) runReader(ctx context.Context) {
	retry := time.NewTimer(keeperRetry)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.read:
		case <-retry.C:
		}
		k.tellDone()
		if !k.readRound() {
			retry.Reset(keeperRetry)
		}
	}
}

// tellDone marks what was delivered.
func (k *keeper) tellDone() {
	k.d.mu.Lock()
	lanes := k.telling
	k.telling = nil
	done := make([][]spool.Position, len(lanes))
	for i, l := range lanes {
		done[i], l.done = l.done, nil
	}
	full := k.refusal != nil
	k.d.mu.Unlock()
	for i, l := range lanes {
		if err := k.store.Done(l.id, done[i]...); err != nil {
			k.logger.Debug("The spool could not write yet what is delivered", zap.Error(err))
		}
	}
	if full && len(lanes) > 0 {
		signal(k.write)
	}
}

// readRound reads on in the lanes that want it. It reports false if one could
// not be read.
func (k *keeper) readRound() bool {
	k.d.mu.Lock()
	lanes := k.fetching
	k.fetching = nil
	k.d.mu.Unlock()
	ok := true
	for _, l := range lanes {
		ok = k.readLane(l) && ok
	}
	return ok
}

func (k *keeper) readLane(l *lane) bool {
	// An entry beyond tail may be the copy of an original that was delivered
	// while it was appended; one before it that was delivered is told first.
	k.d.mu.Lock()
	cursor, tail := l.cursor, l.tail
	k.d.mu.Unlock()
	k.tellDone()
	entries, err := k.store.Read(l.id, cursor, drainWindow, drainWindowBytes)
	nothing := len(entries) == 0
	entries = slices.DeleteFunc(entries, func(e spool.Positioned) bool { return e.Position > tail })
	records := make([]*record, len(entries))
	for i := range entries {
		records[i] = k.d.restored(l, &entries[i])
	}
	k.d.mu.Lock()
	defer k.d.mu.Unlock()
	if err != nil {
		k.logger.Error("The spool cannot be read", zap.String("topic", l.id.Topic), zap.Int32("partition", l.id.Partition), zap.Error(err))
		k.fetching = append(k.fetching, l) // l.fetching stays
		return false
	}
	l.fetching = false
	for i, r := range records {
		k.d.seq++
		r.seq = k.d.seq
		l.cursor = entries[i].Position
	}
	l.back = append(l.back, records...)
	if nothing && tail == l.tail && !l.appending {
		l.entries = l.inflight + len(l.back) // the rest was damaged
	}
	signal(k.d.wake)
	return true
}
