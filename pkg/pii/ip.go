// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

// ipv4 checks for four decimal parts that begin at i. Port, prefix length and
// brackets beside them are no part of the address.
func (s *scanner) ipv4(i int) (match, bool) {
	t := s.text
	if i > s.floor && (isDigit(t[i-1]) || !s.opensIPv4(i)) {
		return match{}, false
	}
	end, parts := dotted(t, i)
	if end < 0 || !closesIPv4(t, end) {
		return match{}, false
	}
	if s.isVersion(i, end, parts) {
		return match{}, false
	}
	return found(IP, i, end), true
}

// dotted reads four numbers from 0 to 255 with dots between; end is -1 if there
// are others.
func dotted(t string, i int) (end int, parts [4]int) {
	for p := range 4 {
		if p > 0 {
			if i >= len(t) || t[i] != '.' {
				return -1, parts
			}
			i++
		}
		from := i
		for i < len(t) && isDigit(t[i]) && i < from+4 {
			parts[p] = 10*parts[p] + int(t[i]-'0')
			i++
		}
		n := i - from
		if n == 0 || n > 3 || parts[p] > 255 || n == 2 && t[from] == '0' {
			return -1, parts
		}
	}
	return i, parts
}

// opensIPv4 looks at what stands directly before an address.
func (s *scanner) opensIPv4(i int) bool {
	t := s.text
	b := t[i-1]
	prev := byte(' ')
	if i-2 >= s.floor {
		prev = t[i-2]
	}
	switch b {
	case '.', '_', '+', '#', '$', '~', '^', '*', '\\':
		return false
	case '-':
		return !isAlpha(prev) || i-3 == s.floor && isIPWord(t[i-3:i-1]) || i-4 >= s.floor && isIPWord(t[i-3:i-1]) && !isAlnum(t[i-4]) // ip-10.0.0.1
	case '=':
		return prev != '=' && prev != '<' && prev != '>' && prev != '!' && prev != '~'
	case '/':
		return !isAlnum(prev) || hostBefore(t[s.floor:i-1])
	case '>', '<':
		return prev != ' ' || b == '<'
	}
	if b < utf8.RuneSelf {
		return !isAlnum(b)
	}
	r, _ := utf8.DecodeLastRuneInString(t[:i])
	return !joins(r) && digitOf(r) < 0 && r != '€' && r != '£' && r != '§'
}

func isIPWord(w string) bool { return strings.EqualFold(w, "ip") }

// hostBefore tells localhost/127.0.0.1 from Chrome/99.0.1.2.
func hostBefore(t string) bool {
	return strings.HasSuffix(t, "host") || strings.HasSuffix(t, "ip") || strings.HasSuffix(t, ".com") ||
		strings.HasSuffix(t, ".net") || strings.HasSuffix(t, ".org") || strings.HasSuffix(t, ".local") || strings.HasSuffix(t, ".internal")
}

// closesIPv4 looks at what follows.
func closesIPv4(t string, end int) bool {
	if end >= len(t) {
		return true
	}
	next := byte(' ')
	if end+1 < len(t) {
		next = t[end+1]
	}
	switch b := t[end]; b {
	case '.':
		return !isDigit(next) && !isQualifier(t[end+1:])
	case '-':
		return !isAlpha(next) || strings.HasPrefix(t[end+1:], "to")
	case '_', '+', '%', '^', '~':
		return false
	case '/':
		return true
	default:
		if b < utf8.RuneSelf {
			return !isAlnum(b)
		}
		r, _ := utf8.DecodeRuneInString(t[end:])
		return !joins(r) && digitOf(r) < 0
	}
}

// isQualifier reports whether t begins with what a version may end in: v21, el7,
// Final, RELEASE.
func isQualifier(t string) bool {
	n, digits, low := 0, 0, 0
	for n < len(t) && n < 16 && isAlnum(t[n]) {
		if isDigit(t[n]) {
			digits++
		} else if t[n] >= 'a' {
			low++
		}
		n++
	}
	if n+1 < len(t) && t[n] == '.' && isAlpha(t[n+1]) {
		return false // a host that is named for its address
	}
	return n > 0 && (digits > 0 || n > 1 && low == 0) || t[:n] == "Final"
}

// cue says what a word near a number of four parts tells of it.
type cue uint8

const (
	cueNone    cue = iota
	cueIP          // an address
	cueVersion     // surely none
	cueMaybe       // rather none: what gets new versions
	cueFill        // may stand between
)

var cues = map[string]cue{}

