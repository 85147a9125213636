// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

import "unicode/utf8"

// sepKind is what stands between two groups of digits.
type sepKind uint8

const (
	sepNone  sepKind = iota // nothing one can see
	sepSpace                // any kind of blank
	sepDash                 // any kind of dash, blanks around it or not
	sepDot
	sepSlash
	sepParen // a parenthesis, with whatever stands beside it
	sepBreak // none that a number may contain
)

const (
	maxGroups = 24
	maxDigits = 72
	maxSep    = 4 // characters between two groups
)

// group is a run of digits.
type group struct {
	start, end int
	at, n      int     // its digits in cluster.digits
	sep        sepKind // what stands before it; sepNone for the first
	open       int     // where a parenthesis opens before it, or -1
	closing    bool    // a parenthesis closes behind it, and digits follow
}

// cluster is a sequence of groups of digits that stand close enough to be one
// number.
type cluster struct {
	digits [maxDigits]byte
	groups [maxGroups]group
	n      int
	plus   int // where a '+' stands before the first group, or -1
}

// window is a part of a cluster: groups [g, h].
func (c *cluster) window(g, h int) []byte {
	return c.digits[c.groups[g].at : c.groups[h].at+c.groups[h].n]
}

func (c *cluster) total() int {
	n := 0
	for i := range c.n {
		n += c.groups[i].n
	}
	return n
}

// read fills c with the digits that begin at i; nothing before floor is looked
// at.
func (c *cluster) read(text string, floor, i int) {
	c.n, c.plus = 0, -1
	open := c.before(text, floor, i)
	depth := open >= 0
	sep, used := sepNone, 0
	for {
		g := group{start: i, at: used, sep: sep, open: open}
		for i < len(text) {
			d, size := digitAt(text, i)
			if d < 0 {
				break
			}
			if g.n < maxCard {
				c.digits[used] = byte('0' + d)
				used++
			}
			g.n++
			i += size
		}
		g.end = i
		if g.n > maxCard { // longer than any number
			if c.n == 0 {
				c.groups[0], c.n = g, 1
				c.groups[0].n = 0
			}
			return
		}
		c.groups[c.n] = g
		c.n++
		if c.n == maxGroups || used > maxDigits-maxCard {
			return
		}
		var next int
		var closed bool
		if sep, next, open, closed = readSep(text, i, depth); sep == sepBreak && depth && c.groups[0].open >= 0 {
			// That parenthesis is around the whole number: (+1 (415) 555-2671).
			c.groups[0].open = -1
			depth = false
			sep, next, open, closed = readSep(text, i, depth)
		}
		if sep == sepBreak {
			return
		}
		if closed {
			c.groups[c.n-1].closing = true
			depth = false
		}
		depth = depth || open >= 0
		i = next
	}
}

// before looks for '+' and '(' in front of the first digit.
func (c *cluster) before(text string, floor, i int) (open int) {
	open = -1
	for range 3 {
		if i <= floor {
			return open
		}
		switch r, n := utf8.DecodeLastRuneInString(text[floor:i]); {
		case (r == '+' || r == '＋') && c.plus < 0:
			c.plus = i - n
			i -= n
		case (r == '(' || r == '（') && open < 0:
			open = i - n
			i -= n
		default:
			return open
		}
	}
	return open
}

// readSep reads what stands between two groups. It returns where the next
// group begins, where a parenthesis opens in between, and whether one closes.
func readSep(text string, i int, depth bool) (kind sepKind, next, open int, closed bool) {
	open = -1
	blanks, spaced := false, false
	for range maxSep + 1 {
		if i >= len(text) {
			return sepBreak, i, open, false
		}
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(text[i:])
		}
		if d, _ := digitAt(text, i); d >= 0 {
			if kind == sepNone && blanks {
				kind = sepSpace
			}
			return kind, i, open, closed
		}
		k := sepOf(r)
		switch {
		case k == sepNone:
		case k == sepSpace:
			blanks = true
			if kind == sepDot || kind == sepSlash && !spaced {
				return sepBreak, i, open, false // a sentence, an enumeration
			}
		case r == '(' || r == '（':
			if depth || open >= 0 {
				return sepBreak, i, open, false
			}
			open, kind = i, sepParen
		case k == sepParen:
			if !depth || kind != sepNone || blanks {
				return sepBreak, i, open, false
			}
			depth, closed, kind = false, true, sepParen
		case k == sepSlash && kind == sepNone && blanks: // 030 / 123456
			kind, spaced = sepSlash, true
		case k == sepBreak, kind != sepNone && kind != sepParen, blanks && k != sepDash:
			return sepBreak, i, open, false
		case kind == sepNone:
			kind = k
		}
		i += n
	}
	return sepBreak, i, open, false
}

func sepOf(r rune) sepKind {
	switch r {
	case ' ', '\u00A0', '\u2007', '\u2009', '\u200A', '\u202F', '\u3000', '\u2002', '\u2003', '\u2005':
		return sepSpace
	case '-', '‐', '‑', '‒', '–', '—', '―', '−', '－', '﹣':
		return sepDash
	case '.', '·', '．':
		return sepDot
	case '/':
		return sepSlash
	case '(', ')', '（', '）':
		return sepParen
	case '\u00AD', '\u200B', '\u200C', '\u200D', '\u2060', '\uFEFF',
		'\u200E', '\u200F', '\u202A', '\u202B', '\u202C', '\u2066', '\u2067', '\u2068', '\u2069':
		return sepNone // soft hyphen, zero width, direction marks
	}
	return sepBreak
}

// sep returns the one kind of separator within [g, h], sepNone if there is
// none, sepBreak if there are several.
func (c *cluster) sep(g, h int) sepKind {
	kind := sepNone
	for i := g + 1; i <= h; i++ {
		switch k := c.groups[i].sep; {
		case k == sepNone || k == kind:
		case kind == sepNone:
			kind = k
		default:
			return sepBreak
		}
	}
	return kind
}

// tight reports whether the separator makes one word of what stands on both
// sides of it.
func (k sepKind) tight() bool { return k != sepSpace }
