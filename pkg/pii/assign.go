// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// nameKind says what a name before ':' or '=' calls the value behind.
type nameKind uint8

const (
	nameNone     nameKind = iota
	namePassword          // typed by people: may be short
	namePass              // likewise, but the word has other meanings, too
	nameKey               // made by chance: long
	nameToken             // likewise, but also the name of many other things
	nameSig               // a signature: only behind '='
	nameAuth              // Authorization: a scheme, then the value
	nameOther             // no secret, though it ends like one
)

// names that announce a secret, in lower case and without what joins their
// words. The longest match wins.
var names = map[string]nameKind{}

// namesByLast holds their lengths by last byte, the longest first.
var namesByLast [256][]string

func init() {
	for kind, list := range map[nameKind]string{ //nolint:gosec // what secrets are called, and none of them
		namePassword: "password passwd passwrd passphrase passcode passwort kennwort motdepasse contraseña contrasena senha wachtwoord " +
			"lösenord hasło parola şifre sifre пароль 密码 密碼 パスワード 비밀번호 adgangskode passord salasana heslo jelszó",
		namePass: "pass pwd psw",
		nameKey: "apikey apisecret apitoken secretkey secretaccesskey accesskey accountkey sharedaccesskey sharedkey privatekey clientsecret consumersecret " +
			"appsecret webhooksecret signingsecret signingkey encryptionkey masterkey authtoken accesstoken refreshtoken bearertoken sessiontoken securitytoken " +
			"oauthtoken personalaccesstoken authkey subscriptionkey servicekey hmackey secrettoken storagekey apiaccesskey functionskey idtoken deploykey " +
			"bottoken usertoken admintoken refreshsecret jwtsecret cookiesecret dbpass",
		nameToken: "secret token credential credentials creds",
		nameSig:   "sig signature xamzsignature xamzcredential xamzsecuritytoken xgoogsignature",
		nameAuth:  "authorization proxyauthorization authorisation",
		nameOther: "creationtoken clientrequesttoken clienttoken requesttoken idempotencytoken nexttoken pagetoken nextpagetoken continuationtoken synctoken starttoken " +
			"nextbatchtoken endtoken stoptoken bostoken eostoken padtoken unktoken septoken clstoken masktoken specialtoken firsttoken lasttoken pertoken publickeytoken",
	} {
		for name := range strings.FieldsSeq(list) {
			names[name] = kind
			last := name[len(name)-1]
			namesByLast[last] = append(namesByLast[last], name)
		}
	}
}

const maxName = 40 // bytes of a name looked at

// nameBefore says what the name that ends at i, quotes around it or not, calls
// the value behind.
func (s *scanner) nameBefore(i int) nameKind {
	t := s.text
	for n := 0; n < 4 && i > s.floor && strings.IndexByte(" \t\"'`*\\]", t[i-1]) >= 0; n++ {
		i--
	}
	if i == s.floor || namesByLast[lower(t[i-1])] == nil {
		return nameNone
	}
	var buf [maxName]byte
	var starts uint64 // bit n: buf[n] begins a word
	n := maxName
	// Backwards, without what joins the words of a name.
	for n > 0 && i > s.floor {
		b := t[i-1]
		switch {
		case isAlpha(b) || b >= 0x80:
			n--
			buf[n] = lower(b)
			if i-1 == s.floor || !isAlpha(t[i-2]) && t[i-2] < 0x80 || b < 'a' && t[i-2] >= 'a' {
				starts |= 1 << n
			}
		case b == '_' || b == '-' || b == '.' || b == ' ' && i-2 >= s.floor && (isAlpha(t[i-2]) || t[i-2] >= 0x80):
		default:
			goto done
		}
		i--
	}
done:
	low := string(buf[n:])
	best, kind := 0, nameNone
	for _, name := range namesByLast[buf[maxName-1]] {
		if len(name) > best && strings.HasSuffix(low, name) &&
			(starts&(1<<(maxName-len(name))) != 0 || len(name) >= 8 || name[0] >= 0x80) {
			best, kind = len(name), names[name]
		}
	}
	return kind
}

func lower(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		return b | 0x20
	}
	return b
}

