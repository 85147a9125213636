// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// keptBuffer bounds the buffer a lane keeps between two calls of Append.
const keptBuffer = 1 << 20

// lane is a sequence of entries in segments. Of two mutexes readMu is taken
// first.
type lane struct {
	spool *Spool
	id    LaneID
	dir   string

	readMu sync.Mutex // one reader at a time
	reader laneReader // guarded by readMu

	mu       sync.Mutex // guards all below, and the segments
	segments []*segment // ascending; only the last may be written to
	next     Position   // of the next entry
	undone   int
	made     bool   // the directory is there
	buf      []byte // of append
	offsets  []int  // of append: where in buf each frame begins
	closed   bool
}

// append writes entries behind the last.
func (l *lane) append(es []Entry) (Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, ErrClosed
	}
	if len(es) == 0 {
		return l.next, nil
	}
	now := l.spool.now()
	if err := l.encode(es, now); err != nil {
		return 0, err
	}
	defer l.release()

	g := l.active()
	frames := l.buf[fileHeaderBytes:]
	if g != nil && g.size > fileHeaderBytes && g.size+int64(len(frames)) > l.spool.segmentBytes {
		g = nil
	}
	need := int64(len(frames))
	if g == nil {
		need += fileHeaderBytes + footerBytes
	}
	if !l.spool.reserve(need) {
		return 0, ErrFull
	}
	g, err := l.write(g, frames, now)
	if err != nil {
		l.spool.bytes.Add(-need)
		return 0, l.spool.errorf("write", err)
	}
	first, base := l.next, g.size-int64(len(frames))
	for _, offset := range l.offsets {
		g.add(l.next, base+int64(offset-fileHeaderBytes), now.UnixNano())
		l.next++
	}
	l.undone += len(es)
	l.spool.entries.Add(int64(len(es)))
	l.spool.syncer.touch(l, g)
	return first, nil
}

// encode fills buf: room for a file header, then the frames.
func (l *lane) encode(es []Entry, now time.Time) (err error) {
	l.buf = append(l.buf[:0], make([]byte, fileHeaderBytes)...)
	l.offsets = l.offsets[:0]
	for i := range es {
		l.offsets = append(l.offsets, len(l.buf))
		if l.buf, err = appendFrame(l.buf, &es[i], l.next+Position(i), now, i == len(es)-1); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
	}
	return nil
}

// release lets go of a large buffer.
func (l *lane) release() {
	if cap(l.buf) > keptBuffer {
		l.buf = nil
	}
}

func (l *lane) active() *segment {
	if n := len(l.segments); n > 0 && !l.segments[n-1].sealed {
		return l.segments[n-1]
	}
	return nil
}

// write puts the frames into a segment, a new one if g is nil. After an error
// nothing of them is in the lane; if something is left in the file, their
// positions are not given again.
func (l *lane) write(g *segment, frames []byte, now time.Time) (*segment, error) {
	if g == nil {
		return l.writeNew(now)
	}
	if _, err := g.f.WriteAt(frames, g.size); err != nil {
		if cut := g.f.Truncate(g.size); cut != nil {
			// What was written in part stays: nothing may follow it.
			l.spool.log.Warn("Cannot cut off what was written in part; going on in a new file",
				zap.String("file", g.path), zap.Error(cut))
			g.sealed = true
			l.spool.bytes.Add(-footerBytes)
			l.next += Position(len(l.offsets))
		}
		return nil, err
	}
	g.size += int64(len(frames))
	return g, nil
}

// writeNew begins a segment with what is in buf.
func (l *lane) writeNew(now time.Time) (*segment, error) {
	if old := l.active(); old != nil {
		if err := l.seal(old); err != nil {
			return nil, err
		}
	}
	if !l.made {
		if err := l.spool.makeLaneDir(l.dir); err != nil {
			return nil, err
		}
		l.made = true
	}
	g := newSegment(l.dir, l.next)
	f, err := l.spool.disk.create(g.path)
	if err != nil {
		return nil, err
	}
	h := fileHeader{version: formatVersion, lane: l.id, identity: g.identity, first: g.first, time: now.UnixNano()}
	h.appendTo(l.buf[:0])
	if _, err = f.WriteAt(l.buf, 0); err != nil {
		if left := errors.Join(f.Close(), l.spool.disk.remove(g.path)); left != nil {
			l.spool.log.Warn("Cannot delete what was written in part", zap.String("file", g.path), zap.Error(left))
			l.next += Position(len(l.offsets))
		}
		return nil, err
	}
	l.spool.syncer.touchDir(l.dir)
	g.f, g.size = f, int64(len(l.buf))
	l.segments = append(l.segments, g)
	return g, nil
}

