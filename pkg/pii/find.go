// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

// Finding is what was found in a text: bytes [Start, End).
type Finding struct {
	Entity     Entity
	Start, End int
}

// Find appends the entities that Redact would replace in text to dst. Patterns
// that the user adds are not among them.
func (e *Engine) Find(dst []Finding, text string) []Finding {
	s := newScanner(e, text)
	for m, ok := s.next(); ok; m, ok = s.next() {
		dst = append(dst, Finding{Entity: m.entity, Start: m.start, End: m.end})
	}
	return dst
}
