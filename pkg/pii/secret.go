// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

import (
	"encoding/base64"
	"strings"
)

const (
	minToken = 20   // characters of the shortest token that needs no word beside it
	maxRun   = 1024 // characters of one word that are looked at together
	minSaid  = 6    // characters of a password in a sentence
)

// word looks at the word around i, characters without a blank between, once: a
// token with a known beginning, a key in PEM, or what the words before it call a
// secret.
func (s *scanner) word(i int) (match, bool) {
	if i < s.wordEnd {
		return match{}, false
	}
	if m := s.held; m.end > i && m.start >= s.floor {
		s.held, s.wordEnd = match{}, m.end
		return m, true
	}
	t := s.text
	a, b := i, i
	for low := max(s.floor, s.wordEnd, i-maxRun); a > low && inWord(t[a-1]); {
		a--
	}
	for high := min(len(t), i+maxRun); b < high && inWord(t[b]); {
		b++
	}
	s.wordEnd = b
	var m match
	ok := false
	if b-a >= minToken {
		m, ok = s.token(a, b)
	}
	if !ok && b-a >= minSaid && (b-a >= minToken || hasLetter(t[a:b])) {
		m, ok = s.said(a, b)
	}
	if !ok {
		return match{}, false
	}
	if m.start > i { // what stands before it has its turn first
		s.wordEnd, s.held = m.start, m
		return match{}, false
	}
	s.wordEnd = m.end
	return m, true
}

func hasLetter(w string) bool {
	for i := range len(w) {
		if isAlpha(w[i]) {
			return true
		}
	}
	return false
}

func inWord(b byte) bool { return b > ' ' && b < 0x7F }

// token looks for a secret that needs no word beside it in the word [a, b).
func (s *scanner) token(a, b int) (match, bool) {
	t := s.text
	if m, ok := s.pem(a, b); ok {
		return m, true
	}
	for i := a; i < b; i++ {
		if i > a && isAlnum(t[i-1]) || i > a+maxLook/8 && (t[i-1] == '-' || t[i-1] == '_' || t[i-1] == '.') {
			continue
		}
		end := prefixed(t, i)
		switch b := t[i]; {
		case end > 0:
		case b == 'e' && i+1 < len(t) && (t[i+1] == 'y' || t[i+1] == 'w'):
			end = jwtEnd(t, i)
		case b == 'h':
			if from, to := webhook(t, i); to > 0 {
				return found(Secret, from, to), true
			}
		case isHex(b):
			end = numberedEnd(t, i)
		case b == 'M' || b == 'N' || b == 'O':
			end = discordEnd(t, i)
		}
		if end < 0 {
			end = azureEnd(t, i)
		}
		if end > 0 {
			return found(Secret, i, end), true
		}
	}
	return match{}, false
}

// jwtEnd returns the end of the JSON Web Token at i, signed (three parts) or
// encrypted (five), or -1.
func jwtEnd(t string, i int) int {
	if !strings.HasPrefix(t[i:], "eyJ") && !strings.HasPrefix(t[i:], "ewog") && !strings.HasPrefix(t[i:], "ewo") {
		return -1
	}
	end, parts := i, 0
	for end < len(t) && end < i+maxHeader && csURL.has(t[end]) {
		end++
	}
	if !isHeader(t[i:end]) {
		return -1
	}
	for parts < 5 {
		from := end
		if parts == 0 {
			from = i
		}
		for end < len(t) && csURL.has(t[end]) {
			end++
		}
		if end == from && parts != 1 && parts != 2 {
			break
		}
		parts++
		if end >= len(t) || t[end] != '.' {
			break
		}
		end++
	}
	for end > i && t[end-1] == '.' {
		end--
	}
	if strings.Count(t[i:end], ".") == 0 || end-i < 30 {
		return -1
	}
	return end
}

// maxHeader is how many characters of a token's header are looked at.
const maxHeader = 120

