// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/proxy"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/ledger"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/topic"
)

// costs is the value of chaosEnv that measures instead of breaking things.
const costs = "costs"

// TestCosts measures what the modes cost and what the spool can do, on three
// brokers, and asserts that what it counts has arrived. Its figures are those of
// docs/delivery.md.
func TestCosts(t *testing.T) {
	if os.Getenv(chaosEnv) != costs {
		t.Skip("measures: run \"make bench-delivery\"")
	}
	w := theWorld(t)
	var out strings.Builder
	fmt.Fprintf(&out, "%s, %d CPUs, %d MiB of memory, three brokers of Apache Kafka %s and the sender on the same machine; fsync of its disk: %s (median of 200 after 4 KiB each).\n\n",
		time.Now().UTC().Format("2006-01-02"), runtime.NumCPU(), memoryMiB(), kafkaVersion(), round(fsyncTime(t)))
	out.WriteString("| | default | durable | exactly-once |\n|---|---:|---:|---:|\n")
	var cells [5][]string
	for _, mode := range allModes {
		t.Run("mode/"+mode, func(t *testing.T) {
			for i, c := range w.modeCosts(t, mode) {
				cells[i] = append(cells[i], c)
			}
		})
	}
	for i, what := range []string{
		"answer to one event, 50 a second: p50, p99",
		"answer to 5 events, 1,000 events a second: p50, p99",
		"events a second, 32 senders, 1 event a request",
		"events a second, 32 senders, 100 events a request",
		"acknowledged events a second with Kafka away, 64 senders, 1 event a request",
	} {
		fmt.Fprintf(&out, "| %s | %s |\n", what, strings.Join(cells[i], " | "))
	}
	t.Run("drain", func(t *testing.T) { out.WriteString("\n" + w.drainCosts(t) + "\n") })
	t.Log("\n" + out.String())
	if file := os.Getenv(tableEnv); file != "" && !t.Failed() {
		require.NoError(t, os.WriteFile(file, []byte(out.String()), 0o600))
	}
}

// modeCosts are the cells of a mode's column.
func (w *world) modeCosts(t *testing.T, mode string) []string {
	s, sub := w.costSubject(t, mode)
	s.startAll()
	var cells []string
	flooded := 0 // events that the ledger does not know
	for _, load := range []ledger.Load{{Rate: 50, PerRequest: 1}, {Rate: 1000, PerRequest: 5}} {
		from := time.Now()
		sub.send(t, load)
		s.pause(10 * time.Second)
		sub.pause()
		cells = append(cells, quantiles(sub.ledger.AcknowledgedBetween(from.Add(time.Second), time.Now(), anyKey)))
	}
	for _, size := range []int{1, 100} {
		f := startFlood(sub.collector.URL("/v1/feedback"), 32, size)
		s.pause(10 * time.Second)
		cells = append(cells, f.rate())
		flooded += int(f.sent.Load())
	}
	w.gates.Set(proxy.Conditions{Cut: true})
	f := startFlood(sub.collector.URL("/v1/feedback"), 64, 1)
	s.pause(6 * time.Second) // until the spool has taken over
	f.reset()
	s.pause(10 * time.Second)
	cells = append(cells, f.rate())
	flooded += int(f.sent.Load())
	s.heal()
	sub.awaitRecords(t, flooded+sub.ledger.Acknowledged())
	sub.stop(t)
	return cells
}

// drainCosts fills a spool with a million events and lets it drain while others
// arrive.
func (w *world) drainCosts(t *testing.T) string {
	s, sub := w.costSubject(t, durable)
	sub.env = append(sub.env, "COLLECTOR_SPOOL__MAX_SIZE_MIB=4096")
	s.startAll()
	w.gates.Set(proxy.Conditions{Cut: true})
	began := time.Now()
	f := startFlood(sub.collector.URL("/v1/feedback"), 8, 1000)
	f.limit = 1_000_000
	f.wait()
	filled := time.Since(began)
	spooled := int(f.sent.Load()) // each sender may have gone one request further
	require.GreaterOrEqual(t, sub.metric(t, "otelcol_feedback_spool_events"), float64(f.limit))

	sub.send(t, ledger.Load{Rate: 1000, Max: 10_000_000})
	s.pause(2 * time.Second)
	s.heal()
	began = time.Now()
	require.Eventually(t, func() bool { return sub.metric(t, "otelcol_feedback_spool_events") == 0 },
		10*time.Minute, 200*time.Millisecond, "the spool is not drained")
	drained := time.Now()
	s.pause(15 * time.Second)
	sub.pause()
	ended := time.Now()
	sub.awaitRecords(t, spooled+sub.ledger.Acknowledged())
	v := sub.ledger.Judge()
	assert.Zero(t, v.Lost+v.Twice+v.OutOfOrder, strings.Join(v.Histories, "\n"))
	rate := float64(spooled) / drained.Sub(began).Seconds()
	assert.GreaterOrEqual(t, rate, 5000.0, "events a second drained")
	during := sub.ledger.AcknowledgedBetween(began, drained, anyKey)
	after := sub.ledger.AcknowledgedBetween(drained.Add(time.Second), ended, anyKey)
	return fmt.Sprintf("A spool of %d events (durable, filled in %s) drained in %s, %.0f events a second (`drain_rate` 20,000), "+
		"while 1,000 events a second arrived. Their answers: p50, p99 %s during, %s after. "+
		"Of all events none was lost, twice or out of order.",
		spooled, filled.Round(time.Second), drained.Sub(began).Round(time.Second), rate, quantiles(during), quantiles(after))
}

