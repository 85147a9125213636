// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package spool is an append-only log on disk, in lanes: what the Kafka exporter
// could not deliver yet, in order, until it can. It survives the end of its
// process at any byte and damage of its files: what can be read is read.
package spool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// AnyPartition is the partition of a lane that is for a whole topic, and of an
// entry whose partition is not decided.
const AnyPartition int32 = -1

var (
	// ErrFull is returned by Append when the entries would not fit into
	// Options.MaxBytes. Nothing of them was written.
	ErrFull = errors.New("the spool is full")
	// ErrLocked is wrapped by Open's error, which names the directory, when
	// another process has it open.
	ErrLocked = errors.New("the directory is in use by another process")
	// ErrTooLarge is wrapped by Append's error when an entry is larger than the
	// format can say. Nothing was written.
	ErrTooLarge = errors.New("the entry is too large for the spool")
	// ErrClosed is returned by everything after Close.
	ErrClosed = errors.New("the spool is closed")
	// ErrReadOnly is returned by what would write to a spool opened read-only.
	ErrReadOnly = errors.New("the spool is open for reading only")
)

const (
	minSegmentBytes = 64 << 10
	maxSegmentBytes = 16 << 20
)

// Options of a spool.
type Options struct {
	// MaxBytes bounds the bytes on disk over all lanes; 0 means no bound. Copies
	// of damaged pieces, at most 64 MiB, are not counted.
	MaxBytes int64
	// Fsync makes Sync wait for the disk. Without it a crash of the machine,
	// though not of the process, may lose entries.
	Fsync bool
	// SegmentBytes is the size at which a lane begins a new file. 0: a 256th of
	// MaxBytes, at least 64 KiB and at most 16 MiB. A file counts whole until
	// all in it is done.
	SegmentBytes int64
	// Logger reports damage; nil means none.
	Logger *zap.Logger
	// ReadOnly opens a spool, even one in use, for a look at it: it takes no
	// lock and changes nothing.
	ReadOnly bool

	disk *disk            // nil: the real one
	now  func() time.Time // nil: the real one
}

// LaneID names a lane: one partition of a topic, or with AnyPartition all of
// it. The lane of exactly-once mode has no topic and AnyPartition.
type LaneID struct {
	Topic     string
	Partition int32
}

// Header is a header of a Kafka record.
type Header struct {
	Key   string
	Value []byte
}

// Entry is a Kafka record as it will be sent. Nil keys and values stay nil.
type Entry struct {
	Topic     string
	Partition int32
	Key       []byte
	Value     []byte
	Headers   []Header
	// Boundary marks the last entry of its request.
	Boundary bool
	// Tag is the caller's own, such as a sequence number.
	Tag uint64
}

// Position of an entry in its lane. Positions begin at 1 and ascend by 1 in the
// order of Append; they are kept as long as the lane holds entries.
type Position uint64

// Positioned is an entry and where it lies.
type Positioned struct {
	Position Position
	Entry
}

// Stats of a spool.
type Stats struct {
	// Entries that are not done.
	Entries int
	// Bytes on disk, what is done but not deleted yet included.
	Bytes int64
	// MaxBytes as in Options.
	MaxBytes int64
	// Damaged pieces: those that lie in the directory "damaged", and those found
	// that could not be put there.
	Damaged int
	// Oldest is when the oldest entry was appended, at the latest; zero if
	// there is none.
	Oldest time.Time
}

// LaneStats is what one lane holds.
type LaneStats struct {
	Lane    LaneID
	Entries int
	Bytes   int64
	Oldest  time.Time // as in Stats
}

// Spool is safe for use by many goroutines.
type Spool struct {
	dir          string
	options      Options
	log          *zap.Logger
	disk         *disk
	now          func() time.Time
	segmentBytes int64
	lock         *os.File
	locked       bool // by another process, when opened read-only

	bytes   atomic.Int64
	entries atomic.Int64
	syncer  syncer
	damage  damageLog
	marks   marks

	mu     sync.RWMutex // guards the two below; taken before a lane's
	lanes  map[LaneID]*lane
	closed bool
}

