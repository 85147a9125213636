// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

import (
	"github.com/nyaruka/phonenumbers"
)

const (
	minPhone = 7
	maxPhone = 17 // 15 and an international prefix
	maxParts = 9  // groups of digits of any number of ours
)

// phone checks for a telephone number that begins with group g and ends before
// group limit.
func (s *scanner) phone(c *cluster, g, limit int) (match, bool) {
	plus := g == 0 && c.plus >= 0
	before := s.linkedBefore(c, g)
	if before == linkHard {
		return match{}, false
	}
	start := c.groups[g].start
	if plus {
		start = c.plus
	}
	var ctx context
	known := false
	for h := min(limit, g+maxParts) - 1; h >= g; h-- {
		n := c.groups[h].at + c.groups[h].n - c.groups[g].at
		if n < minPhone || n > maxPhone {
			continue
		}
		from, ok := c.parens(g, h, start)
		if !ok || !plus && c.holdsDate(g, h) || !plus && c.isAddress(g, h) {
			continue
		}
		end, extended := s.extension(c.groups[h].end, h == c.n-1)
		after := linkNone
		if !extended {
			after = s.linkedAfter(c, h)
		}
		if after == linkHard {
			continue
		}
		if !known {
			ctx, known = s.context(from, c.groups[c.n-1].end), true
		}
		p := shape{c: c, g: g, h: h, plus: plus, s: s}
		linked := before != linkNone || after != linkNone
		if s.isPhone(&p, &ctx, linked, before != linkNone) {
			return found(Phone, from, end), true
		}
	}
	return match{}, false
}

// isPhone decides by the number's shape and the words beside it.
func (s *scanner) isPhone(p *shape, ctx *context, linked, linkedBefore bool) bool {
	if linked && !(ctx.label && linkedBefore) {
		return false
	}
	if ctx.unit && !ctx.label && !p.plus {
		return false
	}
	if !p.endsCleanly() && !p.international() && !p.northAmerican() {
		return false
	}
	switch {
	case ctx.label && p.digits() <= 15+2:
		return p.callable() || p.strong()
	case ctx.id && !p.plus:
		return false
	case p.strong():
		return p.plus || !p.inList() || ctx.phone()
	case ctx.call || ctx.message:
		return p.callable() && !p.looksLikeTime() && !p.isYears()
	case ctx.initial && (p.grouped() || p.all()[0] == '0' || p.digits() >= 10 && !p.looksLikeTime()):
		return p.callable()
	case ctx.near:
		return p.local() || !p.looksLikeTime() && p.nationalValid()
	}
	return p.g == 0 && (p.wellGrouped() || p.solid())
}

// parens checks that parentheses within [g, h] are closed there, and returns
// where the number begins: with the one that opens it, if that closes inside.
func (c *cluster) parens(g, h, start int) (int, bool) {
	open := false
	for i := g; i <= h; i++ {
		if c.groups[i].open >= 0 {
			open = true
			if i == g {
				closes := false
				for j := g; j < h && !closes; j++ {
					closes = c.groups[j].closing
				}
				if open = closes; closes {
					start = min(start, c.groups[i].open)
				}
			}
		}
		if c.groups[i].closing && i < h {
			if !open {
				return 0, false
			}
			open = false
		}
	}
	return start, !open
}

// extension returns the end of the number with the extension that follows it:
// x123, ext. 123, #123.
func (s *scanner) extension(end int, last bool) (int, bool) {
	if !last {
		return end, false
	}
	text := s.text[end:min(len(s.text), end+24)]
	i := 0
	for i < len(text) && (text[i] == ' ' || text[i] == ',' || text[i] == ';') {
		i++
	}
	w := i
	for i < len(text) && isAlpha(text[i]) {
		i++
	}
	switch word := text[w:i]; {
	case word == "" && i < len(text) && text[i] == '#' && w <= 1:
		i++
	case word == "" || len(word) > 9:
		return end, false
	default:
		switch lowerASCII(word) {
		case "x", "ext", "extn", "extension", "xtn":
		default:
			return end, false
		}
	}
	for n := 0; i < len(text) && n < 2 && (text[i] == '.' || text[i] == ' ' || text[i] == ':' || text[i] == '='); n++ {
		i++
	}
	d := i
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	if i == d || i-d > 7 || (i < len(text) && isAlpha(text[i])) {
		return end, false
	}
	return end + i, true
}

