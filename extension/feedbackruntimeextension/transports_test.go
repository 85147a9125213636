// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
)

func TestTransports(t *testing.T) {
	const receivers, pipeline = "service::pipelines::logs/x::receivers", "service::pipelines::logs/x::processors"
	admitted := []any{"feedbackadmission/x"}
	for name, tt := range map[string]struct {
		change map[string]any
		want   []string
	}{
		"as it stands":     {nil, []string{"grpc", "http", "otlp"}},
		"HTTP off":         {map[string]any{"receivers::feedback::protocols::http": nil}, []string{"grpc", "otlp"}},
		"files and topics": {map[string]any{receivers: []any{"filelog/a", "kafka", "other"}, pipeline: admitted}, []string{"file", "grpc", "http", "kafka", "otlp"}},
		"not for events":   {map[string]any{receivers: []any{"filelog/a"}, pipeline: []any{"batch"}}, []string{"grpc", "http", "otlp"}},
	} {
		t.Run(name, func(t *testing.T) {
			conf, err := confmaptest.LoadConf(filepath.Join("testdata", "effective.yaml"))
			require.NoError(t, err)
			require.NoError(t, conf.Merge(confmap.NewFromStringMap(tt.change)))
			e := newTestExtension(t, nil)
			h := host{component.MustNewID("feedbackruntime"): e}
			assert.Empty(t, Transports(h), "not known yet")
			_ = e.NotifyConfigSnapshot(t.Context(), extensioncapabilities.NewConfigSnapshot(conf, nil))
			assert.Equal(t, tt.want, Transports(h))
		})
	}
	assert.Empty(t, Transports(host{}))
}
