// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

var errDisk = errors.New("the disk failed")

// memSpool is a spool in memory that can be full, fail and crash.
type memSpool struct {
	mu       sync.Mutex
	lanes    map[spool.LaneID]*memLane
	marks    map[string]string
	capacity int // entries; 0: no bound
	fail     error
	failSync error
	appends  atomic.Int64
}

type memLane struct {
	entries []memEntry
	next    spool.Position
}

type memEntry struct {
	spool.Positioned
	done, doneSafe, safe bool
}

func newMemSpool() *memSpool {
	return &memSpool{lanes: map[spool.LaneID]*memLane{}, marks: map[string]string{}}
}

func (m *memSpool) count() (n int) {
	for _, l := range m.lanes {
		n += l.len()
	}
	return n
}

func (l *memLane) len() (n int) {
	for _, e := range l.entries {
		if !e.done {
			n++
		}
	}
	return n
}

func (m *memSpool) Lanes() (out []spool.LaneID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, l := range m.lanes {
		if l.len() > 0 {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, func(a, b spool.LaneID) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return out
}

func (m *memSpool) Append(id spool.LaneID, es []spool.Entry) (spool.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.appends.Add(1)
	if m.fail != nil {
		return 0, m.fail
	}
	if m.capacity > 0 && m.count()+len(es) > m.capacity {
		return 0, spool.ErrFull
	}
	l := m.lanes[id]
	if l == nil {
		l = &memLane{next: 1}
		m.lanes[id] = l
	}
	first := l.next
	for _, e := range es {
		e.Key, e.Value = slices.Clone(e.Key), slices.Clone(e.Value)
		l.entries = append(l.entries, memEntry{Positioned: spool.Positioned{Position: l.next, Entry: e}})
		l.next++
	}
	return first, nil
}

func (m *memSpool) Sync(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failSync != nil {
		return m.failSync
	}
	for _, l := range m.lanes {
		for i := range l.entries {
			l.entries[i].safe = true
			l.entries[i].doneSafe = l.entries[i].done
		}
	}
	return nil
}

func (m *memSpool) Read(id spool.LaneID, after spool.Position, maxEntries, _ int) (out []spool.Positioned, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil && !errors.Is(m.fail, spool.ErrFull) {
		return nil, m.fail
	}
	l := m.lanes[id]
	if l == nil {
		return nil, nil
	}
	for _, e := range l.entries {
		if e.Position > after && !e.done && len(out) < maxEntries {
			out = append(out, e.Positioned)
		}
	}
	return out, nil
}

func (m *memSpool) Done(id spool.LaneID, ps ...spool.Position) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.lanes[id].entries {
		if e := &m.lanes[id].entries[i]; slices.Contains(ps, e.Position) {
			e.done = true
		}
	}
	return nil
}

func (m *memSpool) Len(id spool.LaneID) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l := m.lanes[id]; l != nil {
		return l.len()
	}
	return 0
}

func (m *memSpool) Stats() spool.Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return spool.Stats{Entries: m.count(), MaxBytes: int64(m.capacity)}
}

func (m *memSpool) Mark() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.marks)
}

func (m *memSpool) SetMark(values map[string]string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.Copy(m.marks, values)
	return nil
}

// crash is what a power failure leaves: what was synced, and of the rest
// perhaps a part; keep decides.
func (m *memSpool) crash(keep func() bool) *memSpool {
	m.mu.Lock()
	defer m.mu.Unlock()
	after := newMemSpool()
	after.marks, after.capacity = maps.Clone(m.marks), m.capacity
	for id, l := range m.lanes {
		out := &memLane{next: 1}
		for _, e := range l.entries {
			if !e.safe && !keep() {
				break // a torn tail
			}
			e.done = e.doneSafe || e.done && keep()
			out.next = e.Position + 1
			out.entries = append(out.entries, e)
		}
		after.lanes[id] = out
	}
	return after
}

// idOf is the number by which a test's event goes.
func idOf(headers []spool.Header) string {
	for _, h := range headers {
		if h.Key == headerEventID {
			return string(h.Value)[24:]
		}
	}
	return ""
}
