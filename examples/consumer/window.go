// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// windows remember the event ids of the last records of each partition. Copies
// of an event have its key, and so come in its partition; where a group goes on
// reading, it first reads that many records again, so that a restart or a
// partition that moves forgets nothing.
type windows struct {
	size       int
	mu         sync.Mutex // guards partitions; the client calls from goroutines of its own
	partitions map[place]*window
}

type place struct {
	topic     string
	partition int32
}

// window is the event ids of the last records of one partition.
type window struct {
	first int64 // offset from which on records are new
	ids   map[string]struct{}
	ring  []string // in order of arrival; when it is full, the oldest makes room
	next  int
}

func newWindows(size int) *windows {
	return &windows{size: max(size, 1), partitions: map[place]*window{}}
}

// rewind begins each partition size records before the committed offset.
func (w *windows) rewind(_ context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for topic, partitions := range offsets {
		for p, o := range partitions {
			at := o.EpochOffset().Offset // negative if nothing was committed yet
			w.partitions[place{topic, p}] = &window{first: at, ids: map[string]struct{}{}}
			if at > 0 {
				partitions[p] = kgo.NewOffset().At(max(at-int64(w.size), 0))
			}
		}
	}
	return offsets, nil
}

// forgetThem drops the windows of partitions that others read now.
func (w *windows) forgetThem(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for topic, partitions := range gone {
		for _, p := range partitions {
			delete(w.partitions, place{topic, p})
		}
	}
}

// fresh reports whether the record is new to the group; one that is not is
// remembered.
func (w *windows) fresh(r *kgo.Record) bool {
	if r.Offset >= w.of(r).first {
		return true
	}
	w.copied(r)
	return false
}

// copied reports whether the event is among the last ones, and remembers it.
func (w *windows) copied(r *kgo.Record) bool {
	id := header(r, "event_id")
	if id == "" {
		return false
	}
	win := w.of(r)
	if _, ok := win.ids[id]; ok {
		return true
	}
	if len(win.ring) < w.size {
		win.ring = append(win.ring, id)
	} else {
		delete(win.ids, win.ring[win.next])
		win.ring[win.next] = id
		win.next = (win.next + 1) % w.size
	}
	win.ids[id] = struct{}{}
	return false
}

func (w *windows) of(r *kgo.Record) *window {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := place{r.Topic, r.Partition}
	win := w.partitions[at]
	if win == nil {
		win = &window{first: -1, ids: map[string]struct{}{}}
		w.partitions[at] = win
	}
	return win
}
