// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package observability holds rules, alerts and dashboards; its tests hold them
// to the metrics that are declared, and to each other.
package observability

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// expectations are testdata/document.yaml.
type expectations struct {
	Metrics, Attributes map[string][]string
	Alerts, Collector   []string
}

type rule struct {
	Record, Alert, Expr, For string
	Labels, Annotations      map[string]string
}

func readYAML(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, into), file)
}

// rules are those of all files, in the order in which they stand.
func rules(t *testing.T) []rule {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("prometheus", "*.yaml"))
	require.NoError(t, err)
	var all []rule
	for _, file := range files {
		var content struct {
			Groups []struct{ Rules []rule }
		}
		readYAML(t, file, &content)
		for _, g := range content.Groups {
			all = append(all, g.Rules...)
		}
	}
	require.NotEmpty(t, all)
	return all
}

// declared are the metrics of the components' metadata.yaml, as Prometheus
// names them.
func declared(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	files, err := filepath.Glob(filepath.Join("..", "..", "*", "*", "metadata.yaml"))
	require.NoError(t, err)
	for _, file := range files {
		var content struct {
			Telemetry struct {
				Metrics map[string]struct {
					Unit      string
					Sum       *struct{ Monotonic bool }
					Histogram *struct{}
				}
			}
		}
		readYAML(t, file, &content)
		for name, m := range content.Telemetry.Metrics {
			full := "otelcol_" + name
			suffix := map[string]string{"s": "_seconds", "By": "_bytes", "1": "_ratio"}[m.Unit]
			if !strings.HasSuffix(full, suffix) {
				full += suffix
			}
			switch {
			case m.Sum != nil && m.Sum.Monotonic:
				names[full+"_total"] = true
			case m.Histogram != nil:
				for _, part := range []string{"_bucket", "_sum", "_count"} {
					names[full+part] = true
				}
			default:
				names[full] = true
			}
		}
	}
	require.NotEmpty(t, names)
	return names
}

// tables are the rows of the README's tables that have so many cells.
func tables(t *testing.T, cells int) [][]string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	var rows [][]string
	for line := range strings.Lines(string(text)) {
		row := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if strings.HasPrefix(line, "|") && len(row) == cells {
			for i := range row {
				row[i] = strings.TrimSpace(row[i])
			}
			rows = append(rows, row)
		}
	}
	return rows
}

var quoted = regexp.MustCompile("`([^`]+)`")

func names(cell string) (found []string) {
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		found = append(found, m[1])
	}
	return found
}

// document is what the tests hold the table to. That it is all there is part of
// them: an empty list would pass everything.
func document(t *testing.T) expectations {
	t.Helper()
	var doc expectations
	readYAML(t, filepath.Join("testdata", "document.yaml"), &doc)
	assert.Equal(t, map[string]int{"2.2.6": 13, "5.3": 9, "6.6": 10, "9.2": 2, "12.1": 18, "12.2": 7}, lengths(doc.Metrics))
	assert.Equal(t, map[string]int{"2.2.6": 2, "5.3": 3, "6.6": 2}, lengths(doc.Attributes))
	assert.Len(t, doc.Alerts, 5)
	return doc
}

// lengths counts what is told apart in each list.
func lengths(lists map[string][]string) map[string]int {
	counts := map[string]int{}
	for name, list := range lists {
		counts[name] = len(slices.Compact(slices.Sorted(slices.Values(list))))
	}
	return counts
}

func TestEveryMetricOfTheDocumentIsMapped(t *testing.T) {
	doc := document(t)
	sections := map[string]string{}
	for section, list := range doc.Metrics {
		for _, name := range list {
			sections[name] = section
		}
	}
	recorded := map[string][]string{} // name: expressions
	for _, r := range rules(t) {
		if r.Record != "" {
			recorded[r.Record] = append(recorded[r.Record], r.Expr)
		}
	}
	known := declared(t)
	rows := map[string][]string{} // name: sections
	for _, row := range tables(t, 4) {
		from, to := names(row[0]), names(row[2])
		if len(from) == 0 { // the head, and the line below it
			continue
		}
		require.Len(t, from, 1, row[0])
		assert.NotEmpty(t, sections[from[0]], "no section names %s", row[0])
		rows[from[0]] = strings.Split(row[1], ", ")
		require.Len(t, to, 1, row[0])
		assert.NotEmpty(t, row[3], "%s: made from what?", row[0])
		exprs := recorded[to[0]]
		assert.NotEmpty(t, exprs, "%s: no rule records %s", row[0], to[0])
		for _, metric := range names(row[3]) {
			if strings.HasPrefix(metric, "otelcol_") {
				assert.True(t, known[metric], "%s: %s is not declared", row[0], metric)
				assert.Contains(t, strings.Join(exprs, " "), metric, "%s is not made from it", to[0])
			}
		}
	}
	for section, list := range doc.Metrics {
		for _, name := range list {
			assert.Contains(t, rows[name], section, "%s of section %s is missing in the table", name, section)
		}
	}
	for name, in := range rows {
		for _, section := range in {
			assert.Contains(t, doc.Metrics[section], name, "section %s does not name it", section)
		}
	}
	attributes := map[string][]string{}
	for _, row := range tables(t, 3) {
		for _, name := range names(row[0]) {
			attributes[name] = strings.Split(row[1], ", ")
		}
	}
	for section, list := range doc.Attributes {
		for _, name := range list {
			assert.Contains(t, attributes[name], section, "attribute %s of section %s is missing in the table", name, section)
		}
	}
}

