// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

func loadConfig(t *testing.T, name string) *Config {
	conf, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	sub, err := conf.Sub("feedback/" + name)
	require.NoError(t, err)
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, sub.Unmarshal(cfg))
	require.NoError(t, confmap.Validate(cfg))
	return cfg
}

func TestConfigDefaults(t *testing.T) {
	cfg := loadConfig(t, "http")
	assert.False(t, cfg.Protocols.GRPC.HasValue())
	require.True(t, cfg.Protocols.HTTP.HasValue())
	c := cfg.Protocols.HTTP.Get()
	assert.Equal(t, "localhost:8080", c.ServerConfig.NetAddr.Endpoint)
	assert.Equal(t, int64(20<<20), c.ServerConfig.MaxRequestBodySize)
	assert.Equal(t, 10*time.Second, c.ServerConfig.ReadHeaderTimeout)
	assert.Equal(t, 30*time.Second, c.ServerConfig.ReadTimeout)
	assert.Equal(t, 60*time.Second, c.ServerConfig.WriteTimeout)
	assert.Equal(t, 60*time.Second, c.ServerConfig.IdleTimeout)
	assert.Equal(t, 10_000, c.MaxRequestEvents)
	assert.Equal(t, 65536, c.MaxHeaderBytes)
	assert.Empty(t, c.TrustedProxies)
	assert.Empty(t, allowedOrigins(&c.ServerConfig))
	assert.True(t, cfg.TrustTraceparent)
	assert.False(t, loadConfig(t, "both").TrustTraceparent)
}

func TestConfigLoads(t *testing.T) {
	for name, want := range map[string]struct{ proxies, origins []string }{
		"both":              {[]string{"10.0.0.0/8", "2001:db8::/32", "192.0.2.7"}, []string{"https://app.example.com"}},
		"from_environment":  {[]string{"10.0.0.0/8", "192.0.2.7"}, []string{"https://app.example.com", "http://localhost:*"}},
		"empty_environment": {},
		"unset_environment": {},
	} {
		t.Run(name, func(t *testing.T) {
			c := loadConfig(t, name).Protocols.HTTP.Get()
			trust, err := newProxyTrust(c.TrustedProxies)
			require.NoError(t, err)
			assert.Len(t, trust, len(want.proxies))
			assert.Equal(t, want.origins, allowedOrigins(&c.ServerConfig))
		})
	}
}

func TestConfigValidateNamesTheKey(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Config, *HTTPConfig)
		want   []string
	}{
		"no protocol": {func(c *Config, _ *HTTPConfig) {
			c.Protocols.HTTP, c.Protocols.GRPC = configoptional.None[HTTPConfig](), configoptional.None[GRPCConfig]()
		}, []string{"protocols"}},
		"ports alike": {func(c *Config, h *HTTPConfig) {
			h.ServerConfig.NetAddr.Endpoint = "0.0.0.0:8080"
			c.Protocols.GRPC.Get().ServerConfig.NetAddr.Endpoint = "localhost:8080"
		}, []string{"protocols::http::endpoint", "protocols::grpc::endpoint"}},
		"proxies":   {func(_ *Config, h *HTTPConfig) { h.TrustedProxies = []string{"10.0.0.0/8", "10.0.0.0/33"} }, []string{"protocols::http", "trusted_proxies[1]"}},
		"events":    {func(_ *Config, h *HTTPConfig) { h.MaxRequestEvents = 0 }, []string{"protocols::http", "max_request_events"}},
		"headers":   {func(_ *Config, h *HTTPConfig) { h.MaxHeaderBytes = 100 }, []string{"max_header_bytes"}},
		"body":      {func(_ *Config, h *HTTPConfig) { h.ServerConfig.MaxRequestBodySize = 0 }, []string{"max_request_body_size"}},
		"time-outs": {func(_ *Config, h *HTTPConfig) { h.ServerConfig.ReadTimeout = 2 * time.Minute }, []string{"write_timeout", "read_timeout"}},
		"encoding":  {func(_ *Config, h *HTTPConfig) { h.ServerConfig.CompressionAlgorithms = []string{"", "br"} }, []string{"compression_algorithms"}},
		"origins": {func(_ *Config, h *HTTPConfig) {
			h.ServerConfig.CORS = configoptional.Some(confighttp.CORSConfig{AllowedOrigins: []string{"http://*.example.com:*"}})
		}, []string{"cors::allowed_origins"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := loadConfig(t, "both")
			tt.change(cfg, cfg.Protocols.HTTP.Get())
			err := confmap.Validate(cfg)
			require.Error(t, err)
			for _, key := range tt.want {
				assert.ErrorContains(t, err, key)
			}
		})
	}
}

func TestSamePort(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"localhost:1", "localhost:1", true},
		{"localhost:1", "localhost:2", false},
		{"localhost:0", "localhost:0", false},
		{":1", "127.0.0.1:1", true},
		{"0.0.0.0:1", "10.0.0.1:1", true},
		{"[::]:1", "10.0.0.1:1", true},
		{"10.0.0.1:1", "10.0.0.2:1", false},
		{"/run/a.sock", "/run/a.sock", true},
		{"/run/a.sock", "/run/b.sock", false},
	} {
		assert.Equal(t, tt.want, samePort(tt.a, tt.b), "%s %s", tt.a, tt.b)
	}
}
