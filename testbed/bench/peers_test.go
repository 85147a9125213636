// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/load"
)

// batches are the sizes of requests that are compared.
var batches = []int{1, 100}

// Fluent Bit's processor time for an event over that of the limit, as measured
// once elsewhere: it is in no registry that this repository builds from.
var fluentBit = map[int]float64{1: 1.9, 100: 2.1}

const (
	peerConnections = 64
	theLimit        = "limit: net/http, franz-go"
)

// result is what the rounds of a contestant showed, by size of the request.
type result map[int][]*load.Report

// TestPeers compares the contestants, each with a Kafka of its own time: one
// after the other, round by round, so that a slow quarter of an hour is as hard
// on all.
func TestPeers(t *testing.T) {
	wanted(t, "peers")
	where, a := machine(), newArena(t)
	results := map[string]result{}
	rounds := number(t, roundsEnv, 3)
	for round := range rounds {
		for _, c := range Contestants() {
			if results[c.Name] == nil {
				results[c.Name] = result{}
			}
			t.Run(fmt.Sprintf("%d/%s", round, c.Name), func(t *testing.T) {
				r, topic := a.start(t, c)
				for _, batch := range batches {
					p := load.Plan{Config: r.Config(), Warmup: 2 * time.Second, Name: fmt.Sprintf("%s, %d a request, round %d", c.Name, batch, round)}
					p.Batch, p.Connections, p.Duration = batch, peerConnections, seconds(t, 10)
					results[c.Name][batch] = append(results[c.Name][batch], a.measure(t, r, topic, p))
				}
			})
		}
	}
	if t.Failed() {
		return
	}
	text := where + fmt.Sprintf(" Closed loop, %d connections, %s for each load after 2 s of warming up, medians of %d interleaved rounds.\n",
		peerConnections, seconds(t, 10), rounds)
	for _, batch := range batches {
		text += "\n" + peersTable(results, batch)
	}
	publish(t, "peers", text+"\n"+peerGoals(t, results))
}

// of is the median of a figure over the rounds.
func (r result) of(batch int, get func(*load.Report) float64) float64 {
	var values []float64
	for _, report := range r[batch] {
		values = append(values, get(report))
	}
	return Median(values)
}

func (r result) cpu(batch int) float64 {
	return r.of(batch, func(r *load.Report) float64 { return r.Process.CPUPerEvent })
}

func peersTable(results map[string]result, batch int) string {
	what := "one event a request"
	if batch > 1 {
		what = fmt.Sprintf("%d events a request", batch)
	}
	limit := results[theLimit] // that answers at once, so that all stand on one scale
	rows := [][]string{{what, "CPU, µs/event", "× limit", "events/s", "p50, ms", "p99, ms", "p99.9, ms", "peak, MiB", "acknowledged", "arrived", "twice", "generator, µs/event"}}
	for _, c := range Contestants() {
		r := results[c.Name]
		var sum load.Balance
		for _, report := range r[batch] {
			sum.Acknowledged += report.Events.Acknowledged
			sum.Arrived += report.Events.Arrived
			sum.Twice += report.Events.Twice
		}
		rows = append(rows, []string{
			c.Name, figure(r.cpu(batch)), figure(r.cpu(batch) / limit.cpu(batch)),
			figure(r.of(batch, func(r *load.Report) float64 { return r.Rate })),
			figure(r.of(batch, func(r *load.Report) float64 { return r.Latency.P50 })),
			figure(r.of(batch, func(r *load.Report) float64 { return r.Latency.P99 })),
			figure(r.of(batch, func(r *load.Report) float64 { return r.Latency.P999 })),
			figure(r.of(batch, func(r *load.Report) float64 { return r.Process.PeakMiB })),
			fmt.Sprint(sum.Acknowledged), fmt.Sprint(sum.Arrived), fmt.Sprint(sum.Twice),
			figure(r.of(batch, func(r *load.Report) float64 { return r.GeneratorCPU })),
		})
	}
	return Table(rows...)
}

// peerGoals holds ours against the others.
func peerGoals(t *testing.T, results map[string]result) string {
	t.Helper()
	g := newGoals()
	ours, durable := results["ours, default"], results["ours, durable"]
	limit, waits := results[theLimit], results["stock collector that waits, OTLP/gRPC"]
	stock := func(batch int) float64 {
		return min(results["stock collector, OTLP/gRPC"].cpu(batch), results["stock collector, OTLP/HTTP"].cpu(batch))
	}
	g.most(t, "default, single requests: CPU × limit", 1.8, ours.cpu(1)/limit.cpu(1), "")
	g.most(t, "default, batches: CPU × limit", 2.0, ours.cpu(100)/limit.cpu(100), "")
	g.most(t, "default, single requests: CPU × limit, below Fluent Bit's", fluentBit[1], ours.cpu(1)/limit.cpu(1), "")
	g.most(t, "default, batches: CPU × limit, below Fluent Bit's", fluentBit[100], ours.cpu(100)/limit.cpu(100), "")
	g.most(t, "default, single requests: CPU × the better stock collector", 0.6, ours.cpu(1)/stock(1), "")
	g.most(t, "default, batches: CPU × the better stock collector", 1.0/3, ours.cpu(100)/stock(100), "")
	g.most(t, "durable, batches: CPU × the stock collector that waits", 0.5, durable.cpu(100)/waits.cpu(100), "")
	return Table(g.rows...)
}
