// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
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
	for i := 0; i < len(s); i++ {
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
