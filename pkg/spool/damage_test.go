// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// sample makes a spool of three segments of a few entries, closed in order.
func sample(t *testing.T, dir string) {
	t.Helper()
	s, err := Open(dir, Options{SegmentBytes: 400})
	require.NoError(t, err)
	for i := 0; i < 12; i += 2 {
		_, err = s.Append(events, entries(i, 2))
		require.NoError(t, err)
	}
	require.NoError(t, s.Done(events, 5))
	require.NoError(t, s.Close())
}

// sampleLeft is what sample leaves: value 4 is done.
func sampleLeft() []string { return slices.Delete(texts(0, 12), 4, 5) }

func logs(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, lanesName, "*", "*", "*"+logSuffix))
	require.NoError(t, err)
	return all
}

// edit changes one file of a fresh copy of the sample.
func edit(t *testing.T, dir, path string, change func([]byte) []byte) (copied string) {
	t.Helper()
	copied = t.TempDir()
	require.NoError(t, os.CopyFS(copied, os.DirFS(dir)))
	path = filepath.Join(copied, strings.TrimPrefix(path, dir))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, change(text), 0o600))
	return copied
}

// lostOf is what is not in got, which must be in the order of the sample.
func lostOf(t *testing.T, got []string) (lost []string) {
	t.Helper()
	left := got
	for _, text := range sampleLeft() {
		if len(left) > 0 && left[0] == text {
			left = left[1:]
		} else {
			lost = append(lost, text)
		}
	}
	require.Empty(t, left, "unknown, twice or out of order")
	return lost
}

func TestEveryByteDamaged(t *testing.T) {
	dir := t.TempDir()
	sample(t, dir)
	files := logs(t, dir)
	require.Len(t, files, 3)
	every, offset := stride(t)
	for _, path := range files {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for i := range text {
			if i%every != offset {
				continue
			}
			copied := edit(t, dir, path, func(b []byte) []byte {
				b[i] ^= byte(1 << (i % 8))
				return b
			})
			s := open(t, copied, Options{SegmentBytes: 400})
			got := values(t, s, events)
			if i < fileHeaderBytes { // its marks do not count
				got = slices.DeleteFunc(got, func(v string) bool { return v == "value 4" })
			}
			lost := lostOf(t, got)
			assert.LessOrEqual(t, len(lost), 1, "byte %d of %s", i, path)
			n := 0
			for _, d := range s.Damage() {
				n += d.Entries
				assert.NotEmpty(t, d.Kept)
			}
			if i >= fileHeaderBytes && i < len(text)-footerBytes {
				assert.Equal(t, 1, n, "byte %d of %s", i, path)
			}
			assert.Equal(t, 1, s.Stats().Damaged, "byte %d of %s", i, path)
			require.NoError(t, s.Close())

			// It is reported once.
			s = open(t, copied, Options{SegmentBytes: 400})
			got = slices.DeleteFunc(values(t, s, events), func(v string) bool { return v == "value 4" })
			assert.Equal(t, lost, lostOf(t, got))
			assert.Equal(t, 1, s.Stats().Damaged)
			require.NoError(t, s.Close())
		}
	}
}

func TestCutAnywhere(t *testing.T) {
	dir := t.TempDir()
	sample(t, dir)
	every, offset := stride(t)
	for nth, path := range logs(t, dir) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for n := range text {
			if n%every != offset {
				continue
			}
			for _, clean := range []bool{true, false} {
				copied := edit(t, dir, path, func(b []byte) []byte { return b[:n] })
				if !clean {
					require.NoError(t, os.Remove(filepath.Join(copied, cleanName)))
				}
				s := open(t, copied, Options{SegmentBytes: 400})
				got := slices.DeleteFunc(values(t, s, events), func(v string) bool { return v == "value 4" })
				assert.Len(t, lostOf(t, got), lossOf(nth, wholeFrames(text[:n])), "cut at %d of %s", n, path)
				if clean || nth < 2 {
					assert.Equal(t, 1, s.Stats().Damaged, "cut at %d of %s", n, path)
				} else {
					assert.Zero(t, s.Stats().Damaged, "after a crash, that is how the last file may look")
				}
				_, err := s.Append(events, entries(12, 1))
				require.NoError(t, err)
				assert.Equal(t, len(got)+1, s.Len(events)-again(s, got))
				require.NoError(t, s.Close())
			}
		}
	}
}

// stride spares time: each run looks at some of the places, many runs at all.
// With -sim.runs=1 it is all.
func stride(t *testing.T) (every, offset int) {
	t.Helper()
	every = 11
	if *simRuns == 1 {
		every = 1
	}
	offset = rand.IntN(every)
	t.Logf("every %d places from %d", every, offset)
	return every, offset
}

// wholeFrames counts the entries in the beginning of a log.
func wholeFrames(text []byte) (n int) {
	for at := fileHeaderBytes; at+frameHeaderBytes <= len(text); n++ {
		h, _ := parseFrameHeader(text[at:])
		if at += frameHeaderBytes + int(h.length); at > len(text) || h.flags&flagFooter != 0 {
			return n
		}
	}
	return n
}

// again is 1 if what was done is there again.
func again(s *Spool, got []string) int { return s.Len(events) - len(got) - 1 }

// lossOf is how many entries a segment of the sample loses when only the first
// are whole.
func lossOf(nth, whole int) int {
	n := 4 - whole
	if nth == 1 && whole == 0 {
		n-- // value 4 was done
	}
	return n
}

