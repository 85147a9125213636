// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package spool is an append-only log on disk, in lanes: what the Kafka exporter
// could not deliver yet, in order, until it can. It survives the end of its
// process at any byte and damage of its files: what can be read is read.
package spool

import (
	"context"
	"errors"
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
	// ErrClosed is returned by everything after Close.
	ErrClosed = errors.New("the spool is closed")
	// ErrReadOnly is returned by what would write to a spool opened read-only.
	ErrReadOnly = errors.New("the spool is open for reading only")
)

// Options of a spool.
type Options struct {
	// MaxBytes bounds the bytes on disk over all lanes; 0 means no bound.
	MaxBytes int64
	// Fsync makes Sync wait for the disk. Without it a crash of the machine,
	// though not of the process, may lose entries.
	Fsync bool
	// SegmentBytes is the size at which a lane begins a new file. 0: 16 MiB, or
	// less if MaxBytes is small.
	SegmentBytes int64
	// Logger reports damage; nil means none.
	Logger *zap.Logger
	// ReadOnly opens a spool, even one in use, for a look at it: it takes no
	// lock and changes nothing.
	ReadOnly bool
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
	// Damaged pieces that lie in the directory "damaged".
	Damaged int
	// Oldest is when the oldest entry was appended, at the latest; zero if
	// there is none.
	Oldest time.Time
}

// Spool is safe for use by many goroutines.
type Spool struct{}

// Open takes the directory, makes it if it is not there, reads what is in it,
// sets damaged entries aside and is ready. If another process has the directory
// open the error wraps ErrLocked.
func Open(_ string, _ Options) (*Spool, error) {
	return nil, errors.New("not implemented")
}

// Lanes lists the lanes that hold entries, ordered by topic and partition.
func (s *Spool) Lanes() []LaneID { return nil }

// Append puts entries at the end of a lane, all or none, and returns the
// position of the first. The order of calls is the order in the lane. They are
// not durable before Sync returns nil. After a crash the entries of one call
// that Sync did not cover are all there or none.
func (s *Spool) Append(_ LaneID, _ []Entry) (Position, error) { return 0, errors.ErrUnsupported }

// Sync returns when all that was appended before the call is on disk; calls
// share their fsyncs. When ctx ends first, it is not known.
func (s *Spool) Sync(_ context.Context) error { return errors.ErrUnsupported }

// Read returns entries of a lane that lie after a position (0: from the first)
// and are not done, in order: at most maxEntries, and of maxBytes at least one.
// A bound of 0 or less is none, but one call may return less than there is;
// none left is an empty result. The caller owns what it gets.
func (s *Spool) Read(_ LaneID, _ Position, _, _ int) ([]Positioned, error) {
	return nil, errors.ErrUnsupported
}

// Done marks entries as delivered: they are not read again, and files that hold
// nothing else are deleted. Positions unknown or done already are no error. An
// error says only that the mark is not on disk yet; it is written later. A
// crash may bring some entries back; after Close none.
func (s *Spool) Done(_ LaneID, _ ...Position) error { return errors.ErrUnsupported }

// Len is the number of entries of a lane that are not done.
func (s *Spool) Len(_ LaneID) int { return 0 }

// Stats is cheap enough for every scrape.
func (s *Spool) Stats() Stats { return Stats{} }

// Mark returns a copy of the small values kept beside the lanes.
func (s *Spool) Mark() map[string]string { return nil }

// SetMark sets the given values, an empty one deletes its key, and returns when
// they are on disk, whatever Options.Fsync says. Other keys keep their values.
func (s *Spool) SetMark(_ map[string]string) error { return errors.ErrUnsupported }

// Close writes what Done marked, and gives the directory free. It may be called
// twice.
func (s *Spool) Close() error { return nil }
