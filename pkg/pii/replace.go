// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
)

const (
	// maskKeep is how many characters a mask leaves readable.
	maskKeep = 4
	// hashDigits is the number of hexadecimal digits of a hash in text: half of
	// HMAC-SHA256, as is usual where a sum is cut (RFC 2104, RFC 4868).
	hashDigits = 32
)

// appendReplacement appends what stands in the place of value, of which the
// first cut bytes are replaced already.
func (e *Engine) appendReplacement(dst []byte, value string, cut int, m match) []byte {
	name, action := tokenNames[m.entity], e.actions[m.entity]
	if m.pattern >= 0 {
		name, action = e.patterns[m.pattern].name, e.patterns[m.pattern].action
	}
	switch action {
	case Mask:
		return appendMask(dst, value, cut)
	case Hash:
		dst = append(dst, '[')
		dst = append(dst, name...)
		dst = append(dst, '_')
		dst = append(dst, HashValue(e.hashKey, e.canonical(m, value))[:hashDigits]...)
		return append(dst, ']')
	case Redact, Keep:
	}
	dst = append(dst, '[')
	dst = append(dst, name...)
	return append(dst, tokenEnd...)
}

// HashValue is HMAC-SHA256 of value in lower-case hexadecimal.
func HashValue(key []byte, value string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(value)) // never fails
	return hex.EncodeToString(mac.Sum(nil))
}

// appendMask appends '*' for every character of value but the last four; a
// value of at most eight keeps none of them, there would be nothing hidden.
func appendMask(dst []byte, value string, cut int) []byte {
	n := utf8.RuneCountInString(value)
	hide := n - maskKeep
	if n <= 2*maskKeep {
		hide = n
	}
	for i, r := range value {
		switch {
		case hide > 0 || r < ' ' || r == '"' || r == '\\': // what would end a string of JSON
			if i >= cut {
				dst = append(dst, '*')
			}
			hide--
		case i >= cut:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

// canonical is the form in which values are compared and hashed: an address in
// lower case, the digits of a number, a telephone number with its country, an
// IP address in its shortest form. A secret and what a pattern finds stay as
// they are.
func (e *Engine) canonical(m match, value string) string {
	if m.pattern >= 0 {
		return value
	}
	switch m.entity {
	case Email:
		return strings.ToLower(strings.NewReplacer("＠", "@", "%40", "@").Replace(value))
	case Phone:
		return e.canonicalPhone(value)
	case Card, SSN:
		return digitsOf(value)
	case IBAN:
		return strings.ToUpper(strings.Map(func(r rune) rune {
			if r < utf8.RuneSelf && isAlnum(byte(r)) {
				return r
			}
			return -1
		}, value))
	case IP:
		if addr, err := netip.ParseAddr(value); err == nil {
			return addr.String()
		}
	case Secret:
	}
	return value
}

// canonicalPhone is the number in E.164 if its country is certain, and its
// digits if not.
func (e *Engine) canonicalPhone(value string) string {
	if n, err := phonenumbers.Parse(value, e.homeRegion()); err == nil && phonenumbers.IsValidNumber(n) {
		out := phonenumbers.Format(n, phonenumbers.E164)
		if ext := n.GetExtension(); ext != "" {
			out += "x" + ext
		}
		return out
	}
	return digitsOf(value)
}

func (e *Engine) homeRegion() string {
	if e.region == "" {
		return defaultRegion
	}
	return e.region
}

// digitsOf returns the digits of value in ASCII.
func digitsOf(value string) string {
	out := make([]byte, 0, len(value))
	for i := 0; i < len(value); {
		d, size := digitAt(value, i)
		if d >= 0 {
			out = append(out, byte('0'+d))
		}
		i += size
	}
	return string(out)
}
