// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// What telephone numbers look like, and what only looks like them.

// international reports whether the number is written with '+' or an
// international prefix and plausible for its country.
func (p *shape) international() bool {
	d := p.all()
	kind := p.c.sep(p.g, p.h)
	switch {
	case p.plus:
	case len(d) > 10 && d[0] == '0' && d[1] == '0' && d[2] != '0' && p.first().n > 1:
		d = d[2:]
		if !p.grouped() && len(d) < 9 {
			return false
		}
	case len(d) > 11 && d[0] == '0' && d[1] == '1' && d[2] == '1' && p.grouped() && p.first().n == 3:
		d = d[3:]
	default:
		return false
	}
	if len(d) < minPhone || len(d) > 15 || kind == sepDot && p.lengths() == 2 {
		return false
	}
	if d[0] == '1' {
		return len(d) == 11 && northAmericanPlan(d[1:])
	}
	d = p.withoutTrunk(d)
	return p.s.plausible("+"+string(d), p.leniency(len(d)))
}

// leniency says how well the number must fit its country's plan. Plans change,
// and people mistype: what has the length and the looks is one.
func (p *shape) leniency(digits int) fit {
	switch {
	case p.plus && p.grouped() && digits >= 10:
		return fitCountry
	case p.plus && digits >= 10, p.grouped() && digits > 9 && p.c.sep(p.g, p.h) != sepDot:
		return fitLength
	}
	return fitPlan
}

// withoutTrunk drops the 0 of +41 (0)62 ….
func (p *shape) withoutTrunk(d []byte) []byte {
	for i := p.g + 1; i <= p.h; i++ {
		at := p.c.groups[i].at
		off := at - p.c.groups[p.g].at - (len(p.all()) - len(d))
		if p.c.groups[i].open >= 0 && p.c.digits[at] == '0' && off > 0 && off < len(d) {
			out := append([]byte(nil), d[:off]...)
			return append(out, d[off+1:]...)
		}
	}
	return d
}

// northAmericanPlan reports whether ten digits are an area code, an exchange
// and a line: neither of the first two begins with 0 or 1, and the area is no
// service code (N11).
func northAmericanPlan(d []byte) bool {
	return len(d) == 10 && d[0] >= '2' && d[3] >= '2' && !(d[1] == '1' && d[2] == '1')
}

// northAmerican recognises 415-555-2671, (415) 555-2671, 1 415 555 2671 and
// the like.
func (p *shape) northAmerican() bool {
	d := p.all()
	i := 0
	if len(d) == 11 && d[0] == '1' && p.first().n == 1 {
		d, i = d[1:], 1
	}
	if !northAmericanPlan(d) {
		return false
	}
	switch p.lengths() - i {
	case 3:
		return p.length(i) == 3 && p.length(i+1) == 3 && !p.mixed()
	case 2:
		return p.length(i) == 3 && p.c.groups[p.g+i].open >= 0
	}
	return false
}

// trunk recognises national numbers of the many countries that write a 0
// before them: 0494 92 82 32, 01.84.17.61.18, 07700 900123, 030/1234567.
func (p *shape) trunk() bool {
	d := p.all()
	if d[0] != '0' || d[1] == '0' || len(d) < 9 || len(d) > 12 || p.plus || !p.grouped() {
		return false
	}
	for i := range p.lengths() {
		n := p.length(i)
		if n < 2 || n > 8 || (i == 0 && n > 5) || (n > 6 && p.lengths() > 2) {
			return false
		}
		if n == 4 && i > 0 && isYear(p.group(i)) && p.length(i-1) <= 2 && (p.lengths() == 3 || p.c.groups[p.g+i].sep == sepSlash) {
			return false // 07/2016 - 08/2016
		}
	}
	if p.lengths() > 5 || len(d) == 12 && (p.lengths() < 3 || p.group(1)[0] == '0' || p.group(p.lengths() - 1)[0] == '0') {
		return false
	}
	if p.minGroup() == 3 && p.longest() == 3 && p.c.sep(p.g, p.h) == sepDot {
		return false // 016.016.016
	}
	if p.lengths() == 2 {
		return p.length(1) >= 5 && (p.length(1) >= 6 || p.length(0) >= 5) && p.c.sep(p.g, p.h) != sepDot
	}
	return !p.mixed()
}

