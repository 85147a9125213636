// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"encoding/hex"
	"time"
)

const nilUUID = "00000000-0000-0000-0000-000000000000"

// isUUID reports whether s has the 36-character form of RFC 9562 §4, any
// version, either case, and whether it is in lower case.
func isUUID(s string) (ok, low bool) {
	if len(s) != len(nilUUID) || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false, false
	}
	return allHex(s[:8], s[9:13], s[14:18], s[19:23], s[24:])
}

// isHex reports whether s is exactly n hexadecimal digits, and whether they are
// in lower case.
func isHex(s string, n int) (ok, low bool) {
	if len(s) != n {
		return false, false
	}
	return allHex(s)
}

// What a byte is as a hexadecimal digit; 0 is a digit, or a letter in lower case.
const (
	hexUpper = 1 << iota
	hexNot
)

var hexDigits = func() (t [256]uint8) {
	for c := range t {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f':
		case 'A' <= c && c <= 'F':
			t[c] = hexUpper
		default:
			t[c] = hexNot
		}
	}
	return t
}()

func allHex(parts ...string) (ok, low bool) {
	var odd uint8
	for _, s := range parts {
		for i := range len(s) {
			odd |= hexDigits[s[i]]
		}
	}
	return odd&hexNot == 0, odd == 0
}

// isZero reports whether a hex id or UUID is all zeros.
func isZero(s string) bool {
	for i := range len(s) {
		if s[i] != '0' && s[i] != '-' {
			return false
		}
	}
	return true
}

// lowerHex decodes hexadecimal digits that isHex has seen.
func lowerHex(dst []byte, s string) { _, _ = hex.Decode(dst, []byte(s)) }

// parseTime reads a timestamp of RFC 3339 with upper-case T and Z or an offset,
// without leap seconds; digits after the ninth of a fraction are cut. canonical
// says that s is already as it is published: UTC, Z, at most nanoseconds.
//
// time.Parse takes more than RFC 3339 allows (golang.org/issue/54580) and is
// several times slower.
func parseTime(s string) (t time.Time, canonical, ok bool) {
	const layout = "2006-01-02T15:04:05"
	if len(s) < len(layout)+1 {
		return t, false, false
	}
	for i := range len(layout) {
		if c := layout[i]; c >= '0' && c <= '9' {
			if s[i] < '0' || s[i] > '9' {
				return t, false, false
			}
		} else if s[i] != c {
			return t, false, false
		}
	}
	year, month, day := atoi(s[0:4]), atoi(s[5:7]), atoi(s[8:10])
	hour, minute, second := atoi(s[11:13]), atoi(s[14:16]), atoi(s[17:19])
	nanos, digits, rest := fraction(s[len(layout):])
	offset, ok := zone(rest)
	if !ok || digits < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour > 23 || minute > 59 || second > 59 {
		return t, false, false
	}
	t = time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC).Add(-offset)
	return t, rest == "Z" && digits <= 9, true
}

func atoi(digits string) (n int) {
	for i := range len(digits) {
		n = n*10 + int(digits[i]-'0')
	}
	return n
}

// fraction reads ".123456789" in front of a zone; digits is -1 for a point
// without digits.
func fraction(s string) (nanos, digits int, rest string) {
	if s[0] != '.' {
		return 0, 0, s
	}
	i := 1
	for scale := 100_000_000; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		nanos += int(s[i]-'0') * scale
		scale /= 10
	}
	if i == 1 {
		return 0, -1, ""
	}
	return nanos, i - 1, s[i:]
}

func zone(s string) (offset time.Duration, ok bool) {
	if s == "Z" {
		return 0, true
	}
	if len(s) != len("+00:00") || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	for _, i := range []int{1, 2, 4, 5} {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	hours, minutes := atoi(s[1:3]), atoi(s[4:6])
	offset = time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if s[0] == '-' {
		offset = -offset
	}
	return offset, hours <= 23 && minutes <= 59
}

func daysIn(year, month int) int {
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return [...]int{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month]
}

// timeLayout is how times are published: UTC, at most nanoseconds.
const timeLayout = "2006-01-02T15:04:05.999999999Z"

// FormatTime writes a time the way events and headers carry it.
func FormatTime(t time.Time) string { return t.UTC().Format(timeLayout) }
