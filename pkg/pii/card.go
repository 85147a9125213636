// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

const (
	minCard = 12
	maxCard = 19
)

// card checks for a payment card number that begins with group g: a Luhn sum,
// and either an issuer's prefix and length or a word that announces a card.
func (s *scanner) card(c *cluster, g int) (match, bool) {
	var ctx context
	known := false
	before := s.linkedBefore(c, g)
	for h := min(c.n, g+maxParts) - 1; h >= g; h-- {
		n := c.groups[h].at + c.groups[h].n - c.groups[g].at
		if n < minCard || n > maxCard || g == 0 && c.plus >= 0 && n <= 15 {
			continue // with '+' it is a telephone number
		}
		kind := c.sep(g, h)
		if kind > sepDot && !c.foursBy(g, h) || (kind == sepDot && g == h) || s.isDecimal(c, g, h) {
			continue
		}
		digits := c.window(g, h)
		if !luhn(digits) || sameDigits(digits) {
			continue
		}
		after := s.linkedAfter(c, h)
		if after == linkHard {
			continue
		}
		if h < c.n-1 && c.groups[h+1].sep == sepSlash && c.groups[h+1].n <= 2 {
			after = linkNone // the month it expires
		}
		start, end := c.groups[g].start, c.groups[h].end
		if before == linkNone && after == linkNone && issued(digits) && c.cardLayout(g, h) && !c.runsOn(g, h) {
			return found(Card, start, end), true
		}
		if !known {
			ctx, known = s.context(start, c.groups[h].end), true
		}
		if ctx.card && (before == linkNone || g == 0) && c.minGroup(g, h) >= 2 {
			return found(Card, start, end), true
		}
	}
	return match{}, false
}

// isDecimal reports whether the digits are a part of a decimal fraction.
func (s *scanner) isDecimal(c *cluster, g, h int) bool {
	if g > 0 && c.groups[g].sep == sepDot && g == h {
		return true
	}
	return h < c.n-1 && c.groups[h+1].sep == sepDot && g == h
}

// cardLayout reports whether groups [g, h] are how cards are printed: in one,
// or in fours, 4-6-5 and 4-6-4 and such.
func (c *cluster) cardLayout(g, h int) bool {
	switch h - g {
	case 0:
		return true
	case 1:
		switch first, rest := c.groups[g].n, c.groups[h].n; first {
		case 4, 6:
			return rest >= 7
		case 8:
			return rest == 8
		}
		return false
	case 2: // 4-6-5, 4-6-4, 4-4-5
		return c.groups[g].n == 4 && (c.groups[g+1].n == 6 || c.groups[g+1].n == 4) && c.groups[h].n >= 4
	}
	if h-g == 3 && c.groups[g].n == 4 && c.groups[g+1].n == 3 && c.groups[g+2].n == 3 && c.groups[h].n == 3 {
		return true // Visa of 13 digits
	}
	for i := g; i < h; i++ {
		if c.groups[i].n != 4 {
			return false
		}
	}
	return h-g <= 4 && c.groups[h].n <= 5
}

// foursBy reports whether groups [g, h] are four fours between blanks and dashes.
func (c *cluster) foursBy(g, h int) bool {
	if h != g+3 {
		return false
	}
	for i := g; i <= h; i++ {
		if k := c.groups[i].sep; c.groups[i].n != 4 || i > g && k != sepSpace && k != sepDash {
			return false
		}
	}
	return true
}

// runsOn reports whether the fours of a card continue on either side, so that
// it is the middle of something longer. A whole second card may follow.
func (c *cluster) runsOn(g, h int) bool {
	if g == h {
		return false
	}
	before, after := 0, 0
	for i := g - 1; i >= 0 && c.groups[i].n == 4; i-- {
		before++
	}
	for i := h + 1; i < c.n && c.groups[h].n == 4 && c.groups[i].n == 4; i++ {
		after++
	}
	return before >= 2 || after == 1 || after == 2
}

func (c *cluster) minGroup(g, h int) int {
	n := c.groups[g].n
	for i := g + 1; i <= h; i++ {
		n = min(n, c.groups[i].n)
	}
	return n
}

func luhn(digits []byte) bool {
	sum, double := 0, false
	for i := len(digits) - 1; i >= 0; i-- {
		d := int(digits[i] - '0')
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		double = !double
	}
	return sum%10 == 0
}

func sameDigits(digits []byte) bool {
	for _, d := range digits {
		if d != digits[0] {
			return false
		}
	}
	return true
}

// issuer is a range of first digits and the lengths its numbers have.
type issuer struct {
	from, to uint32 // first six digits, both ends included
	min, max int
}

// issuers after ISO/IEC 7812 as the networks publish their ranges.
var issuers = []issuer{
	{180000, 180099, 15, 15}, // JCB, older
	{213100, 213199, 15, 15},
	{220000, 220599, 16, 19}, // Mir, BORICA
	{222100, 272099, 16, 16}, // Mastercard
	{300000, 305999, 14, 19}, // Diners Club
	{309500, 309599, 14, 19},
	{350000, 358999, 16, 19}, // JCB; below 3528 only as test numbers
	{340000, 349999, 15, 15}, // American Express
	{370000, 379999, 15, 15},
	{360000, 369999, 14, 19}, // Diners Club
	{380000, 399999, 14, 19},
	{400000, 499999, 13, 13}, // Visa
	{400000, 499999, 16, 16},
	{400000, 499999, 19, 19},
	{500000, 509999, 13, 19}, // Maestro, Dankort, Verve, Elo, RuPay
	{510000, 559999, 16, 16}, // Mastercard
	{560000, 589999, 13, 19}, // Maestro
	{601100, 601199, 16, 19}, // Discover
	{600000, 609999, 16, 16}, // RuPay, Hipercard, UkrCard, NPS
	{620000, 629999, 16, 19}, // UnionPay
	{630400, 630499, 13, 19}, // Maestro, Laser
	{633110, 633110, 16, 19}, // Switch
	{633300, 633499, 16, 19}, // Switch, Solo
	{636000, 639999, 16, 19}, // InterPayment, InstaPayment, Elo
	{639000, 639099, 13, 19}, // Maestro
	{644000, 659999, 16, 19}, // Discover, Verve, Troy, RuPay
	{670600, 670999, 13, 19}, // Laser, Maestro
	{675900, 675999, 13, 19}, // Maestro
	{676100, 677199, 13, 19},
	{810000, 829999, 16, 19}, // UnionPay, RuPay
	{860000, 860099, 16, 16}, // Uzcard
	{979200, 979299, 16, 16}, // Troy
	{986000, 986099, 16, 16}, // Humo
}

func issued(digits []byte) bool {
	var prefix uint32
	for _, d := range digits[:6] {
		prefix = prefix*10 + uint32(d-'0')
	}
	for _, r := range issuers {
		if prefix >= r.from && prefix <= r.to && len(digits) >= r.min && len(digits) <= r.max {
			return true
		}
	}
	return false
}
