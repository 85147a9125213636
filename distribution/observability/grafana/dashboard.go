// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "cmp"

// dashboard is what Grafana reads: no more of its model than is used here.
type dashboard struct {
	UID           string     `json:"uid"`
	Title         string     `json:"title"`
	Description   string     `json:"description"`
	Tags          []string   `json:"tags"`
	SchemaVersion int        `json:"schemaVersion"`
	Version       int        `json:"version"`
	Editable      bool       `json:"editable"`
	Timezone      string     `json:"timezone"`
	Refresh       string     `json:"refresh"`
	GraphTooltip  int        `json:"graphTooltip"`
	Time          timeRange  `json:"time"`
	Templating    templating `json:"templating"`
	Annotations   list       `json:"annotations"`
	Links         []link     `json:"links"`
	Panels        []panel    `json:"panels"`
}

type timeRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type templating struct {
	List []variable `json:"list"`
}

type variable struct {
	Name       string      `json:"name"`
	Label      string      `json:"label"`
	Type       string      `json:"type"`
	Query      string      `json:"query"`
	Datasource *datasource `json:"datasource,omitempty"`
	Refresh    int         `json:"refresh,omitempty"`
	IncludeAll bool        `json:"includeAll,omitempty"`
	AllValue   string      `json:"allValue,omitempty"`
	Multi      bool        `json:"multi,omitempty"`
}

type list struct {
	List []annotation `json:"list"`
}

type annotation struct {
	Name        string     `json:"name"`
	Datasource  datasource `json:"datasource"`
	Enable      bool       `json:"enable"`
	Expr        string     `json:"expr"`
	TitleFormat string     `json:"titleFormat"`
	IconColor   string     `json:"iconColor"`
}

type link struct {
	Title       string   `json:"title"`
	Type        string   `json:"type,omitempty"`
	URL         string   `json:"url,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	AsDropdown  bool     `json:"asDropdown,omitempty"`
	KeepTime    bool     `json:"keepTime,omitempty"`
	IncludeVars bool     `json:"includeVars,omitempty"`
	TargetBlank bool     `json:"targetBlank,omitempty"`
}

type panel struct {
	ID          int            `json:"id"`
	Type        string         `json:"type"`
	Title       string         `json:"title"`
	Description string         `json:"description,omitempty"`
	GridPos     position       `json:"gridPos"`
	Datasource  *datasource    `json:"datasource,omitempty"`
	Links       []link         `json:"links,omitempty"`
	Targets     []target       `json:"targets,omitempty"`
	FieldConfig *fieldConfig   `json:"fieldConfig,omitempty"`
	Options     map[string]any `json:"options,omitempty"`
}

type position struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

type datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type target struct {
	RefID        string `json:"refId"`
	Expr         string `json:"expr"`
	LegendFormat string `json:"legendFormat,omitempty"`
	Format       string `json:"format"`
	Instant      bool   `json:"instant"`
	Range        bool   `json:"range"`
}

type fieldConfig struct {
	Defaults  fieldDefaults `json:"defaults"`
	Overrides []any         `json:"overrides"`
}

type fieldDefaults struct {
	Unit       string         `json:"unit"`
	Min        *float64       `json:"min,omitempty"`
	Max        *float64       `json:"max,omitempty"`
	Color      map[string]any `json:"color"`
	Thresholds thresholds     `json:"thresholds"`
	Custom     map[string]any `json:"custom,omitempty"`
}

type thresholds struct {
	Mode  string `json:"mode"`
	Steps []step `json:"steps"`
}

type step struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"`
}

const tag = "otelcol-feedback"

var prometheus = datasource{Type: "prometheus", UID: "${datasource}"}

func newDashboard(s *source) *dashboard {
	return &dashboard{
		UID: s.UID, Title: s.Title, Description: s.Description, Tags: []string{tag},
		SchemaVersion: 39, Version: 1, Editable: true, Timezone: "browser", Refresh: "30s", GraphTooltip: 1,
		Time: timeRange{From: "now-1h", To: "now"},
		Templating: templating{List: []variable{
			{Name: "datasource", Label: "Prometheus", Type: "datasource", Query: "prometheus"},
			{
				Name: "job", Label: "Job", Type: "query", Datasource: &prometheus, Refresh: 2, IncludeAll: true, AllValue: ".*",
				Multi: true, Query: "label_values(otelcol_feedback_buffer_capacity, job)",
			},
			{
				Name: "instance", Label: "Instance", Type: "query", Datasource: &prometheus, Refresh: 2, IncludeAll: true, AllValue: ".*",
				Multi: true, Query: `label_values(otelcol_feedback_buffer_capacity{job=~"$job"}, instance)`,
			},
		}},
		Annotations: list{List: []annotation{{
			Name: "Alerts", Datasource: prometheus, Enable: true, IconColor: "red", TitleFormat: "{{alertname}}",
			Expr: `ALERTS{alertname=~"Feedback.+", alertstate="firing"}`,
		}}},
		Links: []link{{Title: "Dashboards", Type: "dashboards", Tags: []string{tag}, AsDropdown: true, KeepTime: true, IncludeVars: true}},
	}
}

// panel makes what Grafana draws.
func (p *panelSource) panel() panel {
	made := panel{
		Type: p.Type, Title: p.Title, Description: p.Description, Datasource: &prometheus,
		Links: []link{p.link()},
		FieldConfig: &fieldConfig{Overrides: []any{}, Defaults: fieldDefaults{
			Unit: cmp.Or(p.Unit, "short"), Min: p.Min, Max: p.Max,
			Color:      map[string]any{"mode": "palette-classic"},
			Thresholds: thresholds{Mode: "absolute", Steps: p.steps()},
		}},
	}
	for i, q := range p.Queries {
		made.Targets = append(made.Targets, target{
			RefID: string(rune('A' + i)), Expr: selectors.Replace(q.Expr), LegendFormat: q.Legend, Format: "time_series",
			Instant: p.Type == "table", Range: p.Type != "table",
		})
	}
	defaults := &made.FieldConfig.Defaults
	last := map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}
	switch p.Type {
	case "stat", "gauge":
		defaults.Color["mode"] = "thresholds"
		made.Options = map[string]any{"reduceOptions": last}
	case "table":
		made.Targets[0].Format = "table"
	case "heatmap":
		made.Targets[0].Format = "heatmap"
		made.Options = map[string]any{
			"calculate": false, "yAxis": map[string]any{"unit": p.Unit},
			"color": map[string]any{"mode": "scheme", "scheme": "Oranges", "steps": 64}, "tooltip": map[string]any{"mode": "single"},
		}
	default:
		made.Options = map[string]any{
			"legend":  map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": true},
			"tooltip": map[string]any{"mode": "multi", "sort": "desc"},
		}
		defaults.Custom = map[string]any{"lineWidth": 1, "fillOpacity": 10, "showPoints": "never", "spanNulls": false}
		if p.Stack {
			defaults.Custom["fillOpacity"] = 30
			defaults.Custom["stacking"] = map[string]any{"mode": "normal", "group": "A"}
		}
	}
	return made
}
