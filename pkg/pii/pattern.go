// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Pattern is a regular expression that the user adds.
type Pattern struct {
	// Name makes the token: [NAME_REDACTED]. Letters, digits and '_'.
	Name string
	// Regex is in RE2 syntax.
	Regex string
	// Action is what happens to what it finds; not Keep.
	Action Action
}

type pattern struct {
	name   string // upper case
	re     *regexp.Regexp
	action Action
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
	if p.Action == Keep {
		return pattern{}, errors.New("action: keep finds nothing; leave the pattern out, or use allow")
	}
	return pattern{name: strings.ToUpper(p.Name), re: re, action: p.Action}, nil
}

// tokens finds what earlier redaction wrote, which patterns never look at.
var tokens = regexp.MustCompile(`\[[A-Z][A-Z0-9_]{0,31}_(?:REDACTED|[0-9a-f]{32})\]`)

// matches returns all findings in text, those of patterns behind the others.
func (e *Engine) matches(text string) (all []match) {
	s := newScanner(e, text)
	for m, ok := s.next(); ok; m, ok = s.next() {
		all = append(all, m)
	}
	if len(e.patterns) > 0 {
		all = e.patternMatches(text, all)
	}
	return all
}

func (e *Engine) patternMatches(text string, found []match) []match {
	var written [][]int
	for i, p := range e.patterns {
		locs := p.re.FindAllStringIndex(text, -1)
		if locs != nil && written == nil {
			written = tokens.FindAllStringIndex(text, -1)
		}
		for _, loc := range locs {
			m := match{start: loc[0], end: loc[1], pattern: i}
			if m.start == m.end || overlaps(written, m) || e.leaves(m, text[m.start:m.end]) {
				continue
			}
			found = append(found, m)
		}
	}
	return found
}

func overlaps(spans [][]int, m match) bool {
	i, _ := slices.BinarySearchFunc(spans, m.start, func(s []int, at int) int { return s[1] - at - 1 })
	return i < len(spans) && spans[i][0] < m.end
}