// assignment checks the ':' or '=' at i.
func (s *scanner) assignment(i int) (match, bool) {
	t := s.text
	if i == s.floor || t[i] == '=' && strings.IndexByte("=!<>~", t[i-1]) >= 0 || i+1 >= len(t) {
		return match{}, false
	}
	if t[i] == ':' && inWord(t[i-1]) && t[i-1] != ':' && inWord(t[i+1]) && t[i+1] != ':' {
		if m, ok := s.userOption(i); ok {
			return m, true
		}
	}
	kind := s.nameBefore(i)
	if kind == nameNone || kind == nameOther {
		return match{}, false
	}
	v := i + 1
	for v < len(t) && v <= i+2 && (t[v] == '=' || t[v] == '>' || t[v] == ':') {
		v++
	}
	op := v
	for n := 0; v < len(t) && n < 4 && (t[v] == ' ' || t[v] == '\t' || t[v] == '\n' || t[v] == '\r' || t[v] == '*'); n++ {
		v++
	}
	if kind == nameAuth {
		return s.authorization(v)
	}
	start, end, quoted := value(t, v, t[i] == '=')
	if start >= end || strings.HasPrefix(t[start:], "-----") || s.holdsURL(start, end) {
		return match{}, false
	}
	w := assigned{v: t[start:end], tight: t[i] == '=' && v == op, quoted: quoted}
	if !w.isSecret(kind) {
		return match{}, false
	}
	if s.wholeWord(start) {
		return match{}, false
	}
	return found(Secret, start, end), true
}

// wholeWord reports whether redaction wrote what stands at i.
func (s *scanner) wholeWord(i int) bool { return i < len(s.text) && s.text[i] == '[' }

func (s *scanner) holdsURL(start, end int) bool { return strings.Contains(s.text[start:end], "://") }

// value returns where the value at i begins and ends, without its quotes.
func value(t string, i int, equals bool) (start, end int, quoted bool) {
	if i >= len(t) {
		return i, i, false
	}
	for _, q := range quotes {
		if strings.HasPrefix(t[i:], q[0]) {
			from := i + len(q[0])
			n := closing(t[from:min(len(t), from+maxLook)], q[1])
			if n < 0 {
				if end = plainEnd(t, from, equals); end > from {
					return from, end, true
				}
				return i, i, false
			}
			return from, from + n, true
		}
	}
	return i, plainEnd(t, i, equals), false
}

var quotes = [...][2]string{{`\"`, `\"`}, {`"`, `"`}, {`'`, `'`}, {"`", "`"}, {"“", "”"}, {"‘", "’"}, {"«", "»"}, {"„", "“"}}

// closing returns where the quote is that closes a value; one behind a backslash
// is part of it.
func closing(t, quote string) int {
	for i := 0; i < len(t); i++ {
		switch {
		case strings.HasPrefix(t[i:], quote):
			return i
		case t[i] == '\\':
			i++
		}
	}
	return -1
}

// plainEnd returns the end of a value without quotes.
func plainEnd(t string, i int, equals bool) int {
	end := i
	for end < len(t) && end < i+4096 {
		b := t[end]
		if b <= ' ' || b == '"' || b == '`' || b == '<' || b == '>' || b == ';' || b == '|' || b == '\\' && end+1 < len(t) && (t[end+1] == 'n' || t[end+1] == '"') {
			break
		}
		if (b == '&' && equals || b == ',') && namesNext(t, end+1) {
			break
		}
		if b >= 0x80 {
			r, n := utf8.DecodeRuneInString(t[end:])
			if sepOf(r) == sepSpace || r == '。' || r == '、' || r == '，' || r == '”' || r == '’' || r == '…' {
				break
			}
			end += n
			continue
		}
		end++
	}
	for end > i && strings.IndexByte(".,:?)]}'*_", t[end-1]) >= 0 {
		end--
	}
	return end
}

// namesNext reports whether a name and '=' or ':' follow at i.
func namesNext(t string, i int) bool {
	from := i
	for i < len(t) && i < from+maxName && (isAlnum(t[i]) || t[i] == '_' || t[i] == '-' || t[i] == '.') {
		i++
	}
	return i > from && i < len(t) && (t[i] == '=' || t[i] == ':')
}

// assigned is a value and how it is written.
type assigned struct {
	v      string
	tight  bool // directly behind '='
	quoted bool
}

