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

const rulesDir = "../distribution/observability/prometheus"

// rule is an alert or a recording rule.
type rule struct {
	Alert       string            `yaml:"alert"`
	Record      string            `yaml:"record"`
	Annotations map[string]string `yaml:"annotations"`
}

func rules(t *testing.T) (all []rule) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(rulesDir, "*.yaml"))
	require.NoError(t, err)
	for _, file := range files {
		var content struct {
			Groups []struct{ Rules []rule } `yaml:"groups"`
		}
		require.NoError(t, yaml.Unmarshal([]byte(read(t, file)), &content), file)
		for _, g := range content.Groups {
			all = append(all, g.Rules...)
		}
	}
	return all
}

var sections = []string{"What it means", "How to see it", "Likely causes", "What to do", "How to know it is over", "Followed"}

// Every alert has its page, every page its alert, its sections and its place in
// the index.
func TestAlertsHaveRunbooks(t *testing.T) {
	index, pages := read(t, "runbooks/README.md"), map[string]bool{}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		pages[r.Alert] = true
		name := r.Alert + ".md"
		assert.True(t, strings.HasSuffix(r.Annotations["runbook_url"], "/docs/runbooks/"+name), r.Alert)
		assert.Contains(t, index, "["+r.Alert+"]("+name+")")
		page := read(t, filepath.Join("runbooks", name))
		assert.True(t, strings.HasPrefix(page, "# "+r.Alert+"\n"), name)
		var headings []string
		for i, part := range strings.Split(page, "\n## ") {
			if i == 0 {
				continue
			}
			heading, body, _ := strings.Cut(part, "\n")
			headings = append(headings, heading)
			assert.Greater(t, len(strings.Fields(body)), 3, "%s: %s", name, heading)
		}
		assert.Equal(t, sections, headings, name)
	}
	files, err := filepath.Glob("runbooks/Feedback*.md")
	require.NoError(t, err)
	assert.Len(t, files, len(pages), "no page without an alert")
}

var metricName = regexp.MustCompile(`\b(?:otelcol_[a-z_]+|collector_[a-z_]+|kafka_[a-z]+_[a-z_]+|feedback:[a-z][a-z0-9_:]+)\b`)

// knownMetrics are those that are declared, recorded, or that a rule or a panel
// uses: these are tested on a real Prometheus.
func knownMetrics(t *testing.T) map[string]bool {
	known := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(otelcol_feedback_[a-z_]+)` \\| (\\w+)").FindAllStringSubmatch(read(t, "telemetry.md"), -1) {
		known[m[1]] = true
		if m[2] == "histogram" {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				known[m[1]+suffix] = true
			}
		}
	}
	require.NotEmpty(t, known)
	for _, r := range rules(t) {
		known[r.Record] = true
	}
	panels, err := filepath.Glob("../distribution/observability/grafana/source/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, panels)
	for _, file := range append(panels, filepath.Join(rulesDir, "alerts.yaml")) {
		for _, name := range metricName.FindAllString(read(t, file), -1) {
			known[name] = true
		}
	}
	return known
}

func runbooks(t *testing.T) map[string]string {
	files, err := filepath.Glob("runbooks/*.md")
	require.NoError(t, err)
	pages := map[string]string{}
	for _, file := range append(files, "troubleshooting.md") {
		pages[file] = read(t, file)
	}
	return pages
}

func TestMetricsInRunbooksExist(t *testing.T) {
	known := knownMetrics(t)
	for file, page := range runbooks(t) {
		for _, name := range metricName.FindAllString(page, -1) {
			assert.True(t, known[name], "%s: there is no metric %s", file, name)
		}
	}
}

var (
	command = regexp.MustCompile("feedbackctl ([a-z][^`\n|]*)")
	flag    = regexp.MustCompile(`(?m)^ +(?:(-\w), |    )(--[a-z-]+)`)
	given   = regexp.MustCompile(`(?:^| )(--?[a-z][a-z-]*)`)
)

// flagsOf reads what a command takes from the help text that it is held to.
func flagsOf(t *testing.T, words []string) (flags map[string]bool, found bool) {
	for n := min(2, len(words)); n > 0; n-- {
		for _, separator := range []string{"-", "."} {
			content, err := os.ReadFile(filepath.Join("../cmd/feedbackctl/testdata", strings.Join(words[:n], separator)+".help.txt"))
			if err != nil {
				continue
			}
			flags = map[string]bool{}
			for _, m := range flag.FindAllStringSubmatch(string(content), -1) {
				flags[m[1]], flags[m[2]] = true, true
			}
			require.NotEmpty(t, flags)
			return flags, true
		}
	}
	return nil, false
}

// Every feedbackctl command in the pages is one, with flags that it has.
func TestCommandsInRunbooksExist(t *testing.T) {
	seen := 0
	for file, page := range runbooks(t) {
		for _, m := range command.FindAllStringSubmatch(page, -1) {
			line := regexp.MustCompile(`'[^']*'`).ReplaceAllString(m[1], "''")
			words := strings.Fields(line)
			flags, found := flagsOf(t, words)
			if !found && file != "runbooks/README.md" {
				assert.Fail(t, "there is no such command", "%s: feedbackctl %s", file, line)
			}
			for _, g := range given.FindAllStringSubmatch(line, -1) {
				assert.True(t, flags[g[1]], "%s: feedbackctl %s: no flag %s", file, line, g[1])
			}
			seen++
		}
	}
	assert.Greater(t, seen, 20)
}

// Links in the pages lead somewhere.
func TestLinksInRunbooksResolve(t *testing.T) {
	for file, page := range runbooks(t) {
		for _, m := range link.FindAllStringSubmatch(page, -1) {
			path, anchor, _ := strings.Cut(m[2], "#")
			if strings.Contains(path, "://") {
				continue
			}
			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			if _, err := os.Stat(target); assert.NoError(t, err, "%s: %s", file, m[0]) && anchor != "" {
				assert.True(t, anchors(read(t, target))[anchor], "%s: no heading for %s", file, m[0])
			}
		}
	}
}
