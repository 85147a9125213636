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
	// (default: its token stands in its place), mask (all but the last four
	// characters become '*'), hash (HMAC-SHA256 with hash_key) or keep. The names
	// are email, phone, card, ssn, iban, ip and secret.
	Entities map[string]string `mapstructure:"entities"`

	// UserID says what becomes of an event's user_id: keep (default), hash
	// (HMAC-SHA256 with hash_key, in hexadecimal) or drop.
	UserID string `mapstructure:"user_id"`

	// Patterns are searched in addition. What one finds becomes
	// [NAME_REDACTED]. Default none.
	Patterns []PatternConfig `mapstructure:"patterns"`

	// Allow holds literal values that stay as they are: an address of one's own
	// support, say. Default none.
	Allow []string `mapstructure:"allow"`

	// HashKey is the key of every hash, required if there is one. At least 16
	// bytes. Default none.
	HashKey configopaque.String `mapstructure:"hash_key"`

	// DefaultRegion is the country (ISO 3166 alpha-2) whose national telephone
	// numbers are recognised without a country code. Default "US".
	DefaultRegion string `mapstructure:"default_region"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// PatternConfig is a regular expression to search for.
type PatternConfig struct {
	// Name makes the token and the entity of the metric: a letter, then up to 31
	// letters, digits and '_'. Not the name of an entity.
	Name string `mapstructure:"name"`

	// Regex is in RE2 syntax (no look-around, no back-references). It must not
	// match the empty text.
	Regex string `mapstructure:"regex"`

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
	hashes := ""
	for _, name := range slices.Sorted(maps.Keys(c.Entities)) {
		if _, ok := pii.ParseEntity(name); !ok {
			errs = append(errs, fmt.Errorf("entities::%s: no such entity; expected one of %s", name, strings.Join(pii.Entities(), ", ")))
		}
		action, ok := pii.ParseAction(c.Entities[name])
		if !ok {
			errs = append(errs, fmt.Errorf("entities::%s: expected redact, mask, hash or keep, got %q", name, c.Entities[name]))
		}
		if ok && action == pii.Hash && hashes == "" {
			hashes = "entities::" + name
		}
	}
	switch c.UserID {
	case userKeep, userDrop:
	case userHash:
		hashes = "user_id"
	default:
		errs = append(errs, fmt.Errorf("user_id: expected keep, hash or drop, got %q", c.UserID))
	}
	if hashes != "" && len(c.HashKey) < minHashKey {
		errs = append(errs, fmt.Errorf("hash_key: at least %d bytes are required, because %s is hash", minHashKey, hashes))
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
		o.Patterns = append(o.Patterns, pii.Pattern{Name: p.Name, Regex: p.Regex})
	}
	return pii.New(o)
}
