// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"cmp"
	"errors"
	"os"
	"slices"
)

// What Read takes at most when its caller sets no bound.
const (
	defaultReadEntries = 1 << 16
	defaultReadBytes   = 8 << 20
)

// laneReader remembers where the last Read ended, so that the next goes on
// there. readMu guards it.
type laneReader struct {
	segment *segment
	f       file
	frames  frameReader
	offset  int64 // of the frame behind the last that was read
	after   Position
}

func (r *laneReader) close() {
	if r.f != nil {
		_ = r.f.Close()
	}
	*r = laneReader{}
}

// readPlan is what to read of one segment.
type readPlan struct {
	segment *segment
	size    int64
	wanted  []Position // not done, ascending
	from    indexEntry // an entry not behind the first wanted
}

// read returns entries behind a position.
func (l *lane) read(after Position, maxEntries, maxBytes int) ([]Positioned, error) {
	if maxEntries <= 0 {
		maxEntries = defaultReadEntries
	}
	if maxBytes <= 0 {
		maxBytes = defaultReadBytes
	}
	l.readMu.Lock()
	defer l.readMu.Unlock()
	var out []Positioned
	for len(out) < maxEntries && maxBytes > 0 {
		plan, err := l.plan(after, maxEntries-len(out))
		if err != nil {
			return nil, err
		}
		if plan == nil {
			l.reader.close() // a deleted file takes room while it is open
			break
		}
		after = plan.wanted[len(plan.wanted)-1]
		got, taken, err := l.readSegment(plan, maxBytes, len(out) == 0)
		if err != nil {
			return out, l.spool.errorf("read", err)
		}
		out = append(out, got...)
		maxBytes -= taken
	}
	return out, nil
}

// plan finds the first segment that holds something wanted.
func (l *lane) plan(after Position, n int) (*readPlan, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrClosed
	}
	i, _ := slices.BinarySearchFunc(l.segments, after, func(g *segment, p Position) int { return cmp.Compare(g.end(), p+1) })
	for _, g := range l.segments[i:] {
		var wanted []Position
		from := 0
		if after >= g.first {
			from = int(after - g.first + 1)
		}
		for j := g.nextUndone(from); j < g.count && len(wanted) < n; j = g.nextUndone(j + 1) {
			wanted = append(wanted, g.first+Position(j))
		}
		if len(wanted) > 0 {
			return &readPlan{segment: g, size: g.size, wanted: wanted, from: g.near(wanted[0])}, nil
		}
	}
	return nil, nil
}

// readSegment reads what is wanted, up to maxBytes; taken is what of that is
// used up, all of it when something did not fit. Entries that turn out to be
// damaged are set aside and left out.
func (l *lane) readSegment(p *readPlan, maxBytes int, first bool) (out []Positioned, taken int, err error) {
	r := &l.reader
	if err := l.openReader(p); err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			return nil, 0, err
		}
		l.lost(p.segment, p.wanted, "the file is gone")
		return nil, 0, nil
	}
	out = make([]Positioned, 0, min(len(p.wanted), 1024))
	offset := r.offset
	if r.after >= p.wanted[0] || p.from.offset > offset {
		offset = p.from.offset
	}
	var missing []Position
	wanted := p.wanted
	last := wanted[0] - 1
	for len(wanted) > 0 {
		h, _, state := r.frames.frame(offset, false)
		var body []byte
		if state == frameWhole && h.position == wanted[0] && h.flags&flagFooter == 0 {
			_, body, state = r.frames.frame(offset, true)
		}
		if state != frameWhole || h.flags&flagFooter != 0 {
			next, found := r.frames.resync(offset+1, last)
			l.spool.setAside(&Damage{Lane: l.id, Path: p.segment.path, Offset: offset, Bytes: next - offset, Reason: "does not read back as it was written"}, r.f)
			offset = next
			if !found {
				missing = append(missing, wanted...)
				break
			}
			continue
		}
		end := offset + frameHeaderBytes + int64(h.length)
		for len(wanted) > 0 && wanted[0] < h.position { // was damaged
			missing, wanted = append(missing, wanted[0]), wanted[1:]
		}
		if len(wanted) == 0 {
			break
		}
		if h.position < wanted[0] {
			offset = end
			continue
		}
		if body == nil {
			_, body, state = r.frames.frame(offset, true)
			if state != frameWhole {
				continue // the frame is looked at again, and set aside
			}
		}
		if (len(out) > 0 || !first) && taken+len(body) > maxBytes {
			taken = maxBytes
			break
		}
		e, err := parseEntry(&h, append([]byte(nil), body...))
		if err != nil { // the checksum fits: written wrong, not read wrong
			missing = append(missing, wanted[0])
			l.spool.setAside(&Damage{Lane: l.id, Path: p.segment.path, Offset: offset, Bytes: end - offset, Reason: err.Error()}, r.f)
		} else {
			out = append(out, Positioned{h.position, e})
			taken += len(body)
		}
		last, offset, wanted = h.position, end, wanted[1:]
	}
	r.offset, r.after = offset, last
	if len(missing) > 0 {
		l.lost(p.segment, missing, "")
	}
	return out, taken, nil
}

// openReader has the reader look at the plan's segment.
func (l *lane) openReader(p *readPlan) error {
	r := &l.reader
	if r.segment == p.segment {
		r.frames.size = p.size
		return nil
	}
	r.close()
	f, err := l.spool.disk.open(p.segment.path)
	if err != nil {
		return err
	}
	*r = laneReader{segment: p.segment, f: f, offset: fileHeaderBytes, frames: frameReader{src: f, size: p.size, first: p.segment.first}}
	return nil
}

// lost takes entries that cannot be read out of the lane.
func (l *lane) lost(g *segment, ps []Position, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g.removed || l.spool.options.ReadOnly {
		return // delivered meanwhile
	}
	if reason != "" {
		l.spool.noteDamage(&Damage{Lane: l.id, Path: g.path, Entries: len(ps), Reason: reason})
	}
	_ = l.markDoneLocked(ps) // written with the next
}
