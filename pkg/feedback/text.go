// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"math/bits"
	"strings"
	"unicode/utf8"
)

// textStat is what one look at a string tells.
type textStat struct {
	runes   int  // code points, CR LF counted as one
	control bool // has a control character other than \n and \t
	crlf    bool // has CR LF, to be normalised to LF
}

// inspect looks at a string once. Control characters are those of Unicode's
// category Cc: C0, DEL and C1. What is not UTF-8 counts as one: only OTLP can
// bring it here.
func inspect(s string) (t textStat) {
	t.runes = plainLen(s) // mostly all
	for i := t.runes; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 0x20 && c < 0x7f:
			t.runes++
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r < 0xa0 || r == utf8.RuneError && size == 1 {
				t.control = true
			}
			i += size - 1
			t.runes++
		case c == '\n' || c == '\t':
			t.runes++
		case c == '\r' && i+1 < len(s) && s[i+1] == '\n':
			t.crlf = true
		default:
			t.control = true
			t.runes++
		}
	}
	return t
}

func normaliseLines(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// plainLen is how many bytes of s, from its start, JSON holds as they are and
// people read as one character each: ASCII without control characters, quotation
// marks and backslashes; DEL ends it, too. Eight bytes are looked at in one step.
func plainLen[T string | []byte](s T) int {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if odd := oddBytes(word(s, i)); odd != 0 {
			return i + bits.TrailingZeros64(odd)/8
		}
	}
	if i == len(s) {
		return i
	}
	if i > 0 { // the last eight, some of them once more
		i = len(s) - 8
		if odd := oddBytes(word(s, i)); odd != 0 {
			return i + bits.TrailingZeros64(odd)/8
		}
		return len(s)
	}
	for ; i < len(s) && ' ' <= s[i] && s[i] < 0x7f && s[i] != '"' && s[i] != '\\'; i++ {
	}
	return i
}

// word is eight bytes, the first lowest.
func word[T string | []byte](s T, i int) uint64 {
	_ = s[i+7]
	return uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
		uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
}

// oddBytes sets the high bit of each byte of w that is not plain: below a space,
// a quotation mark, a backslash, DEL or above. Borrowing and carrying only ever
// spoil bytes above one that is.
func oddBytes(w uint64) uint64 {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	quote, slash := w^'"'*ones, w^'\\'*ones
	return (w | (w - ' '*ones) | (quote - ones) | (slash - ones) | (w + ones)) & highs
}
