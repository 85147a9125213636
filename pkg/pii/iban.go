// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

import "unicode/utf8"

// accounts says how the account part of an IBAN is made up by country: n digits,
// a letters, c either, each with its number. After the IBAN registry of SWIFT,
// and behind it what countries use that are not in it yet.
var accounts = map[string]string{
	"AD": "8n12c", "AE": "19n", "AL": "8n16c", "AT": "16n", "AZ": "4a20c", "BA": "16n", "BE": "12n",
	"BG": "4a6n8c", "BH": "4a14c", "BI": "23n", "BR": "23n1a1c", "BY": "4c4n16c", "CH": "5n12c",
	"CR": "18n", "CY": "8n16c", "CZ": "20n", "DE": "18n", "DJ": "23n", "DK": "14n", "DO": "4c20n",
	"EE": "16n", "EG": "25n", "ES": "20n", "FI": "14n", "FK": "2a12n", "FO": "14n", "FR": "10n11c2n",
	"GB": "4a14n", "GE": "2a16n", "GI": "4a15c", "GL": "14n", "GR": "7n16c", "GT": "24c", "HN": "4a20n",
	"HR": "17n", "HU": "24n", "IE": "4a14n", "IL": "19n", "IQ": "4a15n", "IS": "22n", "IT": "1a10n12c",
	"JO": "4a4n18c", "KW": "4a22c", "KZ": "3n13c", "LB": "4n20c", "LC": "4a24c", "LI": "5n12c",
	"LT": "16n", "LU": "3n13c", "LV": "4a13c", "LY": "21n", "MC": "10n11c2n", "MD": "20c", "ME": "18n",
	"MK": "3n10c2n", "MN": "16n", "MR": "23n", "MT": "4a5n18c", "MU": "4a19n3a", "NI": "4a20n",
	"NL": "4a10n", "NO": "11n", "OM": "3n16c", "PK": "4a16c", "PL": "24n", "PS": "4a21c", "PT": "21n",
	"QA": "4a21c", "RO": "4a16c", "RS": "18n", "RU": "14n15c", "SA": "2n18c", "SC": "4a20n3a",
	"SD": "14n", "SE": "20n", "SI": "15n", "SK": "20n", "SM": "1a10n12c", "SO": "19n", "ST": "21n",
	"SV": "4a20n", "TL": "19n", "TN": "20n", "TR": "6n16c", "UA": "6n19c", "VA": "18n", "VG": "4a16n",
	"XK": "16n", "YE": "4a4n18c",

	"AO": "21n", "BF": "2c22n", "BJ": "2c22n", "CF": "23n", "CG": "23n", "CI": "2c22n", "CM": "23n",
	"CV": "21n", "DZ": "22n", "GA": "23n", "GQ": "23n", "GW": "2c19n", "IR": "22n", "KM": "23n",
	"MA": "24n", "MG": "23n", "ML": "2c22n", "MZ": "21n", "NE": "2c22n", "SN": "2c22n", "TD": "23n",
	"TG": "2c22n", "BL": "10n11c2n", "GF": "10n11c2n", "GP": "10n11c2n", "MF": "10n11c2n",
	"MQ": "10n11c2n", "NC": "10n11c2n", "PF": "10n11c2n", "PM": "10n11c2n", "RE": "10n11c2n",
	"TF": "10n11c2n", "WF": "10n11c2n", "YT": "10n11c2n",
}

// accountForms holds the forms of accounts by country, a class for each
// character; nil where there is no such country.
var accountForms [26 * 26][]byte

func init() {
	for country, form := range accounts {
		var chars []byte
		n := 0
		for _, b := range []byte(form) {
			if isDigit(b) {
				n = 10*n + int(b-'0')
				continue
			}
			for ; n > 0; n-- {
				chars = append(chars, b)
			}
		}
		accountForms[countryIndex(country[0], country[1])] = chars
	}
}

func countryIndex(a, b byte) int { return int(a|0x20-'a')*26 + int(b|0x20-'a') }

const (
	ibanHead  = 4  // country and check digits
	maxIBAN   = 34 // characters, by the standard
	ibanGroup = 4
)

// iban checks for an account number whose first check digit is at i: a country
// of the registry, its length and the check sum. One that is not written in one
// piece or in fours must have its country's form, too.
func (s *scanner) iban(i int) (match, bool) {
	start, gap := s.countryBefore(i)
	if start < 0 {
		return match{}, false
	}
	form := accountForms[countryIndex(s.text[start], s.text[start+1])]
	if form == nil {
		return match{}, false
	}
	var buf [maxIBAN]byte
	want := min(ibanHead+len(form), maxIBAN)
	buf[0], buf[1] = s.text[start]&^0x20, s.text[start+1]&^0x20
	n, end := 2, i
	strict, sep, seps := !gap, rune(0), 0
	for n < want && n < maxIBAN {
		if end >= len(s.text) {
			return match{}, false
		}
		b := s.text[end]
		if isAlnum(b) {
			if isAlpha(b) {
				b &^= 0x20
			}
			buf[n] = b
			n++
			end++
			seps = 0
			continue
		}
		r, size := utf8.DecodeRuneInString(s.text[end:])
		kind := sepOf(r)
		if kind > sepDot || seps == 2 {
			return match{}, false
		}
		if kind != sepNone {
			strict = strict && seps == 0 && n%ibanGroup == 0 && (sep == 0 && n == ibanGroup || sep == r)
			sep = r
			seps++
		}
		end += size
	}
	if sep != 0 && strict { // the fours go through to the end
		strict = s.inFours(start, end)
	}
	if end < len(s.text) && (isAlnum(s.text[end]) || s.text[end] == '_') {
		return match{}, false
	}
	if !isDigit(buf[2]) || !isDigit(buf[3]) || !(strict || hasForm(buf[ibanHead:want], form)) || mod97(buf[:want]) != 1 {
		return match{}, false
	}
	return found(IBAN, start, end), true
}

// countryBefore returns where the two letters before the check digit at i begin,
// or -1, and whether a blank stands between.
func (s *scanner) countryBefore(i int) (start int, gap bool) {
	t := s.text
	if i+1 >= len(t) {
		return -1, false
	}
	if i-1 > s.floor && t[i-1] == ' ' {
		gap = true
		i--
	}
	if i-2 < s.floor || !isAlpha(t[i-1]) || !isAlpha(t[i-2]) {
		return -1, false
	}
	if i -= 2; i > s.floor && (isAlnum(t[i-1]) || t[i-1] == '_') {
		return -1, false
	}
	return i, gap
}

// inFours reports whether the separators within [start, end) stand behind every
// fourth character and nowhere else.
func (s *scanner) inFours(start, end int) bool {
	n, pending := 0, false
	for _, r := range s.text[start:end] {
		if r < utf8.RuneSelf && isAlnum(byte(r)) {
			if n > 0 && n%ibanGroup == 0 && !pending {
				return false
			}
			n, pending = n+1, false
		} else {
			pending = true
		}
	}
	return true
}

func hasForm(account, form []byte) bool {
	for i, class := range form {
		if (class == 'n' && !isDigit(account[i])) || (class == 'a' && !isAlpha(account[i])) {
			return false
		}
	}
	return true
}

// mod97 is the remainder of ISO 7064: the head moved to the end, letters counted
// from 10.
func mod97(iban []byte) int {
	sum := 0
	for i := range iban {
		switch b := iban[(i+ibanHead)%len(iban)]; {
		case isDigit(b):
			sum = (10*sum + int(b-'0')) % 97
		default:
			sum = (100*sum + int(b-'A') + 10) % 97
		}
	}
	return sum
}
