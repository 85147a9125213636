// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Histogram counts durations, to the microsecond and three digits, up to two
// minutes. It is safe for concurrent use.
type Histogram struct {
	shards [8]struct {
		mu sync.Mutex
		h  *hdrhistogram.Histogram
	}
}

const highest = 2 * time.Minute

// NewHistogram returns an empty histogram.
func NewHistogram() *Histogram {
	h := &Histogram{}
	for i := range h.shards {
		h.shards[i].h = hdrhistogram.New(1, highest.Microseconds(), 3)
	}
	return h
}

// Record adds a duration; shard keeps goroutines out of each other's way.
func (h *Histogram) Record(shard int, d time.Duration) {
	s := &h.shards[shard%len(h.shards)]
	s.mu.Lock()
	_ = s.h.RecordValue(max(min(d, highest), time.Microsecond).Microseconds()) // within its bounds
	s.mu.Unlock()
}

// Quantiles are those of a histogram, in milliseconds.
type Quantiles struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P99   float64 `json:"p99_ms"`
	P999  float64 `json:"p99_9_ms"`
	Max   float64 `json:"max_ms"`
}

// Quantiles returns those of what was recorded so far; nil if nothing was.
func (h *Histogram) Quantiles() *Quantiles {
	all := hdrhistogram.New(1, highest.Microseconds(), 3)
	for i := range h.shards {
		s := &h.shards[i]
		s.mu.Lock()
		all.Merge(s.h)
		s.mu.Unlock()
	}
	if all.TotalCount() == 0 {
		return nil
	}
	at := func(q float64) float64 { return float64(all.ValueAtQuantile(q)) / 1000 }
	return &Quantiles{Count: all.TotalCount(), P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: float64(all.Max()) / 1000}
}
