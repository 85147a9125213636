// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piieval // import "github.com/otelcol-feedback/otelcol-feedback/internal/piieval"

import (
	"maps"
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
)

var regions = slices.Sorted(maps.Keys(phonenumbers.GetSupportedRegions()))

// announced are sentences in which words directly beside say what the number is.
var announced = []string{
	only,
	"Phone: {}", "phone {}", "Tel. {}", "tel:{}", "My phone number is {}.", "Call me at {} please", "call {} and ask for me",
	"Can someone call me on {}? It is urgent", "please ring me on {}", "Mobile: {}\nDesk: none", "mobile number {}", "Fax {}",
	"Fax:\n{}", "WhatsApp: {}", "text me at {}", "you can reach me at {} after six", "contact number: {}", "Cell: {}",
	"my cell is {}", "my number is {}", "no messages to {} any more, please", "nothing came on my registered {}", "they do not answer at {}",
	"dial {} now", "Phone no. {}", "telephone number - {}", "Tel/Fax: {}", "Ph: {}", "(phone {})", "landline {}", "hotline {}",
	"{} (mobile)", "{} is my phone number", "Handy: {}", "Telefon {}", "Tel.: {}", "Meine Nummer ist {}", "ruf mich unter {} an", "Rückruf bitte an {}",
	"Téléphone : {}", "mon numéro est le {}", "appelez-moi au {}", "Mi teléfono es {}", "llámame al {}", "Telefono: {}", "chiamami al {}",
	"Meu telefone é {}", "me ligue no {}", "celular {}", "Bel me op {}", "telefoonnummer: {}", "Móvil: {}", "Portable : {}",
	"phone=\"{}\"", "{\"phone\": \"{}\"}", "mobile_number: {}", "phoneNumber={}", "SMS to {}", "sms an {}", "Call us today! {}", "support line: {}",
	"T: {}", "call back on {}", "Contact: {}", "reach us: {}", "phone number {} is not working", "I left a voicemail at {}", "called {} twice",
}

// unannounced numbers stand for themselves.
var unannounced = []string{"{} is where they are", "You gave me {}", "{}", "Ana, {}, Lisbon", "the customer at {} complained"}

// phone makes a number of any country: the library's example with other last
// digits, in a form in which it is written there or abroad.
func (m maker) phone() Sample {
	for {
		region := pick(m, regions)
		if m.IntN(3) > 0 {
			region = pick(m, frequent)
		}
		n := m.number(region)
		if n == nil {
			continue
		}
		own, number := m.written(n, region)
		if digits := strings.Count(number, "") - 1; digits < 7 || tooShort(number) {
			continue
		}
		return m.around(pii.Phone, number, own...)
	}
}

var frequent = []string{
	"US", "US", "US", "CA", "GB", "DE", "FR", "ES", "IT", "NL", "BE", "CH", "AT", "SE", "NO", "DK", "FI", "IE", "PT", "PL", "CZ", "HU", "RO", "GR",
	"TR", "RU", "UA", "IL", "AE", "SA", "EG", "ZA", "NG", "KE", "IN", "PK", "BD", "CN", "JP", "KR", "TW", "HK", "SG", "MY", "TH", "VN", "ID", "PH",
	"AU", "NZ", "BR", "MX", "AR", "CL", "CO", "PE",
}

func tooShort(number string) bool {
	n := 0
	for _, r := range number {
		if r >= '0' && r <= '9' || r >= '０' && r <= '９' {
			n++
		}
	}
	return n < 7
}

// number returns a valid number of a region, or nil.
func (m maker) number(region string) *phonenumbers.PhoneNumber {
	kind := pick(m, []phonenumbers.PhoneNumberType{phonenumbers.FIXED_LINE, phonenumbers.MOBILE, phonenumbers.MOBILE})
	example := phonenumbers.GetExampleNumberForType(region, kind)
	if example == nil {
		return nil
	}
	national := phonenumbers.GetNationalSignificantNumber(example)
	for range 8 {
		keep := len(national) - 2 - m.IntN(5)
		if keep < 2 {
			continue
		}
		n, err := phonenumbers.Parse(national[:keep]+m.digits(len(national)-keep), region)
		if err == nil && phonenumbers.IsValidNumberForRegion(n, region) {
			return n
		}
	}
	return example
}

// written returns the number in one of many forms, and the sentences it may
// stand in.
func (m maker) written(n *phonenumbers.PhoneNumber, region string) (own []string, number string) {
	own = append(slices.Clone(announced)[1:], unannounced...)
	national := phonenumbers.Format(n, phonenumbers.NATIONAL)
	international := phonenumbers.Format(n, phonenumbers.INTERNATIONAL)
	switch m.IntN(12) {
	case 0, 1:
		return own, m.separated(international)
	case 2:
		return own, phonenumbers.Format(n, phonenumbers.E164)
	case 3:
		return own, m.separated("00" + international[1:])
	case 4: // +41 (0)44 …
		if strings.HasPrefix(national, "0") && !strings.HasPrefix(region, "I") {
			cc, rest, _ := strings.Cut(international, " ")
			return own, cc + m.one(" (0)", "(0)", " (0) ") + rest
		}
		return own, m.separated(international)
	case 5:
		return announced, plainDigits(national)
	case 6:
		return own, m.fullWidth(international)
	case 7:
		return own, international + m.one(" ext. ", " ext ", " x", "x", " Ext.", ", ext. ") + m.digits(2+m.IntN(3))
	case 8:
		return announced, m.separated(national)
	default:
		return announced, national
	}
}

func plainDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// separated writes other characters between the groups.
func (m maker) separated(s string) string {
	blank := m.one(" ", "-", ".", "\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2212", "\u00A0", "\u202F", "\u2007", "\u2009", " - ", "/")
	if blank == "/" || strings.ContainsAny(s, "()") && blank == "." {
		blank = "-"
	}
	s = strings.ReplaceAll(s, "-", " ")
	s = strings.ReplaceAll(s, "(", "")
	s = strings.ReplaceAll(s, ")", "")
	return strings.ReplaceAll(s, " ", blank)
}

func (m maker) fullWidth(s string) string {
	if m.IntN(3) > 0 {
		return m.separated(s)
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r == '+':
			return r + 0xFEE0
		}
		return r
	}, s)
}
