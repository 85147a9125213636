// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxLevels is how often JSON may stand inside a string of JSON.
const maxLevels = 3

// view is a text as it reads when its escapes are resolved, and where each of
// its bytes comes from.
type view struct {
	text  string
	at    []int // offsets in the text as written; nil: they are the same
	quote bool  // it holds one, and may be JSON
}

func newView(text string, at []int) *view {
	return &view{text: text, at: at, quote: strings.IndexByte(text, '"') >= 0}
}

// pos is where byte i of the view begins in the text as written.
func (v *view) pos(i int) int {
	if v.at == nil {
		return i
	}
	return v.at[i]
}

// unescape resolves the escapes of JSON once. ok is false if there are none.
func (v *view) unescape() (out *view, ok bool) {
	t := v.text
	i := strings.IndexByte(t, '\\')
	if i < 0 {
		return nil, false
	}
	buf := make([]byte, 0, len(t))
	at := make([]int, 0, len(t)+1)
	put := func(from int, b ...byte) {
		for range b {
			at = append(at, v.pos(from))
		}
		buf = append(buf, b...)
	}
	for j := range i {
		at = append(at, v.pos(j))
	}
	buf = append(buf, t[:i]...)
	for i < len(t) {
		r, size := escaped(t[i:])
		if size == 0 {
			put(i, t[i])
			i++
			continue
		}
		ok = true
		var b [utf8.UTFMax]byte
		put(i, b[:utf8.EncodeRune(b[:], r)]...)
		i += size
	}
	at = append(at, v.pos(len(t)))
	return newView(string(buf), at), ok
}

// escaped returns the character of the escape that t begins with and the
// escape's size, 0 if there is none.
func escaped(t string) (rune, int) {
	if len(t) < 2 || t[0] != '\\' {
		return 0, 0
	}
	switch t[1] {
	case '"', '\\', '/', '\'':
		return rune(t[1]), 2
	case 'n':
		return '\n', 2
	case 't':
		return '\t', 2
	case 'r':
		return '\r', 2
	case 'b', 'f':
		return ' ', 2
	case 'x':
		if r, ok := hexRune(t[2:], 2); ok {
			return r, 4
		}
	case 'u':
		r, ok := hexRune(t[2:], 4)
		if !ok {
			return 0, 0
		}
		if utf16.IsSurrogate(r) && strings.HasPrefix(t[6:], `\u`) {
			if low, ok := hexRune(t[8:], 4); ok {
				if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
					return both, 12
				}
			}
		}
		return r, 6 // a lone surrogate becomes U+FFFD when written
	}
	return 0, 0
}

func hexRune(t string, n int) (r rune, ok bool) {
	if len(t) < n {
		return 0, false
	}
	for i := range n {
		b := t[i]
		switch {
		case isDigit(b):
			r = r<<4 | rune(b-'0')
		case isHex(b):
			r = r<<4 | rune(b|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// behindEscape moves the start of a finding out of an escape that it begins in:
// the n of \njoe@example.com is no part of the address. In text without a quote,
// which is no JSON, that is only certain of \u0041.
func (v *view) behindEscape(start, end int) int {
	if start == 0 || v.text[start-1] != '\\' {
		return start
	}
	_, size := escaped(v.text[start-1:])
	if size == 0 || start-1+size >= end || size == 2 && !v.quote {
		return start
	}
	return start - 1 + size
}
