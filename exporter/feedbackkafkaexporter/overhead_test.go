// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package feedbackkafkaexporter

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/pdata/plog"
)

// brokerEnv makes the test binary a broker and nothing else.
const brokerEnv = "FEEDBACKKAFKA_TEST_BROKER"

// BenchmarkIdleSpool is what breaker and spool cost where they are not needed:
// processor time of an exporter with both over one without, each event counted,
// the broker in a process of its own. One iteration is a paired run: both take
// turns, a slice of events each, so that what else the machine does meets both.
//
//	go test -run '^$' -bench IdleSpool -benchtime 5x ./exporter/feedbackkafkaexporter
func BenchmarkIdleSpool(b *testing.B) {
	const (
		events = 200_000 // of each, in a paired run
		slice  = 5_000
	)
	addrs := brokerProcess(b)
	without := newRig(b, nil, func(cfg *Config, _ *testRuntime) {
		cfg.Brokers = addrs
		cfg.CircuitBreaker.Enabled = false
	})
	with := newRig(b, nil, func(cfg *Config, _ *testRuntime) {
		cfg.Brokers = addrs
		cfg.CircuitBreaker.Enabled = true
		cfg.Spool.Directory = b.TempDir()
		cfg.SpoolAfter = time.Minute // a machine that stands still is not measured
	})
	for _, r := range []*rig{without, with} {
		r.statusIs(componentstatus.StatusOK, "")
		r.spend(b, slice) // connections, buffers
	}
	var plain time.Duration
	var ratios []float64
	for b.Loop() {
		var a, c time.Duration
		for i := range events / slice {
			if i%2 == 0 {
				a += without.spend(b, slice)
				c += with.spend(b, slice)
			} else {
				c += with.spend(b, slice)
				a += without.spend(b, slice)
			}
		}
		plain += a
		ratios = append(ratios, 100*(float64(c)/float64(a)-1))
	}
	slices.Sort(ratios)
	b.ReportMetric(float64(plain.Nanoseconds())/float64(events*len(ratios)), "cpu-ns/event")
	b.ReportMetric(ratios[0], "least-%")
	b.ReportMetric(ratios[len(ratios)/2], "median-%")
	b.ReportMetric(ratios[len(ratios)-1], "most-%")
}

// spend delivers n events and returns the processor time that took.
func (r *rig) spend(b *testing.B, n int) time.Duration {
	const size = 100
	ld := plog.NewLogs()
	for i := range size {
		addFeedback(ld, i, testID(i))
	}
	before := cpuTime(b)
	for range n / size {
		require.NoError(b, r.exp.ConsumeLogs(context.Background(), ld))
	}
	r.settled()
	return cpuTime(b) - before
}

// brokerProcess starts a broker in a process of its own.
func brokerProcess(b *testing.B) []string {
	cmd := exec.Command(os.Args[0], "-test.run=^TestBrokerProcess$", "-test.timeout=0")
	cmd.Env = append(os.Environ(), brokerEnv+"=1")
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		_ = in.Close() // ends it
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(b, err)
	return strings.Split(strings.TrimSpace(line), ",")
}

// TestBrokerProcess is the broker of brokerProcess.
func TestBrokerProcess(t *testing.T) {
	if os.Getenv(brokerEnv) == "" {
		t.Skip("serves a benchmark")
	}
	fmt.Fprintln(os.Stdout, strings.Join(newCluster(t, seeded()).ListenAddrs(), ","))
	_, _ = io.Copy(io.Discard, os.Stdin)
}
