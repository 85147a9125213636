// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package observability

import (
	"os/exec"
	"path/filepath"
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
	for _, args := range [][]string{
		{"check", "config", shipped("prometheus", "prometheus.yaml")},
		append([]string{"test", "rules"}, tests...),
	} {
		out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		t.Logf("%s", out)
	}
}
