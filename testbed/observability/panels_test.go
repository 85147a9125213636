// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package observability

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dashboard is what is read of a dashboard as Grafana imports it.
type dashboard struct {
	Title  string
	Panels []panel
}

type panel struct {
	Type, Title string
	GridPos     struct{ H, W, X, Y int }
	Targets     []struct{ Expr, LegendFormat string }
	FieldConfig struct {
		Defaults struct {
			Unit     string
			Min, Max *float64
			Custom   struct{ Stacking struct{ Mode string } }
			// Thresholds are steps of a colour each; the first has no value.
			Thresholds struct {
				Steps []struct {
					Color string
					Value *float64
				}
			}
		}
	}
}

func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	files, err := filepath.Glob(shipped("grafana", "dashboards", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := map[string]dashboard{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var d dashboard
		require.NoError(t, json.Unmarshal(text, &d))
		all[strings.TrimSuffix(filepath.Base(file), ".json")] = d
	}
	return all
}

// expand puts in what Grafana would: everything is chosen.
func expand(expr string, shown time.Duration) string {
	return strings.NewReplacer(
		"$__rate_interval", "10s", "$__range", fmt.Sprintf("%ds", int(shown.Seconds())), "$job", ".*", "$instance", ".*",
	).Replace(expr)
}

// panelsHaveData asks every query of every panel.
func (s *scene) panelsHaveData(t *testing.T) {
	queries, panels := 0, 0
	boards := dashboards(t)
	for name, d := range boards {
		for _, p := range d.Panels {
			if len(p.Targets) > 0 {
				panels++
			}
			for _, q := range p.Targets {
				queries++
				expr := expand(q.Expr, time.Since(s.began))
				assert.NotContains(t, expr, "$", "%s, %s: what is to stand here?", name, p.Title)
				assert.EventuallyWithT(t, func(c *assert.CollectT) {
					lines, err := s.server.query(t.Context(), expr, time.Now())
					require.NoError(c, err)
					found := 0
					for _, l := range lines {
						if l.Value.real() {
							found++
						}
					}
					assert.Positive(c, found, "%s, %s: no data for %s", name, p.Title, expr)
				}, 20*time.Second, 500*time.Millisecond, "%s, %s", name, p.Title)
			}
		}
	}
	if !t.Failed() {
		s.say("all %d queries of %d panels on %d dashboards have data", queries, panels, len(boards))
	}
}
