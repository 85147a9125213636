// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/send"
)

// TestExactlyOnceConfig: events of each way in arrive, in transactions.
func TestExactlyOnceConfig(t *testing.T) {
	s := newStream(t)
	c := collector.Run(t, exactlyOnce(t, s))
	all := sendEach(t, serverWays(t, c), 700)
	require.Eventually(t, func() bool { return len(readCommitted(t.Context(), t, s)) == len(all) }, time.Minute, 100*time.Millisecond)
	assertStops(t, c)
	assert.Len(t, readCommitted(t.Context(), t, s), len(all))
}

func exactlyOnce(t *testing.T, s *stream) collector.Options {
	return collector.Options{
		Configs: []string{collector.ConfigFile("exactly-once.yaml")},
		Dir:     t.TempDir(),
		Env:     s.env("COLLECTOR_SERVICE__INSTANCE_ID="+t.Name(), "COLLECTOR_SPOOL__DIRECTORY="+filepath.Join(t.TempDir(), "spool")),
	}
}

// TestExactlyOnceKilled: after SIGKILL under load, a read_committed consumer sees
// what was acknowledged, nothing twice, and each request whole or not at all.
func TestExactlyOnceKilled(t *testing.T) {
	const kills, senders = 3, 8
	s := newStream(t)
	options := exactlyOnce(t, s)
	c := collector.Run(t, options)

	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	load := &requestLoad{sizes: map[string]int{}, acknowledged: map[string]bool{}}
	load.url.Store(c.URL("/v1/feedback"))
	var group sync.WaitGroup
	loading, stop := context.WithCancel(ctx)
	for i := range senders {
		group.Go(func() { load.run(loading, i) })
	}
	for range kills {
		target := load.count.Load() + 50 + rand.Int64N(300)
		require.Eventually(t, func() bool { return load.count.Load() >= target }, time.Minute, time.Millisecond)
		c.Kill()
		<-c.Done()
		c = collector.Run(t, options)
		load.url.Store(c.URL("/v1/feedback"))
	}
	target := load.count.Load() + 100
	require.Eventually(t, func() bool { return load.count.Load() >= target }, time.Minute, time.Millisecond)
	stop()
	group.Wait()
	require.Eventually(t, func() bool { return load.allThere(readCommitted(ctx, t, s)) }, time.Minute, time.Second, "acknowledged requests are missing")
	assertStops(t, c)
	load.verify(t, readCommitted(ctx, t, s))
}

// requestLoad sends requests of many events. What was not answered is not sent
// again.
type requestLoad struct {
	url   atomic.Value // string
	next  atomic.Int64
	count atomic.Int64 // acknowledged requests

	mu           sync.Mutex // guards what follows
	sizes        map[string]int
	acknowledged map[string]bool
}

type requestEvent struct {
	Type      string            `json:"type"`
	EventID   string            `json:"event_id"`
	SessionID string            `json:"session_id"`
	RequestID string            `json:"request_id"`
	Metadata  map[string]string `json:"metadata"`
}

// run sends until ctx is done, one request after the other.
func (l *requestLoad) run(ctx context.Context, sender int) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	rnd := rand.New(rand.NewPCG(uint64(sender), 1))
	position := 0
	for ctx.Err() == nil {
		id := fmt.Sprintf("00000000-0000-4000-8000-%012x", l.next.Add(1))
		batch := make([]requestEvent, 1+rnd.IntN(100))
		for i := range batch {
			position++
			batch[i] = requestEvent{
				Type: "user_feedback", EventID: fmt.Sprintf("00000000-0000-4000-9000-%012x", l.next.Add(1)), RequestID: id,
				SessionID: fmt.Sprintf("sender-%d-%d", sender, rnd.IntN(5)), Metadata: map[string]string{"position": strconv.Itoa(position)},
			}
		}
		l.mu.Lock()
		l.sizes[id] = len(batch)
		l.mu.Unlock()
		if l.send(ctx, client, batch) {
			l.mu.Lock()
			l.acknowledged[id] = true
			l.mu.Unlock()
			l.count.Add(1)
		}
	}
}

func (l *requestLoad) send(ctx context.Context, client *http.Client, batch []requestEvent) bool {
	body, err := json.Marshal(batch)
	if err != nil {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url.Load().(string), bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	a, err := send.Do(client, req)
	if err != nil || a.Status != http.StatusAccepted {
		pause(ctx, 20*time.Millisecond) // nobody is there at present
		return false
	}
	return true
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// allThere reports whether the events of every acknowledged request are.
func (l *requestLoad) allThere(records []*kgo.Record) bool {
	found := map[string]int{}
	for _, rec := range records {
		var e requestEvent
		if json.Unmarshal(rec.Value, &e) == nil {
			found[e.RequestID]++
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range l.acknowledged {
		if found[id] < l.sizes[id] {
			return false
		}
	}
	return true
}

func (l *requestLoad) verify(t *testing.T, records []*kgo.Record) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	events, requests, last := map[string]int{}, map[string]int{}, map[string]int{}
	disorder := 0
	for _, rec := range records {
		var e requestEvent
		require.NoError(t, json.Unmarshal(rec.Value, &e))
		events[e.EventID]++
		requests[e.RequestID]++
		position, err := strconv.Atoi(e.Metadata["position"])
		require.NoError(t, err)
		if position <= last[e.SessionID] {
			disorder++
		}
		last[e.SessionID] = position
	}
	twice, partial, lost := 0, 0, 0
	for _, n := range events {
		twice += n - 1
	}
	for id, n := range requests {
		if n != l.sizes[id] {
			partial++
		}
	}
	for id := range l.acknowledged {
		if requests[id] == 0 {
			lost++
		}
	}
	t.Logf("%d requests sent, %d acknowledged, %d with %d events on Kafka", len(l.sizes), len(l.acknowledged), len(requests), len(events))
	assert.Zero(t, twice, "events that are there twice")
	assert.Zero(t, partial, "requests that are there in parts")
	assert.Zero(t, lost, "acknowledged requests that are lost")
	assert.Zero(t, disorder, "events out of their key's order")
}

// readCommitted reads what a read_committed consumer sees of the event topic.
func readCommitted(ctx context.Context, t *testing.T, s *stream) (records []*kgo.Record) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.cluster.Brokers()...), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), kgo.FetchMaxWait(100*time.Millisecond))
	require.NoError(t, err)
	defer client.Close()
	ends, err := kadm.NewClient(client).ListCommittedOffsets(ctx, s.topic)
	require.NoError(t, err)
	require.NoError(t, ends.Error())
	left := map[int32]int64{}
	starts := map[int32]kgo.Offset{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
			starts[o.Partition] = kgo.NewOffset().AtStart()
		}
	})
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{s.topic: starts})
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		require.NoError(t, fetches.Err())
		fetches.EachRecord(func(rec *kgo.Record) {
			// The last of a partition is the mark that ends a transaction.
			if rec.Offset >= left[rec.Partition]-1 {
				delete(left, rec.Partition)
			}
			if !rec.Attrs.IsControl() {
				records = append(records, rec)
			}
		})
	}
	return records
}