func (a assigned) isSecret(kind nameKind) bool {
	if isPlaceholder(a.v) || len(a.v) < 4 || !a.quoted && isExpression(a.v) || strings.HasPrefix(a.v, "arn:") {
		return false
	}
	letters, digits, symbols, blanks := classes(a.v)
	if blanks > 0 {
		return false
	}
	switch kind {
	case namePassword:
		switch {
		case a.v[0] == '{' || a.v[0] == '/' && strings.Count(a.v, "/") > 1: // a template, a path
			return false
		case letters > 0 && (digits > 0 || symbols > 0):
			return true
		case letters == 0:
			return !isDate(a.v)
		}
		return a.tight || a.quoted || mixedCase(a.v)
	case namePass:
		return letters > 0 && (digits > 0 || symbols > 0) && strings.IndexByte(a.v, '/') < 0
	case nameKey:
		return len(a.v) >= 8 && (a.quoted || !isMember(a.v)) && (letters > 0 && digits > 0 || len(a.v) >= 16 && (mixedCase(a.v) || a.tight || a.quoted))
	case nameToken:
		return len(a.v) >= 8 && letters > 0 && digits > 0 && !isUUID(a.v) && (longestMixed(a.v) >= 8 || symbols > 0 && (a.tight || a.quoted) && longestMixed(a.v) >= 4) ||
			len(a.v) >= minToken && mixedCase(a.v) && looksRandom(a.v)
	case nameSig:
		return a.tight && len(a.v) >= minToken && (digits > 0 || mixedCase(a.v))
	case nameNone, nameAuth, nameOther:
	}
	return false
}

// isExpression reports whether a value without quotes is a piece of program text:
// a call, a dotted name, a variable that is named for what it holds.
func isExpression(v string) bool {
	if i := strings.IndexByte(v, '('); i > 0 && isAlpha(v[i-1]) {
		return true
	}
	dots, parts := 0, 1
	for i := range len(v) {
		switch b := v[i]; {
		case b == '.':
			dots++
		case b == '_':
			parts++
		case !isAlpha(b):
			return false
		}
	}
	if dots > 0 {
		return true
	}
	low := strings.ToLower(v)
	return parts > 1 && (strings.Contains(low, "pass") || strings.Contains(low, "pwd") || strings.Contains(low, "secret") || strings.Contains(low, "token") || strings.Contains(low, "key"))
}

// isMember reports whether a value is a member of something that has a plain
// name: hpke.MLKEM1024.
func isMember(v string) bool {
	i := 0
	for i < len(v) && (v[i] >= 'a' && v[i] <= 'z' || v[i] == '_') {
		i++
	}
	return i >= 3 && i+1 < len(v) && v[i] == '.' && isAlpha(v[i+1])
}

// classes counts what a value is made of. Dashes, dots and the like, which also
// stand in words, are none of it.
func classes(v string) (letters, digits, symbols, blanks int) {
	for i := range len(v) {
		switch b := v[i]; {
		case isAlpha(b) || b >= 0x80:
			letters++
		case isDigit(b):
			digits++
		case b <= ' ':
			blanks++
		case strings.IndexByte(`-.'_/,:()`, b) < 0:
			symbols++
		}
	}
	return letters, digits, symbols, blanks
}

// mixedCase reports whether a capital stands inside.
func mixedCase(v string) bool {
	low, high := false, false
	for i := 1; i < len(v); i++ {
		low = low || v[i] >= 'a' && v[i] <= 'z'
		high = high || v[i] >= 'A' && v[i] <= 'Z'
	}
	return low && high
}

// longestMixed is the length of the longest stretch of letters and digits that
// has both.
func longestMixed(v string) int {
	best := 0
	for i := 0; i < len(v); {
		from, letters, digits := i, 0, 0
		for i < len(v) && isAlnum(v[i]) {
			if isDigit(v[i]) {
				digits++
			} else {
				letters++
			}
			i++
		}
		if letters > 0 && digits > 0 {
			best = max(best, i-from)
		}
		i++
	}
	return best
}

func isDate(v string) bool {
	return strings.ContainsAny(v, "-/.:") || len(v) == 4 && isYear([]byte(v))
}

func isUUID(v string) bool {
	return len(v) == 36 && v[8] == '-' && v[13] == '-' && v[18] == '-' && v[23] == '-'
}

var placeholders = map[string]bool{}

