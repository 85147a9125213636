// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package feedbackkafkaexporter

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/pdata/plog"
)

// BenchmarkConsumeLogs is the healthy path as it is shipped, in processor time
// of the process, the broker in it included.
func BenchmarkConsumeLogs(b *testing.B) {
	r := newRig(b, newCluster(b, seeded()), func(cfg *Config, _ *testRuntime) {
		cfg.Spool.Directory = b.TempDir()
		cfg.SpoolAfter = time.Minute // a machine that stands still is not measured
	})
	r.statusIs(componentstatus.StatusOK, "")
	const size = 100
	ld := plog.NewLogs()
	for i := range size {
		addFeedback(ld, i, testID(i))
	}
	before := cpuTime(b)
	sent := 0
	for b.Loop() {
		require.NoError(b, r.exp.ConsumeLogs(context.Background(), ld))
		sent += size
		for r.runtime.account.Events() > 10_000 {
			time.Sleep(time.Millisecond) // what admission does in a collector
		}
	}
	r.settled()
	b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(sent), "cpu-ns/event")
}

// cpuTime is what the process has used so far.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
