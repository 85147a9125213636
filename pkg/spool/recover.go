// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.uber.org/zap"
)

var errNewer = errors.New("it was written by a newer version, in a format this one does not know")

// recover reads what is in the directory.
func (s *Spool) recover() error {
	clean, err := s.takeClean()
	if err != nil {
		return err
	}
	if err := s.countKept(); err != nil {
		return err
	}
	if err := s.readMarks(); err != nil {
		return err
	}
	topics, err := readDirs(s.path(lanesName))
	if err != nil {
		return err
	}
	for _, topic := range topics {
		topicDir := filepath.Join(s.dir, lanesName, topic)
		partitions, err := readDirs(topicDir)
		if err != nil {
			return err
		}
		for _, partition := range partitions {
			id, ok := parseLane(topic, partition)
			if !ok {
				s.log.Warn("Leaving alone what is no lane", zap.String("directory", filepath.Join(topicDir, partition)))
				continue
			}
			l := &lane{spool: s, id: id, dir: filepath.Join(topicDir, partition), next: 1, made: true}
			if err := l.recover(clean); err != nil {
				return err
			}
			if len(l.segments) == 0 && !s.options.ReadOnly && os.Remove(l.dir) == nil {
				continue
			}
			s.lanes[id] = l
		}
		if !s.options.ReadOnly {
			_ = os.Remove(topicDir) // fails unless it is empty
		}
	}
	if st := s.Stats(); st.Entries > 0 {
		s.log.Info("The spool holds events of an earlier run", zap.String("directory", s.dir),
			zap.Int("entries", st.Entries), zap.Int64("bytes", st.Bytes), zap.Time("oldest", st.Oldest))
	}
	return nil
}

