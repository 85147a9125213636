// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// declared is a metric as a metadata.yaml has it.
type declared struct {
	Description string    `yaml:"description"`
	Unit        string    `yaml:"unit"`
	Attributes  []string  `yaml:"attributes"`
	Sum         yaml.Node `yaml:"sum"`
	Gauge       yaml.Node `yaml:"gauge"`
	Histogram   yaml.Node `yaml:"histogram"`
}

func (d *declared) kind() string {
	switch {
	case !d.Sum.IsZero():
		return "counter"
	case !d.Gauge.IsZero():
		return "gauge"
	default:
		return "histogram"
	}
}

// prometheus is the name that Prometheus has for a metric.
func (d *declared) prometheus(name string) string {
	suffix := map[string]string{"s": "_seconds", "By": "_bytes", "1": "_ratio"}[d.Unit]
	name = strings.TrimSuffix("otelcol_"+name, suffix) + suffix
	if d.kind() == "counter" {
		name += "_total"
	}
	return name
}

var fedBy = regexp.MustCompile("\\]\\(\\.\\./([^)]+)\\): `([^`]+)`")

// Every metric is on the page, as it is declared, and with the line of code that
// feeds it.
func TestMetricsAreListed(t *testing.T) {
	page, err := os.ReadFile("telemetry.md")
	require.NoError(t, err)
	rows := map[string][]string{}
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "| `otelcol_feedback_") {
			cells := strings.Split(line, "|")
			require.Len(t, cells, 7, line)
			rows[strings.Trim(cells[1], "` ")] = cells[2:6]
		}
	}
	files, err := filepath.Glob("../*/*/metadata.yaml")
	require.NoError(t, err)
	metrics := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var m struct {
			Telemetry struct {
				Metrics map[string]*declared `yaml:"metrics"`
			} `yaml:"telemetry"`
		}
		require.NoError(t, yaml.Unmarshal(text, &m), file)
		for name, d := range m.Telemetry.Metrics {
			metrics++
			name := d.prometheus(name)
			row, ok := rows[name]
			if !assert.True(t, ok, "%s (%s) is not on the page", name, file) {
				continue
			}
			labels := "–"
			if len(d.Attributes) > 0 {
				labels = "`" + strings.Join(d.Attributes, "`, `") + "`"
			}
			assert.Equal(t, []string{d.kind() + ", " + d.Unit, labels, strings.TrimSuffix(d.Description, ".")},
				[]string{strings.TrimSpace(row[0]), strings.TrimSpace(row[1]), strings.TrimSpace(row[2])}, name)
			feeds := fedBy.FindAllStringSubmatch(row[3], -1)
			assert.NotEmpty(t, feeds, name)
			for _, f := range feeds {
				code, err := os.ReadFile(filepath.Join("..", f[1]))
				require.NoError(t, err, name)
				assert.Equal(t, 1, strings.Count(string(code), f[2]), "%s: %s in %s", name, f[2], f[1])
				assert.Equal(t, filepath.Dir(file), filepath.Join("..", filepath.Dir(f[1])), "%s is fed where it is declared", name)
			}
		}
	}
	assert.Len(t, rows, metrics, "no row without a metric")
}
