// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piiredactionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/piiredactionprocessor"

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
)

// What becomes of user_id.
const (
	userKeep = "keep"
	userHash = "hash"
	userDrop = "drop"
)

// Config of the piiredaction processor.
type Config struct {
	// Entities says by name what becomes of each kind of personal data: redact
	// (its token stands in its place), mask (all but the last four characters
	// become '*'), hash (HMAC-SHA256 with hash_key) or keep. Names: email, phone,
	// card, ssn, iban, ip, secret. One of: redact, mask, hash, keep. Default:
	// redact, for each.
	Entities map[string]string `mapstructure:"entities"`

	// UserID says what becomes of an event's user_id: keep, hash (HMAC-SHA256 with
	// hash_key, in hexadecimal) or drop. One of: keep, hash, drop. Default: keep.
	UserID string `mapstructure:"user_id"`

	// Patterns are searched in addition. What one finds becomes [NAME_REDACTED],
	// or what its action says. Default: none.
	Patterns []PatternConfig `mapstructure:"patterns"`

	// Allow holds literal values that stay as they are: an address of one's own
	// support, say. Addresses are compared without regard to case, numbers by
	// their digits, IP addresses by value, secrets and what patterns find exactly.
	// Default: none.
	Allow []string `mapstructure:"allow"`

	// HashKey is the key of every hash, at least 16 bytes long; it must be set if
	// anything is hashed. Default: none.
	HashKey configopaque.String `mapstructure:"hash_key"`

	// DefaultRegion is the country (ISO 3166 alpha-2) whose national telephone
	// numbers are recognised without a country code. Default: US.
	DefaultRegion string `mapstructure:"default_region"`

	// CountAttributes adds to each record, as the attributes
	// feedback.redactions.<entity> and feedback.redactions.<pattern>, how many
	// findings were replaced in it; none where there were none. Default: false.
	CountAttributes bool `mapstructure:"count_attributes"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// PatternConfig is a regular expression to search for.
type PatternConfig struct {
	// Name makes the token: a letter, then up to 31 letters, digits and '_'. Not
	// the name of an entity. Required.
	Name string `mapstructure:"name"`

	// Regex is in RE2 syntax (no look-around, no back-references). It must not
	// match the empty text. Required.
	Regex string `mapstructure:"regex"`

	// Action is what becomes of what it finds; not set means redact. One of:
	// redact, mask, hash. Default: not set.
	Action string `mapstructure:"action"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// minHashKey is the length below which a key is guessed rather than known.
const minHashKey = 16

func createDefaultConfig() component.Config {
	return &Config{UserID: userKeep, DefaultRegion: "US"}
}

// Validate implements xconfmap.Validator.
func (c *Config) Validate() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Entities)) {
		if _, ok := pii.ParseEntity(name); !ok {
			errs = append(errs, fmt.Errorf("entities::%s: no such entity; expected one of %s", name, strings.Join(pii.Entities(), ", ")))
		}
		if _, ok := pii.ParseAction(c.Entities[name]); !ok {
			errs = append(errs, fmt.Errorf("entities::%s: expected redact, mask, hash or keep, got %q", name, c.Entities[name]))
		}
	}
	switch c.UserID {
	case userKeep, userDrop, userHash:
	default:
		errs = append(errs, fmt.Errorf("user_id: expected keep, hash or drop, got %q", c.UserID))
	}
	if key := c.hashes(); key != "" && len(c.HashKey) < minHashKey {
		errs = append(errs, fmt.Errorf("hash_key: at least %d bytes are required, because %s is hash", minHashKey, key))
	}
	errs = append(errs, c.validatePatterns()...)
	if _, err := pii.New(pii.Options{DefaultRegion: c.DefaultRegion}); err != nil {
		errs = append(errs, fmt.Errorf("default_region: not an ISO 3166 country code: %q", c.DefaultRegion))
	}
	if slices.Contains(c.Allow, "") {
		errs = append(errs, errors.New("allow: an empty value allows nothing"))
	}
	return errors.Join(errs...)
}

// hashes returns a key that asks for a hash, or "".
func (c *Config) hashes() string {
	if c.UserID == userHash {
		return "user_id"
	}
	for _, name := range slices.Sorted(maps.Keys(c.Entities)) {
		if c.Entities[name] == pii.Hash.String() {
			return "entities::" + name
		}
	}
	for i, p := range c.Patterns {
		if p.Action == pii.Hash.String() {
			return fmt.Sprintf("patterns::%d::action", i)
		}
	}
	return ""
}

func (c *Config) validatePatterns() (errs []error) {
	names := map[string]bool{}
	for i, p := range c.Patterns {
		name := strings.ToLower(p.Name)
		_, entity := pii.ParseEntity(name)
		switch {
		case entity || name == "cc":
			errs = append(errs, fmt.Errorf("patterns::%d::name: %q is the name of an entity", i, p.Name))
		case names[name]:
			errs = append(errs, fmt.Errorf("patterns::%d::name: %q twice", i, p.Name))
		}
		names[name] = true
		switch p.Action {
		case "", pii.Redact.String(), pii.Mask.String(), pii.Hash.String():
		default:
			errs = append(errs, fmt.Errorf("patterns::%d::action: expected redact, mask or hash, got %q", i, p.Action))
		}
		if _, err := pii.New(pii.Options{Patterns: []pii.Pattern{{Name: p.Name, Regex: p.Regex}}}); err != nil {
			errs = append(errs, fmt.Errorf("patterns::%d: %w", i, errors.Unwrap(err)))
		}
	}
	return errs
}

// engine makes the engine of a valid configuration.
func (c *Config) engine() (*pii.Engine, error) {
	o := pii.Options{
		Actions:       make(map[pii.Entity]pii.Action, len(c.Entities)),
		HashKey:       []byte(c.HashKey),
		Allow:         c.Allow,
		DefaultRegion: c.DefaultRegion,
	}
	for name, action := range c.Entities {
		e, known := pii.ParseEntity(name)
		a, ok := pii.ParseAction(action)
		if !known || !ok {
			return nil, fmt.Errorf("entities::%s: not valid", name)
		}
		o.Actions[e] = a
	}
	for _, p := range c.Patterns {
		action, _ := pii.ParseAction(p.Action) // redact, if there is none
		o.Patterns = append(o.Patterns, pii.Pattern{Name: p.Name, Regex: p.Regex, Action: action})
	}
	return pii.New(o)
}
