// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package jwtauthextension

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

func TestLoadConfig(t *testing.T) {
	with := func(change func(*Config)) *Config {
		c := createDefaultConfig().(*Config)
		change(c)
		return c
	}
	tests := map[string]struct {
		want    *Config
		wantErr []string
	}{
		"jwtauth": {want: with(func(c *Config) { c.HMACSecret = "0123456789abcdef0123456789abcdef" })},
		"jwtauth/full": {want: with(func(c *Config) {
			c.JWKSURL = "https://issuer.example/.well-known/jwks.json"
			c.JWKS.RefreshInterval, c.JWKS.MinRefreshInterval, c.JWKS.MaxAge = time.Hour, time.Minute, 2*time.Hour
			c.JWKS.Timeout, c.JWKS.MaxBytes, c.JWKS.MaxKeys = 10*time.Second, 65536, 8
			c.JWKS.TLS.CAFile = "ca.pem"
			c.ReloadInterval = time.Minute
			c.Algorithms = []string{"RS256", "ES256"}
			c.Issuer = "https://issuer.example"
			c.Audience = []string{"feedback", " other", ""}
			c.Leeway, c.MaxTokenBytes, c.CacheTokens = 0, 4096, 0
			c.Presigned = PresignedConfig{MaxTokens: 1000, Directory: "./data/spool"}
		})},
		"jwtauth/environment":  {want: with(func(c *Config) { c.PublicKeyFile, c.Audience = "keys.pem", []string{} })},
		"jwtauth/loopback":     {want: with(func(c *Config) { c.JWKSURL = "http://127.0.0.1:8000/jwks" })},
		"jwtauth/none":         {wantErr: []string{"no source of keys: set one of hmac_secret, hmac_secret_file, public_key_file, jwks_file and jwks_url"}},
		"jwtauth/two":          {wantErr: []string{"jwks_file and jwks_url are set"}},
		"jwtauth/all":          {wantErr: []string{"hmac_secret and hmac_secret_file and public_key_file are set"}},
		"jwtauth/short_secret": {wantErr: []string{"hmac_secret: a secret must have at least 32 bytes"}},
		"jwtauth/http":         {wantErr: []string{"jwks_url: must be https"}},
		"jwtauth/no_url":       {wantErr: []string{"jwks_url: expected a URL"}},
		"jwtauth/algorithm":    {wantErr: []string{`algorithms: "none" is none of HS256, `}},
		"jwtauth/bounds": {wantErr: []string{
			"reload_interval must", "leeway must", "max_token_bytes must", "cache_tokens must", "presigned::max_tokens must",
			"jwks::refresh_interval must", "jwks::min_refresh_interval must", "jwks::max_age must", "jwks::timeout must",
			"jwks::max_bytes must", "jwks::max_keys must",
		}},
	}
	conf, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	require.Len(t, tests, len(conf.ToStringMap()))
	for id, tt := range tests {
		t.Run(id, func(t *testing.T) {
			sub, err := conf.Sub(id)
			require.NoError(t, err)
			cfg := createDefaultConfig()
			require.NoError(t, sub.Unmarshal(&cfg))
			err = confmap.Validate(cfg)
			for _, want := range tt.wantErr {
				require.ErrorContains(t, err, want)
				assert.NotContains(t, err.Error(), "marker")
			}
			if tt.want == nil {
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, cfg)
			assert.NotContains(t, fmt.Sprintf("%v %+v", cfg, cfg), "0123456789abcdef", "a secret is not printed")
		})
	}
}

func TestAudience(t *testing.T) {
	assert.Equal(t, []string{"feedback", "other"}, (&Config{Audience: []string{"feedback", " other", "", " , "}}).audience())
	assert.Nil(t, (&Config{Audience: []string{""}}).audience())
}
