// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piieval // import "github.com/otelcol-feedback/otelcol-feedback/internal/piieval"

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
)

// Sample is a text whose personal data is labelled.
type Sample struct {
	Text  string `json:"text"`
	Spans []Span `json:"spans"`
}

// Span is one datum: bytes [Start, End) of the text. What is cut may reach from
// OuterStart to OuterEnd: with a credential the word that names it may go too.
type Span struct {
	Entity               pii.Entity
	Start, End           int
	OuterStart, OuterEnd int
}

// labels of the entities in files. Labels of other kinds are passed over.
var labels = [pii.NumEntities]string{
	"EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "US_SSN", "IBAN_CODE", "IP_ADDRESS", "SECRET",
}

func entityOf(label string) (pii.Entity, bool) {
	for i, l := range labels {
		if l == label {
			return pii.Entity(i), true
		}
	}
	return 0, false
}

// fileSpan is a span in a file: [label, start, end] or, with the outer bounds,
// [label, start, end, outer start, outer end]; in characters.
type fileSpan struct {
	label  string
	bounds []int
}

func (f *fileSpan) UnmarshalJSON(b []byte) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	if len(raw) != 3 && len(raw) != 5 {
		return fmt.Errorf("a span has 3 or 5 elements, not %d", len(raw))
	}
	if err := json.Unmarshal(raw[0], &f.label); err != nil {
		return err
	}
	f.bounds = make([]int, len(raw)-1)
	for i := range f.bounds {
		if err := json.Unmarshal(raw[i+1], &f.bounds[i]); err != nil {
			return err
		}
	}
	return nil
}

// Read reads one JSON object a line: text, and spans in characters.
func Read(r io.Reader) ([]Sample, error) {
	var out []Sample
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var f struct {
			Text  string
			Spans []fileSpan
		}
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			return nil, fmt.Errorf("line %d: %w", len(out)+1, err)
		}
		s, err := fromFile(f.Text, f.Spans)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", len(out)+1, err)
		}
		out = append(out, s)
	}
	return out, lines.Err()
}

func fromFile(text string, spans []fileSpan) (Sample, error) {
	s := Sample{Text: text}
	offsets := byteOffsets(text)
	for _, f := range spans {
		entity, ok := entityOf(f.label)
		if !ok {
			continue
		}
		for i, b := range f.bounds {
			if b < 0 || b >= len(offsets) {
				return s, fmt.Errorf("the span %s lies outside the text", f.label)
			}
			f.bounds[i] = offsets[b]
		}
		sp := Span{Entity: entity, Start: f.bounds[0], End: f.bounds[1], OuterStart: f.bounds[0], OuterEnd: f.bounds[1]}
		if len(f.bounds) == 4 {
			sp.OuterStart, sp.OuterEnd = f.bounds[2], f.bounds[3]
		}
		s.Spans = append(s.Spans, sp)
	}
	return s, nil
}

// byteOffsets maps character offsets to byte offsets.
func byteOffsets(s string) []int {
	out := make([]int, 0, len(s)+1)
	for i := range s {
		out = append(out, i)
	}
	return append(out, len(s))
}

// Write writes samples as Read reads them.
func Write(w io.Writer, samples []Sample) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, s := range samples {
		spans := [][]any{}
		for _, sp := range s.Spans {
			at := func(i int) int { return utf8.RuneCountInString(s.Text[:i]) }
			v := []any{labels[sp.Entity], at(sp.Start), at(sp.End)}
			if sp.OuterStart != sp.Start || sp.OuterEnd != sp.End {
				v = append(v, at(sp.OuterStart), at(sp.OuterEnd))
			}
			spans = append(spans, v)
		}
		if err := enc.Encode(map[string]any{"text": s.Text, "spans": spans}); err != nil {
			return err
		}
	}
	return nil
}

// builder puts a sample together.
type builder struct {
	b     strings.Builder
	spans []Span
}

func (b *builder) text(s string) *builder {
	b.b.WriteString(s)
	return b
}

func (b *builder) datum(e pii.Entity, s string) *builder { return b.within(e, "", s, "") }

// within adds a datum whose surroundings may be cut with it.
func (b *builder) within(e pii.Entity, before, s, after string) *builder {
	outer := b.b.Len()
	start := outer + len(before)
	end := start + len(s)
	b.text(before).text(s).text(after)
	b.spans = append(b.spans, Span{Entity: e, Start: start, End: end, OuterStart: outer, OuterEnd: end + len(after)})
	return b
}

func (b *builder) sample() Sample { return Sample{Text: b.b.String(), Spans: b.spans} }
