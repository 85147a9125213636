// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package audit // import "github.com/otelcol-feedback/otelcol-feedback/internal/audit"

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	outputStderr = "stderr"
	outputStdout = "stdout"

	entriesNone     = "none"
	entriesFailures = "failures"
	entriesRejected = "rejected"
	entriesAll      = "all"
)

// Config of the audit log.
type Config struct {
	// Output is stderr, stdout or the path of a file, which is made with mode
	// 0600, appended to, and opened anew when it was moved away. Default: stderr.
	Output string `mapstructure:"output"`
	// Authentication says which attempts are recorded. One of: all, failures,
	// none. Default: all.
	Authentication string `mapstructure:"authentication"`
	// RateLimit records each request that was over its client's rate. Default:
	// true.
	RateLimit bool `mapstructure:"rate_limit"`
	// Ingestion says which events are recorded. One of: all, rejected, none.
	// Default: rejected.
	Ingestion string `mapstructure:"ingestion"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// DefaultConfig returns the defaults of an audit log that is on.
func DefaultConfig() Config {
	return Config{Output: outputStderr, Authentication: entriesAll, RateLimit: true, Ingestion: entriesRejected}
}

// Validate implements component.Config.
func (c *Config) Validate() error {
	var errs []error
	if c.Output == "" {
		errs = append(errs, errors.New("output: expected stderr, stdout or a path"))
	}
	errs = append(errs,
		oneOf("authentication", c.Authentication, entriesAll, entriesFailures, entriesNone),
		oneOf("ingestion", c.Ingestion, entriesAll, entriesRejected, entriesNone))
	return errors.Join(errs...)
}

func oneOf(key, value string, known ...string) error {
	if slices.Contains(known, value) {
		return nil
	}
	return fmt.Errorf("%s: expected one of %s, is %q", key, strings.Join(known, ", "), value)
}
