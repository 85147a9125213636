// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/audit"
)

func TestAuditLog(t *testing.T) {
	assert.Nil(t, audit.Find(host{component.MustNewID("feedbackruntime"): newTestExtension(t, nil)}), "off unless named")

	path := filepath.Join(t.TempDir(), "audit.jsonl")
	e := newTestExtension(t, func(c *Config) {
		require.NoError(t, confmap.NewFromStringMap(map[string]any{"audit": map[string]any{"output": path}}).Unmarshal(c))
		assert.Equal(t, "rejected", c.Audit.Get().Ingestion, "a default")
	})
	require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()))
	audit.Find(host{component.MustNewID("feedbackruntime"): e}).RateLimited(t.Context(), "app")
	require.NoError(t, e.Shutdown(context.Background()))
	require.NoError(t, e.Shutdown(context.Background()))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Contains(t, string(text), `"msg":"rate_limit_exceeded","client_id":"app"`)

	cfg := createDefaultConfig().(*Config)
	require.NoError(t, confmap.NewFromStringMap(map[string]any{"audit": map[string]any{"ingestion": "some"}}).Unmarshal(cfg))
	require.ErrorContains(t, cfg.Audit.Validate(), "ingestion: expected one of all, rejected, none")
}

func TestAuditLogThatCannotBeOpened(t *testing.T) {
	e := newTestExtension(t, func(c *Config) {
		c.Audit.GetOrInsertDefault().Output = filepath.Join(t.TempDir(), "missing", "audit.jsonl")
	})
	require.ErrorContains(t, e.Start(t.Context(), componenttest.NewNopHost()), "audit::output")
	require.NoError(t, e.Shutdown(context.Background()))
}
