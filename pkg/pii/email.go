// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// email checks the '@' of the given size at i.
func (s *scanner) email(i, size int) (match, bool) {
	if s.atPos == i && (!s.atOK || s.atM.start >= s.floor) {
		return s.atM, s.atOK
	}
	s.atPos = i
	s.atM, s.atOK = findEmail(s.text, s.floor, i, size)
	return s.atM, s.atOK
}

// emailAhead returns the address that the character at i belongs to, if it
// stands before that address's '@'.
func (s *scanner) emailAhead(i int) (match, bool) {
	if s.atPos < i {
		n := strings.IndexByte(s.text[i:], '@')
		if n < 0 {
			s.atPos, s.atOK = len(s.text), false
			return match{}, false
		}
		s.email(i+n, 1)
	}
	if s.atOK && s.atM.start <= i && s.atM.start >= s.floor && i < s.atM.end {
		return s.atM, true
	}
	return match{}, false
}

func findEmail(text string, floor, i, size int) (match, bool) {
	start := localStart(text, floor, i)
	if start == i {
		return match{}, false
	}
	end := domainEnd(text, i+size)
	if end < 0 || isFileName(text[i+size:end]) || isVersion(text[i+size:end]) {
		return match{}, false
	}
	if text[start:i] == "git" && end+1 < len(text) && text[end] == ':' && isAlpha(text[end+1]) {
		return match{}, false // git@host:repository
	}
	if text[start] == '_' && end < len(text) && text[end] == '_' && start+1 < i {
		start++ // _emphasis_
	}
	return found(Email, start, end), true
}

// localStart returns where the local part that ends at i begins; i if there is
// none.
func localStart(text string, floor, i int) int {
	if i > floor && text[i-1] == '"' {
		if q := strings.LastIndexByte(text[max(floor, i-66):i-1], '"'); q >= 0 {
			q += max(floor, i-66)
			if q < i-2 && (q == 0 || !isAlnum(text[q-1])) {
				return q
			}
		}
		return i
	}
	start := i
	for j := i; j > floor; {
		if b := text[j-1]; b < utf8.RuneSelf {
			if isAlnum(b) || b == '_' {
				start = j - 1
			} else if !localInner(b) {
				break
			}
			j--
			continue
		}
		r, n := utf8.DecodeLastRuneInString(text[:j])
		if !isNameRune(r) || isUnspaced(r) && start < i && text[start] < utf8.RuneSelf {
			break
		}
		j -= n
		if j >= floor {
			start = j
		}
	}
	if start < i && start > floor && text[start-1] == '=' {
		start = returnPath(text, floor, start)
	}
	if start < i && start > floor && text[start-1] == '+' && (start == 1 || !isAlnum(text[start-2])) {
		start-- // +tag@…
	}
	return start
}

// returnPath returns where a local part begins that holds an address itself, as
// those that take returned mail do (bounces+7-joe=example.com@…); start if it is
// none, but a name and a value (email=joe@…).
func returnPath(text string, floor, start int) int {
	begin, plus := start-1, false
	for begin > floor && begin > start-66 {
		b := text[begin-1]
		if !isAlnum(b) && b != '.' && b != '-' && b != '_' && b != '+' {
			break
		}
		plus = plus || b == '+'
		begin--
	}
	if !plus || !isAlnum(text[begin]) || begin > floor && strings.IndexByte("?&=%/", text[begin-1]) >= 0 {
		return start
	}
	return begin
}

// localInner reports whether b may stand inside a local part, but not begin
// one: at the beginning it rather belongs to the text around. Characters that
// the standard allows and that addresses in use do not have are left out; in
// text they separate (a=b@c.d, x|b@c.d).
func localInner(b byte) bool {
	switch b {
	case '.', '-', '+', '%', '\'', '&', '#', '$', '*', '^', '~':
		return true
	}
	return false
}

