// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package setting

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestName(t *testing.T) {
	for want, path := range map[string][]string{
		"receivers::feedback/2::protocols::http::endpoint (COLLECTOR_HTTP__ENDPOINT)": {"receivers", "feedback/2", "protocols", "http", "endpoint"},
		"service::telemetry::metrics::readers[3]::pull::exporter::prometheus::port (COLLECTOR_TELEMETRY__METRICS_PORT)": {
			"service", "telemetry", "metrics", "readers[3]", "pull", "exporter", "prometheus", "port",
		},
		"receivers::other::endpoint": {"receivers", "other", "endpoint"},
	} {
		assert.Equal(t, want, Name(path...))
	}
}

var fromEnvironment = regexp.MustCompile(`\$\{env:(COLLECTOR_[A-Z_]+)`)

// Each variable is where a file in config/ has it, and nowhere else.
func TestVariablesAreThoseOfTheConfigurations(t *testing.T) {
	seen := map[string]bool{}
	files, err := filepath.Glob("../../config/*.yaml")
	require.NoError(t, err)
	overlays, err := filepath.Glob("../../config/overlays/*.yaml")
	require.NoError(t, err)
	for _, file := range append(files, overlays...) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var root any
		require.NoError(t, yaml.Unmarshal(text, &root))
		walk(root, nil, func(path []string, value string) {
			m := fromEnvironment.FindStringSubmatch(value)
			name := Variable(path...)
			if m == nil || name == "" || filepath.Base(file) == "quickstart.yaml" && path[len(path)-1] == "brokers" {
				return // the quick start's brokers are those in its own process
			}
			assert.Equal(t, m[1], name, "%s: %v", file, path)
			seen[name] = true
		})
	}
	for path, name := range variables {
		assert.True(t, seen[name], "%s: no configuration reads %s there", path, name)
	}
}

func walk(node any, path []string, visit func([]string, string)) {
	path = path[:len(path):len(path)]
	switch n := node.(type) {
	case map[string]any:
		for name, child := range n {
			walk(child, append(path, name), visit)
		}
	case []any:
		for i, child := range n {
			inner := append([]string(nil), path...)
			inner[len(inner)-1] += fmt.Sprintf("[%d]", i)
			walk(child, inner, visit)
		}
	case string:
		visit(path, n)
	}
}