func init() {
	for c, list := range map[cue]string{
		cueIP: "ip ips ipv addr address addresses adresse host hosts hostname server servers client peer gateway router subnet dns ping pinged " +
			"traceroute ssh proxy vpn network netmask node nodes connection connections connecting firewall whitelist allowlist blocklist listen " +
			"listening bind port remote requests request traffic login logged visitor endpoint nat lan wan dhcp telnet curl http https tcp udp machine",
		cueVersion: "version versions ver v rev revision release releases build builds firmware driver drivers section sections chapter clause " +
			"paragraph figure fig table appendix annex rule rules article oid subsection exercise item step point hotfix patch semver changelog tag",
		cueMaybe: "update updated updating updates upgrade upgraded upgrading upgrades downgrade downgraded downgrading app sdk library package plugin " +
			"software install installed installing since app's chrome firefox edge safari opera windows android ios macos linux kernel office python " +
			"java node.js nodejs npm pip docker ubuntu debian cuda nvidia tensorflow pytorch unity photoshop acrobat skype zoom teams slack bios " +
			"rolled migrated fix fixes bugfix merged broken introduced regression deps roll semver-major bump bumped bumping fixed changed released shipped iphone game client's client-version agent-version",
		cueFill: "is was are to from at of the a an my our your and or on in with via number no using under it its this that back old new latest current for by than between",
	} {
		for w := range strings.FieldsSeq(list) {
			cues[w] = c
		}
	}
}

// isVersion decides by the words beside four numbers whether they are a version
// or the number of a section.
func (s *scanner) isVersion(start, end int, parts [4]int) bool {
	r := reader{text: s.text, floor: max(s.floor, start-maxReach), i: start}
	// Private networks and the upper half are seldom versions.
	likely := parts[0] > 127 || parts[0] == 127 && parts[1] == 0 || parts[0] == 10 || parts[3] > 99 && parts[1] > 30
	for n, numbers := 0, 0; n < 6; {
		w, ok := r.word()
		if !ok && r.digit && numbers < 3 { // V8 to 3.6.6.11
			r.skipDigits()
			numbers++
			continue
		}
		if !ok || r.stops > 0 || r.lines > 0 && n > 0 {
			break
		}
		switch c := cues[lowerWord(w)]; {
		case c == cueIP:
			return false
		case c == cueVersion:
			return n < 2 || !likely
		case c == cueMaybe && !likely:
			return true
		case c != cueFill:
			n++
		}
	}
	if parts[0] == 0 && parts[3] != 0 {
		return true // nobody's address
	}
	w, _, clean := nextWord(s.text[end:min(len(s.text), end+32)])
	if clean && !strings.HasPrefix(s.text[end:], ",") {
		switch lowerWord(w) {
		case "release", "version", "build", "firmware", "beta", "alpha", "update", "patch", "hotfix", "driver", "rc":
			return true
		}
	}
	return false
}

// skipDigits goes on before the digits that ended the words.
func (r *reader) skipDigits() {
	for r.i > r.floor && !isDigit(r.text[r.i-1]) {
		r.i--
	}
	for r.i > r.floor && (isDigit(r.text[r.i-1]) || r.text[r.i-1] == '.') {
		r.i--
	}
	r.digit, r.stops = false, 0
}

func lowerWord(w string) string {
	if len(w) > 24 {
		return ""
	}
	var buf [24]byte
	b := append(buf[:0], w...)
	for i := range b {
		if b[i] >= 'A' && b[i] <= 'Z' {
			b[i] |= 0x20
		}
	}
	return string(b)
}

const (
	minIPv6  = len("::1")
	maxIPv6  = 48 // characters looked at: eight groups, or an embedded address of version 4
	groupsV6 = 8
)

