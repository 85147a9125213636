// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var events = LaneID{Topic: "feedback-events", Partition: 3}

func open(t *testing.T, dir string, o Options) *Spool {
	t.Helper()
	s, err := Open(dir, o)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func entry(text string) Entry {
	return Entry{Topic: "feedback-events", Partition: 3, Key: []byte("k"), Value: []byte(text)}
}

func entries(from, n int) []Entry {
	es := make([]Entry, n)
	for i := range es {
		es[i] = entry(fmt.Sprintf("value %d", from+i))
	}
	return es
}

// values reads all of a lane, a few at a time.
func values(t *testing.T, s *Spool, id LaneID) []string {
	t.Helper()
	var all []string
	var after Position
	for {
		got, err := s.Read(id, after, 7, 0)
		require.NoError(t, err)
		if len(got) == 0 {
			return all
		}
		for _, e := range got {
			require.Greater(t, e.Position, after)
			after = e.Position
			all = append(all, string(e.Value))
		}
	}
}

func texts(from, n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("value %d", from+i))
	}
	return all
}

func TestRoundTrip(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "spool")
	s := open(t, dir, Options{Fsync: true})
	full := Entry{
		Topic: "täglich", Partition: AnyPartition, Key: []byte{}, Value: []byte("{}"),
		Headers: []Header{{"event_id", []byte("x")}, {"", nil}, {"empty", []byte{}}}, Boundary: true, Tag: 1<<64 - 1,
	}
	ids := []LaneID{{"", AnyPartition}, {"täglich", AnyPartition}, {"täglich", 0}, {"..", 2147483647}}
	for _, id := range ids {
		first, err := s.Append(id, []Entry{full, {}, full})
		require.NoError(t, err)
		assert.Equal(t, Position(1), first)
	}
	require.NoError(t, s.Sync(t.Context()))
	check := func(s *Spool) {
		assert.Equal(t, []LaneID{ids[0], ids[3], ids[1], ids[2]}, s.Lanes())
		for _, id := range ids {
			got, err := s.Read(id, 0, 0, 0)
			require.NoError(t, err)
			assert.Equal(t, []Positioned{{1, full}, {2, Entry{}}, {3, full}}, got)
			assert.Equal(t, 3, s.Len(id))
		}
	}
	check(s)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	check(open(t, dir, Options{}))

	var modes []string
	require.NoError(t, filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		modes = append(modes, info.Mode().String())
		return err
	}))
	for _, m := range modes {
		assert.Contains(t, []string{"drwx------", "-rw-------"}, m)
	}
}

func TestSegmentsAndDone(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{SegmentBytes: 1000})
	start := time.Now()
	for i := 0; i < 100; i += 5 {
		_, err := s.Append(events, entries(i, 5))
		require.NoError(t, err)
	}
	assert.Equal(t, texts(0, 100), values(t, s, events))
	full := s.Stats()
	assert.Equal(t, 100, full.Entries)
	assert.WithinRange(t, full.Oldest, start, time.Now())
	onDisk := func() (n int64) {
		logs, err := filepath.Glob(filepath.Join(dir, "lanes", "*", "*", "*"))
		require.NoError(t, err)
		for _, path := range logs {
			info, err := os.Stat(path)
			require.NoError(t, err)
			n += info.Size()
		}
		return n
	}
	assert.Equal(t, onDisk()+footerBytes, full.Bytes, "the last file's end is paid for")

	// Out of order, twice, unknown ones too.
	for p := Position(200); p >= 31; p-- {
		require.NoError(t, s.Done(events, p, p))
	}
	require.NoError(t, s.Done(events, 2, 1, 4, 3))
	assert.Equal(t, texts(4, 26), values(t, s, events))
	assert.Equal(t, 26, s.Len(events))
	assert.Less(t, s.Stats().Bytes, full.Bytes/2)

	require.NoError(t, s.Close())
	s = open(t, dir, Options{SegmentBytes: 1000})
	assert.Equal(t, texts(4, 26), values(t, s, events))
	assert.Equal(t, onDisk(), s.Stats().Bytes)
	first, err := s.Append(events, entries(100, 1))
	require.NoError(t, err)
	assert.Greater(t, first, Position(30))
	for _, p := range s.Lanes() {
		got, err := s.Read(p, 0, 0, 0)
		require.NoError(t, err)
		for _, e := range got {
			require.NoError(t, s.Done(p, e.Position))
		}
	}
	assert.Zero(t, s.Stats())
	assert.Zero(t, onDisk())
}

