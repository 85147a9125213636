// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/load"
)

const (
	// soakEnv is how long the soak lasts; 30 minutes if it is not set.
	soakEnv   = "SOAK"
	soakRate  = 2000
	soakBatch = 10
	// soakGoroutines is how many more goroutines there may be after the soak than
	// after the same load for a short time: connections come and go.
	soakGoroutines = 20
)

// reading is what a collector held at a time of the soak.
type reading struct {
	at   time.Duration
	use  load.Usage
	heap float64 // bytes, as the collector tells
}

// TestSoak sends a steady load for half an hour and asserts that nothing grows:
// memory, descriptors, threads, goroutines.
func TestSoak(t *testing.T) {
	wanted(t, "soak")
	length, err := time.ParseDuration(os.Getenv(soakEnv))
	if os.Getenv(soakEnv) == "" {
		length, err = 30*time.Minute, nil
	}
	require.NoError(t, err, soakEnv)
	where, a := machine(), newArena(t)

	// What a young collector has under the same load.
	before := func() int {
		r, topic := a.start(t, byDefault)
		a.measure(t, r, topic, soak(r, "young", min(10*time.Second, length)))
		n, err := r.Goroutines()
		require.NoError(t, err)
		return n
	}()

	r, topic := a.start(t, byDefault)
	var readings []reading
	ctx, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { readings = watch(ctx, t, r, length/120) })
	report := a.measure(t, r, topic, soak(r, "soak", length))
	stop()
	watching.Wait()
	assert.Empty(t, report.Faults())
	after, err := r.Goroutines()
	require.NoError(t, err)
	assert.LessOrEqual(t, after, before+soakGoroutines, "goroutines after the soak, and of a young collector")

	require.Greater(t, len(readings), 20)
	rows := [][]string{{"after", "resident, MiB", "heap at its smallest, MiB", "descriptors", "threads"}}
	quarters := [4]reading{}
	for q := range quarters {
		part := readings[q*len(readings)/4 : (q+1)*len(readings)/4]
		quarters[q] = typical(part)
		rows = append(rows, []string{
			quarters[q].at.Round(time.Second).String(), figure(float64(quarters[q].use.Resident) / (1 << 20)), figure(quarters[q].heap / (1 << 20)),
			fmt.Sprint(quarters[q].use.Descriptors), fmt.Sprint(quarters[q].use.Threads),
		})
	}
	// The first quarter is for pools and caches to fill.
	first, last := quarters[1], quarters[3]
	flat := func(what string, first, last, slack float64) {
		assert.LessOrEqual(t, last, first*1.1+slack, "%s grows", what)
	}
	flat("resident memory", float64(first.use.Resident), float64(last.use.Resident), 10<<20)
	flat("the heap", first.heap, last.heap, 5<<20)
	flat("the number of descriptors", float64(first.use.Descriptors), float64(last.use.Descriptors), 5)
	flat("the number of threads", float64(first.use.Threads), float64(last.use.Threads), 5)
	publish(t, "soak", where+fmt.Sprintf(" Default mode, %d events a second in requests of %d for %s: %d events acknowledged, %d arrived, lost %d, twice %d; answers p99 %s ms. Goroutines: %d at the end, %d of a young collector under the same load.\n\nEach row is a quarter of the time, its middle readings.\n\n",
		soakRate, soakBatch, length, report.Events.Acknowledged, report.Events.Arrived, report.Events.Lost, report.Events.Twice,
		figure(report.Latency.P99), after, before)+Table(rows...))
}

func soak(r *Running, name string, d time.Duration) load.Plan {
	p := open(r, name, soakRate, soakBatch, d)
	p.Live = false
	return p
}

// watch reads at even intervals until ctx ends.
func watch(ctx context.Context, t *testing.T, r *Running, every time.Duration) (readings []reading) {
	tick := time.NewTicker(max(every, 100*time.Millisecond))
	defer tick.Stop()
	began := time.Now()
	for {
		select {
		case <-ctx.Done():
			return readings
		case <-tick.C:
		}
		use, err := load.UsageOf(r.PID)
		if !assert.NoError(t, err) {
			return readings
		}
		heap, err := metric(ctx, "http://"+r.Collector.Metrics+"/metrics", "otelcol_process_runtime_heap_alloc_bytes")
		if ctx.Err() != nil {
			return readings
		}
		if !assert.NoError(t, err) {
			return readings
		}
		readings = append(readings, reading{time.Since(began), use, heap})
	}
}

// typical is the middle of each figure; of the heap, which goes up and down with
// the collections, the smallest.
func typical(part []reading) reading {
	var resident []int64
	var descriptors, threads []int
	heap := part[0].heap
	for _, p := range part {
		resident = append(resident, p.use.Resident)
		descriptors, threads = append(descriptors, p.use.Descriptors), append(threads, p.use.Threads)
		heap = min(heap, p.heap)
	}
	return reading{
		at: part[len(part)-1].at, heap: heap,
		use: load.Usage{Resident: Median(resident), Descriptors: Median(descriptors), Threads: Median(threads)},
	}
}

// metric reads one value of the collector's metrics.
func metric(ctx context.Context, url, name string) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok && strings.IndexAny(rest, "{ ") == 0 {
			return strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndexByte(rest, ' ')+1:]), 64)
		}
	}
	return 0, fmt.Errorf("there is no metric %s", name)
}
