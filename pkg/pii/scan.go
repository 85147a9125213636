// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

import (
	"strings"
	"unicode/utf8"
)

// match is one finding: bytes [start, end) of the text.
type match struct {
	start, end int
	entity     Entity
	pattern    int // index of the user's pattern, or -1
}

func found(e Entity, start, end int) match {
	return match{start: start, end: end, entity: e, pattern: -1}
}

// trigger says what may stand at a byte.
type trigger uint8

const (
	none   trigger = iota
	digit          // 0–9
	at             // '@'
	colon          // ':'
	equals         // '='
	wide           // lead byte of a digit or '@' outside ASCII
)

// triggers by byte. indexTrigger relies on the ASCII ones lying in [lo, hi].
var triggers = [256]trigger{
	'0': digit, '1': digit, '2': digit, '3': digit, '4': digit,
	'5': digit, '6': digit, '7': digit, '8': digit, '9': digit,
	'@':  at,
	':':  colon,
	'=':  equals,
	0xEF: wide, // U+F000–U+FFFF: full-width forms
	0xD9: wide, // U+0640–U+067F: Arabic-Indic digits
	0xDB: wide, // U+06C0–U+06FF: extended Arabic-Indic digits
}

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
	lo    = '0'
	hi    = '@'
)

// indexTrigger returns the first position from i whose byte is a trigger, or
// that is inside a long word beyond seen, or len(s). Eight bytes are looked at
// in one step.
func indexTrigger(s string, i, seen int) int {
	for i+8 <= len(s) {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		// With all bytes below 0x80 neither sum carries into its neighbour.
		if (w|((w+(0x80-lo)*ones)&^(w+(0x7F-hi)*ones)))&highs == 0 {
			// Without a blank nothing is borrowed either.
			if (w-(' '+1)*ones)&highs == 0 && i >= seen && isLong(s, i) {
				return i
			}
			i += 8
			continue
		}
		for end := i + 8; i < end; i++ {
			if triggers[s[i]] != none {
				return i
			}
		}
	}
	for ; i < len(s); i++ {
		if triggers[s[i]] != none {
			return i
		}
	}
	return i
}

// isLong reports whether the eight characters at i are part of a word as long as
// a token.
func isLong(s string, i int) bool {
	n := 8
	for j := i + 8; j < len(s) && n < minToken && inWord(s[j]); j++ {
		n++
	}
	for j := i; j > 0 && n < minToken && inWord(s[j-1]); j-- {
		n++
	}
	return n >= minToken
}

// scanner walks over one text.
type scanner struct {
	e    *Engine
	text string
	pos  int // where to look next
	// floor is the end of the last finding: checks do not look behind it for
	// parts of theirs.
	floor int
	// lastPhone is the end of the last telephone number found, or 0.
	lastPhone int

	checks int // questions asked to the numbering plans

	// The next '@' and the address around it, kept because digits before it
	// have to know whether they belong to it. atPos is -1 before the first.
	atPos int
	atM   match
	atOK  bool

	wordEnd int   // behind the words that were looked at for secrets
	held    match // a secret in the last of them, behind what is looked at now
	ipEnd   int   // like wordEnd for addresses of version 6
}

func newScanner(e *Engine, text string) scanner {
	return scanner{e: e, text: text, atPos: -1}
}

// next returns the next finding that is to be replaced.
func (s *scanner) next() (match, bool) {
	for {
		i := indexTrigger(s.text, s.pos, s.wordEnd)
		if i >= len(s.text) {
			s.pos = i
			return match{}, false
		}
		s.pos = i + 1
		m, ok := s.at(i)
		if !ok {
			continue
		}
		s.pos, s.floor = m.end, m.end
		if m.entity == Phone {
			s.lastPhone = m.end
		}
		if !s.e.leaves(m, s.text[m.start:m.end]) {
			return m, true
		}
	}
}

// at checks what stands at the trigger i. Without a finding it may have moved
// pos beyond what needs no second look.
func (s *scanner) at(i int) (match, bool) {
	switch triggers[s.text[i]] {
	case digit:
		return s.digits(i)
	case at:
		return s.email(i, 1)
	case colon:
		if strings.HasPrefix(s.text[i:], "://") {
			return s.urlCredentials(i)
		}
		if m, ok := s.ipv6(i); ok {
			return m, true
		}
		return s.assignment(i)
	case equals:
		return s.assignment(i)
	case wide:
		if d, size := digitAt(s.text, i); d >= 0 {
			return s.number(i)
		} else if size != 3 || s.text[i:i+3] != "＠" {
			s.pos = i + size
			break
		}
		return s.email(i, 3)
	case none: // inside a long word
		s.pos = i + 8
		return s.word(i)
	}
	return match{}, false
}

// digits checks what may begin with the digit at i, or have it inside.
func (s *scanner) digits(i int) (match, bool) {
	if m, ok := s.word(i); ok {
		return m, true
	}
	if i > s.floor && s.text[i-1] == '%' && strings.HasPrefix(s.text[i:], "40") {
		if m, ok := s.email(i-1, 3); ok { // an '@' in a URL
			return m, true
		}
	}
	if m, ok := s.iban(i); ok {
		return m, true
	}
	if m, ok := s.ipv4(i); ok {
		return m, true
	}
	return s.number(i)
}

// digitAt returns the value of the digit at i, or -1, and the size of the
// character there.
func digitAt(s string, i int) (int, int) {
	b := s[i]
	if b < utf8.RuneSelf {
		if b-'0' <= 9 {
			return int(b - '0'), 1
		}
		return -1, 1
	}
	r, size := utf8.DecodeRuneInString(s[i:])
	return digitOf(r), size
}

// digitOf returns the value of a digit, or -1.
func digitOf(r rune) int {
	switch {
	case r >= '0' && r <= '9':
		return int(r - '0')
	case r >= '０' && r <= '９':
		return int(r - '０')
	case r >= '\u0660' && r <= '\u0669':
		return int(r - '\u0660')
	case r >= '\u06F0' && r <= '\u06F9':
		return int(r - '\u06F0')
	}
	return -1
}

func isAlpha(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }
func isDigit(b byte) bool { return b-'0' <= 9 }
func isAlnum(b byte) bool { return isAlpha(b) || isDigit(b) }
