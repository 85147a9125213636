// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package partitionkeyprocessor

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

func loadConfig(t *testing.T, name string) *Config {
	t.Helper()
	conf, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	sub, err := conf.Sub(name)
	require.NoError(t, err)
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, sub.Unmarshal(cfg))
	require.NoError(t, cfg.Validate())
	return cfg
}

func TestLoadConfig(t *testing.T) {
	assert.Equal(t, &Config{}, loadConfig(t, "partitionkey"))
	overridden := loadConfig(t, "partitionkey/overridden")
	assert.True(t, overridden.GroupByKey)
	assert.Equal(t, "user_id", overridden.Keys["user_feedback"])
	assert.Len(t, overridden.Keys, 5)
	loadConfig(t, "partitionkey/map")
}

func TestConfigErrorsNameTheirKey(t *testing.T) {
	for name, tc := range map[string]struct {
		eventType, field, want string
	}{
		"no such type":        {"user_feedbacks", "user_id", `keys: "user_feedbacks" is not an event type`},
		"unknown is none":     {"unknown", "user_id", `keys: "unknown" is not an event type`},
		"no such field":       {"user_feedback", "model_id", `keys::user_feedback: the type has no field "model_id"`},
		"no such inner field": {"model_response", "model_params.seed", `keys::model_response: the type has no field "model_params.seed"`},
		"below a value":       {"user_feedback", "user_id.x", `keys::user_feedback: the type has no field "user_id.x"`},
		"nothing":             {"user_feedback", "", `keys::user_feedback: the type has no field ""`},
		"an object":           {"model_response", "model_params", `keys::model_response: "model_params" is not a single value`},
		"a list":              {"user_feedback", "tags", `"tags" is not a single value`},
		"a map":               {"user_feedback", "metadata", `"metadata" is not a single value`},
		"no entry of a map":   {"user_feedback", "metadata.", `the type has no field "metadata."`},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := &Config{Keys: map[string]string{tc.eventType: tc.field}}
			require.ErrorContains(t, cfg.Validate(), tc.want)
			_, err := newKeyer(cfg)
			require.ErrorContains(t, err, tc.want)
		})
	}
	both := &Config{Keys: map[string]string{"a": "x", "user_feedback": "y"}}
	require.ErrorContains(t, both.Validate(), `keys: "a"`)
	require.ErrorContains(t, both.Validate(), `keys::user_feedback`)
}