// mixed reports whether dots stand beside other separators: two numbers rather
// than one. A slash behind the area code (0470/12.34.56) is none of them.
func (p *shape) mixed() bool {
	dot, other := false, false
	for i := p.g + 1; i <= p.h; i++ {
		switch p.c.groups[i].sep {
		case sepDot:
			dot = true
		case sepNone, sepParen:
		case sepSlash:
			other = other || i > p.g+1 || p.first().n < 3
		default:
			other = true
		}
	}
	return dot && other
}

func (p *shape) group(i int) []byte { return p.c.window(p.g+i, p.g+i) }

// bracketed recognises an area code in parentheses: (64) 3591-3246.
func (p *shape) bracketed() bool {
	if p.first().open < 0 || p.plus || !p.first().closing {
		return false
	}
	rest := p.digits() - p.first().n
	if p.first().n < 2 || p.first().n > 5 || rest < 6 || rest > 9 || isYear(p.group(0)) || p.minGroup() < 2 {
		return false
	}
	if p.lengths() > 1 && p.length(1) <= 3 && p.c.groups[p.h].sep == sepDot {
		return false // (20) 169.917
	}
	if p.lengths() == 3 && p.length(1) == p.length(2) && string(p.group(1)) < string(p.group(2)) && p.length(1) != 3 {
		return p.first().n != 2 || !p.isRange(1) // pages of a journal
	}
	return p.lengths() <= 5
}

// isRange reports whether groups i and i+1 are near one another, the second
// being larger.
func (p *shape) isRange(i int) bool {
	a, b := number(p.group(i)), number(p.group(i+1))
	return b > a && b-a < 500
}

func number(d []byte) (n int) {
	for _, b := range d {
		n = n*10 + int(b-'0')
	}
	return n
}

// national recognises a few groupings that are telephone numbers anywhere:
// China 138 1234 5678, Brazil 11 91234-5678, Russia 8 912 345-67-89.
func (p *shape) national() bool {
	d := p.all()
	switch p.lengths() {
	case 3:
		if p.length(0) == 3 && p.length(1) == 4 && p.length(2) == 4 {
			return d[0] == '1' && d[1] >= '3'
		}
		if p.length(0) == 2 && p.length(1) == 5 && p.length(2) == 4 {
			return d[0] != '0' && d[2] == '9' && p.c.groups[p.h].sep == sepDash && p.c.groups[p.g+1].sep != sepDash
		}
	case 5:
		return d[0] == '8' && p.length(0) == 1 && p.length(1) == 3 && p.length(2) == 3 && p.length(3) == 2 && p.length(4) == 2
	}
	return false
}

func (p *shape) longest() (n int) {
	for i := range p.lengths() {
		n = max(n, p.length(i))
	}
	return n
}

// inList reports whether the number is written with blanks and other numbers
// stand beside it, as in a column of figures.
func (p *shape) inList() bool {
	if p.c.sep(p.g, p.h) != sepSpace {
		return false
	}
	if p.g > 0 && p.c.groups[p.g].sep == sepSpace || p.h < p.c.n-1 && p.c.groups[p.h+1].sep == sepSpace {
		return true
	}
	i := p.first().start
	return p.g == 0 && i >= p.s.floor+2 && p.s.text[i-1] == ' ' && isDigit(p.s.text[i-2])
}