// domainEnd returns the end of the domain that begins at i, or -1.
func domainEnd(text string, i int) int {
	if i < len(text) && text[i] == '[' {
		return domainLiteralEnd(text, i)
	}
	end, dots := -1, 0
	label, letters := i, 0 // start of the label, and its letters
	j := i
	for {
		var r rune
		n := 0
		if j < len(text) {
			r, n = utf8.DecodeRuneInString(text[j:])
		}
		if n > 0 && isDomainRune(r, n) && !(dots > 0 && sentenceGoesOn(text[label:j], r)) {
			if unicode.In(r, unicode.L, unicode.M) {
				letters++
			}
			j += n
			continue
		}
		// The label [label, j) is complete.
		tail := j
		for tail > label && (text[tail-1] == '-' || text[tail-1] == '_') {
			tail--
		}
		if tail == label {
			return end
		}
		if dots > 0 && isTopLevel(text[label:tail], letters) && !beginsSentence(text, i, label, end) {
			end = tail
		}
		if tail < j || !isDot(r) || text[label] == '-' {
			return end
		}
		dots++
		j += n
		label, letters = j, 0
	}
}

// isUnspaced reports whether r is of a script that is written without spaces.
func isUnspaced(r rune) bool { return r >= 0x2E80 && r < 0xFF00 }

// sentenceGoesOn reports whether r, behind the letters of a top-level domain, is
// of the text that follows without a space: a.jpです, a.comPhone.
func sentenceGoesOn(label string, r rune) bool {
	if len(label) < 2 || !isUnspaced(r) && !(r >= 'A' && r <= 'Z') {
		return false
	}
	for _, b := range []byte(label) {
		if b < 'a' || b > 'z' {
			return false
		}
	}
	return true
}

func isDot(r rune) bool { return r == '.' || r == '。' || r == '．' }

func isDomainRune(r rune, n int) bool {
	if r < utf8.RuneSelf {
		return n == 1 && (isAlnum(byte(r)) || r == '-' || r == '_')
	}
	return n > 1 && isNameRune(r)
}

// isNameRune reports whether a character outside ASCII may be part of a name.
// The marks that only choose a character's picture are no part of it.
func isNameRune(r rune) bool {
	return unicode.In(r, unicode.L, unicode.N, unicode.M) && (r < 0xFE00 || r > 0xFE0F) && r != 0x20E3
}

// isTopLevel reports whether a domain may end in label.
func isTopLevel(label string, letters int) bool {
	if letters == len(label) && len(label) >= 2 {
		return true
	}
	if len(label) > 4 && strings.EqualFold(label[:4], "xn--") {
		return true
	}
	return letters >= 2 && letters == utf8.RuneCountInString(label)
}

// beginsSentence reports whether the label after a domain that ended before is
// the first word of a sentence whose space is missing ("a@b.org.Thanks").
func beginsSentence(text string, domain, label, end int) bool {
	if end < 0 || len(text) < label+2 {
		return false
	}
	if !unicode.IsUpper(rune(text[label])) || !unicode.IsLower(rune(text[label+1])) {
		return false
	}
	return strings.ToLower(text[domain:end]) == text[domain:end]
}

// domainLiteralEnd accepts [192.0.2.1] and [IPv6:2001:db8::1].
func domainLiteralEnd(text string, i int) int {
	for j := i + 1; j < len(text) && j < i+48; j++ {
		switch b := text[j]; {
		case b == ']' && j > i+4:
			return j + 1
		case !isAlnum(b) && b != '.' && b != ':':
			return -1
		}
	}
	return -1
}

// isVersion tells package@1.2.3.beta from an address.
func isVersion(domain string) bool {
	first, rest, _ := strings.Cut(strings.TrimPrefix(domain, "v"), ".")
	second, _, more := strings.Cut(rest, ".")
	return more && isDigits(first) && isDigits(second)
}

func isDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// isFileName tells image@2x.png from an address.
func isFileName(domain string) bool {
	name, ext, _ := strings.Cut(domain, ".")
	if len(name) < 2 || name[len(name)-1] != 'x' {
		return false
	}
	for _, b := range []byte(name[:len(name)-1]) {
		if !isDigit(b) {
			return false
		}
	}
	switch strings.ToLower(ext) {
	case "png", "jpg", "jpeg", "gif", "webp", "svg", "avif", "ico":
		return true
	}
	return false
}
