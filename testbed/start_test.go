// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/events"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/send"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/topic"
)

// few are events for a configuration that only has to work.
const few = 80

// sample makes events with one comment, which holds an e-mail address.
func sample(n int, salt uint64, style events.Style) []*events.Event {
	g := events.NewGenerator(salt, []events.Text{{Text: "Thanks! Write to ann@example.com."}})
	list := make([]*events.Event, n)
	for i := range list {
		list[i] = g.Next(style)
	}
	return list
}

// assertArrived checks that exactly these events are on a topic, and nothing in
// them is readable that must not be.
func assertArrived(t *testing.T, reader *topic.Reader, name string, want []*events.Event) []*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, reader.AwaitCount(ctx, name, int64(len(want))))
	records, err := reader.All(ctx, name)
	require.NoError(t, err)
	missing := map[string]int{}
	for _, e := range want {
		missing[e.Mark]++
	}
	for _, rec := range records {
		value, err := events.Parse(rec.Value)
		require.NoError(t, err)
		missing[mark(value)]--
		assert.NotContains(t, string(rec.Value), "@example.com")
		assert.NotContains(t, string(rec.Value), "460-89-9847")
	}
	for m, n := range missing {
		assert.Zero(t, n, "%s: records too few (or, negative, too many)", m)
	}
	return records
}

func assertStops(t *testing.T, c *collector.Collector) {
	t.Helper()
	code, err := c.Stop(30 * time.Second)
	require.NoError(t, err)
	assert.Zero(t, code)
}

// sendEach sends a share of the events in each way.
func sendEach(t *testing.T, ways []way, salt uint64) []*events.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var all []*events.Event
	for i, w := range ways {
		batch := sample(few, salt+uint64(i), w.style)
		receipts, errs := w.sendAll(ctx, batch)
		require.NoError(t, first(errs), w.name)
		require.Len(t, receipts, few, w.name)
		all = append(all, batch...)
	}
	return all
}

func TestCollectorConfig(t *testing.T) {
	s := newStream(t)
	c := collector.Run(t, collector.Options{Configs: []string{collector.ConfigFile("collector.yaml")}, Env: s.env()})
	all := sendEach(t, serverWays(t, c), 100)
	assertArrived(t, s.reader, s.topic, all)

	status, body, err := c.Get(t.Context(), "/health")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status, body)
	assert.NotRegexp(t, `(?m)^\S+\t(warn|error)\t`, c.Log())
	assertMetrics(t, c, "otelcol_feedback_published_events")
	assertStops(t, c)
}

// TestDurableConfig: what is acknowledged is on Kafka already; without Kafka it is
// on disk, survives SIGKILL, and arrives when Kafka can be reached.
func TestDurableConfig(t *testing.T) {
	s := newStream(t)
	options := collector.Options{Configs: []string{collector.ConfigFile("durable.yaml")}, Dir: t.TempDir(), Env: s.env()}
	c := collector.Run(t, options)
	all := sendEach(t, serverWays(t, c), 150)
	assertArrived(t, s.reader, s.topic, all)
	assertMetrics(t, c, "otelcol_feedback_spool_events")
	assertStops(t, c)

	away := options
	away.Env = s.env("COLLECTOR_KAFKA__BROKERS=127.0.0.1:1")
	c = collector.Run(t, away)
	batch := sample(few, 160, events.JSON)
	w := way{batch: len(batch), senders: 1, sender: &send.HTTP{Client: httpClient(t), URL: c.URL("/v1/feedback"), Shape: send.Array}}
	_, errs := w.sendAll(t.Context(), batch)
	require.NoError(t, first(errs))
	c.Kill()
	<-c.Done()
	assert.Contains(t, c.Log(), "events are stored in the spool")

	c = collector.Run(t, options)
	assertArrived(t, s.reader, s.topic, append(all, batch...))
	assertStops(t, c)
}

