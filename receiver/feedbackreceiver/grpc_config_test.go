// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

func unmarshalGRPC(t *testing.T, settings map[string]any) (*GRPCConfig, error) {
	cfg := createDefaultConfig().(*Config)
	conf := confmap.NewFromStringMap(map[string]any{"protocols": map[string]any{"grpc": settings}})
	require.NoError(t, conf.Unmarshal(cfg))
	return cfg.Protocols.GRPC.Get(), confmap.Validate(cfg)
}

func TestGRPCConfigDefaults(t *testing.T) {
	for name, settings := range map[string]map[string]any{"nil": nil, "empty": {}} {
		t.Run(name, func(t *testing.T) {
			cfg, err := unmarshalGRPC(t, settings)
			require.NoError(t, err)
			assert.Equal(t, "localhost:9090", cfg.endpoint())
			assert.Equal(t, 20, cfg.ServerConfig.MaxRecvMsgSizeMiB)
			assert.EqualValues(t, 100, cfg.ServerConfig.MaxConcurrentStreams)
			assert.Equal(t, 10_000, cfg.MaxRequestEvents)
			assert.True(t, cfg.Reflection)
			params := cfg.ServerConfig.Keepalive.Get().ServerParameters.Get()
			assert.Equal(t, 15*time.Minute, params.MaxConnectionIdle)
			assert.Equal(t, time.Hour, params.MaxConnectionAge)
			assert.Equal(t, time.Minute, params.MaxConnectionAgeGrace)
			assert.False(t, cfg.ServerConfig.Auth.HasValue())
		})
	}
}

func TestGRPCConfigSettings(t *testing.T) {
	cfg, err := unmarshalGRPC(t, map[string]any{
		"endpoint":              "localhost:1",
		"max_recv_msg_size_mib": 4,
		"max_request_events":    7,
		"reflection":            false,
		"auth":                  map[string]any{"authenticator": "jwtauth"},
		"keepalive":             map[string]any{"server_parameters": map[string]any{"max_connection_age": "5m"}},
	})
	require.NoError(t, err)
	assert.Equal(t, "localhost:1", cfg.endpoint())
	assert.Equal(t, 4, cfg.ServerConfig.MaxRecvMsgSizeMiB)
	assert.Equal(t, 7, cfg.MaxRequestEvents)
	assert.False(t, cfg.Reflection)
	assert.True(t, cfg.ServerConfig.Auth.HasValue())
	params := cfg.ServerConfig.Keepalive.Get().ServerParameters.Get()
	assert.Equal(t, 5*time.Minute, params.MaxConnectionAge)
	assert.Equal(t, 15*time.Minute, params.MaxConnectionIdle, "the other defaults stay")
}

func TestGRPCConfigValidate(t *testing.T) {
	tests := map[string]map[string]any{
		"endpoint":              {"endpoint": ""},
		"max_recv_msg_size_mib": {"max_recv_msg_size_mib": 0},
		"max_request_events":    {"max_request_events": 0},
		"read_buffer_size":      {"read_buffer_size": -1},
	}
	for key, settings := range tests {
		t.Run(key, func(t *testing.T) {
			_, err := unmarshalGRPC(t, settings)
			require.ErrorContains(t, err, key)
			assert.ErrorContains(t, err, "protocols::grpc")
		})
	}
}
