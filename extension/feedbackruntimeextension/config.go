// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/otelcol-feedback/otelcol-feedback/internal/audit"
)

// Config of the feedbackruntime extension.
type Config struct {
	// Capacity is how many events of all sources together may be in flight, from
	// admission until their fate is known. Unit: events. Bounds: at least 1.
	// Default: 10000.
	Capacity int `mapstructure:"capacity"`
	// MaxBytes is how many bytes may be in flight: request bodies being read,
	// decompressed bytes and records. Unit: bytes. Bounds: at least 1. Default:
	// 67108864.
	MaxBytes int64 `mapstructure:"max_bytes"`
	// EnqueueTimeout is the longest time a request waits for room. It has to
	// exceed spool_after of the feedbackkafka exporter, which makes room while
	// Kafka is away. Bounds: more than 0. Default: 5s.
	EnqueueTimeout time.Duration `mapstructure:"enqueue_timeout"`
	// ShutdownDelay is how long requests are still taken after readiness has
	// turned, so that a load balancer can notice. Bounds: at least 0. Default: 0s.
	ShutdownDelay time.Duration `mapstructure:"shutdown_delay"`
	// ShutdownTimeout bounds all that happens once receivers stop: what was not
	// delivered or spooled by then is given up. Bounds: more than 0. Default: 20s.
	ShutdownTimeout time.Duration `mapstructure:"shutdown_timeout"`
	// Audit is the record of who was let in and who was not. Default: off unless
	// named.
	Audit configoptional.Optional[audit.Config] `mapstructure:"audit"`

	// prevent unkeyed literal initialization
	_ struct{}
}

func createDefaultConfig() component.Config {
	return &Config{
		Capacity:        10_000,
		MaxBytes:        64 << 20,
		EnqueueTimeout:  5 * time.Second,
		ShutdownDelay:   0,
		ShutdownTimeout: 20 * time.Second,
		Audit:           configoptional.Default(audit.DefaultConfig()),
	}
}

// Validate reports every key at fault.
func (c *Config) Validate() error {
	var errs []error
	if c.Capacity <= 0 {
		errs = append(errs, fmt.Errorf("capacity must be more than 0, is %d", c.Capacity))
	}
	if c.MaxBytes <= 0 {
		errs = append(errs, fmt.Errorf("max_bytes must be more than 0, is %d", c.MaxBytes))
	}
	if c.EnqueueTimeout <= 0 {
		errs = append(errs, fmt.Errorf("enqueue_timeout must be more than 0, is %v", c.EnqueueTimeout))
	}
	if c.ShutdownDelay < 0 {
		errs = append(errs, fmt.Errorf("shutdown_delay must not be negative, is %v", c.ShutdownDelay))
	}
	if c.ShutdownTimeout <= 0 {
		errs = append(errs, fmt.Errorf("shutdown_timeout must be more than 0, is %v", c.ShutdownTimeout))
	}
	return errors.Join(errs...)
}