// assertMetrics checks that the collector's own metrics are served and hold a name.
func assertMetrics(t *testing.T, c *collector.Collector, name string) {
	t.Helper()
	client := httpClient(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+strings.Replace(c.Metrics, "127.0.0.1", "localhost", 1)+"/metrics", nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Contains(t, string(body), name)
}

func TestQuickstartConfig(t *testing.T) {
	c := collector.Run(t, collector.Options{
		Configs: []string{collector.ConfigFile("quickstart.yaml"), "yaml:extensions::zpages::endpoint: " + "localhost:0"},
	})
	all := sendEach(t, serverWays(t, c), 200)
	reader, err := topic.NewReader([]string{c.Kafka})
	require.NoError(t, err)
	defer reader.Close()
	records := assertArrived(t, reader, "feedback-events", all)
	for _, rec := range records {
		assert.Equal(t, topic.Partition(string(rec.Key), eventPartitions), rec.Partition)
	}
	assert.Contains(t, strings.ToLower(c.Log()), "not for production")
	assertStops(t, c)
}

func TestDaemonConfig(t *testing.T) {
	s := newStream(t)
	directory, dir := t.TempDir(), t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(directory, "app", "today"), 0o700))
	files := []string{"a.jsonl", "app/b.jsonl", "app/today/c.jsonl"}
	var all []*events.Event
	write := func(salt uint64) {
		for i, name := range files {
			w := way{batch: 10, senders: 1, sender: &send.File{Path: filepath.Join(directory, name)}}
			batch := sample(few, salt+uint64(i), events.JSON)
			_, errs := w.sendAll(t.Context(), batch)
			require.NoError(t, first(errs))
			all = append(all, batch...)
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(directory, "other.txt"), []byte("not an event\n"), 0o600))
	options := collector.Options{
		Configs: []string{collector.ConfigFile("daemon.yaml")}, Dir: dir,
		Env: s.env("COLLECTOR_DAEMON__DIRECTORY="+directory, "COLLECTOR_DAEMON__SCAN_INTERVAL=100ms"),
	}

	write(300)
	c := collector.Run(t, options)
	assertArrived(t, s.reader, s.topic, all)
	write(310)
	assertArrived(t, s.reader, s.topic, all)
	assertStops(t, c)

	// Written while nobody reads; what was read before is not read again.
	write(320)
	c = collector.Run(t, options)
	assertArrived(t, s.reader, s.topic, all)

	// The daemon takes feedback by HTTP and gRPC as well.
	batch := sample(few, 330, events.JSON)
	w := way{batch: 10, senders: 2, sender: &send.HTTP{Client: httpClient(t), URL: c.URL("/v1/feedback"), Shape: send.Array}}
	_, errs := w.sendAll(t.Context(), batch)
	require.NoError(t, first(errs))
	all = append(all, batch...)
	assertArrived(t, s.reader, s.topic, all)

	// A bad line costs nothing but itself.
	bad := filepath.Join(directory, "bad.jsonl")
	require.NoError(t, os.WriteFile(bad, []byte("{\"type\":\"user_feedback\",\"comment\":\"call 780-999-2181\"}\nno JSON of ann@example.com\n\n"), 0o600))
	require.NoError(t, s.reader.AwaitCount(t.Context(), s.deadLetter, 2))
	dead, err := s.reader.All(t.Context(), s.deadLetter)
	require.NoError(t, err)
	for _, rec := range dead {
		assert.NotContains(t, string(rec.Value), "ann@example.com")
		assert.NotContains(t, string(rec.Value), "780-999-2181")
	}
	assertStops(t, c)
}

// TestDaemonKilled: what was read and not yet on Kafka is read again, under the
// same ids.
func TestDaemonKilled(t *testing.T) {
	s := newStream(t)
	directory, dir := t.TempDir(), t.TempDir()
	options := collector.Options{
		Configs: []string{collector.ConfigFile("daemon.yaml")}, Dir: dir,
		Env: s.env("COLLECTOR_DAEMON__DIRECTORY="+directory, "COLLECTOR_DAEMON__SCAN_INTERVAL=100ms"),
	}
	w := way{batch: 100, senders: 1, sender: &send.File{Path: filepath.Join(directory, "events.jsonl")}}
	batch := sample(5000, 340, events.JSON)
	_, errs := w.sendAll(t.Context(), batch)
	require.NoError(t, first(errs))

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := collector.Run(t, options)
	require.NoError(t, s.reader.AwaitCount(ctx, s.topic, 100))
	c.Kill()
	collector.Run(t, options)

	ids := map[string]string{}
	require.Eventually(t, func() bool {
		records, err := s.reader.All(ctx, s.topic)
		require.NoError(t, err)
		for _, rec := range records {
			value, err := events.Parse(rec.Value)
			require.NoError(t, err)
			m, id := mark(value), value.Text("event_id")
			if ids[m] == "" {
				ids[m] = id
			}
			assert.Equal(t, ids[m], id, "a line that was read twice got two ids")
		}
		return len(ids) == len(batch)
	}, time.Minute, 500*time.Millisecond, "lines are missing")
}

func TestSidecarConfig(t *testing.T) {
	s := newStream(t)
	gateway := collector.Run(t, collector.Options{Configs: []string{collector.ConfigFile("collector.yaml")}, Env: s.env()})
	c := collector.Run(t, collector.Options{
		Configs: []string{collector.ConfigFile("sidecar.yaml")},
		Env:     []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + gateway.OTLPGRPC},
	})
	all := sendEach(t, serverWays(t, c), 400)
	assertArrived(t, s.reader, s.topic, all)

	// Nobody to pass it on to: the application is told to come again.
	assertStops(t, gateway)
	req := post(t, c, string(sample(1, 450, events.JSON)[0].JSON()))
	a, err := send.Do(httpClient(t), req)
	require.NoError(t, err)
	assert.Equal(t, http.StatusServiceUnavailable, a.Status, a.Body)
	assert.NotEmpty(t, a.Header.Get("Retry-After"))
	assertStops(t, c)
}

func TestStockKafkaConfig(t *testing.T) {
	s := newStream(t)
	c := collector.Run(t, collector.Options{Configs: []string{collector.ConfigFile("stock-kafka.yaml")}, Env: s.env()})
	all := sendEach(t, serverWays(t, c), 500)
	records := assertArrived(t, s.reader, s.topic, all)

	// One key, one partition, though not that of a Java client.
	byMark := map[string]*events.Event{}
	for _, e := range all {
		byMark[e.Mark] = e
	}
	partitions := map[string]int32{}
	for _, rec := range records {
		var value map[string]any
		require.NoError(t, json.Unmarshal(rec.Value, &value))
		assert.NotEmpty(t, value["event_id"])
		o, err := events.Parse(rec.Value)
		require.NoError(t, err)
		key := byMark[mark(o)].Key
		if p, seen := partitions[key]; seen {
			assert.Equal(t, p, rec.Partition, "one key is on two partitions")
		}
		partitions[key] = rec.Partition
	}
	assertStops(t, c)
}
