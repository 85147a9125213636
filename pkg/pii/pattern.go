// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

import (
	"regexp"
	"slices"
	"unsafe"
)

// written finds what earlier redaction left, which is never looked at again.
var written = regexp.MustCompile(`\[[A-Z][A-Z0-9_]{0,31}(?:_REDACTED|_HASH:[0-9a-f]{64})\]`)

// passPatterns is pass with the user's patterns: all findings are collected,
// put in order and replaced.
func (e *Engine) passPatterns(text string, c *Counts) (string, error) {
	var found []match
	s := newScanner(e, text)
	for m, ok := s.next(); ok; m, ok = s.next() {
		found = append(found, m)
	}
	found = e.patternMatches(text, found)
	if len(found) == 0 {
		return text, nil
	}
	slices.SortStableFunc(found, func(a, b match) int {
		if a.start != b.start {
			return a.start - b.start
		}
		return b.end - a.end
	})
	out := make([]byte, 0, len(text)+32)
	last := 0
	for _, m := range found {
		if m.end <= m.start || m.end > len(text) {
			return "", errSpan
		}
		if m.end <= last {
			continue // inside what is replaced already
		}
		// Of two that overlap the later one loses its beginning, not its end:
		// nothing that was found stays readable.
		m.start = max(m.start, last)
		out = append(out, text[last:m.start]...)
		out = e.appendReplacement(out, text[m.start:m.end], m)
		last = m.end
		c.add(m)
	}
	out = append(out, text[last:]...)
	return unsafe.String(unsafe.SliceData(out), len(out)), nil //nolint:gosec // out is ours and stays as it is
}

func (e *Engine) patternMatches(text string, found []match) []match {
	var tokens [][]int
	for i, p := range e.patterns {
		locs := p.re.FindAllStringIndex(text, -1)
		if locs != nil && tokens == nil {
			tokens = written.FindAllStringIndex(text, -1)
		}
		for _, loc := range locs {
			m := match{start: loc[0], end: loc[1], pattern: i}
			if m.start == m.end || overlaps(tokens, m) || e.leaves(m, text[m.start:m.end]) {
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
