// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// benchEntry is as large as an event with its headers is on the wire.
func benchEntry() Entry {
	e := Entry{Topic: "feedback-events", Partition: 3, Key: []byte("0197f5c4-6f2a-7c31-b1a0-5d6c7e8f9a0b")}
	for i := range 8 {
		e.Headers = append(e.Headers, Header{fmt.Sprintf("header_%d", i), []byte("0197f5c4-6f2a-7c31")})
	}
	e.Value = bytes.Repeat([]byte("x"), 300)
	return e
}

func openBench(b *testing.B, o Options) *Spool {
	b.Helper()
	s, err := Open(b.TempDir(), o)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	return s
}

// BenchmarkAcknowledge is Append and Sync of one entry, by so many callers.
func BenchmarkAcknowledge(b *testing.B) {
	for _, waiters := range []int{1, 64} {
		b.Run(fmt.Sprintf("waiters=%d", waiters), func(b *testing.B) {
			s := openBench(b, Options{Fsync: true})
			alone := diskSync(b)
			var group sync.WaitGroup
			b.ResetTimer()
			for w := range waiters {
				group.Go(func() {
					for i := w; i < b.N; i += waiters {
						if _, err := s.Append(LaneID{"events", int32(w % 12)}, []Entry{benchEntry()}); err != nil {
							b.Error(err)
						}
						if err := s.Sync(b.Context()); err != nil {
							b.Error(err)
						}
					}
				})
			}
			group.Wait()
			b.StopTimer()
			require.Equal(b, b.N, s.Stats().Entries)
			b.ReportMetric(float64(alone.Microseconds()), "µs/fsync-alone")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "acks/s")
		})
	}
}

// diskSync is what this disk takes for a small write and an fsync, at the
// median.
func diskSync(b *testing.B) time.Duration {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "probe"))
	require.NoError(b, err)
	defer func() { require.NoError(b, f.Close()) }()
	var took []time.Duration
	for range 21 {
		start := time.Now()
		_, err = f.Write(make([]byte, 600))
		require.NoError(b, err)
		require.NoError(b, f.Sync())
		took = append(took, time.Since(start))
	}
	return middle(took)
}

func BenchmarkAppend(b *testing.B) {
	s := openBench(b, Options{})
	batch := make([]Entry, 100)
	for i := range batch {
		batch[i] = benchEntry()
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Append(events, batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(100*b.N)/b.Elapsed().Seconds(), "entries/s")
	require.Equal(b, 100*b.N, s.Stats().Entries)
}

// fill appends entries to twelve lanes.
func fill(b *testing.B, s *Spool, n int) {
	b.Helper()
	batch := make([]Entry, 100)
	for i := range batch {
		batch[i] = benchEntry()
	}
	for i := 0; i < n; i += len(batch) {
		_, err := s.Append(LaneID{"events", int32(i / len(batch) % 12)}, batch)
		require.NoError(b, err)
	}
}

// BenchmarkDrain reads and marks what it read.
func BenchmarkDrain(b *testing.B) {
	const n = 100_000
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		s := openBench(b, Options{})
		fill(b, s, n)
		b.StartTimer()
		drained := 0
		for _, id := range s.Lanes() {
			for {
				got, err := s.Read(id, 0, 500, 1<<20)
				require.NoError(b, err)
				if len(got) == 0 {
					break
				}
				ps := make([]Position, len(got))
				for i := range got {
					ps[i] = got[i].Position
				}
				require.NoError(b, s.Done(id, ps...))
				drained += len(got)
			}
		}
		require.Equal(b, n, drained)
		require.Zero(b, s.Stats())
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "entries/s")
}

// BenchmarkReopen opens a spool of a million entries.
func BenchmarkReopen(b *testing.B) {
	const n = 1_000_000
	dir := b.TempDir()
	s, err := Open(dir, Options{})
	require.NoError(b, err)
	fill(b, s, n)
	size := s.Stats().Bytes
	require.NoError(b, s.Close())
	for b.Loop() {
		s, err := Open(dir, Options{})
		require.NoError(b, err)
		require.Equal(b, n, s.Stats().Entries)
		require.NoError(b, s.Close())
	}
	b.ReportMetric(float64(size)/1e6, "MB")
}

func middle(took []time.Duration) time.Duration {
	for i := range took { // few
		for j := i; j > 0 && took[j] < took[j-1]; j-- {
			took[j], took[j-1] = took[j-1], took[j]
		}
	}
	return took[len(took)/2]
}