func (w *world) costSubject(t *testing.T, mode string) (*scenario, *subject) {
	s := &scenario{world: w, t: t, row: &row{name: costs}, name: strings.ReplaceAll(t.Name(), "/", "-"), notes: map[string][]string{}}
	s.heal()
	t.Cleanup(s.heal)
	sub := s.newSubject(t, mode)
	s.subjects = []*subject{sub}
	s.createTopics()
	t.Cleanup(s.deleteTopics)
	return s, sub
}

// awaitRecords reads the topic until it holds so many events, each once.
func (sub *subject) awaitRecords(t *testing.T, n int) {
	t.Helper()
	seen := map[uuid.UUID]bool{}
	require.Eventually(t, func() bool {
		records, err := sub.tail.Read(t.Context())
		assert.NoError(t, err)
		for _, rec := range records {
			text, _ := topic.Header(rec, "event_id")
			id, err := uuid.Parse(text)
			assert.NoError(t, err)
			assert.False(t, seen[id], "twice: %s", text)
			seen[id] = true
			if !sub.ledger.Owns(text) {
				continue
			}
			sub.ledger.Seen(text, ledger.Place{
				Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset, Stored: rec.Timestamp, Committed: true,
			}, false)
		}
		return len(seen) >= n
	}, 3*time.Minute, 300*time.Millisecond, "records on the topic")
	assert.Len(t, seen, n)
}

// metric reads one value of the collector's metrics, the sum over its labels.
func (sub *subject) metric(t *testing.T, name string) float64 {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+sub.collector.Metrics+"/metrics", nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	found, sum := false, 0.0
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		rest, ok := strings.CutPrefix(lines.Text(), name)
		if !ok || !strings.HasPrefix(rest, "{") && !strings.HasPrefix(rest, " ") {
			continue
		}
		v, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		require.NoError(t, err)
		found, sum = true, sum+v
	}
	require.True(t, found, "no metric %s", name)
	return sum
}

// flood is senders that each send their next request when the last is answered.
type flood struct {
	sent, since atomic.Int64 // events acknowledged, in all and since reset
	limit       int64
	began       time.Time
	failed      atomic.Int64
	cancel      context.CancelFunc
	done        sync.WaitGroup
}

func startFlood(url string, senders, size int) *flood {
	ctx, cancel := context.WithCancel(context.Background())
	f := &flood{cancel: cancel, began: time.Now(), limit: 1 << 62}
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	for i := range senders {
		f.done.Go(func() {
			defer client.CloseIdleConnections()
			for n := 0; ctx.Err() == nil && f.sent.Load() < f.limit; n++ {
				// The request itself is not cancelled: its events are counted.
				resp, err := client.Post(url, "application/x-ndjson", bytes.NewReader(floodBody(i, n, size)))
				if err != nil {
					f.failed.Add(1)
					continue
				}
				_ = resp.Body.Close()
				if resp.StatusCode != http.StatusAccepted {
					f.failed.Add(1)
					continue
				}
				f.sent.Add(int64(size))
				f.since.Add(int64(size))
			}
		})
	}
	return f
}

// floodBody is lines of user feedback of about 400 bytes.
func floodBody(sender, n, size int) []byte {
	var b bytes.Buffer
	for i := range size {
		id := uuid.New()
		fmt.Fprintf(&b, `{"type":"user_feedback","event_id":"%s","session_id":"session-%d-%d","request_id":"%s","rating":4,`+
			`"comment":"The answer named the right setting and said why, which saved me an hour; the second part about the time zone was less clear, and the table at the end would be easier to read with the units in its head.","tags":["docs","helpful"]}`+"\n",
			id, sender, (n+i)%50, id)
	}
	return b.Bytes()
}

func (f *flood) reset() {
	f.since.Store(0)
	f.began = time.Now()
}

// wait waits until the limit is reached.
func (f *flood) wait() { f.done.Wait() }

// rate ends the flood and says how fast it was.
func (f *flood) rate() string {
	n, took := f.since.Load(), time.Since(f.began)
	f.cancel()
	f.done.Wait()
	text := fmt.Sprintf("%.0f", float64(n)/took.Seconds())
	if failed := f.failed.Load(); failed > 0 {
		text += fmt.Sprintf(" (%d answers were not 202)", failed)
	}
	return text
}

func quantiles(d []time.Duration) string {
	if len(d) == 0 {
		return "none"
	}
	at := func(q float64) time.Duration { return d[int(q*float64(len(d)-1))] }
	return round(at(0.5)) + ", " + round(at(0.99))
}

func anyKey(string) bool { return true }

// fsyncTime is the median that a sync after a small write takes, where the
// spools are.
func fsyncTime(t *testing.T) time.Duration {
	f, err := os.Create(filepath.Join(t.TempDir(), "probe"))
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	block := make([]byte, 4096)
	var took []time.Duration
	for range 200 {
		_, err := f.Write(block)
		require.NoError(t, err)
		began := time.Now()
		require.NoError(t, f.Sync())
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)/2]
}