// series finds what looks like one of our series in an expression.
var series = regexp.MustCompile(`\b(?:otelcol|collector|kafka)_[a-z0-9_]+|\bfeedback:[a-z0-9_:]+`)

// assertKnown holds an expression to what is declared and recorded.
func assertKnown(t *testing.T, known map[string]bool, where, expr string) {
	t.Helper()
	for _, name := range series.FindAllString(expr, -1) {
		assert.True(t, known[name], "%s: nothing feeds %s", where, name)
	}
}

// feeds are the names that expressions may use.
func feeds(t *testing.T) map[string]bool {
	t.Helper()
	doc := document(t)
	known := declared(t)
	for _, name := range doc.Collector {
		known[name] = true
	}
	for _, r := range rules(t) {
		known[r.Record] = true
	}
	return known
}

func TestAlerts(t *testing.T) {
	doc := document(t)
	listed := map[string]string{}
	for _, row := range tables(t, 3) {
		if n := names(row[0]); len(n) == 1 && strings.HasPrefix(n[0], "Feedback") {
			listed[n[0]] = row[1]
		}
	}
	known := feeds(t)
	var alerts []string
	for _, r := range rules(t) {
		assertKnown(t, known, r.Record+r.Alert, r.Expr)
		if r.Alert == "" {
			continue
		}
		alerts = append(alerts, r.Alert)
		assert.Contains(t, []string{"critical", "warning"}, r.Labels["severity"], r.Alert)
		assert.Contains(t, listed[r.Alert], r.Labels["severity"], "%s in the table", r.Alert)
		for _, name := range []string{"summary", "description"} {
			assert.NotEmpty(t, r.Annotations[name], "%s of %s", name, r.Alert)
		}
		assert.Equal(t, runbooks+r.Alert+".md", r.Annotations["runbook_url"])
		assertPage(t, r.Annotations["runbook_url"])
		assertTested(t, r)
	}
	for _, name := range doc.Alerts {
		assert.Contains(t, alerts, "Feedback"+name)
	}
	for name := range listed {
		assert.Contains(t, alerts, name)
	}
}

const (
	docs     = "https://github.com/otelcol-feedback/otelcol-feedback/blob/main/docs/"
	runbooks = docs + "runbooks/"
)

// assertPage requires a link to a page of this repository that is there.
func assertPage(t *testing.T, url string) {
	t.Helper()
	page, ok := strings.CutPrefix(url, docs)
	assert.True(t, ok, url)
	assert.FileExists(t, filepath.Join("..", "..", "docs", filepath.FromSlash(page)))
}

// assertTested requires a test in which an alert fires with its severity, and
// one in which it does not fire.
func assertTested(t *testing.T, r rule) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("prometheus", "tests", "*.yaml"))
	require.NoError(t, err)
	var fires, silent bool
	for _, file := range files {
		var content struct {
			Tests []struct {
				Checks []struct {
					Alert    string `yaml:"alertname"`
					Expected []struct {
						Labels map[string]string `yaml:"exp_labels"`
					} `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}
		readYAML(t, file, &content)
		for _, test := range content.Tests {
			for _, c := range test.Checks {
				if c.Alert != r.Alert {
					continue
				}
				silent = silent || len(c.Expected) == 0
				for _, e := range c.Expected {
					fires = fires || e.Labels["severity"] == r.Labels["severity"]
				}
			}
		}
	}
	assert.True(t, fires, "no test in which %s fires as %s", r.Alert, r.Labels["severity"])
	assert.True(t, silent, "no test in which %s does not fire", r.Alert)
}

func TestDashboards(t *testing.T) {
	known := feeds(t)
	var alerts []string
	for _, r := range rules(t) {
		if r.Alert != "" {
			alerts = append(alerts, r.Alert)
		}
	}
	files, err := filepath.Glob(filepath.Join("grafana", "dashboards", "*.json"))
	require.NoError(t, err)
	assert.Len(t, files, 5)
	used := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var d struct {
			Panels []struct {
				Type, Title string
				Links       []struct{ URL string }
				Targets     []struct{ Expr string }
			}
		}
		require.NoError(t, json.Unmarshal(text, &d), file)
		for _, p := range d.Panels {
			if p.Type == "row" {
				continue
			}
			require.Len(t, p.Links, 1, p.Title)
			assertPage(t, p.Links[0].URL)
			if url := p.Links[0].URL; url != docs+"telemetry.md" {
				page, ok := strings.CutPrefix(url, runbooks)
				assert.True(t, ok && slices.Contains(alerts, strings.TrimSuffix(page, ".md")), "%s links to %s", p.Title, url)
			}
			require.NotEmpty(t, p.Targets, p.Title)
			for _, q := range p.Targets {
				assertKnown(t, known, p.Title, q.Expr)
				for _, name := range series.FindAllString(q.Expr, -1) {
					used[name] = true
				}
			}
		}
	}
	assertShown(t, used)
}

// assertShown requires each of our metrics in a panel, itself or by a rule.
func assertShown(t *testing.T, used map[string]bool) {
	t.Helper()
	for range 3 { // rules made from rules
		for _, r := range rules(t) {
			if used[r.Record] {
				for _, name := range series.FindAllString(r.Expr, -1) {
					used[name] = true
				}
			}
		}
	}
	for name := range declared(t) {
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_sum"), "_count"), "_bucket")
		assert.True(t, used[name] || used[base+"_bucket"], "no panel shows %s", name)
	}
}
