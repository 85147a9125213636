// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/events"
)

// TestTerminatedUnderLoad: every event that was acknowledged before, while and
// after SIGTERM came is in Kafka, once.
func TestTerminatedUnderLoad(t *testing.T) {
	for mode, overlay := range map[string][]string{
		"buffered":  nil,
		"delivered": {"testdata/delivered.yaml"},
	} {
		for round := range 3 {
			t.Run(fmt.Sprintf("%s-%d", mode, round), func(t *testing.T) { terminateUnderLoad(t, overlay) })
		}
	}
}

func terminateUnderLoad(t *testing.T, overlay []string) {
	s := newStream(t)
	configs := []string{collector.ConfigFile("collector.yaml")}
	for _, o := range overlay {
		configs = append(configs, absolute(t, o))
	}
	c := collector.Run(t, collector.Options{Configs: configs, Env: s.env()})
	// A sender must not outlive the test by much if an answer never comes.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	load := newLoad()
	for i, w := range serverWays(t, c) {
		for j := range w.senders {
			load.start(ctx, w, uint64(1000+100*i+j))
		}
	}
	threshold := 1000 + rand.Int64N(9000)
	require.Eventually(t, func() bool { return load.acknowledged.Load() >= threshold }, time.Minute, time.Millisecond)
	c.Terminate()
	// Senders go on until the collector refuses them.
	acknowledged := load.wait()

	select {
	case <-c.Done():
	case <-ctx.Done():
		t.Fatal("the collector does not end")
	}
	assert.Zero(t, c.ExitCode())

	records, err := s.reader.All(ctx, s.topic)
	require.NoError(t, err)
	arrivals := map[string]int{}
	for _, rec := range records {
		arrivals[mark(parse(t, rec.Value))]++
	}
	lost := map[string]int{}
	for m, way := range acknowledged {
		if arrivals[m] == 0 {
			lost[way]++
		}
	}
	assert.Empty(t, lost, "acknowledged and not in Kafka, by way in")
	twice := 0
	for _, n := range arrivals {
		if n > 1 {
			twice++
		}
	}
	assert.Zero(t, twice, "published twice")
	t.Logf("%d acknowledged, %d arrived; signal after %d; answers that ended the senders: %v",
		len(acknowledged), len(arrivals), threshold, slices.Sorted(maps.Keys(load.ends)))
}

// load is senders that go on until they are refused.
type load struct {
	acknowledged atomic.Int64
	senders      sync.WaitGroup
	mu           sync.Mutex        // guards what follows
	marks        map[string]string // of the acknowledged events, with their way in
	ends         map[string]int    // ways whose senders were refused
}

func newLoad() *load { return &load{marks: map[string]string{}, ends: map[string]int{}} }

// start starts a sender; it sends until it is told not to, or the server is gone.
func (l *load) start(ctx context.Context, w way, salt uint64) {
	generator := events.NewGenerator(salt, []events.Text{{Text: "Under load."}})
	l.senders.Go(func() {
		for ctx.Err() == nil {
			batch := make([]*events.Event, w.batch)
			for i := range batch {
				batch[i] = generator.Next(w.style)
			}
			receipts, err := w.sender.Send(ctx, batch)
			l.mu.Lock()
			for _, r := range receipts {
				l.marks[r.Event.Mark] = w.name
			}
			if err != nil {
				l.ends[w.name]++
			}
			l.mu.Unlock()
			l.acknowledged.Add(int64(len(receipts)))
			if err != nil {
				return
			}
		}
	})
}

// wait returns the acknowledged events once every sender was refused.
func (l *load) wait() map[string]string {
	l.senders.Wait()
	return l.marks
}
