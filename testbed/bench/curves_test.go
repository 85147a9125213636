// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/load"
)

// cause is something that an event's cost may depend on.
type cause struct {
	name   string
	points []int
	// set makes a load of a point.
	set func(c *load.Config, point int)
	// configs are added to those of the default.
	configs []string
	// env is for a point.
	env func(point int) []string
}

// curveConnections are enough to keep the collector busy.
const curveConnections = 16

func causes() []cause {
	return []cause{
		{name: "bytes of an event", points: []int{300, 1000, 10_000, 100_000}, set: func(c *load.Config, n int) { c.EventSize = n }},
		{name: "events in a request", points: []int{1, 10, 100, 1000}, set: func(c *load.Config, n int) { c.Batch = n }},
		// At one rate: flat out, 10,000 connections would wait for each other.
		{name: "connections", points: []int{10, 1000, 10_000}, set: func(c *load.Config, n int) { c.Connections, c.Rate = n, 2000 }},
		// Long enough that each client comes, at 4,000 requests a second.
		{name: "clients", points: []int{1, 1000, 100_000}, set: func(c *load.Config, n int) {
			c.Clients, c.Duration = n, max(c.Duration, time.Duration(n)*time.Second/4000)
		}, configs: []string{"clients.yaml"}},
		{name: "processors", points: []int{1, 2}, set: func(*load.Config, int) {}, env: func(n int) []string { return []string{fmt.Sprintf("GOMAXPROCS=%d", n)} }},
	}
}

// TestCurves measures what an event costs as its surroundings grow, and asserts
// that no cost grows faster than its cause.
func TestCurves(t *testing.T) {
	wanted(t, "load")
	where, a := machine(), newArena(t)
	g := newGoals()
	text := where + fmt.Sprintf(" Default mode, over HTTP, one event a request, closed loop with %d connections, %s for each point, where nothing else is said; connections at an even 2,000 events a second.\n", curveConnections, seconds(t, 5))
	var curves []Curve
	for _, c := range causes() {
		rows := [][]string{{c.name, "CPU, µs/event", "events/s", "p50, ms", "p99, ms", "peak, MiB"}}
		curve := Curve{Name: c.name}
		for _, n := range c.points {
			t.Run(fmt.Sprintf("%s/%d", c.name, n), func(t *testing.T) {
				r := a.point(t, c, n)
				curve.X, curve.Y = append(curve.X, float64(n)), append(curve.Y, r.Process.CPUPerEvent)
				rows = append(rows, []string{
					fmt.Sprint(n), figure(r.Process.CPUPerEvent), figure(r.Rate), figure(r.Latency.P50), figure(r.Latency.P99), figure(r.Process.PeakMiB),
				})
			})
		}
		for i := 1; i < len(curve.X); i++ {
			// A quarter for the noise of a short run.
			most := 1.25 * curve.X[i] / curve.X[i-1]
			assert.LessOrEqual(t, curve.Y[i]/curve.Y[i-1], most, "%s: the cost of an event grows faster than its cause", c.name)
		}
		if n := len(curve.Y); n == len(c.points) && (c.name == "connections" || c.name == "clients") {
			g.most(t, fmt.Sprintf("%d %s: CPU × that with %d", c.points[n-1], c.name, c.points[0]), 2, curve.Y[n-1]/curve.Y[0], "")
		}
		text += "\n" + Table(rows...)
		if c.env == nil {
			curves = append(curves, curve)
		}
	}
	if t.Failed() {
		return
	}
	if page := os.Getenv(pageEnv); page != "" {
		picture := filepath.Join(filepath.Dir(page), "performance.svg")
		svg := Plot("What an event costs", "of the cause", "µs of CPU an event", curves)
		require.NoError(t, os.WriteFile(picture, []byte(svg), 0o600))
	}
	publish(t, "curves", text+"\n![The same as curves](performance.svg)\n\n"+Table(g.rows...))
}

func (a *arena) point(t *testing.T, c cause, n int) *load.Report {
	t.Helper()
	var files syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files))
	if c.name == "connections" && uint64(n)+500 > files.Max {
		t.Skipf("only %d files may be open", files.Max)
	}
	ours := byDefault
	ours.Configs = append([]string{ours.Configs[0]}, c.configs...)
	if c.env != nil {
		ours.Env = c.env(n)
	}
	r, topic := a.start(t, ours)
	p := load.Plan{Config: r.Config(), Name: fmt.Sprintf("%s: %d", c.name, n), Warmup: time.Second}
	p.Connections, p.Duration = curveConnections, seconds(t, 5)
	c.set(&p.Config, n)
	return a.measure(t, r, topic, p)
}