// readDirs lists the directories in one that may not be there.
func readDirs(path string) (names []string, err error) {
	all, err := os.ReadDir(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for _, e := range all {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// recover reads a lane's segments. Clean says that all of them were ended.
func (l *lane) recover(clean bool) error {
	files, err := os.ReadDir(l.dir)
	if err != nil {
		return err
	}
	var firsts []Position
	for _, f := range files {
		if first, ok := parseSegmentName(f.Name()); ok {
			firsts = append(firsts, first)
			continue
		}
		l.removeLeftOver(f.Name())
	}
	slices.Sort(firsts)
	for i, first := range firsts {
		live := i == len(firsts)-1
		r := recovery{lane: l, clean: clean || !live, segment: newSegment(l.dir, first)}
		r.live = live && l.spool.locked
		if err := r.run(); err != nil {
			return err
		}
	}
	return nil
}

// removeLeftOver deletes what a crash left: marks without a log, and what was
// being written anew.
func (l *lane) removeLeftOver(name string) {
	if l.spool.options.ReadOnly {
		return
	}
	path := filepath.Join(l.dir, name)
	if base, ok := strings.CutSuffix(name, doneSuffix); ok {
		if _, err := os.Stat(filepath.Join(l.dir, base+logSuffix)); err == nil {
			return
		}
	} else if !strings.HasSuffix(name, ".tmp") {
		return
	}
	if err := os.Remove(path); err != nil {
		l.spool.log.Warn("Cannot delete a file that is done with", zap.String("file", path), zap.Error(err))
	}
}

// recovery reads one segment.
type recovery struct {
	lane    *lane
	clean   bool // its end must be there
	live    bool // somebody is writing to it
	segment *segment

	f       io.ReaderAt
	frames  frameReader
	damaged []Damage
	whole   int64    // bytes up to the end of the last call of Append
	wholeTo Position // behind its last entry
	cut     int64    // what is good ends here
	torn    bool     // what follows is the beginning of something
}

func (r *recovery) run() error {
	g, l := r.segment, r.lane
	f, err := l.spool.disk.open(g.path)
	if err != nil {
		if l.spool.options.ReadOnly && errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	}
	r.f = f
	defer func() { _ = f.Close() }()
	info, err := os.Stat(g.path)
	if err != nil {
		return err
	}
	g.size = info.Size()
	usable, err := r.readFileHeader()
	if err != nil {
		return fmt.Errorf("%s: %w", g.path, err)
	}
	if !usable {
		return r.discard()
	}
	marks, err := r.readMarks()
	if err != nil {
		return err
	}
	r.readFrames()
	r.applyMarks(marks)
	return r.finish()
}

// readFileHeader says whether there is anything to read.
func (r *recovery) readFileHeader() (bool, error) {
	g := r.segment
	r.frames = frameReader{src: r.f, size: g.size, first: g.first}
	head := r.frames.view(0, fileHeaderBytes)
	h, whole, ours := parseFileHeader(head, r.lane.id)
	switch {
	case whole && h.version != formatVersion:
		return false, fmt.Errorf("%w (%d)", errNewer, h.version)
	case whole && (!ours || h.first != g.first):
		r.note(0, g.size, "it belongs elsewhere: was it copied or renamed?")
		return false, nil
	case whole:
		g.identity = h.identity
	case g.size < fileHeaderBytes && !r.clean && (r.live || bytes.HasPrefix(fileMarker[:], head[:min(len(head), len(fileMarker))])):
		return false, nil // its making was cut off
	case g.size < fileHeaderBytes:
		r.note(0, g.size, "its beginning is missing")
		return false, nil
	default:
		// Without its identity no mark counts: what was delivered is again.
		r.note(0, fileHeaderBytes, "its header is damaged")
		g.identity = 0
	}
	if n := len(r.lane.segments); n > 0 && r.lane.segments[n-1].end() > g.first || r.lane.next > g.first {
		r.note(0, g.size, "its entries have positions that were given before")
		return false, nil
	}
	return true, nil
}

func (r *recovery) note(offset, n int64, reason string) {
	r.damaged = append(r.damaged, Damage{Lane: r.lane.id, Path: r.segment.path, Offset: offset, Bytes: n, Reason: reason})
}

// readFrames takes in all entries that are whole.
func (r *recovery) readFrames() {
	g := r.segment
	offset := int64(fileHeaderBytes)
	r.whole, r.wholeTo = offset, g.first
	for {
		h, _, state := r.frames.frame(offset, true)
		if state == frameWhole && h.flags&flagFooter != 0 && h.position+1 >= g.end() && h.position+1-g.end() <= Position(g.size) {
			r.lost(g.extend(h.position + 1))
			g.sealed = true
			r.cut = offset + footerBytes
			if r.cut < r.frames.size {
				r.note(r.cut, r.frames.size-r.cut, "something follows its end")
			}
			return
		}
		if state == frameWhole && h.flags&flagFooter == 0 && h.position >= g.end() {
			r.lost(g.extend(h.position))
			g.add(h.position, offset, h.time)
			offset += frameHeaderBytes + int64(h.length)
			if h.flags&flagLast != 0 {
				r.whole, r.wholeTo = offset, g.end()
			}
			continue
		}
		if state == frameEnd || state == frameTorn {
			r.cut, r.torn = offset, true
			return
		}
		next, found := r.frames.resync(offset+1, g.end()-1)
		if !found {
			r.cut, r.torn = offset, r.onlyZeros(offset)
			return
		}
		r.note(offset, next-offset, "does not read back as it was written")
		offset = next
	}
}

// lost ascribes missing positions to the damage before them.
func (r *recovery) lost(n int) {
	if n == 0 {
		return
	}
	if len(r.damaged) == 0 {
		r.note(0, 0, "entries are missing")
	}
	r.damaged[len(r.damaged)-1].Entries += n
}

// onlyZeros says whether the rest is what some file systems leave behind what
// was being written when the machine went down.
func (r *recovery) onlyZeros(offset int64) bool {
	for offset < r.frames.size {
		part := r.frames.view(offset, windowBytes)
		if len(part) == 0 || len(bytes.Trim(part, "\x00")) > 0 {
			return false
		}
		offset += int64(len(part))
	}
	return true
}

// span is a range of entries that are done, counted from the first.
type span struct{ from, to uint32 }

// readMarks reads the file beside the log. What is damaged of it is as if it had
// not been written: entries are then delivered again, never lost.
func (r *recovery) readMarks() ([]span, error) {
	text, err := os.ReadFile(r.segment.donePath())
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	return r.parseMarks(text), nil
}

func (r *recovery) parseMarks(text []byte) (spans []span) {
	n := len(text) / doneMarkBytes * doneMarkBytes
	for at := 0; at < n; at += doneMarkBytes {
		if from, to, ok := parseDoneMark(text[at:at+doneMarkBytes], r.segment.identity); ok {
			spans = append(spans, span{from, to})
		}
	}
	r.segment.marksSize = int64(n) // what is behind is written over
	return spans
}

func (r *recovery) applyMarks(spans []span) {
	g := r.segment
	for _, s := range spans {
		for i := int(s.from); i <= int(s.to) && i < g.count; i++ {
			g.markDone(i)
		}
	}
}

// finish deals with the end, sets aside what is damaged and puts the segment
// into the lane.
func (r *recovery) finish() error {
	g, l := r.segment, r.lane
	if !g.sealed {
		r.judgeEnd()
	}
	safe := true
	for i := range r.damaged {
		safe = l.spool.setAside(&r.damaged[i], r.f) && safe
	}
	end := g.end()
	l.next = max(l.next, end)
	if l.spool.options.ReadOnly {
		r.keep()
		return nil
	}
	if !g.sealed && safe {
		if err := r.end(); err != nil {
			l.spool.log.Warn("Cannot end a file of an earlier run in order", zap.String("file", g.path), zap.Error(err))
		}
	}
	g.sealed = true
	if g.undone > 0 {
		r.keep()
		return nil
	}
	l.spool.bytes.Add(g.charged())
	if !safe { // what could not be copied stays for somebody to look at
		l.next = max(l.next, g.first+1) // its name is taken
		return nil
	}
	l.drop(g)
	return nil
}

func (r *recovery) keep() {
	g, l := r.segment, r.lane
	l.segments = append(l.segments, g)
	l.undone += g.undone
	l.spool.entries.Add(int64(g.undone))
	l.spool.bytes.Add(g.charged())
}

// judgeEnd says what is behind the last whole entry of a segment that was not
// ended: something never acknowledged, or damage.
func (r *recovery) judgeEnd() {
	g := r.segment
	size := r.frames.size
	switch {
	case r.live:
	case r.clean:
		r.note(r.cut, size-r.cut, "its end is missing")
	case !r.torn:
		r.note(r.cut, size-r.cut, "does not read back as it was written")
	}
	if r.lane.id.Topic == "" && r.wholeTo < g.end() && !r.live {
		// A part of a request must not be published.
		n := int(g.end() - r.wholeTo)
		r.note(r.whole, size-r.whole, "the rest of the request is missing")
		r.damaged[len(r.damaged)-1].Entries = n
		for i := int(r.wholeTo - g.first); i < g.count; i++ {
			g.markDone(i)
		}
		r.cut = r.whole
	}
}

// end cuts off what does not count and writes the end: nothing is ever appended
// to a segment of an earlier run.
func (r *recovery) end() error {
	g := r.segment
	f, err := r.lane.spool.disk.edit(g.path)
	if err != nil {
		return err
	}
	g.size = r.cut
	err = f.Truncate(r.cut)
	if err == nil && g.undone > 0 {
		footer := frameHeader{flags: flagFooter, position: g.end() - 1}
		if _, err = f.WriteAt(footer.appendTo(nil), r.cut); err == nil {
			g.size += footerBytes
		}
		if err == nil && r.lane.spool.options.Fsync {
			err = f.Sync()
		}
	}
	return errors.Join(err, f.Close())
}

// discard deals with a file that holds nothing to read.
func (r *recovery) discard() error {
	g, l := r.segment, r.lane
	if l.spool.options.ReadOnly {
		for i := range r.damaged {
			l.spool.setAside(&r.damaged[i], r.f)
		}
		return nil
	}
	for i := range r.damaged {
		if !l.spool.setAside(&r.damaged[i], io.NewSectionReader(r.f, 0, g.size)) {
			l.next = max(l.next, g.first+1) // its name is taken
			return nil
		}
	}
	return errors.Join(l.spool.disk.remove(g.path), removeIfThere(g.donePath()))
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
