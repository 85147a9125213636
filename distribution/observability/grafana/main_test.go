// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is generated is what is committed.
func TestDashboardsAreUpToDate(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, run("source", dir))
	files, err := filepath.Glob(filepath.Join("dashboards", "*.json"))
	require.NoError(t, err)
	made, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, made, len(files))
	for _, file := range files {
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join(dir, filepath.Base(file)))
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got), "run go generate")
	}
}

func TestSourcesSayWhatIsMissing(t *testing.T) {
	for name, text := range map[string]string{
		"an unknown key":   "uid: a\nrow: []\n",
		"no runbook":       "rows: [{panels: [{title: a, description: b, width: 4, queries: [{expr: up}]}]}]",
		"no query":         "rows: [{panels: [{title: a, description: b, width: 4, runbook: c}]}]",
		"too wide":         "rows: [{panels: [{title: a, description: b, width: 25, runbook: c, queries: [{expr: up}]}]}]",
		"an unknown panel": "rows: [{panels: [{title: a, type: pie, description: b, width: 4, runbook: c, queries: [{expr: up}]}]}]",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := generate([]byte(text))
			assert.Error(t, err)
		})
	}
}

func TestPanelsFlow(t *testing.T) {
	var s source
	for _, p := range []int{12, 12, 8} {
		s.Rows = append(s.Rows, row{Panels: []panelSource{
			{Title: "a", Description: "c", Width: p, Runbook: "c", Queries: []querySource{{Expr: "up{$instances}"}}},
			{Title: "b", Description: "c", Width: 16, Runbook: "c", Queries: []querySource{{Expr: "up"}}},
		}})
	}
	d, err := s.dashboard()
	require.NoError(t, err)
	var at [][2]int
	for _, p := range d.Panels {
		at = append(at, [2]int{p.GridPos.X, p.GridPos.Y})
	}
	assert.Equal(t, [][2]int{{0, 0}, {0, 1}, {0, 9}, {0, 17}, {0, 18}, {0, 26}, {0, 34}, {0, 35}, {8, 35}}, at)
	assert.Equal(t, `up{job=~"$job", instance=~"$instance"}`, d.Panels[1].Targets[0].Expr)
}
