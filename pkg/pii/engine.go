// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unsafe"

	"github.com/nyaruka/phonenumbers"
)

// Options of an engine. The zero value redacts every entity.
type Options struct {
	// Actions by entity. What is absent is redacted.
	Actions map[Entity]Action
	// HashKey is the key of the HMAC-SHA256 that [Hash] computes.
	HashKey []byte
	// Allow holds values that stay as they are. They are compared as one would
	// read them: addresses without regard to case, numbers by their digits.
	Allow []string
	// Patterns are searched beside the entities.
	Patterns []Pattern
	// DefaultRegion is the country (ISO 3166 alpha-2) whose national telephone
	// numbers are known without a country code. Default "US".
	DefaultRegion string
}

// Engine finds and replaces personal data. It is safe for concurrent use, and
// the zero value redacts every entity.
type Engine struct {
	actions  [NumEntities]Action
	hashKey  []byte
	allow    map[string]struct{}
	patterns []pattern
	region   string // upper case; empty for the default
}

const defaultRegion = "US"

// NewDefault returns an engine with default options.
func NewDefault() *Engine { return &Engine{} }

// New returns an engine with the given options.
func New(o Options) (*Engine, error) {
	e := &Engine{region: strings.ToUpper(o.DefaultRegion), hashKey: o.HashKey}
	for entity, action := range o.Actions {
		if action == Hash && len(o.HashKey) == 0 {
			return nil, fmt.Errorf("entity %s: hash needs a key", entity)
		}
		e.actions[entity] = action
	}
	if e.region != "" && !phonenumbers.GetSupportedRegions()[e.region] {
		return nil, errors.New("default region: not an ISO 3166 country code")
	}
	for i, p := range o.Patterns {
		c, err := p.compile()
		if err != nil {
			return nil, fmt.Errorf("pattern %d: %w", i, err)
		}
		e.patterns = append(e.patterns, c)
	}
	if len(o.Allow) > 0 {
		e.allow = make(map[string]struct{}, 2*len(o.Allow))
		for _, v := range o.Allow {
			e.allow[v] = struct{}{}
			e.allow[plain(v)] = struct{}{}
		}
	}
	return e, nil
}

// errSpan tells that a check returned a span outside the text. It cannot
// happen; if it does, nothing of the text may be let through.
var errSpan = errors.New("pii: a finding lies outside the text")

// Redact returns text with all findings replaced, and adds their number to c,
// which may be nil. It returns text itself, and allocates nothing, if there
// are none. Redacting the result again does not change it.
func (e *Engine) Redact(text string, c *Counts) (string, error) {
	// A replacement may uncover what its neighbour hid, so the result is looked
	// at again. Each round takes characters away from what can be found.
	for {
		out, err := e.pass(text, c)
		if err != nil {
			return "", err
		}
		if len(out) == len(text) && out == text {
			return out, nil
		}
		text = out
	}
}

func (e *Engine) pass(text string, c *Counts) (string, error) {
	if len(e.patterns) > 0 {
		return e.passPatterns(text, c)
	}
	s := newScanner(e, text)
	m, ok := s.next()
	if !ok {
		return text, nil
	}
	out := make([]byte, 0, len(text)+32)
	last := 0
	for ; ok; m, ok = s.next() {
		if m.start < last || m.end <= m.start || m.end > len(text) {
			return "", errSpan
		}
		out = append(out, text[last:m.start]...)
		out = e.appendReplacement(out, text[m.start:m.end], m)
		last = m.end
		c.add(m)
	}
	out = append(out, text[last:]...)
	return unsafe.String(unsafe.SliceData(out), len(out)), nil //nolint:gosec // out is ours and stays as it is
}

// Contains reports whether text holds anything that Redact would replace.
func (e *Engine) Contains(text string) bool {
	s := newScanner(e, text)
	if _, ok := s.next(); ok {
		return true
	}
	return len(e.patterns) > 0 && len(e.patternMatches(text, nil)) > 0
}

// leaves reports whether what was found stays as it is.
func (e *Engine) leaves(m match, value string) bool {
	if m.pattern < 0 && e.actions[m.entity] == Keep {
		return true
	}
	if len(e.allow) == 0 {
		return false
	}
	if _, ok := e.allow[value]; ok {
		return true
	}
	_, ok := e.allow[plain(value)]
	return ok
}

// Pattern is a regular expression that the user adds.
type Pattern struct {
	// Name makes the token: [NAME_REDACTED]. Letters, digits and '_'.
	Name string
	// Regex is in RE2 syntax.
	Regex string
}

type pattern struct {
	token string
	re    *regexp.Regexp
}

var patternName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,31}$`)

func (p Pattern) compile() (pattern, error) {
	if !patternName.MatchString(p.Name) {
		return pattern{}, errors.New("name: a letter and up to 31 letters, digits and '_' expected")
	}
	re, err := regexp.Compile(p.Regex)
	if err != nil {
		return pattern{}, fmt.Errorf("regex: %w", err)
	}
	if re.MatchString("") {
		return pattern{}, errors.New("regex: it matches the empty text")
	}
	return pattern{token: "[" + strings.ToUpper(p.Name) + tokenEnd, re: re}, nil
}
