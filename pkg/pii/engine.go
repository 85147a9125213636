// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

import (
	"errors"
	"fmt"
	"slices"
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
	// Allow holds values that stay as they are. They are compared as they are
	// hashed: addresses without regard to case, numbers by their digits, secrets
	// and what patterns find exactly.
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
	allow    map[string]struct{}              // as written
	allowed  [NumEntities]map[string]struct{} // in canonical form
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
		if c.action == Hash && len(o.HashKey) == 0 {
			return nil, fmt.Errorf("pattern %d: action: hash needs a key", i)
		}
		e.patterns = append(e.patterns, c)
	}
	e.setAllow(o.Allow)
	return e, nil
}

func (e *Engine) setAllow(values []string) {
	if len(values) == 0 {
		return
	}
	e.allow = make(map[string]struct{}, len(values))
	for i := range e.allowed {
		e.allowed[i] = make(map[string]struct{}, len(values))
	}
	for _, v := range values {
		e.allow[v] = struct{}{}
		for i := range e.allowed {
			if c := e.canonical(found(Entity(i), 0, 0), v); c != "" {
				e.allowed[i][c] = struct{}{}
			}
		}
	}
}

var (
	// errSpan tells that a check returned a span outside the text. It cannot
	// happen; if it does, nothing of the text may be let through.
	errSpan = errors.New("pii: a finding lies outside the text")
	// errRestless tells that what is written is found again and again.
	errRestless = errors.New("pii: the text changes however often it is redacted")
)

// maxRounds bounds how often one text is gone through.
const maxRounds = 100

// Redact returns text with all findings replaced, and adds their number to c,
// which may be nil. It returns text itself, and allocates nothing, if there
// are none. Redacting the result again does not change it.
//
// What stands in escapes of JSON (joe\u0040example.com) is found, too.
func (e *Engine) Redact(text string, c *Counts) (string, error) {
	// A replacement may uncover what its neighbour hid, so the result is looked
	// at again. Each round takes characters away from what can be found.
	for range maxRounds {
		out, err := e.round(text, c)
		if err != nil {
			return "", err
		}
		if len(out) == len(text) && out == text {
			return out, nil
		}
		text = out
	}
	return "", errRestless
}

// round goes through the text once: as it is written, and as it reads with its
// escapes resolved.
func (e *Engine) round(text string, c *Counts) (string, error) {
	escapes := strings.IndexByte(text, '\\') >= 0
	if !escapes && len(e.patterns) == 0 {
		return e.pass(text, c)
	}
	v, ok := newView(text, nil), true
	var all []placed
	for level := 0; ok && level <= maxLevels; level++ {
		for _, m := range e.matches(v.text) {
			if m.start < 0 || m.end <= m.start || m.end > len(v.text) {
				return "", errSpan
			}
			if escapes {
				m.start = v.behindEscape(m.start, m.end)
			}
			all = append(all, placed{match: m, view: v, from: v.pos(m.start), to: v.pos(m.end)})
		}
		if !escapes {
			break
		}
		v, ok = v.unescape()
	}
	if len(all) == 0 {
		return text, nil
	}
	return e.replace(text, all, c), nil
}

// placed is a match in a view and its place in the text as written.
type placed struct {
	match
	view     *view
	from, to int
}

// pass is replace without a list of findings, for texts as they are written and
// no patterns.
func (e *Engine) pass(text string, c *Counts) (string, error) {
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
		before := len(out)
		out = e.appendReplacement(out, text[m.start:m.end], 0, m)
		if last = m.end; string(out[before:]) != text[m.start:m.end] {
			c.add(m)
		}
	}
	out = append(out, text[last:]...)
	return unsafe.String(unsafe.SliceData(out), len(out)), nil //nolint:gosec // out is ours and stays as it is
}

// replace replaces all findings. Of two that overlap the one that begins first,
// or else the longer, has the common part; what the other one has beside it is
// replaced for itself. So nothing that was found stays readable.
func (e *Engine) replace(text string, all []placed, c *Counts) string {
	slices.SortStableFunc(all, func(a, b placed) int {
		if a.from != b.from {
			return a.from - b.from
		}
		return b.to - a.to
	})
	out := make([]byte, 0, len(text)+32)
	last := 0
	for _, m := range all {
		if m.to <= last {
			continue // inside what is replaced already
		}
		from, cut := m.from, 0
		if from < last {
			from = last
			for cut < m.end-m.start && m.view.pos(m.start+cut) < last {
				cut++
			}
		}
		out = append(out, text[last:from]...)
		before := len(out)
		value := m.view.text[m.start:m.end]
		out = e.appendReplacement(out, value, cut, m.match)
		if string(out[before:]) != value[cut:] {
			c.add(m.match)
		}
		last = m.to
	}
	out = append(out, text[last:]...)
	return unsafe.String(unsafe.SliceData(out), len(out)) //nolint:gosec // out is ours and stays as it is
}

// Contains reports whether text holds anything that Redact would replace.
func (e *Engine) Contains(text string) bool {
	if strings.IndexByte(text, '\\') < 0 {
		return e.contains(text)
	}
	v, ok := newView(text, nil), true
	for level := 0; ok && level <= maxLevels; level++ {
		if e.contains(v.text) {
			return true
		}
		v, ok = v.unescape()
	}
	return false
}

func (e *Engine) contains(text string) bool {
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
	if _, ok := e.allow[value]; ok || m.pattern >= 0 {
		return ok
	}
	_, ok := e.allowed[m.entity][e.canonical(m, value)]
	return ok
}
