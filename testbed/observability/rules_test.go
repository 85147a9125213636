// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package observability

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRules runs promtool on the rules and their tests.
func TestRules(t *testing.T) {
	t.Parallel()
	promtool := program(t, "promtool")
	tests, err := filepath.Glob(shipped("prometheus", "tests", "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, tests)
	fires, silent := 0, 0
	for _, file := range tests {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		none := strings.Count(string(text), "exp_alerts: []")
		silent += none
		fires += strings.Count(string(text), "exp_alerts:") - none
	}
	for _, args := range [][]string{
		{"check", "config", shipped("prometheus", "prometheus.yaml")},
		append([]string{"test", "rules"}, tests...),
	} {
		out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		t.Logf("%s", out)
	}
	summarise(t, fmt.Sprintf("promtool: an alert fires in %d checks, and does not in %d\n", fires, silent))
}
