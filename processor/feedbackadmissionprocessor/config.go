// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor"

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/component"
)

// Config of the feedbackadmission processor.
type Config struct {
	// RateLimit bounds how many events a client may send.
	RateLimit RateLimitConfig `mapstructure:"rate_limit"`
	// Scopes says whose credentials are asked for scopes.
	Scopes ScopesConfig `mapstructure:"scopes"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// RateLimitConfig is a token bucket for each client.
type RateLimitConfig struct {
	// EventsPerSecond refill a client's bucket; 0 means no limit. Unit: events per
	// second. Bounds: 0 to 1000000000. Default: 1000.
	EventsPerSecond int `mapstructure:"events_per_second"`
	// Burst is how many events a bucket holds; 0 means one second of
	// EventsPerSecond. Unit: events. Bounds: 0 to 1000000000. Default: 0.
	Burst int `mapstructure:"burst"`
	// PerPeer also limits clients that are not authenticated, by their address.
	// Default: false.
	PerPeer bool `mapstructure:"per_peer"`
	// Overrides are other limits for single clients. Default: none.
	Overrides []RateOverride `mapstructure:"overrides"`
	// MaxClients bounds how many buckets are remembered. Unit: clients. Bounds: at
	// least 1. Default: 100000.
	MaxClients int `mapstructure:"max_clients"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// RateOverride is the limit of one client.
type RateOverride struct {
	// Client is the authenticated subject; it may be named once. Required.
	Client string `mapstructure:"client"`
	// EventsPerSecond refill the client's bucket; 0 means no limit. Unit: events
	// per second. Bounds: 0 to 1000000000. Default: 0.
	EventsPerSecond int `mapstructure:"events_per_second"`
	// Burst is how many events the bucket holds; 0 means one second of
	// EventsPerSecond. Unit: events. Bounds: 0 to 1000000000. Default: 0.
	Burst int `mapstructure:"burst"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// ScopesConfig says whose credentials are asked for scopes. Those whose scopes
// are known (jwtauth's) always are.
type ScopesConfig struct {
	// Required refuses what comes over the network without a credential, or with
	// one whose authenticator tells no scopes (basicauth, oidc). Default: false.
	Required bool `mapstructure:"required"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// maxRate bounds rates and bursts.
const maxRate = 1_000_000_000

func createDefaultConfig() component.Config {
	return &Config{RateLimit: RateLimitConfig{EventsPerSecond: 1000, MaxClients: 100_000}}
}

// Validate implements component.Config.
func (c *RateLimitConfig) Validate() error {
	errs := validateRate(c.EventsPerSecond, c.Burst)
	if c.MaxClients < 1 {
		errs = append(errs, fmt.Errorf("max_clients must be at least 1, is %d", c.MaxClients))
	}
	seen := make(map[string]struct{}, len(c.Overrides))
	for i, o := range c.Overrides {
		if o.Client == "" {
			errs = append(errs, fmt.Errorf("overrides[%d]::client must not be empty", i))
		}
		if _, twice := seen[o.Client]; twice {
			errs = append(errs, fmt.Errorf("overrides[%d]::client is there twice", i))
		}
		seen[o.Client] = struct{}{}
		for _, err := range validateRate(o.EventsPerSecond, o.Burst) {
			errs = append(errs, fmt.Errorf("overrides[%d]::%w", i, err))
		}
	}
	return errors.Join(errs...)
}

func validateRate(eventsPerSecond, burst int) (errs []error) {
	if eventsPerSecond < 0 || eventsPerSecond > maxRate {
		errs = append(errs, fmt.Errorf("events_per_second must be 0 to %d, is %d", maxRate, eventsPerSecond))
	}
	if burst < 0 || burst > maxRate {
		errs = append(errs, fmt.Errorf("burst must be 0 to %d, is %d", maxRate, burst))
	}
	return errs
}