// isHeader reports whether the first part of a token is the header of a JWT.
func isHeader(part string) bool {
	if len(part) < 12 {
		return false
	}
	var buf [maxHeader]byte
	n, _ := base64.RawURLEncoding.Decode(buf[:], []byte(part[:len(part)/4*4]))
	head := string(buf[:n])
	return strings.Contains(head, `"alg"`) || strings.Contains(head, `"typ"`) || strings.Contains(head, `"kid"`) ||
		strings.Contains(head, `"enc"`) || strings.Contains(head, `"cty"`) || strings.Contains(head, `"x5t"`) || strings.Contains(head, `"jku"`)
}

// webhook returns the part of a chat's webhook that is its secret.
func webhook(t string, i int) (from, to int) {
	for _, base := range [...]string{"hooks.slack.com/services/", "hooks.slack.com/workflows/", "hooks.slack.com/triggers/"} {
		if strings.HasPrefix(t[i:], base) {
			from = i + len(base)
			to = from
			for to < len(t) && (isAlnum(t[to]) || t[to] == '/') {
				to++
			}
			if to-from >= 20 {
				return from, to
			}
		}
	}
	return 0, 0
}

// numberedEnd knows the tokens that begin with a number: 123456789:AA… of
// Telegram, and of Mailchimp (…-us12).
func numberedEnd(t string, i int) int {
	end := i
	for end < len(t) && isDigit(t[end]) {
		end++
	}
	if n := end - i; n >= 8 && n <= 10 && strings.HasPrefix(t[end:], ":AA") {
		from := end + 1
		end = from
		for end < len(t) && csURL.has(t[end]) {
			end++
		}
		if end-from >= 33 && end-from <= 40 {
			return end
		}
		return -1
	}
	return mailchimpEnd(t, i)
}

func mailchimpEnd(t string, i int) int {
	end := i
	for end < len(t) && end <= i+32 && isHex(t[end]) {
		end++
	}
	if end-i != 32 || !strings.HasPrefix(t[end:], "-us") {
		return -1
	}
	from := end + 3
	for end = from; end < len(t) && isDigit(t[end]); {
		end++
	}
	if n := end - from; n == 0 || n > 2 || end < len(t) && isAlnum(t[end]) {
		return -1
	}
	return end
}

// discordEnd knows a bot's token: an id in base64, a time, a signature.
func discordEnd(t string, i int) int {
	end := i
	for p, want := range [3][2]int{{23, 28}, {6, 7}, {27, 40}} {
		if p > 0 {
			if end >= len(t) || t[end] != '.' {
				return -1
			}
			end++
		}
		from := end
		for end < len(t) && csURL.has(t[end]) {
			end++
		}
		if n := end - from; n < want[0] || n > want[1] {
			return -1
		}
	}
	if !looksRandom(t[i:end]) {
		return -1
	}
	return end
}

// azureEnd knows a client's secret (abc8Q~…) and the keys that carry a mark in
// their middle.
func azureEnd(t string, i int) int {
	if i+6 <= len(t) && t[i+4] == 'Q' && t[i+5] == '~' && isDigit(t[i+3]) {
		end := i + 6
		for end < len(t) && (csURL.has(t[end]) || t[end] == '~' || t[end] == '.') {
			end++
		}
		for t[end-1] == '.' {
			end--
		}
		if end-i >= 36 && end-i <= 48 {
			return end
		}
		return -1
	}
	if i+84 > len(t) || t[i+52] != 'J' && t[i+76] != '+' {
		return -1
	}
	if strings.HasPrefix(t[i+52:], "JQQJ99") {
		end := i
		for end < len(t) && isAlnum(t[end]) {
			end++
		}
		if end-i == 84 {
			return end
		}
	}
	for _, mark := range [...]string{"+AStA", "+ACDb", "+ASbA", "+ARmA", "+AIoT", "+AEhA"} { // storage and others
		if strings.HasPrefix(t[i+76:], mark) {
			end := i
			for end < len(t) && (isAlnum(t[end]) || t[end] == '+' || t[end] == '/' || t[end] == '=') {
				end++
			}
			if end-i >= 84 && end-i <= 88 {
				return end
			}
		}
	}
	return -1
}

const (
	pemBegin = "BEGIN "
	pemKey   = "PRIVATE KEY"
	pemEnd   = "END "
	maxPEM   = 1 << 14 // characters of a key
	pemReach = 240     // from the first line of a key to its first long word
)

