// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piieval // import "github.com/otelcol-feedback/otelcol-feedback/internal/piieval"

import (
	"regexp"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
)

// Ours is the redaction engine.
type Ours struct {
	Engine *pii.Engine
	buf    []pii.Finding
	out    []Span
}

// Find implements [Finder].
func (o *Ours) Find(text string) []Span {
	o.buf = o.Engine.Find(o.buf[:0], text)
	o.out = o.out[:0]
	for _, f := range o.buf {
		o.out = append(o.out, Span{Entity: f.Entity, Start: f.Start, End: f.End})
	}
	return o.out
}

// FourRegexes are those of the architecture document, one after the other on
// what the one before left.
type FourRegexes struct{}

var fourRegexes = []struct {
	entity pii.Entity
	re     *regexp.Regexp
}{
	{pii.Email, regexp.MustCompile(`\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}\b`)},
	{pii.Phone, regexp.MustCompile(`\b\d{3}[-.]?\d{3}[-.]?\d{4}\b`)},
	{pii.Card, regexp.MustCompile(`\b\d{4}[-\s]?\d{4}[-\s]?\d{4}[-\s]?\d{4}\b`)},
	{pii.SSN, regexp.MustCompile(`\b\d{3}-\d{2}-\d{4}\b`)},
}

// Find implements [Finder].
func (FourRegexes) Find(text string) (out []Span) {
	for _, r := range fourRegexes {
		for _, loc := range r.re.FindAllStringIndex(text, -1) {
			out = append(out, Span{Entity: r.entity, Start: loc[0], End: loc[1]})
			text = text[:loc[0]] + strings.Repeat("[", loc[1]-loc[0]) + text[loc[1]:]
		}
	}
	return out
}

// Recorded is what another program found in the same texts.
type Recorded struct{ byText map[string][]Span }

// NewRecorded takes what Read has read of the other program's output.
func NewRecorded(samples []Sample) Recorded {
	r := Recorded{byText: make(map[string][]Span, len(samples))}
	for _, s := range samples {
		r.byText[s.Text] = s.Spans
	}
	return r
}

// Find implements [Finder].
func (r Recorded) Find(text string) []Span { return r.byText[text] }
