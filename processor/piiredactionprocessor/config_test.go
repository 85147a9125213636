// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piiredactionprocessor

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

func load(t *testing.T, id string) (*Config, error) {
	all, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	sub, err := all.Sub(id)
	require.NoError(t, err)
	cfg := createDefaultConfig().(*Config)
	if err := sub.Unmarshal(cfg); err != nil {
		return nil, err
	}
	return cfg, cfg.Validate()
}

func TestConfig(t *testing.T) {
	cfg, err := load(t, "piiredaction")
	require.NoError(t, err)
	assert.Equal(t, createDefaultConfig(), cfg)

	cfg, err = load(t, "piiredaction/all")
	require.NoError(t, err)
	assert.Equal(t, &Config{
		Entities:        map[string]string{"email": "hash", "phone": "mask", "card": "redact", "ssn": "keep"},
		UserID:          userDrop,
		Patterns:        []PatternConfig{{Name: "badge", Regex: `\bB-[0-9]{4}\b`, Action: "hash"}},
		Allow:           []string{"support@example.com"},
		HashKey:         "0123456789abcdef",
		DefaultRegion:   "DE",
		CountAttributes: true,
	}, cfg)
	_, err = cfg.engine()
	require.NoError(t, err)
}

func TestConfigErrors(t *testing.T) {
	tests := []struct{ id, want string }{
		{"entity", "entities::name: no such entity; expected one of email, phone"},
		{"action", `entities::email: expected redact, mask, hash or keep, got "burn"`},
		{"user", "user_id: expected keep, hash or drop"},
		{"no_key", "hash_key: at least 16 bytes are required, because entities::card is hash"},
		{"short_key", "hash_key: at least 16 bytes are required, because user_id is hash"},
		{"region", "default_region: not an ISO 3166 country code"},
		{"pattern_name", "patterns::0: name: a letter"},
		{"pattern_entity", `patterns::0::name: "Email" is the name of an entity`},
		{"pattern_twice", `patterns::1::name: "A" twice`},
		{"pattern_regex", "patterns::0: regex: error parsing regexp"},
		{"pattern_action", `patterns::0::action: expected redact, mask or hash, got "keep"`},
		{"pattern_no_key", "hash_key: at least 16 bytes are required, because patterns::0::action is hash"},
		{"allow", "allow: an empty value"},
		{"unknown_key", "entity"},
	}
	for _, tt := range tests {
		t.Run(tt.id, func(t *testing.T) {
			_, err := load(t, "piiredaction/"+tt.id)
			require.ErrorContains(t, err, tt.want)
			assert.NotContains(t, err.Error(), "marker")
		})
	}
}

func TestEngineOfInvalidConfig(t *testing.T) {
	_, err := (&Config{Entities: map[string]string{"name": "keep"}}).engine()
	assert.ErrorContains(t, err, "entities::name")
}
