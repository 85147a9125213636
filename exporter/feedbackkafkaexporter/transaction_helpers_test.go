// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"context"
	"errors"
	"maps"
	"sync"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

// txnMemory is a spool in memory that can crash: what Sync did not cover is
// gone then, and what Done said may be forgotten.
type txnMemory struct {
	mu      sync.Mutex
	next    spool.Position
	entries []spool.Positioned
	synced  spool.Position // the last position on disk
	done    map[spool.Position]bool
	marks   map[string]string
	max     int // entries; 0: no bound
	broken  error
}

func newTxnMemory() *txnMemory {
	return &txnMemory{next: 1, done: map[spool.Position]bool{}, marks: map[string]string{}}
}

var errTxnDisk = errors.New("the disk is gone")

func (s *txnMemory) Append(_ spool.LaneID, es []spool.Entry) (spool.Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return 0, s.broken
	}
	if s.max > 0 && s.live()+len(es) > s.max {
		return 0, spool.ErrFull
	}
	first := s.next
	for _, e := range es {
		s.entries = append(s.entries, spool.Positioned{Position: s.next, Entry: e})
		s.next++
	}
	return first, nil
}

func (s *txnMemory) Sync(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	s.synced = s.next - 1
	return nil
}

func (s *txnMemory) Read(_ spool.LaneID, after spool.Position, maxEntries, _ int) (out []spool.Positioned, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.Position > after && !s.done[e.Position] && (maxEntries <= 0 || len(out) < maxEntries) {
			out = append(out, e)
		}
	}
	return out, nil
}

func (s *txnMemory) Done(_ spool.LaneID, ps ...spool.Position) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range ps {
		s.done[p] = true
	}
	return nil
}

func (s *txnMemory) live() int {
	n := 0
	for _, e := range s.entries {
		if !s.done[e.Position] {
			n++
		}
	}
	return n
}

func (s *txnMemory) Len(spool.LaneID) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live()
}

func (s *txnMemory) Mark() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.marks)
}

func (s *txnMemory) SetMark(m map[string]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	maps.Copy(s.marks, m)
	return nil
}

// crash takes the disk away from whoever still writes, at one moment, and
// returns what is found on it afterwards; forget says whether notes of what is
// done are lost too.
func (s *txnMemory) crash(forget bool) *txnMemory {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = errTxnDisk
	n := newTxnMemory()
	n.next, n.synced, n.max = s.next, s.synced, s.max
	maps.Copy(n.marks, s.marks)
	for _, e := range s.entries {
		if e.Position <= s.synced && (forget || !s.done[e.Position]) {
			n.entries = append(n.entries, e)
		}
	}
	return n
}