func init() {
	for w := range strings.FieldsSeq("true false null none nil undefined required optional string empty missing invalid wrong incorrect expired changed reset forgotten yes no " +
		"ok failed n/a na unknown hidden redacted masked str int text number password passwd pass secret token key value example changeme your_token your-token yourtoken " +
		"yourpassword your_password your-password user username bearer basic and or not the is was here there this that default placeholder bool boolean object array " +
		"any self auto admin's test... your_api_key your-api-key apikey api_key access_token input prompt getpass env os.environ process.env weak strong too") {
		placeholders[w] = true
	}
}

// isPlaceholder reports whether a value stands for another, or says that there
// is none.
func isPlaceholder(v string) bool {
	return isStandIn(v) || strings.Count(v, v[:1]) == len(v) || len(v) <= 24 && placeholders[lowerWord(v)]
}

// isStandIn reports whether a value stands for another: <token>, ${TOKEN}, ****.
func isStandIn(v string) bool {
	if v == "" || strings.Contains(v, "****") {
		return true
	}
	for _, begin := range [...]string{"${", "$(", "{{", "{%", "%{", "<", "[", "...", "…", "•", "***"} {
		if strings.HasPrefix(v, begin) {
			return true
		}
	}
	return v[0] == '$' && v == strings.ToUpper(v) && len(v) > 1 && isAlpha(v[1]) || v[0] == '%' && v[len(v)-1] == '%'
}

// authSchemes says of the schemes of an Authorization value whether it goes on
// to the end of the line.
var authSchemes = map[string]bool{
	"bearer": false, "basic": false, "token": false, "apikey": false, "api-key": false, "key": false, "negotiate": false, "ntlm": false,
	"sharedkey": false, "sharedkeylite": false, "sharedaccesssignature": false, "googlelogin": true, "digest": true, "oauth": true, "hawk": true,
	"hmac": true, "mac": true, "hmac-sha256": true, "aws": false, "signature": true, "jwt": false, "dpop": false, "vapid": true, "scram-sha-256": true, "gnap": false,
	"aws4-hmac-sha256": true, "bot": false, "splunk": false, "genie": false, "genie-key": false, "apitoken": false, "api-token": false, "ssws": false, "snowflake": true,
}

// authorization checks the value of an Authorization header at i.
func (s *scanner) authorization(i int) (match, bool) {
	t := s.text
	for i < len(t) && (t[i] == '"' || t[i] == '\'' || t[i] == '`' || t[i] == '\\') {
		i++
	}
	w := i
	for w < len(t) && w < i+24 && (isAlnum(t[w]) || t[w] == '-') {
		w++
	}
	line := false
	if rest, known := authSchemes[lowerWord(t[i:w])]; known && w < len(t) && (t[w] == ' ' || t[w] == '\t') {
		line = rest
		for i = w; i < len(t) && (t[i] == ' ' || t[i] == '\t'); {
			i++
		}
	} else if n := longestMixed(t[i:plainEnd(t, i, false)]); n < 6 && plainEnd(t, i, false)-i < minToken {
		return match{}, false
	}
	end := plainEnd(t, i, false)
	for line && end < len(t) && t[end] != '\n' && t[end] != '\r' && t[end] != '`' {
		end++
	}
	for line && end > i && strings.IndexByte(" .'", t[end-1]) >= 0 {
		end--
	}
	if end-i < 4 || isPlaceholder(t[i:end]) || s.wholeWord(i) {
		return match{}, false
	}
	return found(Secret, i, end), true
}

// userOption takes the password of curl -u user:password.
func (s *scanner) userOption(i int) (match, bool) {
	t := s.text
	a := i
	for a > s.floor && i-a < 64 && (inWord(t[a-1]) && t[a-1] != '"' && t[a-1] != '\'') {
		a--
	}
	before := strings.TrimRight(t[max(s.floor, a-10):a], `"' =`)
	if a == i || !strings.HasSuffix(before, "-u") && !strings.HasSuffix(before, "--user") && !strings.HasSuffix(t[a:i], "--user") {
		return match{}, false
	}
	end := plainEnd(t, i+1, false)
	if end-i < 4 || isPlaceholder(t[i+1:end]) || s.wholeWord(i+1) {
		return match{}, false
	}
	return found(Secret, i+1, end), true
}

