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

var token = regexp.MustCompile(`\[([A-Z]+)_REDACTED\]`)

// replaced says what a token may stand for: nothing that the text needs.
var replaced = map[string]string{
	"EMAIL": `\S+`,
	"PHONE": `[-+()./\d\s]+(?:(?:x|ext)[. ]*\d+)?`,
	"CC":    `[-.\d\s]+`,
	"SSN":   `[-\d\s]+`,
}

// IsRedactionOf reports whether published is original with nothing but personal
// data replaced by tokens.
func IsRedactionOf(published, original string) bool {
	var pattern strings.Builder
	pattern.WriteString(`(?s)^`)
	rest := published
	for _, at := range token.FindAllStringSubmatchIndex(published, -1) {
		skipped := len(published) - len(rest)
		pattern.WriteString(regexp.QuoteMeta(published[skipped:at[0]]))
		allowed, known := replaced[published[at[2]:at[3]]]
		if !known {
			allowed = `.+`
		}
		pattern.WriteString("(?:" + allowed + ")")
		rest = published[at[1]:]
	}
	pattern.WriteString(regexp.QuoteMeta(rest) + `$`)
	original = strings.ReplaceAll(original, "\r\n", "\n")
	return regexp.MustCompile(pattern.String()).MatchString(original)
}
