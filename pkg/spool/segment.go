// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"cmp"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	logSuffix  = ".log"
	doneSuffix = ".done"
	// indexStride is how many bytes lie between two entries whose offset is
	// kept in memory.
	indexStride = 64 << 10
)

// indexEntry says where an entry lies.
type indexEntry struct {
	position Position
	offset   int64
	time     int64 // Unix nanoseconds
}

// segment is one file of a lane, and beside it the file of its marks. The
// lane's mutex guards its fields.
type segment struct {
	path     string // of the log; that of the marks differs in its suffix
	identity uint64
	first    Position
	size     int64 // bytes of the log that count
	f        file  // nil once nothing is written to it any more
	sealed   bool  // nothing is appended any more
	removed  bool
	suspect  bool // an fsync failed: what the disk holds is not known
	index    []indexEntry

	// done has a bit for each position from first; count bits are in use.
	done   []uint64
	count  int
	undone int
	head   int // all bits below are set

	marks     file // nil until the first mark
	marksSize int64
	pending   []byte // marks that are not written yet
}

func segmentName(first Position) string { return fmt.Sprintf("%020d%s", uint64(first), logSuffix) }

func parseSegmentName(name string) (Position, bool) {
	var first uint64
	n, err := fmt.Sscanf(name, "%020d"+logSuffix, &first)
	return Position(first), n == 1 && err == nil && first > 0 && segmentName(Position(first)) == name
}

func newSegment(dir string, first Position) *segment {
	return &segment{path: filepath.Join(dir, segmentName(first)), identity: rand.Uint64(), first: first}
}

func (g *segment) donePath() string { return strings.TrimSuffix(g.path, logSuffix) + doneSuffix }

// end is the position behind the last.
func (g *segment) end() Position { return g.first + Position(g.count) }

// charged is what the segment counts for in the bound: its end is paid for from
// the beginning, so that it can always be written.
func (g *segment) charged() int64 {
	n := g.size + g.marksSize
	if !g.sealed {
		n += footerBytes
	}
	return n
}

// add takes in an entry that was written at an offset. Positions between the
// last and this one are lost, and count as done.
func (g *segment) add(p Position, offset, at int64) {
	g.extend(p)
	g.count++
	g.grow()
	g.undone++
	if n := len(g.index); n == 0 || offset-g.index[n-1].offset >= indexStride {
		g.index = append(g.index, indexEntry{p, offset, at})
	}
}

// extend counts the positions up to p as there and done.
func (g *segment) extend(p Position) (lost int) {
	for g.end() < p {
		g.count++
		g.grow()
		g.set(g.count - 1)
		lost++
	}
	return lost
}

func (g *segment) grow() {
	if g.count > 64*len(g.done) {
		g.done = append(g.done, 0)
	}
}

func (g *segment) isDone(i int) bool { return g.done[i/64]&(1<<(i%64)) != 0 }

func (g *segment) set(i int) { g.done[i/64] |= 1 << (i % 64) }

// markDone sets a bit and says whether it was not set before.
func (g *segment) markDone(i int) bool {
	if g.isDone(i) {
		return false
	}
	g.set(i)
	g.undone--
	return true
}

// nextUndone is the first bit at i or behind it that is not set; count if none.
func (g *segment) nextUndone(i int) int {
	if from := g.head; i <= from {
		g.head = g.scanUndone(from)
		return g.head
	}
	return g.scanUndone(i)
}

func (g *segment) scanUndone(i int) int {
	for i < g.count {
		if word := ^g.done[i/64] >> (i % 64); word != 0 {
			return min(i+bits.TrailingZeros64(word), g.count)
		}
		i = (i/64 + 1) * 64
	}
	return g.count
}

// near is the last indexed entry that is not behind p; its offset is that of the
// first frame if there is none.
func (g *segment) near(p Position) indexEntry {
	i, found := slices.BinarySearchFunc(g.index, p, func(e indexEntry, p Position) int { return cmp.Compare(e.position, p) })
	if !found {
		i--
	}
	if i < 0 {
		return indexEntry{position: g.first, offset: fileHeaderBytes}
	}
	return g.index[i]
}

// oldest is when the first entry that is not done was appended, or a little
// earlier.
func (g *segment) oldest() time.Time {
	e := g.near(g.first + Position(g.nextUndone(0)))
	if e.time == 0 {
		return time.Time{}
	}
	return time.Unix(0, e.time)
}

// addMarks notes that the given entries, counted from the first, are done.
func (g *segment) addMarks(entries []uint32) {
	slices.Sort(entries)
	for i := 0; i < len(entries); {
		j := i + 1
		for j < len(entries) && entries[j]-entries[j-1] <= 1 {
			j++
		}
		g.pending = appendDoneMark(g.pending, g.identity, entries[i], entries[j-1])
		i = j
	}
}

// writeMarks writes what addMarks noted; what could not be written is tried
// again with the next.
func (g *segment) writeMarks(d *disk) (written int64, err error) {
	if len(g.pending) == 0 {
		return 0, nil
	}
	if g.marks == nil {
		if g.marks, err = d.edit(g.donePath()); err != nil {
			g.marks = nil
			return 0, err
		}
	}
	if _, err = g.marks.WriteAt(g.pending, g.marksSize); err != nil {
		return 0, err
	}
	written = int64(len(g.pending))
	g.marksSize += written
	g.pending = nil
	return written, nil
}

// closeFiles closes what is open, and with flush first waits for the disk.
func (g *segment) closeFiles(flush bool) error {
	var first error
	for _, f := range []*file{&g.f, &g.marks} {
		if *f == nil {
			continue
		}
		if flush {
			first = cmp.Or(first, (*f).Sync())
		}
		first = cmp.Or(first, (*f).Close())
		*f = nil
	}
	return first
}