// pem looks for a private key of which [a, b) is a part: from its first dash to
// its last.
func (s *scanner) pem(a, b int) (match, bool) {
	t := s.text
	low := max(s.floor, a-pemReach)
	head := strings.LastIndex(t[low:min(b, a+64)], pemBegin)
	if head < 0 {
		return match{}, false
	}
	head += low
	kind := t[head:min(len(t), head+64)]
	k := strings.Index(kind, pemKey)
	if k < 0 || head < 2 || t[head-1] != '-' && t[head-2] != '-' {
		return match{}, false
	}
	body := head + k + len(pemKey)
	start := head
	for start > s.floor && (t[start-1] == '-' || t[start-1] == ' ' && start == head) {
		start--
	}
	if strings.Contains(t[body:max(body, a)], pemEnd) {
		return match{}, false
	}
	return found(Secret, start, pemBodyEnd(t, body)), true
}

// pemBodyEnd returns the end of a key whose body begins at i. One that has no
// last line ends where its lines do.
func pemBodyEnd(t string, i int) int {
	if n := strings.Index(t[i:min(len(t), i+maxPEM)], pemEnd); n >= 0 {
		end := i + n
		if k := strings.Index(t[end:min(len(t), end+64)], pemKey); k >= 0 {
			end += k + len(pemKey)
			if strings.HasPrefix(t[end:], " BLOCK") {
				end += len(" BLOCK")
			}
			for end < len(t) && (t[end] == '-' || t[end] == ' ' && end+1 < len(t) && t[end+1] == '-') {
				end++
			}
			return end
		}
	}
	end := i
	for j := i; j < len(t); {
		for j < len(t) && !inWord(t[j]) {
			j++
		}
		from := j
		for j < len(t) && inWord(t[j]) {
			j++
		}
		if w := t[from:j]; j-from >= minToken || strings.HasPrefix(w, "-----") || strings.HasSuffix(w, "=") || isPEMHeader(w) {
			end = j
		} else if strings.Trim(w, "-") != "" {
			break
		}
	}
	return end
}

func isPEMHeader(w string) bool {
	switch w {
	case "Proc-Type:", "4,ENCRYPTED", "DEK-Info:", "Version:", "Comment:", "GnuPG", "BLOCK-----":
		return true
	}
	return false
}

// urlCredentials checks the "://" at i: what stands before the '@' of the
// authority.
func (s *scanner) urlCredentials(i int) (match, bool) {
	t := s.text
	from := i + len("://")
	if i == s.floor || !isAlnum(t[i-1]) {
		return match{}, false
	}
	at, colon, end := -1, -1, from
	for end < len(t) && end < from+maxLook && inWord(t[end]) && strings.IndexByte("/?#\"'<>|\\", t[end]) < 0 {
		switch t[end] {
		case '@':
			at = end
		case ':':
			if colon < 0 {
				colon = end
			}
		}
		end++
	}
	if at < 0 { // a '/' or '#' in a password that was not escaped
		return s.looseCredentials(from, colon, end)
	}
	if colon < 0 || colon > at || colon == at-1 {
		if end := prefixed(t, from); end == at {
			return found(Secret, from, at), true
		}
		return match{}, false
	}
	return s.credentials(from, at)
}

// looseCredentials takes user:pa/ss@host, if a host follows and no path can have
// been meant.
func (s *scanner) looseCredentials(from, colon, end int) (match, bool) {
	t := s.text
	if colon <= from || end >= len(t) || (t[end] != '/' && t[end] != '#' && t[end] != '?') || isPort(t[colon+1:end]) {
		return match{}, false
	}
	for i := end; i < len(t) && i < end+64 && inWord(t[i]) && t[i] != '"' && t[i] != '\''; i++ {
		if t[i] == '@' {
			return s.credentials(from, i)
		}
	}
	return match{}, false
}

func isPort(v string) bool {
	if v == "" {
		return true
	}
	for i := range len(v) {
		if !isDigit(v[i]) {
			return false
		}
	}
	return len(v) <= 5
}

func (s *scanner) credentials(from, at int) (match, bool) {
	v := s.text[from:at]
	if _, pass, _ := strings.Cut(v, ":"); isStandIn(pass) || v == ":" {
		return match{}, false
	}
	return found(Secret, from, at), true
}