func TestFull(t *testing.T) {
	s := open(t, t.TempDir(), Options{MaxBytes: 2000, SegmentBytes: 500})
	n := 0
	for {
		_, err := s.Append(events, entries(n, 1))
		if err != nil {
			require.ErrorIs(t, err, ErrFull)
			break
		}
		n++
	}
	assert.LessOrEqual(t, s.Stats().Bytes, int64(2000))
	assert.Greater(t, n, 15)
	assert.Equal(t, texts(0, n), values(t, s, events))
	for p := range Position(8) {
		require.NoError(t, s.Done(events, p))
	}
	_, err := s.Append(events, entries(n, 1))
	require.NoError(t, err)
}

func TestReadBounds(t *testing.T) {
	s := open(t, t.TempDir(), Options{SegmentBytes: 300})
	_, err := s.Append(events, entries(0, 10))
	require.NoError(t, err)
	got, err := s.Read(events, 3, 2, 0)
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, Position(4), got[0].Position)
	got, err = s.Read(events, 0, 0, 1)
	require.NoError(t, err)
	assert.Len(t, got, 1, "at least one")
	got, err = s.Read(events, 10, 0, 0)
	require.NoError(t, err)
	assert.Empty(t, got)
	got, err = s.Read(LaneID{"other", 0}, 0, 0, 0)
	require.NoError(t, err)
	assert.Empty(t, got)
}

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	_, err := s.Append(events, entries(0, 3))
	require.NoError(t, err)
	_, err = Open(dir, Options{})
	require.ErrorIs(t, err, ErrLocked)
	assert.Contains(t, err.Error(), dir)

	look := open(t, dir, Options{ReadOnly: true})
	assert.True(t, look.Locked())
	assert.Equal(t, texts(0, 3), values(t, look, events))
	_, err = look.Append(events, entries(0, 3))
	require.ErrorIs(t, err, ErrReadOnly)
	require.ErrorIs(t, look.Done(events, 1), ErrReadOnly)
	require.ErrorIs(t, look.SetMark(nil), ErrReadOnly)

	require.NoError(t, s.Close())
	_, err = s.Append(events, entries(0, 3))
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, s.Done(events, 1), ErrClosed)
	look = open(t, dir, Options{ReadOnly: true})
	assert.False(t, look.Locked())
	assert.Empty(t, look.Damage())
	_, err = Open(filepath.Join(dir, "none"), Options{ReadOnly: true})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestMarks(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	require.NoError(t, s.SetMark(map[string]string{"mode": "durable", "sequence": "1"}))
	require.NoError(t, s.SetMark(map[string]string{"sequence": "2", "mode": ""}))
	want := map[string]string{"sequence": "2"}
	assert.Equal(t, want, s.Mark())
	require.NoError(t, s.Close())

	for _, name := range markNames {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(`{"version":1`), 0o600))
		s = open(t, dir, Options{})
		assert.Equal(t, want, s.Mark())
		assert.Equal(t, 1, s.Stats().Damaged)
		require.NoError(t, s.Close())
	}
	for _, name := range markNames {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	_, err := Open(dir, Options{})
	require.ErrorContains(t, err, "has no whole copy")
}

func TestSyncEndsWithItsContext(t *testing.T) {
	s := open(t, t.TempDir(), Options{Fsync: true})
	_, err := s.Append(events, entries(0, 1))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err = s.Sync(ctx); err != nil { // the disk may have been faster
		require.ErrorIs(t, err, context.Canceled)
	}
	require.NoError(t, s.Sync(t.Context()))
}
