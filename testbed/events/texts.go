// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package events

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"unicode"
)

// Text is a comment of which is known what personal data it holds.
type Text struct {
	Text  string
	Spans []Span
}

// Span is one piece of personal data in a text.
type Span struct {
	Entity string
	Value  string
}

// ReadTexts reads a file of JSON lines: text and spans of [entity, start, end].
func ReadTexts(path string) ([]Text, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var texts []Text
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var line struct {
			Text  string   `json:"text"`
			Spans [][3]any `json:"spans"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("line %d: %w", len(texts)+1, err)
		}
		text := Text{Text: line.Text}
		runes := []rune(line.Text)
		for _, s := range line.Spans {
			start, end := int(s[1].(float64)), int(s[2].(float64))
			text.Spans = append(text.Spans, Span{Entity: s[0].(string), Value: string(runes[start:end])})
		}
		texts = append(texts, text)
	}
	return texts, lines.Err()
}

// Readable reports whether published still tells the span: more than half of its
// letters and digits in one piece; of an e-mail address, either side of the @.
func (s Span) Readable(published string) bool {
	if local, domain, ok := strings.Cut(s.Value, "@"); ok {
		return strings.Contains(published, local+"@") || strings.Contains(published, "@"+domain)
	}
	value, text := significant(s.Value), significant(published)
	n := len(value)/2 + 1
	for i := 0; i+n <= len(value); i++ {
		if strings.Contains(text, value[i:i+n]) {
			return true
		}
	}
	return false
}

// significant drops what only separates: a number is readable in any grouping.
func significant(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

var token = regexp.MustCompile(`\[(EMAIL|PHONE|CC|SSN|IBAN|IP|SECRET)_REDACTED\]`)

// IsRedactionOf reports whether published is original with nothing but some of
// its parts replaced by tokens.
func IsRedactionOf(published, original string) bool {
	original = strings.ReplaceAll(original, "\r\n", "\n")
	parts := token.Split(published, -1)
	if len(parts) == 1 {
		return published == original
	}
	rest, ok := strings.CutPrefix(original, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, last)
}
