// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

import (
	"unicode"
	"unicode/utf8"
)

// minDigits is the number of digits below which nothing is a number of ours.
const minDigits = 7

// number checks the digits that begin at i: cards and social security numbers
// first, then telephone numbers in what stands before them.
func (s *scanner) number(i int) (match, bool) {
	if end, alone := loneDigits(s.text, i); alone {
		s.pos = end
		return match{}, false
	}
	var c cluster
	c.read(s.text, s.floor, i)
	last := c.groups[c.n-1]
	s.pos = last.end
	if c.total() < minDigits {
		return match{}, false
	}
	if m, ok := s.emailAhead(i); ok {
		return m, true
	}
	if c.n == maxGroups || last.at+last.n > maxDigits-maxCard {
		s.pos = c.groups[c.n/2].start // the rest may belong to what follows
		c.n = max(c.n-1, 1)
	}
	if inIBAN(s.text, s.floor, i) || (c.n > 1 && inIBAN(s.text, s.floor, c.groups[1].start)) {
		return match{}, false
	}
	first, firstOK, limit := match{}, false, c.n
	for g := 0; g < c.n && !firstOK; g++ {
		if first, firstOK = s.cardOrSSN(&c, g); firstOK {
			limit = g
		}
	}
	for g := 0; g < limit; g++ {
		if m, ok := s.phone(&c, g, limit); ok {
			return m, true
		}
	}
	return first, firstOK
}

// loneDigits recognises cheaply what most digits in text are: a few of them, and
// no others near by.
func loneDigits(text string, i int) (end int, alone bool) {
	end = i
	for end < len(text) && isDigit(text[end]) {
		end++
	}
	if end-i >= minDigits {
		return end, false
	}
	for j := end; j < len(text); j++ {
		switch b := text[j]; b {
		case ' ', '-', '.', '/', '(', ')':
		default:
			return end, !isDigit(b) && b < utf8.RuneSelf
		}
	}
	return end, true
}

func (s *scanner) cardOrSSN(c *cluster, g int) (match, bool) {
	if s.linkedBefore(c, g) == linkHard {
		return match{}, false
	}
	if m, ok := s.card(c, g); ok {
		return m, true
	}
	return s.ssn(c, g)
}

// link says how the text beside a number is attached to it.
type link uint8

const (
	linkNone link = iota
	linkSoft      // by '-', '.', '/' …: part of a longer word, unless that announces it
	linkHard      // by a letter or digit
)

// linkedBefore says what is attached to the beginning of group g.
func (s *scanner) linkedBefore(c *cluster, g int) link {
	if g > 0 {
		switch k := c.groups[g].sep; {
		case k == sepNone:
			return linkHard
		case k == sepSlash && c.groups[g-1].n >= 3 && c.groups[g].n >= 3:
			return linkNone // two numbers
		case k.tight():
			return linkSoft
		}
		return linkNone
	}
	i := c.groups[0].start
	if c.plus >= 0 {
		i = min(i, c.plus)
	}
	if o := c.groups[0].open; o >= 0 {
		i = min(i, o)
	}
	r, n := utf8.DecodeLastRuneInString(s.text[:i])
	if n == 0 || i == s.floor {
		return linkNone
	}
	p, _ := utf8.DecodeLastRuneInString(s.text[:i-n]) // the one before that
	switch {
	case joins(r):
		return linkHard
	case r == '_', r == '*', r == '@', unicode.Is(unicode.Sc, r):
		return linkSoft
	case r == ':':
		if digitOf(p) >= 0 {
			return linkSoft // a time
		}
	case r == ',':
		if digitOf(p) >= 0 && c.plus < 0 && c.groups[0].n == 3 && (c.n == 1 || c.groups[1].sep != sepDash) {
			return linkSoft // thousands
		}
	case r == '—':
	case sepOf(r) == sepDash, r == '.', r == '/', r == '\\', r == '~', r == '&':
		if joins(p) || digitOf(p) >= 0 || p == '_' || p == '.' || p == '/' {
			return linkSoft
		}
	}
	return linkNone
}

// linkedAfter says what is attached to the end of group h.
func (s *scanner) linkedAfter(c *cluster, h int) link {
	if h < c.n-1 {
		switch k := c.groups[h+1].sep; {
		case k == sepNone:
			return linkHard
		case k == sepSlash && c.groups[h].n >= 3 && c.groups[h+1].n >= 3:
			return linkNone // two numbers
		case k.tight():
			return linkSoft
		}
		return linkNone
	}
	i := c.groups[h].end
	r, n := utf8.DecodeRuneInString(s.text[i:])
	switch {
	case n == 0:
		return linkNone
	case joins(r):
		return linkHard
	case r == '_' || r == '*' || r == '%' || r == '\\' || r == '°':
		return linkSoft
	case r == '—', i+n >= len(s.text):
	case r == ',' && c.groups[h].sep == sepDash:
	case r == ',':
		k := i + n
		for k < len(s.text) && isDigit(s.text[k]) {
			k++
		}
		if k > i+n && k <= i+n+3 {
			return linkSoft // thousands, decimals
		}
	case sepOf(r) == sepDash, r == '.', r == '/', r == ':':
		if d, _ := digitAt(s.text, i+n); d >= 0 {
			return linkSoft
		}
		if (sepOf(r) == sepDash || r == '/') && isAlpha(s.text[i+n]) {
			return linkSoft
		}
	}
	return linkNone
}

// joins reports whether r, standing directly beside a digit, makes one word
// with it. Scripts written without spaces do not.
func joins(r rune) bool {
	if r < utf8.RuneSelf {
		return isAlnum(byte(r))
	}
	return r < 0x2E80 && r != utf8.RuneError && unicode.In(r, unicode.L, unicode.M)
}

// inIBAN reports whether the digits at i stand within an account number: groups
// of four capitals and digits that begin with a country and two digits.
func inIBAN(text string, floor, i int) bool {
	for range 8 {
		if i-5 < floor || (text[i-1] != ' ' && text[i-1] != '-') {
			return false
		}
		w := text[i-5 : i-1]
		for _, b := range []byte(w) {
			if !isDigit(b) && (b < 'A' || b > 'Z') {
				return false
			}
		}
		i -= 5
		if !isDigit(w[0]) && !isDigit(w[1]) && isDigit(w[2]) && isDigit(w[3]) && (i == 0 || !isAlnum(text[i-1])) {
			return true
		}
	}
	return false
}
