// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension/internal/metadata"
)

func TestWarnsOfUnknownEnvironmentOnce(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	set := extension.Settings{ID: component.NewID(metadata.Type), TelemetrySettings: componenttest.NewNopTelemetrySettings()}
	set.Logger = zap.New(core)
	e := newExtension(set, createDefaultConfig().(*Config))
	e.warnUnknownEnvironment([]string{
		"PATH=/bin", "COLLECTOR_HTTP__ENDPOINT=x", "COLLECTOR_HTP__ENDPOINT=MARKER-7f3a",
		"COLLECTOR_BUFFER__CAPACTY", "=C:", "XCOLLECTOR_X=1",
	})
	require.Equal(t, 1, logs.Len())
	entry := logs.All()[0]
	assert.Equal(t, []any{"COLLECTOR_BUFFER__CAPACTY", "COLLECTOR_HTP__ENDPOINT"}, entry.ContextMap()["names"])
	assert.NotContains(t, entry.Message, "MARKER")

	e.warnUnknownEnvironment([]string{"COLLECTOR_HTTP__ENDPOINT=x", "HOME=/"})
	assert.Equal(t, 1, logs.Len())
}

// A variable that a configuration reads must not be warned of.
func TestKnowsWhatTheConfigurationsRead(t *testing.T) {
	variable := regexp.MustCompile(`\$\{env:(COLLECTOR_[A-Z0-9_]+)`)
	read := 0
	err := filepath.WalkDir(filepath.Join("..", "..", "config"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, match := range variable.FindAllSubmatch(text, -1) {
			read++
			assert.Contains(t, knownEnvironment, string(match[1]), path)
		}
		return err
	})
	require.NoError(t, err)
	assert.Positive(t, read)
}
