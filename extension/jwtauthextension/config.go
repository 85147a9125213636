// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package jwtauthextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/jwtauthextension"

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configtls"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"
)

// Bounds of what may be configured.
const (
	maxLeeway          = 5 * time.Minute
	minTokenBytes      = 256
	maxTokenBytes      = 64 << 10
	minInterval        = time.Second
	maxJWKSBytes       = 16 << 20
	maxJWKSKeys        = 1000
	maxTimeout         = time.Minute
	maxPresignedTokens = 10_000_000
	maxCacheTokens     = 1_000_000
)

// Config of the jwtauth extension. Exactly one source of keys must be set: of
// hmac_secret, hmac_secret_file, public_key_file, jwks_file and jwks_url. An
// empty string is the same as absence.
type Config struct {
	// HMACSecret verifies HS256, HS384 and HS512; at least 32, 48 or 64 bytes.
	// Default: none.
	HMACSecret configopaque.String `mapstructure:"hmac_secret"`

	// HMACSecretFile holds such a secret; a line end behind it is no part of it.
	// Default: none.
	HMACSecretFile string `mapstructure:"hmac_secret_file"`

	// PublicKeyFile holds one to four public keys or certificates in PEM: RSA of
	// 2048 to 4096 bits, P-256, P-384, P-521 or Ed25519. Default: none.
	PublicKeyFile string `mapstructure:"public_key_file"`

	// JWKSFile holds a JSON Web Key Set. Symmetric keys in it are used. Default:
	// none.
	JWKSFile string `mapstructure:"jwks_file"`

	// JWKSURL is where a JSON Web Key Set is fetched: https, or http on a loopback
	// address. Symmetric keys in it are left out. Default: none.
	JWKSURL string `mapstructure:"jwks_url"`

	// JWKS says how jwks_url is fetched, and how large a set may be.
	JWKS JWKSConfig `mapstructure:"jwks"`

	// ReloadInterval is how often a file is looked at for new keys. Bounds: at
	// least 1s. Default: 10s.
	ReloadInterval time.Duration `mapstructure:"reload_interval"`

	// Algorithms narrows what keys verify; by default each verifies all that fit
	// its type, or the one that its set names. One of: HS256, HS384, HS512, RS256,
	// RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA. Default:
	// none, not narrowed.
	Algorithms []string `mapstructure:"algorithms"`

	// Issuer is what iss must be. Default: none, it is not looked at.
	Issuer string `mapstructure:"issuer"`

	// Audience is what aud must name one of. Default: none, it is not looked at.
	Audience []string `mapstructure:"audience"`

	// Leeway is by how much exp, nbf and iat may be missed. Bounds: 0 to 5m.
	// Default: 30s.
	Leeway time.Duration `mapstructure:"leeway"`

	// MaxTokenBytes bounds a token. Unit: bytes. Bounds: 256 to 65536. Default:
	// 8192.
	MaxTokenBytes int `mapstructure:"max_token_bytes"`

	// CacheTokens is how many verified tokens are remembered until they expire or
	// the keys change, about 700 bytes each; 0 verifies each request anew. Unit:
	// tokens. Bounds: 0 to 1000000. Default: 4096.
	CacheTokens int `mapstructure:"cache_tokens"`

	// Presigned is about presigned feedback tokens.
	Presigned PresignedConfig `mapstructure:"presigned"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// JWKSConfig says how a key set is fetched.
type JWKSConfig struct {
	// RefreshInterval is how often it is fetched. Bounds: at least
	// min_refresh_interval. Default: 15m.
	RefreshInterval time.Duration `mapstructure:"refresh_interval"`

	// MinRefreshInterval is how often tokens with an unknown kid can have it
	// fetched. Bounds: at least 1s. Default: 30s.
	MinRefreshInterval time.Duration `mapstructure:"min_refresh_interval"`

	// MaxAge is how long keys are used that could not be fetched again. Then
	// nobody is let in. Bounds: at least refresh_interval. Default: 24h.
	MaxAge time.Duration `mapstructure:"max_age"`

	// Timeout bounds one fetch. Bounds: more than 0, at most 1m. Default: 5s.
	Timeout time.Duration `mapstructure:"timeout"`

	// MaxBytes bounds the document, jwks_file included. Unit: bytes. Bounds: 1 to
	// 16777216. Default: 1048576.
	MaxBytes int64 `mapstructure:"max_bytes"`

	// MaxKeys bounds the keys in it, jwks_file included. Unit: keys. Bounds: 1 to
	// 1000. Default: 100.
	MaxKeys int `mapstructure:"max_keys"`

	// TLS is whom to trust and who one is, as for any client of the collector.
	TLS configtls.ClientConfig `mapstructure:"tls"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// PresignedConfig is about presigned feedback tokens.
type PresignedConfig struct {
	// MaxTokens is how many presigned tokens are counted at a time, about 200
	// bytes each. When that many live ones are in use, further ones are refused
	// until one expires; none is forgotten. Unit: tokens. Bounds: 1 to 10000000.
	// Default: 100000.
	MaxTokens int `mapstructure:"max_tokens"`

	// Directory keeps the counts over a restart; it is made if it does not exist,
	// and may be the spool's. Default: none, a restart forgets them.
	Directory string `mapstructure:"directory"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ component.Config  = (*Config)(nil)
	_ confmap.Validator = (*Config)(nil)
)

func createDefaultConfig() component.Config {
	return &Config{
		JWKS: JWKSConfig{
			RefreshInterval:    15 * time.Minute,
			MinRefreshInterval: 30 * time.Second,
			MaxAge:             24 * time.Hour,
			Timeout:            5 * time.Second,
			MaxBytes:           1 << 20,
			MaxKeys:            100,
			TLS:                configtls.NewDefaultClientConfig(),
		},
		ReloadInterval: 10 * time.Second,
		Leeway:         30 * time.Second,
		MaxTokenBytes:  8192,
		CacheTokens:    4096,
		Presigned:      PresignedConfig{MaxTokens: 100_000},
	}
}

// Validate implements confmap.Validator.
func (c *Config) Validate() error {
	errs := []error{c.checkSource()}
	if c.HMACSecret != "" {
		if _, err := token.ReadSecret([]byte(c.HMACSecret)); err != nil {
			errs = append(errs, fmt.Errorf("hmac_secret: %w", err))
		}
	}
	if c.JWKSURL != "" {
		errs = append(errs, checkURL(c.JWKSURL))
	}
	for _, a := range c.Algorithms {
		if !slices.Contains(token.Algorithms, a) {
			errs = append(errs, fmt.Errorf("algorithms: %q is none of %s", a, strings.Join(token.Algorithms, ", ")))
		}
	}
	check := func(ok bool, text string) {
		if !ok {
			errs = append(errs, errors.New(text))
		}
	}
	check(c.ReloadInterval >= minInterval, "reload_interval must be at least 1s")
	check(c.Leeway >= 0 && c.Leeway <= maxLeeway, "leeway must lie between 0 and 5m")
	check(c.MaxTokenBytes >= minTokenBytes && c.MaxTokenBytes <= maxTokenBytes, "max_token_bytes must lie between 256 and 65536")
	check(c.CacheTokens >= 0 && c.CacheTokens <= maxCacheTokens, "cache_tokens must lie between 0 and 1000000")
	check(c.Presigned.MaxTokens >= 1 && c.Presigned.MaxTokens <= maxPresignedTokens, "presigned::max_tokens must lie between 1 and 10000000")

	j := &c.JWKS
	check(j.MinRefreshInterval >= minInterval, "jwks::min_refresh_interval must be at least 1s")
	check(j.RefreshInterval >= j.MinRefreshInterval, "jwks::refresh_interval must be at least jwks::min_refresh_interval")
	check(j.MaxAge >= j.RefreshInterval, "jwks::max_age must be at least jwks::refresh_interval")
	check(j.Timeout > 0 && j.Timeout <= maxTimeout, "jwks::timeout must be above 0 and at most 1m")
	check(j.MaxBytes >= 1 && j.MaxBytes <= maxJWKSBytes, "jwks::max_bytes must lie between 1 and 16777216")
	check(j.MaxKeys >= 1 && j.MaxKeys <= maxJWKSKeys, "jwks::max_keys must lie between 1 and 1000")
	return errors.Join(errs...)
}

// sources are the keys that name a source, in the order of the documentation.
func (c *Config) sources() (names []string) {
	for _, s := range []struct{ name, value string }{
		{"hmac_secret", string(c.HMACSecret)},
		{"hmac_secret_file", c.HMACSecretFile},
		{"public_key_file", c.PublicKeyFile},
		{"jwks_file", c.JWKSFile},
		{"jwks_url", c.JWKSURL},
	} {
		if s.value != "" {
			names = append(names, s.name)
		}
	}
	return names
}

func (c *Config) checkSource() error {
	switch names := c.sources(); len(names) {
	case 0:
		return errors.New("no source of keys: set one of hmac_secret, hmac_secret_file, public_key_file, jwks_file and jwks_url; config/secure.yaml takes them from COLLECTOR_AUTH__HMAC_SECRET_FILE, COLLECTOR_AUTH__PUBLIC_KEY_FILE, COLLECTOR_AUTH__JWKS_FILE and COLLECTOR_AUTH__JWKS_URL")
	case 1:
		return nil
	default:
		return fmt.Errorf("%s are set: there must be one source of keys, or it could not be said who is let in", strings.Join(names, " and "))
	}
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("jwks_url: expected a URL such as https://issuer.example/.well-known/jwks.json")
	case !secure(u):
		return errors.New("jwks_url: must be https: over http anyone on the way could give keys of their own")
	}
	return nil
}

// secure reports whether what comes from there is what was sent.
func secure(u *url.URL) bool {
	if u.Scheme == "https" {
		return true
	}
	host := u.Hostname()
	addr, err := netip.ParseAddr(host)
	return u.Scheme == "http" && (host == "localhost" || err == nil && addr.IsLoopback())
}

// audience is what was configured without what an environment variable may have
// left: spaces and empty entries.
func (c *Config) audience() (out []string) {
	for _, entry := range c.Audience {
		for a := range strings.SplitSeq(entry, ",") {
			if a = strings.TrimSpace(a); a != "" {
				out = append(out, a)
			}
		}
	}
	return out
}