func lowerASCII(w string) string {
	var buf [16]byte
	b := append(buf[:0], w...)
	for i := range b {
		b[i] |= 0x20
	}
	return string(b)
}

// shape is a candidate: groups [g, h] of a cluster.
type shape struct {
	c    *cluster
	g, h int
	plus bool
	s    *scanner

	strongSet, strongIs bool
}

func (p *shape) first() group     { return p.c.groups[p.g] }
func (p *shape) lengths() int     { return p.h - p.g + 1 }
func (p *shape) length(i int) int { return p.c.groups[p.g+i].n }
func (p *shape) grouped() bool    { return p.h > p.g }
func (p *shape) all() []byte      { return p.c.window(p.g, p.h) }
func (p *shape) digits() int      { return len(p.all()) }

// strong reports whether the number is one by itself.
func (p *shape) strong() bool {
	if !p.strongSet {
		p.strongSet = true
		p.strongIs = p.international() || p.northAmerican() || p.trunk() || p.bracketed() || p.national()
	}
	return p.strongIs
}

// maxChecks bounds the questions to the numbering plans for one text, which take
// microseconds each. Beyond it every number of a possible length is plausible.
const maxChecks = 64

// fit says how well a number must fit the numbering plans.
type fit uint8

const (
	fitPlan    fit = iota // it is valid
	fitLength             // it has a possible length
	fitCountry            // the country exists
)

// plausible asks the numbering plans whether number, which begins with '+' or is
// one of the default region, fits that well.
func (s *scanner) plausible(number string, how fit) bool {
	if how == fitCountry {
		return hasCountry(number[1:])
	}
	if s.checks++; s.checks > maxChecks {
		return true
	}
	region := s.e.region
	if region == "" {
		region = defaultRegion
	}
	n, err := phonenumbers.Parse(number, region)
	switch {
	case err != nil:
		return false
	case phonenumbers.IsValidNumber(n):
		return true
	}
	return how == fitLength && phonenumbers.IsPossibleNumberWithReason(n) == phonenumbers.IS_POSSIBLE
}

// hasCountry reports whether digits begin with the calling code of a country or
// network. No code is the beginning of another.
func hasCountry(digits string) bool {
	code := 0
	for _, b := range []byte(digits[:3]) {
		code = code*10 + int(b-'0')
		if phonenumbers.GetRegionCodeForCountryCode(code) != phonenumbers.UNKNOWN_REGION {
			return true
		}
	}
	return false
}

// nationalValid reports whether the digits are a number of the default region.
func (p *shape) nationalValid() bool {
	d := p.all()
	if r := p.s.e.region; r == "" || r == "US" || r == "CA" {
		// Not worth asking: most digits in text end here.
		if len(d) == 11 && d[0] == '1' {
			d = d[1:]
		}
		if len(d) != 10 || !northAmericanPlan(d) || (p.grouped() && p.first().n != 3) {
			return false
		}
	} else if p.grouped() && (p.minGroup() < 2 || p.mixed()) {
		return false
	}
	return len(d) >= minPhone && len(d) <= 15 && p.s.plausible(string(d), fitPlan)
}

// solid reports whether the number is one of the default region without
// separators, and known by the 0 in front: ids seldom begin so.
func (p *shape) solid() bool {
	d := p.all()
	return !p.grouped() && d[0] == '0' && d[1] != '0' && len(d) >= 10 && p.s.e.region != "" && p.nationalValid()
}

func (p *shape) minGroup() int { return p.c.minGroup(p.g, p.h) }
