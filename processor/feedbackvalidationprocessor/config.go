// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackvalidationprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackvalidationprocessor"

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// What becomes of a refused event.
const (
	onInvalidDeadLetter = "dead_letter"
	onInvalidDrop       = "drop"
	onInvalidReject     = "reject"
)

// Config of the feedbackvalidation processor.
type Config struct {
	// UnknownFields says what becomes of fields that the event's type does not
	// have: preserve (kept, redacted, published), drop or reject (the event is
	// refused). One of: preserve, drop, reject. Default: preserve.
	UnknownFields feedback.UnknownFields `mapstructure:"unknown_fields"`

	// OnInvalid says what becomes of refused events whose sender cannot be told of
	// each (OTLP, files, Kafka): dead_letter (what an unset value means: they go
	// on, marked, to the dead-letter topic), drop (counted only) or reject (the
	// whole request is refused). Senders over feedback HTTP and gRPC are always
	// told per event; what they sent is dead-lettered besides only if dead_letter
	// is set here. One of: dead_letter, drop, reject. Default: not set.
	OnInvalid string `mapstructure:"on_invalid"`

	// MaxEventSize is the largest event, as JSON text as received. An event that
	// came as OTLP map or protobuf is measured as the JSON that would be
	// published. Unit: bytes. Bounds: at least 1. Default: 1048576.
	MaxEventSize int `mapstructure:"max_event_size"`

	// MaxDepth is the deepest nesting of an event, which itself is 1. Unit:
	// levels. Bounds: 2 to 63. Default: 10.
	MaxDepth int `mapstructure:"max_depth"`

	// MaxStringLength bounds every string and name. Unit: Unicode code points.
	// Bounds: at least 1. Default: 10000.
	MaxStringLength int `mapstructure:"max_string_length"`

	// MaxAge is how old a timestamp may be; the topic's retention is a good value.
	// Bounds: more than 0. Default: 168h.
	MaxAge time.Duration `mapstructure:"max_age"`

	// MaxFutureSkew is how far ahead of this machine's clock a timestamp may be.
	// Bounds: at least 0. Default: 5m.
	MaxFutureSkew time.Duration `mapstructure:"max_future_skew"`

	// prevent unkeyed literal initialization
	_ struct{}
}

func createDefaultConfig() component.Config {
	limits := feedback.DefaultLimits()
	return &Config{
		UnknownFields:   feedback.PreserveUnknown,
		MaxEventSize:    limits.MaxEventSize,
		MaxDepth:        limits.MaxDepth,
		MaxStringLength: limits.MaxStringLength,
		MaxAge:          limits.MaxAge,
		MaxFutureSkew:   limits.MaxFutureSkew,
	}
}

// Validate implements xconfmap.Validator.
func (c *Config) Validate() error {
	var errs []error
	switch c.UnknownFields {
	case feedback.PreserveUnknown, feedback.DropUnknown, feedback.RejectUnknown:
	default:
		errs = append(errs, fmt.Errorf("unknown_fields: expected preserve, drop or reject, got %q", c.UnknownFields))
	}
	switch c.OnInvalid {
	case "", onInvalidDeadLetter, onInvalidDrop, onInvalidReject:
	default:
		errs = append(errs, fmt.Errorf("on_invalid: expected dead_letter, drop or reject, got %q", c.OnInvalid))
	}
	if c.MaxEventSize < 1 {
		errs = append(errs, errors.New("max_event_size: must be at least 1 byte"))
	}
	if c.MaxDepth < 2 || c.MaxDepth > feedback.MaxDepth {
		errs = append(errs, fmt.Errorf("max_depth: must be from 2 to %d", feedback.MaxDepth))
	}
	if c.MaxStringLength < 1 {
		errs = append(errs, errors.New("max_string_length: must be at least 1"))
	}
	if c.MaxAge <= 0 {
		errs = append(errs, errors.New("max_age: must be greater than 0"))
	}
	if c.MaxFutureSkew < 0 {
		errs = append(errs, errors.New("max_future_skew: must not be negative"))
	}
	return errors.Join(errs...)
}

func (c *Config) limits() feedback.Limits {
	return feedback.Limits{
		MaxEventSize:    c.MaxEventSize,
		MaxDepth:        c.MaxDepth,
		MaxStringLength: c.MaxStringLength,
		MaxAge:          c.MaxAge,
		MaxFutureSkew:   c.MaxFutureSkew,
	}
}