// said looks whether the words before [a, b) call it a secret: "my password is
// hunter2", "Bearer …", "the AWS secret …".
func (s *scanner) said(a, b int) (match, bool) {
	t := s.text
	if a-1 < s.floor || t[a-1] > ' ' {
		return match{}, false
	}
	r := reader{text: t, floor: max(s.floor, a-48), i: a}
	w, ok := r.word()
	if !ok || r.stops > 0 || r.digit {
		return match{}, false
	}
	last := lowerWord(w)
	switch last {
	case "bearer", "basic":
		return s.afterScheme(a, b, last)
	}
	start, end := bare(t, a, b)
	v := t[start:end]
	if end-start < minSaid || isPlaceholder(v) || t[start] == '[' {
		return match{}, false
	}
	linked := false // by is, was, =
	for n := 0; n < 4 && ok && r.stops == 0 && r.lines == 0; n++ {
		switch kind := names[lowerWord(w)]; {
		case kind == namePassword || kind == namePass:
			if linked && saidPassword(v) {
				return found(Secret, start, end), true
			}
			return match{}, false
		case kind == nameToken || kind == nameKey || kind == nameAuth || lowerWord(w) == "key" && n > 0 && linked:
			if end-start >= minToken && !isUUID(v) && !strings.Contains(v, "://") && (randomToken(v) || linked && longestMixed(v) >= 32) {
				return found(Secret, start, end), true
			}
			return match{}, false
		}
		switch lowerWord(w) {
		case "is", "was", "to", "ist", "est", "es", "lautet", "era", "является", "war":
			linked = true
		case "key", "access", "my", "the", "this", "here", "a", "id", "new", "old", "it", "s", "account", "aws", "azure", "openai", "api", "for", "of", "and", "with", "using", "used":
		default:
			return match{}, false
		}
		w, ok = r.word()
	}
	return match{}, false
}

// bare returns the word [a, b) without quotes and punctuation around it.
func bare(t string, a, b int) (start, end int) {
	for a < b && strings.IndexByte("\"'`(<*", t[a]) >= 0 {
		a++
	}
	for b > a && strings.IndexByte("\"'`)>*.,;:?", t[b-1]) >= 0 {
		b--
	}
	return a, b
}

// saidPassword reports whether a word behind "password is" is one: letters and
// digits mixed, and no name of a method.
func saidPassword(v string) bool {
	letters, digits, symbols, _ := classes(v)
	if letters == 0 || digits == 0 && symbols == 0 || digits == 0 && strings.IndexByte("=%&+", v[len(v)-1]) >= 0 {
		return false
	}
	if symbols > 0 {
		return digits > 0 || mixedCase(v)
	}
	low := strings.ToLower(v)
	for _, method := range [...]string{"sha", "md5", "base", "utf", "aes", "rsa", "argon", "bcrypt", "pbkdf", "oauth", "gpt", "http", "web", "ver", "v1", "v2", "v3", "iso", "ascii"} {
		if strings.HasPrefix(low, method) {
			return false
		}
	}
	return !isDigit(v[0]) && longestMixed(v) >= minSaid && digits <= len(v)-3
}

// randomToken tells a token from a hash: capitals, small letters and digits.
func randomToken(v string) bool {
	upper, low, digits := false, false, false
	for i := range len(v) {
		upper = upper || v[i] >= 'A' && v[i] <= 'Z'
		low = low || v[i] >= 'a' && v[i] <= 'z'
		digits = digits || isDigit(v[i])
	}
	return upper && low && digits && looksRandom(v)
}

// afterScheme takes the word behind Bearer or Basic.
func (s *scanner) afterScheme(a, b int, scheme string) (match, bool) {
	start, end := bare(s.text, a, b)
	v := s.text[start:end]
	if s.wholeWord(start) || isPlaceholder(v) {
		return match{}, false
	}
	if scheme == "basic" {
		plain, err := base64.StdEncoding.DecodeString(v)
		if err != nil {
			plain, err = base64.RawStdEncoding.DecodeString(v)
		}
		if err != nil || !strings.Contains(string(plain), ":") || !utf8.Valid(plain) {
			return match{}, false
		}
		return found(Secret, start, end), true
	}
	if len(v) < 12 || strings.Contains(v, "://") || longestMixed(v) < 8 && !(len(v) >= minToken && mixedCase(v)) {
		return match{}, false
	}
	return found(Secret, start, end), true
}
