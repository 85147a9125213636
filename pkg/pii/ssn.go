// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

// ssn checks for a US social security number that begins with group g.
func (s *scanner) ssn(c *cluster, g int) (match, bool) {
	h := g + 2
	dashed := false
	switch {
	case c.groups[g].n == 9:
		h = g
	case h < c.n && c.groups[g].n == 3 && c.groups[g+1].n == 2 && c.groups[h].n == 4:
		kind := c.sep(g, h)
		if kind > sepDot || c.groups[g+1].sep != c.groups[h].sep {
			return match{}, false
		}
		dashed = kind == sepDash
	default:
		return match{}, false
	}
	if !possibleSSN(c.window(g, h)) {
		return match{}, false
	}
	before, after := s.linkedBefore(c, g), s.linkedAfter(c, h)
	if after == linkHard {
		return match{}, false
	}
	start, end := c.groups[g].start, c.groups[h].end
	linked := before != linkNone || after != linkNone
	if (dashed && !linked) || s.context(start, end).ssn {
		return found(SSN, start, end), true
	}
	return match{}, false
}

// possibleSSN applies the rules of the Social Security Administration: no area
// 000, 666 or 900–999, no group 00, no serial 0000.
func possibleSSN(d []byte) bool {
	area, group, serial := string(d[:3]), string(d[3:5]), string(d[5:])
	return area != "000" && area != "666" && d[0] != '9' && group != "00" && serial != "0000"
}
