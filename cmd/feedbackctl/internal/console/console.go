// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package console knows what a terminal is, and what must not be sent to one.
package console

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// IsTerminal reports whether v, a reader or writer, is a terminal.
func IsTerminal(v any) bool {
	f, ok := v.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Clean returns text with control characters and invalid UTF-8 written out, as
// JSON writes them: what others wrote must not drive the terminal.
func Clean(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, unsafe) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case unsafe(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unsafe are control characters, and those that turn the direction of writing.
func unsafe(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }

// Style colours text, or does not.
type Style struct{ on bool }

// NewStyle returns the style for what is written to w: colours only on a
// terminal, and not if NO_COLOR is set or the terminal is a dumb one.
func NewStyle(w io.Writer, getenv func(string) string) Style {
	return Style{on: IsTerminal(w) && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"}
}

// Dim is for what is there but less important.
func (s Style) Dim(text string) string { return s.wrap("2", text) }

// Key is for what is looked for first.
func (s Style) Key(text string) string { return s.wrap("36", text) }

// Bad is for what went wrong.
func (s Style) Bad(text string) string { return s.wrap("31", text) }

func (s Style) wrap(code, text string) string {
	if !s.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
