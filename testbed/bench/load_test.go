// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-feedback/otelcol-feedback/internal/load"
)

var (
	byDefault = Contestant{Name: "default", Configs: []string{"collector.yaml"}, Transport: load.HTTP}
	durable   = Contestant{Name: "durable", Configs: []string{"durable.yaml"}, Transport: load.HTTP, Waits: true}
	bare      = Contestant{Name: "limit", Transport: load.NDJSON}
)

// loads is what the subtests of TestLoad add to.
type loads struct {
	*arena
	*goals
	figures [][]string
	notes   []string
}

// TestLoad holds the collector to the rates, times, memory and processor time
// that it is built for.
func TestLoad(t *testing.T) {
	wanted(t, "load")
	where := machine()
	l := &loads{arena: newArena(t), goals: newGoals(), figures: [][]string{{
		"load", "events/s", "p50, ms", "p99, ms", "p99.9, ms", "read from Kafka after: p99, ms", "sent late by: p99, ms", "CPU, µs/event", "cores", "peak, MiB", "arrived", "lost", "twice",
	}}}
	ran := 0
	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"rate-batches", l.rateOfBatches},
		{"rate-single", l.rateOfSingles},
		{"paced", l.paced},
		{"durable", l.durable},
		{"sidecar", l.sidecar},
		{"idle", l.idle},
		{"full", l.full},
	} {
		t.Run(part.name, func(t *testing.T) {
			ran++
			part.run(t)
		})
	}
	text := where + "\n\n" + Table(l.figures...) + "\n" + strings.Join(l.notes, "\n\n") + "\n\n" + Table(l.goals.rows...)
	if ran < 7 { // some were picked
		t.Log("\n" + text)
		return
	}
	publish(t, "load", text)
}

// add notes what a load showed.
func (l *loads) add(r *load.Report) {
	endToEnd := "–"
	if r.EndToEnd != nil {
		endToEnd = figure(r.EndToEnd.P99)
	}
	late := "–"
	if r.Lateness != nil {
		late = figure(r.Lateness.P99)
	}
	l.figures = append(l.figures, []string{
		r.Name, figure(r.Rate), figure(r.Latency.P50), figure(r.Latency.P99), figure(r.Latency.P999), endToEnd, late,
		figure(r.Process.CPUPerEvent), figure(r.Process.Cores), figure(r.Process.PeakMiB),
		fmt.Sprint(r.Events.Arrived), fmt.Sprint(r.Events.Lost), fmt.Sprint(r.Events.Twice),
	})
}

// open is an open loop.
func open(r *Running, name string, rate float64, batch int, d time.Duration) load.Plan {
	p := load.Plan{Config: r.Config(), Name: name, Warmup: 2 * time.Second, Live: true}
	p.Rate, p.Batch, p.Duration = rate, batch, d
	return p
}

func (l *loads) rateOfBatches(t *testing.T) {
	r, topic := l.start(t, byDefault)
	report := l.measure(t, r, topic, open(r, "10,000 events/s, 10 a request", 10_000, 10, seconds(t, 60)))
	l.add(report)
	l.most(t, report.Name+": answer, p99", 5, report.Latency.P99, "ms")
	l.most(t, report.Name+": end to end, p99", 200, report.EndToEnd.P99, "ms")
	l.most(t, report.Name+": end to end, p99 (reported)", 100, report.EndToEnd.P99, "ms")
	l.most(t, report.Name+": share of a core", 0.3, report.Process.Cores, "")
	l.most(t, report.Name+": peak memory", 200, report.Process.PeakMiB, "MiB")
	k := report.Records
	bits := float64(k.Compressed) * 8 / float64(k.Count) * report.Rate / 1e6
	l.most(t, report.Name+": to Kafka", 10, bits, "Mbit/s")
	l.most(t, report.Name+": bytes left by gzip", 0.4, float64(k.Compressed)/float64(k.Bytes), "")
	l.most(t, report.Name+": batches on Kafka for an event", 0.4, float64(k.Batches)/float64(k.Count), "")
	l.highest(t, r, topic, report, 10)

	// What no program that is woken at this pace can go below.
	least, topic := l.start(t, bare)
	p := open(least, "limit, 10,000 events/s, 10 a request", 10_000, 10, seconds(t, 10))
	p.Live = false
	floor := l.measure(t, least, topic, p)
	l.add(floor)
	l.notes = append(l.notes, fmt.Sprintf("10,000 events a second in requests of 10 take %.2f of a core from the limit, %.2f from the default.",
		floor.Process.Cores, report.Process.Cores))
}

func (l *loads) rateOfSingles(t *testing.T) {
	r, topic := l.start(t, byDefault)
	report := l.measure(t, r, topic, open(r, "5,000 events/s, 1 a request", 5000, 1, seconds(t, 60)))
	l.add(report)
	l.most(t, report.Name+": answer, p99", 5, report.Latency.P99, "ms")
	l.most(t, report.Name+": end to end, p99", 200, report.EndToEnd.P99, "ms")
	l.highest(t, r, topic, report, 1)
}

// highest looks for the highest rate whose answers come in time, if those of the
// rate that was asked for did not.
func (l *loads) highest(t *testing.T, r *Running, topic string, report *load.Report, batch int) {
	t.Helper()
	good := func(r *load.Report) bool {
		return len(r.Faults()) == 0 && r.Latency.P99 < 5 && r.EndToEnd.P99 < 200
	}
	if good(report) {
		return
	}
	asked := report.RateAsked
	for _, share := range []float64{0.8, 0.6, 0.4, 0.3, 0.2, 0.1, 0.05} {
		p := open(r, fmt.Sprintf("%.0f events/s, %d a request", share*asked, batch), share*asked, batch, min(seconds(t, 10), 10*time.Second))
		if report := l.measure(t, r, topic, p); good(report) {
			l.add(report)
			l.notes = append(l.notes, fmt.Sprintf("%.0f events a second in requests of %d did not hold (p99 < 5 ms, end to end < 200 ms); the highest rate seen to hold is %.0f.", asked, batch, share*asked))
			return
		}
	}
	l.notes = append(l.notes, fmt.Sprintf("Of %.0f events a second in requests of %d not even a twentieth held (p99 < 5 ms, end to end < 200 ms).", asked, batch))
}

