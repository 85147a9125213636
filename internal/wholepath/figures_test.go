// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package wholepath

import (
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// TestFigures holds one thread to the rates that the pipeline is built for:
// 100,000 events a second, a batch of 100 in a millisecond, 50 µs to write an
// event. It counts processor time, which a busy machine stretches less than the
// clock, and runs only where loads are measured; BENCH_GOALS=1 makes it strict.
func TestFigures(t *testing.T) {
	if os.Getenv("BENCH") != "load" {
		t.Skip("measures: run \"make bench-load\"")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // one thread, the collection of garbage included
	const rounds = 3000
	w, all := newWay(t), request(batch)
	took := make([]time.Duration, rounds)
	began := cpu(t)
	for i := range took {
		start := time.Now()
		w.walk(t, all, batch)
		took[i] = time.Since(start)
	}
	rate := rounds * batch / (cpu(t) - began).Seconds()
	require.Equal(t, rounds*batch, w.values)
	slices.Sort(took)
	t.Logf("%.0f events a second on one thread; a batch of %d: p50 %s, p99 %s", rate, batch, took[rounds/2], took[rounds*99/100])

	records := plog.NewLogRecordSlice()
	_, _, fault := feedback.NewDecoder().Decode(body(), feedback.FormatJSON, 1, records)
	require.Nil(t, fault)
	value := feedback.AppendJSON(nil, records.At(0).Body())
	began = cpu(t)
	for range 100_000 {
		value = feedback.AppendJSON(value[:0], records.At(0).Body())
	}
	each := (cpu(t) - began) / 100_000
	t.Logf("%s to write an event", each)
	if os.Getenv("BENCH_GOALS") == "1" {
		assert.GreaterOrEqual(t, rate, 100_000.0, "events a second on one thread")
		assert.Less(t, took[rounds/2], time.Millisecond, "a batch")
		assert.Less(t, each, 50*time.Microsecond, "to write an event")
	}
}

// cpu is the processor time that this process has used.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var r syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &r))
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
