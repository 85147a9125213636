// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// maskKeep is how many characters a mask leaves readable.
const maskKeep = 4

func (e *Engine) appendReplacement(dst []byte, value string, m match) []byte {
	if m.pattern >= 0 {
		return append(dst, e.patterns[m.pattern].token...)
	}
	switch e.actions[m.entity] {
	case Mask:
		return appendMask(dst, value)
	case Hash:
		dst = append(dst, '[')
		dst = append(dst, tokenNames[m.entity]...)
		dst = append(dst, hashMark...)
		dst = append(dst, HashValue(e.hashKey, plain(value))...)
		return append(dst, ']')
	case Redact, Keep:
	}
	dst = append(dst, '[')
	dst = append(dst, tokenNames[m.entity]...)
	return append(dst, tokenEnd...)
}

const hashMark = "_HASH:"

// HashValue is HMAC-SHA256 of value in lower-case hexadecimal.
func HashValue(key []byte, value string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(value)) // never fails
	return hex.EncodeToString(mac.Sum(nil))
}

// appendMask appends '*' for every character of value but the last four; a
// value of at most eight keeps none of them, there would be nothing hidden.
func appendMask(dst []byte, value string) []byte {
	n := utf8.RuneCountInString(value)
	hide := n - maskKeep
	if n <= 2*maskKeep {
		hide = n
	}
	for i := range value {
		if hide == 0 {
			return append(dst, value[i:]...)
		}
		dst = append(dst, '*')
		hide--
	}
	return dst
}

// plain is the form in which values are compared: the lower case of an address
// or word, the digits (and a leading '+') of a number however it is grouped.
func plain(value string) string {
	if strings.IndexByte(value, '@') >= 0 {
		return strings.ToLower(value)
	}
	out := make([]byte, 0, len(value))
	for i := 0; i < len(value); {
		d, size := digitAt(value, i)
		switch {
		case d >= 0:
			out = append(out, byte('0'+d))
		case size == 1 && isAlpha(value[i]), size > 1 && isWordRune(value, i):
			return strings.ToLower(value)
		case value[i] == '+' && len(out) == 0:
			out = append(out, '+')
		}
		i += size
	}
	if len(out) == 0 {
		return value
	}
	return string(out)
}
