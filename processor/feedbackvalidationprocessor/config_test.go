// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackvalidationprocessor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

func TestConfig(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, confmap.Validate(cfg))
	assert.Equal(t, feedback.DefaultLimits(), cfg.limits())

	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"unknown_fields": "reject", "on_invalid": "drop", "max_event_size": 10, "max_depth": 5,
		"max_string_length": 20, "max_age": "1h", "max_future_skew": "0s",
	}).Unmarshal(cfg))
	require.NoError(t, confmap.Validate(cfg))
	assert.Equal(t, &Config{
		UnknownFields: feedback.RejectUnknown, OnInvalid: "drop", MaxEventSize: 10, MaxDepth: 5,
		MaxStringLength: 20, MaxAge: time.Hour,
	}, cfg)
}

func TestConfigNamesTheKey(t *testing.T) {
	for key, value := range map[string]any{
		"unknown_fields": "keep", "on_invalid": "ignore", "max_event_size": 0, "max_depth": 64,
		"max_string_length": 0, "max_age": "0s", "max_future_skew": "-1s",
	} {
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, confmap.NewFromStringMap(map[string]any{key: value}).Unmarshal(cfg))
		assert.ErrorContains(t, confmap.Validate(cfg), key+": ")
	}
}