// Open takes the directory, makes it if it is not there, reads what is in it,
// sets damaged entries aside and is ready. If another process has the directory
// open the error wraps ErrLocked.
func Open(dir string, o Options) (_ *Spool, err error) {
	s := &Spool{dir: dir, options: o, log: o.Logger, disk: o.disk, now: o.now, lanes: map[LaneID]*lane{}}
	if s.log == nil {
		s.log = zap.NewNop()
	}
	if s.disk == nil {
		s.disk = osDisk()
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.segmentBytes = o.SegmentBytes
	if s.segmentBytes <= 0 {
		s.segmentBytes = maxSegmentBytes
		if o.MaxBytes > 0 {
			s.segmentBytes = min(maxSegmentBytes, max(o.MaxBytes/256, minSegmentBytes))
		}
	}
	s.syncer = syncer{spool: s, dirty: map[*segment]*lane{}, dirs: map[string]struct{}{}}
	if err := s.takeDir(); err != nil {
		return nil, err
	}
	if err := s.recover(); err != nil {
		return nil, errors.Join(s.errorf("open", err), s.letGo())
	}
	return s, nil
}

// Lanes lists the lanes that hold entries, ordered by topic and partition.
func (s *Spool) Lanes() []LaneID {
	var ids []LaneID
	for _, stats := range s.LaneStats() {
		ids = append(ids, stats.Lane)
	}
	return ids
}

// LaneStats describes the lanes that hold entries, ordered by topic and
// partition.
func (s *Spool) LaneStats() []LaneStats {
	var all []LaneStats
	for _, l := range s.allLanes() {
		if stats := l.stats(); stats.Entries > 0 {
			all = append(all, stats)
		}
	}
	slices.SortFunc(all, func(a, b LaneStats) int {
		return cmp.Or(cmp.Compare(a.Lane.Topic, b.Lane.Topic), cmp.Compare(a.Lane.Partition, b.Lane.Partition))
	})
	return all
}

// Append puts entries at the end of a lane, all or none, and returns the
// position of the first. The order of calls is the order in the lane. They are
// not durable before Sync returns nil. After a crash some of those that Sync did
// not cover may be there, from the first on; in the lane without a topic the
// entries of one call are all there or none.
func (s *Spool) Append(id LaneID, es []Entry) (Position, error) {
	if s.options.ReadOnly {
		return 0, ErrReadOnly
	}
	l, err := s.lane(id)
	if err != nil {
		return 0, err
	}
	return l.append(es)
}

// Sync returns when all that was appended before the call is on disk; calls
// share their fsyncs. When it fails, or ctx ends first, what was appended is in
// the spool and will be read, but may not outlive a crash.
func (s *Spool) Sync(ctx context.Context) error { return s.syncer.sync(ctx) }

// Read returns entries of a lane that lie after a position (0: from the first)
// and are not done, in order: at most maxEntries, and of maxBytes at least one.
// With a bound of 0 or less there is a sensible one; an empty result means that
// there is nothing more. The caller owns what it gets.
func (s *Spool) Read(id LaneID, after Position, maxEntries, maxBytes int) ([]Positioned, error) {
	l := s.find(id)
	if l == nil {
		return nil, nil
	}
	return l.read(after, maxEntries, maxBytes)
}

// Done marks entries as delivered: they are not read again, and files that hold
// nothing else are deleted. Positions unknown or done already are no error. An
// error says only that the mark is not on disk yet; it is written later. A
// crash may bring some entries back; after Close none.
func (s *Spool) Done(id LaneID, ps ...Position) error {
	if s.options.ReadOnly {
		return ErrReadOnly
	}
	l := s.find(id)
	if l == nil {
		return nil
	}
	return l.markDone(ps)
}

// Len is the number of entries of a lane that are not done.
func (s *Spool) Len(id LaneID) int {
	l := s.find(id)
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.undone
}

// Stats is cheap enough for every scrape.
func (s *Spool) Stats() Stats {
	st := Stats{Entries: int(s.entries.Load()), Bytes: s.bytes.Load(), MaxBytes: s.options.MaxBytes, Damaged: s.damage.total()}
	for _, l := range s.allLanes() {
		if at := l.stats().Oldest; !at.IsZero() && (st.Oldest.IsZero() || at.Before(st.Oldest)) {
			st.Oldest = at
		}
	}
	return st
}

// Locked says whether another process had the spool open when it was opened
// read-only.
func (s *Spool) Locked() bool { return s.locked }

// Close writes what Done marked, and gives the directory free. It may be called
// twice.
func (s *Spool) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	lanes := make([]*lane, 0, len(s.lanes))
	for _, l := range s.lanes {
		lanes = append(lanes, l)
	}
	s.mu.Unlock()

	var failed []error
	if s.options.ReadOnly {
		for _, l := range lanes {
			l.closeReader()
		}
		return nil
	}
	s.syncer.close()
	for _, l := range lanes {
		failed = append(failed, l.close())
	}
	if err := errors.Join(failed...); err != nil {
		return errors.Join(s.errorf("close", err), s.letGo())
	}
	return errors.Join(s.noteClean(), s.letGo())
}

// reserve takes bytes out of what is left.
func (s *Spool) reserve(n int64) bool {
	if s.bytes.Add(n) > s.options.MaxBytes && s.options.MaxBytes > 0 {
		s.bytes.Add(-n)
		return false
	}
	return true
}

// find is a lane that is there, or nil.
func (s *Spool) find(id LaneID) *lane {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.lanes[id]
}

// lane is a lane, made if need be.
func (s *Spool) lane(id LaneID) (*lane, error) {
	if l := s.find(id); l != nil {
		return l, nil
	}
	dir, err := s.laneDir(id)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	l := s.lanes[id]
	if l == nil {
		l = &lane{spool: s, id: id, dir: dir, next: 1}
		s.lanes[id] = l
	}
	return l, nil
}

func (s *Spool) allLanes() []*lane {
	s.mu.RLock()
	defer s.mu.RUnlock()
	lanes := make([]*lane, 0, len(s.lanes))
	for _, l := range s.lanes {
		lanes = append(lanes, l)
	}
	return lanes
}

// errorf names the directory, which an operator knows, beside the file.
func (s *Spool) errorf(what string, err error) error {
	return fmt.Errorf("spool directory %s: cannot %s: %w", s.dir, what, err)
}

// path of something directly in the directory.
func (s *Spool) path(name string) string { return filepath.Join(s.dir, name) }