// seal ends a segment in order: a reader that finds its end knows that nothing
// is missing.
func (l *lane) seal(g *segment) error {
	h := frameHeader{flags: flagFooter, position: g.end() - 1}
	if _, err := g.f.WriteAt(h.appendTo(nil), g.size); err != nil {
		_ = g.f.Truncate(g.size)
		return err
	}
	g.size += footerBytes
	g.sealed = true
	if !l.spool.options.Fsync {
		err := g.f.Close()
		g.f = nil
		return err
	}
	l.spool.syncer.touch(l, g) // which closes it
	return nil
}

// markDone takes entries out of the lane.
func (l *lane) markDone(ps []Position) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	return l.markDoneLocked(ps)
}

func (l *lane) markDoneLocked(ps []Position) error {
	if !slices.IsSorted(ps) {
		ps = slices.Sorted(slices.Values(ps))
	}
	var failed error
	for len(ps) > 0 {
		g := l.find(ps[0])
		if g == nil {
			ps = ps[1:]
			continue
		}
		var marks []uint32
		for len(ps) > 0 && ps[0] < g.end() {
			if i := int(ps[0] - g.first); g.markDone(i) {
				marks = append(marks, uint32(i))
			}
			ps = ps[1:]
		}
		if len(marks) == 0 {
			continue
		}
		l.undone -= len(marks)
		l.spool.entries.Add(-int64(len(marks)))
		g.addMarks(marks)
		if g.undone == 0 {
			l.drop(g)
			continue
		}
		n, err := g.writeMarks(l.spool.disk)
		l.spool.bytes.Add(n)
		failed = cmp.Or(failed, err)
	}
	if failed != nil {
		return l.spool.errorf("note what was delivered", failed)
	}
	return nil
}

// find is the segment a position lies in, nil if none.
func (l *lane) find(p Position) *segment {
	i, found := slices.BinarySearchFunc(l.segments, p, func(g *segment, p Position) int { return cmp.Compare(g.first, p) })
	if !found {
		i--
	}
	if i < 0 || p >= l.segments[i].end() {
		return nil
	}
	return l.segments[i]
}

// drop deletes a segment of which nothing is left.
func (l *lane) drop(g *segment) {
	l.segments = slices.DeleteFunc(l.segments, func(o *segment) bool { return o == g })
	g.removed = true
	charged := g.charged()
	_ = g.closeFiles(false) // first, for systems that do not delete what is open
	err := l.spool.disk.remove(g.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		// Its marks keep it from coming back; the next start deletes it.
		n, _ := g.writeMarks(l.spool.disk)
		_ = g.closeFiles(false)
		l.spool.bytes.Add(n)
		l.spool.log.Warn("Cannot delete a file that is done with", zap.String("file", g.path), zap.Error(err))
	} else {
		l.spool.bytes.Add(-charged)
		if err = l.spool.disk.remove(g.donePath()); err != nil && !errors.Is(err, os.ErrNotExist) {
			l.spool.log.Warn("Cannot delete a file that is done with", zap.String("file", g.donePath()), zap.Error(err))
		}
	}
}

// close ends the lane in order.
func (l *lane) close() error {
	l.readMu.Lock()
	defer l.readMu.Unlock()
	l.reader.close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	var failed []error
	for _, g := range l.segments {
		if !g.sealed {
			failed = append(failed, l.seal(g))
		}
		_, err := g.writeMarks(l.spool.disk)
		failed = append(failed, err, g.closeFiles(l.spool.options.Fsync))
	}
	if l.made && l.spool.options.Fsync && len(l.segments) > 0 {
		failed = append(failed, l.spool.disk.syncDir(l.dir))
	}
	if l.made && len(l.segments) == 0 {
		_ = os.Remove(l.dir)
		_ = os.Remove(filepath.Dir(l.dir)) // fails if another partition has entries
	}
	return errors.Join(failed...)
}

func (l *lane) closeReader() {
	l.readMu.Lock()
	defer l.readMu.Unlock()
	l.reader.close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

func (l *lane) stats() LaneStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	st := LaneStats{Lane: l.id, Entries: l.undone}
	for _, g := range l.segments {
		st.Bytes += g.charged()
		if st.Oldest.IsZero() && g.undone > 0 {
			st.Oldest = g.oldest()
		}
	}
	return st
}