// wellGrouped reports whether the number is valid in the default region and
// grouped the way it is written there. North America has one grouping, and
// shape.northAmerican knows it.
func (p *shape) wellGrouped() bool {
	switch p.s.e.region {
	case "", "US", "CA":
		return false
	}
	if !p.grouped() || p.c.minGroup(p.g+1, p.h) < 2 || p.first().n < 2 && p.first().open < 0 ||
		p.mixed() || p.isYears() || p.lengths() == 2 && p.isRange(0) {
		return false
	}
	if p.s.checks++; p.s.checks > maxChecks {
		return true
	}
	n, err := phonenumbers.Parse(string(p.all()), p.s.e.region)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return false
	}
	written := phonenumbers.Format(n, phonenumbers.NATIONAL)
	at := 0
	for i := range p.lengths() {
		for at < len(written) && !isDigit(written[at]) {
			at++
		}
		if !strings.HasPrefix(written[at:], string(p.group(i))) {
			return false
		}
		at += p.length(i)
		if at < len(written) && isDigit(written[at]) {
			return false
		}
	}
	return at == len(written)
}

// local recognises the 555-1234 of North America, which needs a word that
// announces it.
func (p *shape) local() bool {
	return p.lengths() == 2 && p.length(0) == 3 && p.length(1) == 4 && p.c.groups[p.h].sep == sepDash &&
		p.group(0)[0] >= '2' && !isYear(p.group(1)) && p.group(1)[2] != '0'
}

// callable reports whether the digits may be a telephone number if the words
// say so.
func (p *shape) callable() bool {
	d := p.all()
	if p.mixed() || sameDigits(d) || p.c.sep(p.g, p.h) == sepDot && p.minGroup() < 2 {
		return false
	}
	if len(d) > 15 && d[0] != '0' {
		return false
	}
	short := 0
	for i := 1; i < p.lengths(); i++ {
		if p.length(i) < 2 && p.c.groups[p.g+i].open < 0 {
			short++
		}
	}
	return short == 0 || short == 1 && len(d) > 8 && p.length(p.lengths()-1) >= 2
}

// looksLikeTime tells epoch seconds and milliseconds.
func (p *shape) looksLikeTime() bool {
	d := p.all()
	return !p.grouped() && d[0] == '1' && d[1] >= '0' && (len(d) == 10 || len(d) == 13)
}

// isYears tells 2019-2020.
func (p *shape) isYears() bool {
	return p.lengths() == 2 && isYear(p.group(0)) && isYear(p.group(1))
}

// endsCleanly reports whether the number does not go on behind the last group,
// as far as one can tell.
func (p *shape) endsCleanly() bool {
	if p.h == p.c.n-1 {
		return true
	}
	for i := p.g + 1; i <= p.h; i++ {
		if p.c.groups[i].sep == sepSpace {
			next := p.c.groups[p.h+1].n
			return next == 1 || p.h+1 == p.c.n-1 && next != p.c.groups[p.h].n
		}
	}
	return true
}

func isYear(d []byte) bool {
	return len(d) == 4 && (d[0] == '1' && d[1] == '9' || d[0] == '2' && d[1] == '0')
}

func oneTo(hi int, d []byte) bool {
	n := number(d)
	return n >= 1 && n <= hi
}

// holdsDate reports whether any part of [g, h] is a date.
func (c *cluster) holdsDate(g, h int) bool {
	for i := g; i <= h; i++ {
		if w := c.window(i, i); (len(w) == 8 || len(w) == 12 || len(w) == 14) && isYear(w[:4]) &&
			oneTo(12, w[4:6]) && oneTo(31, w[6:8]) {
			return true
		}
		if i+2 > h || c.groups[i+1].sep != c.groups[i+2].sep || c.groups[i+1].sep == sepNone {
			continue
		}
		a, b, d := c.window(i, i), c.window(i+1, i+1), c.window(i+2, i+2)
		if len(b) > 2 || number(b) == 0 || number(b) > 31 {
			continue
		}
		if isYear(a) && len(d) <= 2 && oneTo(31, d) {
			return true
		}
		if isYear(d) && len(a) <= 2 && oneTo(31, a) {
			return true
		}
	}
	return false
}

// isAddress tells an IPv4 address, or a version of four parts.
func (c *cluster) isAddress(g, h int) bool {
	if h-g < 3 || c.sep(g, h) != sepDot {
		return false
	}
	for i := g; i < g+4; i++ {
		if w := c.window(i, i); len(w) > 3 || number(w) > 255 || len(w) == 2 && w[0] == '0' {
			return false
		}
	}
	return h == g+3
}