// ipv6 checks the colon at i, the first of what may be an address.
func (s *scanner) ipv6(i int) (match, bool) {
	t := s.text
	if i < s.ipEnd || i+1 >= len(t) || (t[i+1] != ':' && !isHex(t[i+1])) {
		return match{}, false
	}
	a, b := i, i+1
	for a > s.floor && i-a <= 4 && isHex(t[a-1]) {
		a--
	}
	for b < len(t) && (isHex(t[b]) || t[b] == ':' || t[b] == '.') {
		b++
	}
	s.ipEnd = b
	if a > s.floor && glued(t, a) || t[a] == ':' && t[a+1] != ':' {
		if t[i+1] == ':' && (i+2 >= len(t) || t[i+2] != ':') {
			return match{}, false // std::vector
		}
		a = i + 1 // ip:2001:db8::1: the word before is none of its groups
	}
	if b-a < minIPv6 || b-a > maxIPv6 {
		return match{}, false
	}
	colons := strings.Count(t[a:b], ":")
	if colons < groupsV6-2 && !strings.Contains(t[a:b], "::") {
		return match{}, false // a time
	}
	end := s.parseIPv6(a, b)
	if end < 0 {
		// One group too many before it: add:2001:db8:…
		c := strings.IndexByte(t[a:b], ':')
		if c <= 0 || colons != groupsV6 {
			return match{}, false
		}
		a += c + 1
		if end = s.parseIPv6(a, b); end < 0 {
			return match{}, false
		}
	}
	if !s.likelyIPv6(a, end) {
		return match{}, false
	}
	s.ipEnd = end
	return found(IP, a, s.zoneEnd(end)), true
}

func glued(t string, a int) bool {
	r, _ := utf8.DecodeLastRuneInString(t[:a])
	return joins(r) || r == '_' || r == '.'
}

// parseIPv6 returns the end of the address that begins at a, or -1: what follows
// it may be punctuation or a port.
func (s *scanner) parseIPv6(a, b int) int {
	t := s.text
	for range 4 {
		if b-a < minIPv6 {
			return -1
		}
		if addr, err := netip.ParseAddr(t[a:b]); err == nil && addr.Is6() {
			if b < len(t) && t[b] != '%' {
				if r, _ := utf8.DecodeRuneInString(t[b:]); joins(r) || r == '_' {
					return -1
				}
			}
			return b
		}
		switch dot := strings.IndexByte(t[a:b], '.'); {
		case t[b-1] == '.' || t[b-1] == ':':
			b--
		case dot < 0:
			return -1
		default: // a port behind an embedded address of version 4, or behind a dot
			if c := strings.IndexByte(t[a+dot:b], ':'); c > 0 {
				b = a + dot + c
			} else {
				b = a + dot
			}
		}
	}
	return -1
}

// likelyIPv6 tells addresses from what only has their form: names with a scope
// (abc::def), slices ([::2]), hardware addresses of eight bytes.
func (s *scanner) likelyIPv6(a, end int) bool {
	t := s.text[a:end]
	groups, digits, letters, longest, pairs := 0, 0, 0, 0, 0
	for g := range strings.SplitSeq(t, ":") {
		if g == "" {
			continue
		}
		groups++
		longest = max(longest, len(g))
		if len(g) == 2 {
			pairs++
		}
		for _, b := range []byte(g) {
			if isDigit(b) {
				digits++
			} else if b != '.' {
				letters++
			}
		}
	}
	if groups == 0 {
		return false // the unspecified one is nobody's
	}
	plain := letters == 0 && t != "::1" && !strings.Contains(t, ".")
	if pairs == groupsV6 || groups <= 2 && (digits == 0 || plain && (longest < 4 || groups == 1)) {
		return s.announcesIP(a) || end < len(s.text) && s.text[end] == '/' && a+1 < end
	}
	if t == "::1" && a >= 2 && s.text[a-1] == '[' && (isAlnum(s.text[a-2]) || s.text[a-2] == ']' || s.text[a-2] == ')') {
		return false // a slice
	}
	return true
}

// announcesIP reports whether a word that names an address stands before a.
func (s *scanner) announcesIP(a int) bool {
	r := reader{text: s.text, floor: max(s.floor, a-32), i: a}
	for range 3 {
		w, ok := r.word()
		if !ok && r.digit { // IPv6
			return strings.HasSuffix(strings.TrimRight(s.text[r.floor:a], " :="), "v6")
		}
		switch c := cues[lowerWord(w)]; {
		case !ok:
			return false
		case c == cueIP:
			return true
		case c != cueFill:
			return false
		}
	}
	return false
}

// zoneEnd takes in the zone of an address: %eth0.
func (s *scanner) zoneEnd(end int) int {
	t := s.text
	if end >= len(t) || t[end] != '%' {
		return end
	}
	i := end + 1
	for i < len(t) && i < end+32 && (isAlnum(t[i]) || (t[i] == '-' || t[i] == '_' || t[i] == '.') && i+1 < len(t) && isAlnum(t[i+1])) {
		i++
	}
	if i == end+1 {
		return end
	}
	return i
}

func isHex(b byte) bool { return isDigit(b) || b|0x20 >= 'a' && b|0x20 <= 'f' }
