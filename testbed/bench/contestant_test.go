// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/load"
)

// Every contestant does its work, and what is measured of it is there: the
// comparison in miniature, at a rate at which nobody loses anything.
func TestContestants(t *testing.T) {
	a := newArena(t)
	for _, c := range Contestants() {
		t.Run(c.Name, func(t *testing.T) {
			r, topic := a.start(t, c)
			report := a.measure(t, r, topic, load.Plan{
				Config: load.Config{Batch: 5, Connections: 4, Rate: 500, Duration: time.Second, Transport: r.Transport, Target: r.Config().Target},
				Warmup: 100 * time.Millisecond, Live: true,
			})
			assert.Empty(t, report.Faults())
			assert.EqualValues(t, 500, report.Events.Arrived)
			assert.EqualValues(t, 500, report.EndToEnd.Count)
			require.NotNil(t, report.Process)
			assert.Positive(t, report.Process.PeakMiB)
		})
	}
}

// Each way in is taken as a client means it, and none of its events is refused.
func TestWaysIn(t *testing.T) {
	a := newArena(t)
	r, topic := a.start(t, byDefault)
	for _, way := range load.Transports {
		p := load.Plan{Config: r.By(way), Name: string(way)}
		p.Batch, p.Connections, p.Rate, p.Duration = 10, 2, 1000, 300*time.Millisecond
		report := a.measure(t, r, topic, p)
		assert.Empty(t, report.Faults(), way)
		assert.EqualValues(t, 300, report.Events.Arrived, way)
		p.EventSize = 5000
		assert.Empty(t, a.measure(t, r, topic, p).Faults(), way)
	}
}

func TestPublish(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, os.WriteFile(page, []byte("a\n<!-- x -->\nold\n<!-- end of x -->\nb\n<!-- y -->\n<!-- end of y -->\n"), 0o600))
	require.NoError(t, Publish(page, "x", "new\n\n"))
	require.NoError(t, Publish(page, "y", Table([]string{"a", "b"}, []string{"1", "2"})))
	got, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Equal(t, "a\n<!-- x -->\nnew\n<!-- end of x -->\nb\n<!-- y -->\n| a | b |\n|---|---:|\n| 1 | 2 |\n<!-- end of y -->\n", string(got))
	require.ErrorContains(t, Publish(page, "z", ""), "no marks")
}

func TestMedian(t *testing.T) {
	assert.Equal(t, 2.0, Median([]float64{3, 1, 2}))
	assert.Equal(t, 2, Median([]int{4, 1, 2, 3}))
	assert.Zero(t, Median([]int{}))
}

func TestPlot(t *testing.T) {
	svg := Plot("t", "x", "y", []Curve{{Name: "a", X: []float64{1, 10, 1000}, Y: []float64{5, 7, 900}}, {Name: "b", X: []float64{2}, Y: []float64{5}}})
	assert.Contains(t, svg, `viewBox="0 0 640 360"`)
	assert.NotContains(t, svg, "NaN")
	assert.NotContains(t, svg, "Inf")
	assert.NotContains(t, Plot("t", "x", "y", []Curve{{Name: "a", X: []float64{10}, Y: []float64{10}}}), "NaN")
}
