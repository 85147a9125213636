// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piieval // import "github.com/otelcol-feedback/otelcol-feedback/internal/piieval"

import (
	"fmt"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
)

// network is an issuer of cards: how its numbers begin, how long they are and
// how they are grouped.
type network struct {
	prefixes []string
	length   int
	groups   []int
}

var (
	fours = []int{4, 4, 4, 4}

	networks = []network{
		{[]string{"4"}, 16, fours},
		{[]string{"4"}, 13, []int{4, 3, 3, 3}},
		{[]string{"51", "52", "53", "54", "55"}, 16, fours},
		{[]string{"2221", "2300", "2512", "2680", "2720"}, 16, fours},
		{[]string{"34", "37"}, 15, []int{4, 6, 5}},
		{[]string{"300", "303", "305", "36", "38"}, 14, []int{4, 6, 4}},
		{[]string{"6011", "644", "649", "65"}, 16, fours},
		{[]string{"3528", "3550", "3589"}, 16, fours},
		{[]string{"62"}, 16, fours},
		{[]string{"62"}, 17, []int{4, 4, 4, 5}},
		{[]string{"62"}, 18, []int{6, 12}},
		{[]string{"62"}, 19, []int{6, 13}},
		{[]string{"62"}, 19, []int{4, 4, 4, 4, 3}},
		{[]string{"2200", "2204"}, 16, fours},
		{[]string{"5018", "5020", "6759", "6763"}, 16, fours},
		{[]string{"5018", "5038", "6759"}, 13, []int{4, 4, 5}},
		{[]string{"6759", "5893"}, 18, []int{4, 4, 4, 4, 2}},
		{[]string{"6759", "5893"}, 19, []int{4, 4, 4, 4, 3}},
		{[]string{"9792"}, 16, fours},
		{[]string{"60", "6521", "8172"}, 16, fours},
	}

	cardAnnounced = []string{
		only,
		"card {}", "My credit card number is {}.", "cc {}", "CC: {}", "Please block card no {}", "credit card: {}", "my card # {} for it",
		"debit card {} was charged twice", "Visa {}", "Kreditkarte {}", "carte bancaire {}", "tarjeta {}", "card_number={}", "\"cardNumber\": \"{}\"", "PAN {}",
		"{} is my card", "what is on your card? {}",
	}
	cardAny = []string{
		"charged to {} on Monday", "paid with {}; refund?", "What was the limit for card {}?", "exp 12/27: {}", "{}, 12/27, 123", "{} exp 04/29",
	}
)

func luhnDigit(body string) string {
	sum, double := 0, true
	for i := len(body) - 1; i >= 0; i-- {
		d := int(body[i] - '0')
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		double = !double
	}
	return string(rune('0' + (10-sum%10)%10))
}

func (m maker) cardNumber(prefix string, length int) string {
	body := prefix + m.digits(length-1-len(prefix))
	return body + luhnDigit(body)
}

func (m maker) card() Sample {
	if m.IntN(8) == 0 { // an issuer of no range: only beside a word
		return m.around(pii.Card, m.cardNumber(m.one("1", "5", "6", "7", "9"), 12+m.IntN(8)), cardAnnounced...)
	}
	n := pick(m, networks)
	number := m.cardNumber(pick(m, n.prefixes), n.length)
	sentences := append(cardAnnounced[1:len(cardAnnounced):len(cardAnnounced)], cardAny...)
	if m.IntN(2) == 0 {
		if n.length == 13 {
			sentences = cardAnnounced
		}
		return m.around(pii.Card, number, sentences...)
	}
	sep := m.one(" ", " ", " ", "-", "-", ".", "\u00A0", "\u202F", "\u2011", "\u2013", "\u2007", "  ")
	return m.around(pii.Card, grouped(number, n.groups, sep), sentences...)
}

func grouped(s string, groups []int, sep string) string {
	var parts []string
	for _, n := range groups {
		if len(s) <= n {
			break
		}
		parts, s = append(parts, s[:n]), s[n:]
	}
	return strings.Join(append(parts, s), sep)
}

var ssnAnnounced = []string{
	only,
	"SSN {}", "ssn: {}", "My SSN is {}.", "social security number {}", "Social Security no. {}", "my social security number is {}", "SSN# {}",
	"ssn={}", "{\"ssn\": \"{}\"}", "SSN ({})", "{} is my SSN", "social security: {}", "my social is {}", "SSN number: {}", "Here is my ssn - {}",
}

func (m maker) ssn() Sample {
	area := 1 + m.IntN(898)
	if area == 666 {
		area = 667
	}
	parts := []string{fmt.Sprintf("%03d", area), fmt.Sprintf("%02d", 1+m.IntN(99)), fmt.Sprintf("%04d", 1+m.IntN(9999))}
	switch m.IntN(6) {
	case 0:
		return m.around(pii.SSN, strings.Join(parts, ""), ssnAnnounced...)
	case 1:
		return m.around(pii.SSN, strings.Join(parts, m.one(" ", "\u00A0", "\u202F", ".")), ssnAnnounced...)
	case 2:
		return m.around(pii.SSN, strings.Join(parts, m.one("\u2010", "\u2011", "\u2012", "\u2013", " - ", "\u2212")), ssnAnnounced[1:]...)
	}
	return m.around(pii.SSN, strings.Join(parts, "-"), ssnAnnounced[1:]...)
}
