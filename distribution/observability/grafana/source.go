// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// source is a dashboard as people write it.
type source struct {
	UID         string `yaml:"uid"`
	Title       string `yaml:"title"`
	Description string `yaml:"description"`
	Rows        []row  `yaml:"rows"`
}

// row is a line of panels under a title; more than fit go to the next line.
type row struct {
	Title  string        `yaml:"title"`
	Panels []panelSource `yaml:"panels"`
}

type panelSource struct {
	Title string `yaml:"title"`
	// Type is timeseries (the default), stat, gauge, table or heatmap.
	Type        string `yaml:"type"`
	Description string `yaml:"description"`
	// Unit is Grafana's name of it; "short" is the default.
	Unit string `yaml:"unit"`
	// Width is in columns, of which there are 24.
	Width int      `yaml:"width"`
	Min   *float64 `yaml:"min"`
	Max   *float64 `yaml:"max"`
	Stack bool     `yaml:"stack"`
	// Runbook is the alert whose page says what to do about it, or "none" if no
	// alert looks at it.
	Runbook string `yaml:"runbook"`
	// Thresholds are colours from a value on.
	Thresholds map[float64]string `yaml:"thresholds"`
	Queries    []querySource      `yaml:"queries"`
}

type querySource struct {
	// Expr may say $jobs and $instances for what was chosen at the top.
	Expr   string `yaml:"expr"`
	Legend string `yaml:"legend"`
}

const (
	columns   = 24
	rowHeight = 1
	docs      = "https://github.com/otelcol-feedback/otelcol-feedback/blob/main/docs/"
)

// heights are those of the types of panels.
var heights = map[string]int{"timeseries": 8, "stat": 4, "gauge": 4, "table": 7, "heatmap": 8}

var selectors = strings.NewReplacer(
	"$instances", `job=~"$job", instance=~"$instance"`,
	"$jobs", `job=~"$job"`,
)

// dashboard lays the panels out.
func (s *source) dashboard() (*dashboard, error) {
	d := newDashboard(s)
	y := 0
	for _, r := range s.Rows {
		d.Panels = append(d.Panels, panel{
			ID: len(d.Panels) + 1, Type: "row", Title: r.Title, GridPos: position{H: rowHeight, W: columns, Y: y},
		})
		y += rowHeight
		x, line, begin := 0, 0, len(d.Panels)
		for _, p := range r.Panels {
			if p.Type == "" {
				p.Type = "timeseries"
			}
			if err := p.check(); err != nil {
				return nil, fmt.Errorf("panel %q: %w", p.Title, err)
			}
			if x+p.Width > columns {
				level(d.Panels[begin:], line)
				x, y, line, begin = 0, y+line, 0, len(d.Panels)
			}
			made := p.panel()
			made.ID = len(d.Panels) + 1
			made.GridPos = position{H: heights[p.Type], W: p.Width, X: x, Y: y}
			d.Panels = append(d.Panels, made)
			x += p.Width
			line = max(line, heights[p.Type])
		}
		level(d.Panels[begin:], line)
		y += line
	}
	return d, nil
}

// level makes the panels of a line equally high.
func level(panels []panel, height int) {
	for i := range panels {
		panels[i].GridPos.H = height
	}
}

func (p *panelSource) check() error {
	switch {
	case p.Title == "" || p.Description == "" || p.Runbook == "" || len(p.Queries) == 0:
		return fmt.Errorf("title, description, runbook and queries are required")
	case heights[p.Type] == 0:
		return fmt.Errorf("type %q is none of those known", p.Type)
	case p.Width < 1 || p.Width > columns:
		return fmt.Errorf("width is %d, not 1 to %d", p.Width, columns)
	}
	return nil
}

// link leads to the page of the alert, or to what the metrics mean.
func (p *panelSource) link() link {
	if p.Runbook == "none" {
		return link{Title: "Metrics", URL: docs + "telemetry.md", TargetBlank: true}
	}
	return link{Title: "Runbook", URL: docs + "runbooks/" + p.Runbook + ".md", TargetBlank: true}
}

// steps are Grafana's thresholds: the first has no value.
func (p *panelSource) steps() []step {
	if len(p.Thresholds) == 0 {
		return []step{{Color: "green"}}
	}
	var steps []step
	for i, v := range slices.Sorted(maps.Keys(p.Thresholds)) {
		s := step{Color: p.Thresholds[v]}
		if i > 0 {
			s.Value = &v
		}
		steps = append(steps, s)
	}
	return steps
}