// paced compares what an event costs at an even pace and flat out: at a pace, a
// program is woken for nearly every request.
func (l *loads) paced(t *testing.T) {
	cost := map[string]float64{}
	for _, c := range []Contestant{bare, byDefault} {
		r, topic := l.start(t, c)
		p := open(r, c.Name+", 5,000 requests/s", 5000, 1, seconds(t, 10))
		p.Live = false
		report := l.measure(t, r, topic, p)
		l.add(report)
		cost[c.Name] = report.Process.CPUPerEvent
		p = load.Plan{Config: r.Config(), Name: c.Name + ", flat out", Warmup: 2 * time.Second}
		p.Duration = seconds(t, 10)
		report = l.measure(t, r, topic, p)
		l.add(report)
		cost[c.Name+" flat"] = report.Process.CPUPerEvent
	}
	l.notes = append(l.notes, fmt.Sprintf("Single requests at an even 5,000 a second cost the limit %.1f × and the default %.1f × what they cost flat out.",
		cost["limit"]/cost["limit flat"], cost["default"]/cost["default flat"]))
	l.most(t, "5,000 requests/s: CPU × the limit at the same pace", 2, cost["default"]/cost["limit"], "")
}

func (l *loads) durable(t *testing.T) {
	r, topic := l.start(t, durable)
	trip, err := RoundTrip(t.Context(), l.brokers, topic, 450, 2000)
	require.NoError(t, err)
	single := l.measure(t, r, topic, open(r, "durable, 1,000 events/s, 1 a request", 1000, 1, seconds(t, 10)))
	l.add(single)
	l.most(t, "durable, 1,000 requests/s: p50 × a bare round trip to Kafka", 2, single.Latency.P50/(trip.Seconds()*1000), "")
	l.notes = append(l.notes, fmt.Sprintf("A bare franz-go record, acks=all, one at a time: %s (median).", trip.Round(10*time.Microsecond)))
	// An answer contains the flush of its batch.
	flush := l.measure(t, r, topic, open(r, "durable, 2,000 events/s, 100 a request", 2000, 100, seconds(t, 10)))
	l.add(flush)
	l.most(t, "flush of a batch of 100, p99 (with all around it)", 100, flush.Latency.P99, "ms")
}

// sidecar sends to a collector beside the application, which passes on to
// another one.
func (l *loads) sidecar(t *testing.T) {
	gateway, topic := l.start(t, byDefault)
	c := Contestant{
		Name: "sidecar", Configs: []string{"sidecar.yaml"}, Transport: load.HTTP,
		Env: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + gateway.Collector.OTLPGRPC},
	}
	r, err := c.Start(t.Context(), l.binary, t.TempDir(), l.brokers, topic)
	require.NoError(t, err)
	defer func() { assert.NoError(t, r.Stop()) }()
	report := l.measure(t, r, topic, open(r, "sidecar to gateway, 500 events/s, 1 a request", 500, 1, seconds(t, 10)))
	l.add(report)
	l.most(t, "sidecar on loopback: p50", 1, report.Latency.P50, "ms")
}

func (l *loads) idle(t *testing.T) {
	r, _ := l.start(t, byDefault)
	timer := time.NewTimer(5 * time.Second)
	defer timer.Stop()
	<-timer.C
	u, err := load.UsageOf(r.PID)
	require.NoError(t, err)
	l.most(t, "memory, idle", 80, float64(u.Resident)/(1<<20), "MiB")
}

// full stops Kafka in its tracks until the buffer is full.
func (l *loads) full(t *testing.T) {
	c := byDefault
	c.Configs = append(slices.Clone(c.Configs), "no-spool.yaml")
	c.Env = []string{"COLLECTOR_HTTP__ENQUEUE_TIMEOUT=1s"}
	r, topic := l.start(t, c)
	ledger := load.NewLedger()
	arrivals, err := load.OpenArrivals(t.Context(), ledger, topic, false, kgo.SeedBrokers(l.brokers...))
	require.NoError(t, err)
	defer arrivals.Close()
	config := r.Config()
	config.Batch, config.Connections, config.EventSize, config.Duration = 10, 16, 2000, time.Second
	_, err = load.Send(t.Context(), config, ledger) // knows the topic now
	require.NoError(t, err)

	shared.cluster.Nodes[0].Freeze()
	config.Duration = 6 * time.Second
	outcome, err := load.Send(t.Context(), config, ledger)
	u, usageErr := load.UsageOf(r.PID)
	shared.cluster.Nodes[0].Thaw()
	require.NoError(t, err)
	require.NoError(t, usageErr)
	assert.Positive(t, outcome.Refused["503"], "the buffer was not full")
	require.NoError(t, arrivals.Settle(t.Context(), 30*time.Second))
	b := ledger.Since(0)
	assert.Zero(t, b.Lost, "acknowledged while Kafka stood still")
	assert.Zero(t, b.Twice)
	l.most(t, "memory, buffer full of events of 2 KB, peak", 300, float64(u.Peak)/(1<<20), "MiB")
	l.notes = append(l.notes, fmt.Sprintf("With Kafka stopped and no spool, requests of 10 events of 2 KB were answered 503 from a full buffer on; all %d acknowledged events arrived when Kafka went on.", b.Acknowledged))
}