func TestMarksDamaged(t *testing.T) {
	dir := t.TempDir()
	sample(t, dir)
	paths, err := filepath.Glob(filepath.Join(dir, lanesName, "*", "*", "*"+doneSuffix))
	require.NoError(t, err)
	require.Len(t, paths, 1)
	for i := range doneMarkBytes * 8 {
		copied := edit(t, dir, paths[0], func(b []byte) []byte {
			b[i/8] ^= 1 << (i % 8)
			return b
		})
		s := open(t, copied, Options{})
		assert.Equal(t, texts(0, 12), values(t, s, events), "delivered again, not lost")
		require.NoError(t, s.Close())
	}
}

func TestDamageAtRandom(t *testing.T) {
	dir := t.TempDir()
	sample(t, dir)
	files := logs(t, dir)
	seed := uint64(time.Now().UnixNano())
	for n := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed+n, 0))
		path := files[rng.IntN(len(files))]
		copied := edit(t, dir, path, func(b []byte) []byte {
			from := rng.IntN(len(b))
			to := from + rng.IntN(len(b)-from)
			switch rng.IntN(4) {
			case 0: // zeros
				clear(b[from:to])
				return b
			case 1: // a piece is missing
				return slices.Delete(b, from, to)
			case 2: // a piece is there twice
				return slices.Insert(b, rng.IntN(len(b)), bytes.Clone(b[from:to])...)
			default: // noise
				for i := from; i < to; i++ {
					b[i] = byte(rng.Uint32())
				}
				return b
			}
		})
		s := open(t, copied, Options{})
		got := slices.DeleteFunc(values(t, s, events), func(v string) bool { return v == "value 4" })
		assert.LessOrEqual(t, len(lostOf(t, got)), 4, "seed %d", seed+n)
		require.NoError(t, s.Close())
		if t.Failed() {
			return
		}
	}
}

func TestDamageWhileOpen(t *testing.T) {
	dir := t.TempDir()
	core, seen := observer.New(zapcore.WarnLevel)
	s := open(t, dir, Options{Logger: zap.New(core)})
	_, err := s.Append(events, entries(0, 5))
	require.NoError(t, err)
	path := logs(t, dir)[0]
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	text[bytes.Index(text, []byte("value 2"))] = 'X'
	require.NoError(t, os.WriteFile(path, text, 0o600))

	assert.Equal(t, append(texts(0, 2), texts(3, 2)...), values(t, s, events))
	assert.Equal(t, 4, s.Len(events))
	assert.Equal(t, 1, s.Stats().Damaged)
	require.Len(t, s.Damage(), 1)
	kept, err := os.ReadFile(s.Damage()[0].Kept)
	require.NoError(t, err)
	assert.Contains(t, string(kept), "Xalue 2")
	for _, e := range seen.All() {
		assert.NotContains(t, fmt.Sprint(e), "alue 2", "no log line repeats an event")
	}

	require.NoError(t, os.Remove(path))
	s.find(events).reader.close()
	assert.Empty(t, values(t, s, events))
	assert.Zero(t, s.Len(events))
	_, err = s.Append(events, entries(5, 1))
	require.NoError(t, err)
	assert.Equal(t, texts(5, 1), values(t, s, events))
}

func TestNewerFormat(t *testing.T) {
	dir := t.TempDir()
	sample(t, dir)
	h := fileHeader{version: 2, lane: events, identity: 1, first: 1}
	copied := edit(t, dir, logs(t, dir)[0], func(b []byte) []byte { return append(h.appendTo(nil), b[fileHeaderBytes:]...) })
	_, err := Open(copied, Options{})
	require.ErrorIs(t, err, errNewer)
	require.ErrorContains(t, err, ".log")
	_, err = Open(copied, Options{})
	require.ErrorIs(t, err, errNewer, "and nothing holds the lock")
}

// FuzzReader reads any bytes as a segment with its marks: it ends, counts right,
// and gives each entry once.
func FuzzReader(f *testing.F) {
	dir := f.TempDir()
	s, err := Open(dir, Options{})
	require.NoError(f, err)
	_, err = s.Append(events, entries(0, 3))
	require.NoError(f, err)
	require.NoError(f, s.Done(events, 2))
	require.NoError(f, s.Close())
	laneDir, err := s.laneDir(events)
	require.NoError(f, err)
	text, err := os.ReadFile(filepath.Join(laneDir, segmentName(1)))
	require.NoError(f, err)
	done, err := os.ReadFile(newSegment(laneDir, 1).donePath())
	require.NoError(f, err)
	f.Add(text, done)
	f.Add(text[:len(text)-footerBytes-3], done)
	f.Add(append(slices.Clone(text), text[fileHeaderBytes:]...), []byte{1})
	f.Fuzz(func(t *testing.T, text, done []byte) {
		r := recovery{lane: &lane{id: events, next: 1}, segment: newSegment("", 1), f: bytes.NewReader(text)}
		g := r.segment
		g.size = int64(len(text))
		if usable, err := r.readFileHeader(); !usable || err != nil {
			return
		}
		r.readFrames()
		r.applyMarks(r.parseMarks(done))
		if !g.sealed {
			r.judgeEnd()
		}
		require.LessOrEqual(t, g.count, len(text))
		undone := 0
		for i := g.nextUndone(0); i < g.count; i = g.nextUndone(i + 1) {
			undone++
			e := g.near(g.first + Position(i))
			h, body, state := r.frames.frame(e.offset, true)
			require.Equal(t, frameWhole, state)
			require.LessOrEqual(t, h.position, g.first+Position(i))
			_, _ = parseEntry(&h, body)
		}
		require.Equal(t, g.undone, undone)
		for _, d := range r.damaged {
			require.LessOrEqual(t, d.Offset+d.Bytes, int64(len(text)))
			require.GreaterOrEqual(t, d.Bytes, int64(0))
		}
	})
}
