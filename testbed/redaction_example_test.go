// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
)

// The redaction example of docs/security.md is accepted beside a shipped
// configuration; what it does is tested beside the page.
func TestRedactionExampleIsAccepted(t *testing.T) {
	shipped := collector.ConfigFile("collector.yaml")
	page, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(shipped)), "docs", "security.md"))
	require.NoError(t, err)
	_, example, found := strings.Cut(string(page), "```yaml\n")
	require.True(t, found)
	example, _, found = strings.Cut(example, "```")
	require.True(t, found)
	file := filepath.Join(t.TempDir(), "redaction.yaml")
	require.NoError(t, os.WriteFile(file, []byte(example), 0o600))

	out, err := validate(t, []string{"COLLECTOR_PII__HASH_KEY=0123456789abcdef"}, shipped, file)
	assert.NoError(t, err, out)
	out, err = validate(t, nil, shipped, file)
	assert.Error(t, err)
	assert.Contains(t, out, "hash_key")
}
