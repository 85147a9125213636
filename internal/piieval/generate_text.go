// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piieval // import "github.com/otelcol-feedback/otelcol-feedback/internal/piieval"

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"net/netip"
	"strconv"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
)

var emailSentences = []string{
	"mail {}", "e-mail: {}", "mailto:{}", "<{}>", "Ana Gomez <{}>", "[write](mailto:{})", "[me]({})", "**{}**", "`{}`", "email={}&x=1", "{}'s account", "{}...",
	"{}, please", "to:{};", "{\"email\":\"{}\"}", "https://u.example.com/?m={}#top", "{}\n", "contact {}!", "user:{}", "\u201C{}\u201D", "{}?",
}

func (m maker) email() Sample {
	name := func() string { return m.fill(m.one("@@@@@", "@@@@@@@@", "@@@", "@@@@##", "@@@@@@_@@@", "@@-@@@@@")) }
	local := m.one(name(), name()+"."+name(), name()+"+"+name(), m.fill("^@@@@@^@@@"), m.fill("#####"), m.fill("@."+"@@@@@@"),
		"o'"+name(), name()+"%"+name(), name()+"&"+name(), strings.ToUpper(name()), "josé."+name(), "müller", "用户", "иван."+name(), "\"john doe\"", "\""+name()+"..x\"", "_"+name(), name()+"-", name()+"="+name())
	if strings.Contains(local, "=") {
		local = "bounce+" + local
	}
	host := m.one(name()+".com", name()+".org", "mail."+name()+".co.uk", name()+".de", "a.b.c."+name()+".io", name()+".museum", name()+".photography", "xn--bcher-kva.example",
		"bücher.de", "例子.广告", "пример.рф", "παράδειγμα.ελ", name()+"-"+name()+".net", strings.ToUpper(name())+".COM", m.fill("#@@")+".ai", name()+".xn--p1ai", name()+".com.au", name()+".gov.br")
	if strings.Contains(local, "=") { // nobody can tell it from a name and a value
		return m.around(pii.Email, local+"@"+host)
	}
	at := "@"
	if m.IntN(25) == 0 {
		at = "＠"
	}
	return m.around(pii.Email, local+at+host, emailSentences...)
}

// accounts are countries' IBANs: country, length in all, and the capitals that
// follow the check digits.
var accounts = strings.Fields(`AT20 BE16 CH21 DE22 DK18 ES24 FI18 FR27 GB22^^^^ IE22^^^^ IT27^ LU20 NL18^^^^ NO15 PL28
	PT25 SE24 CZ24 HU28 RO24^^^^ GR27 HR21 BG22^^^^ LT20 LV21^^^^ EE20 SK24 SI19 MT31^^^^ CY28 TR26 SA24 AE23 IL23
	KW30^^^^ QA29^^^^ PK24^^^^ UA29 IS26 LI21 MC27 SM27^ GE22^^ KZ20 AD24 AL28 BA20 ME22 MK19 RS22 XK20 TN24 VG24^^^^`)

func (m maker) iban() Sample {
	form := pick(m, accounts)
	country, capitals := form[:2], form[4:]
	length, _ := strconv.Atoi(form[2:4])
	account := m.fill(capitals) + m.digits(length-4-len(capitals))
	iban := country + ibanCheck(country, account) + account
	switch m.IntN(6) {
	case 0, 1:
		iban = grouped(iban, []int{4, 4, 4, 4, 4, 4, 4, 4, 4}, m.one(" ", " ", " ", "\u00A0", "\u202F", "-"))
	case 2:
		if m.IntN(2) == 0 {
			iban = strings.ToLower(iban)
		}
	}
	return m.around(pii.IBAN, iban, "IBAN {}", "IBAN: {}", "My IBAN is {}", "sent it to {} on Monday", "transfer from {} to another bank", "iban={}", "Konto {} bei der Bank", "IBAN:{}.")
}

func ibanCheck(country, account string) string {
	var b strings.Builder
	for _, r := range strings.ToUpper(account + country + "00") {
		if r >= 'A' {
			fmt.Fprintf(&b, "%d", r-'A'+10)
		} else {
			b.WriteRune(r)
		}
	}
	n, _ := new(big.Int).SetString(b.String(), 10)
	return fmt.Sprintf("%02d", 98-new(big.Int).Mod(n, big.NewInt(97)).Int64())
}

func (m maker) ip() Sample {
	if m.IntN(3) == 0 {
		v4 := fmt.Sprintf("%d.%d.%d.%d", 1+m.IntN(223), m.IntN(256), m.IntN(256), 1+m.IntN(254))
		return m.around(pii.IP, v4, "from {} again", "ip {}", "IP: {}", "http://{}/x", "{}:8080", "client={}", "ping {}", "keep getting address {} blocked error", "[{}]", "host {} is down")
	}
	var raw [16]byte
	for i := range raw {
		raw[i] = byte(m.IntN(256))
	}
	copy(raw[:2], pick(m, []string{"\x20\x01", "\xfe\x80", "\xfd\x12", "\x26\x07", "\x2a\x00"}))
	for i := 2 + 2*m.IntN(4); i < 4+2*m.IntN(7) && i < 16; i++ {
		raw[i] = 0
	}
	addr := netip.AddrFrom16(raw)
	text := addr.String()
	switch m.IntN(6) {
	case 0:
		text = addr.StringExpanded()
	case 1:
		text = strings.ToUpper(text)
	case 2:
		text = fmt.Sprintf("::ffff:%d.%d.%d.%d", 1+m.IntN(223), m.IntN(256), m.IntN(256), m.IntN(256))
	case 3:
		text = m.one("2001:db8::", "fe80::", "fd00::", "64:ff9b::") + m.fill("%~~~")
	}
	return m.around(pii.IP, text, "from {} again", "ip {}", "IPv6: {}", "http://[{}]:8080/x", "[{}]", "client={}", "ping6 {}", "inet6 {} up", "peer {}, closed")
}

func (m maker) secret() Sample {
	b64 := func(n int) string { return m.chars(alnum, n) }
	jwt := func() string {
		enc := base64.RawURLEncoding.EncodeToString
		return enc([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + enc([]byte(`{"sub":"`+m.digits(10)+`"}`)) + "." + b64(43)
	}
	// Prefixes stand apart from what follows, so that no scanner takes this
	// file for one that holds secrets.
	tokens := []func() string{
		func() string { return "AKIA" + m.chars(upper+"234567", 16) },
		func() string { return "ASIA" + m.chars(upper+"234567", 16) },
		func() string { return m.one("ghp_", "gho_", "ghu_", "ghs_", "ghr_") + b64(36) },
		func() string { return "github_pat_" + b64(22) + "_" + b64(59) },
		func() string { return "glpat-" + b64(20) },
		func() string { return "xoxb-" + m.digits(12) + "-" + m.digits(12) + "-" + b64(24) },
		func() string { return m.one("sk-", "sk-proj-") + b64(48) },
		func() string { return "sk-ant-api03-" + b64(93) + "AA" },
		func() string { return m.one("sk_live_", "sk_test_", "rk_live_", "pk_live_") + b64(24) },
		func() string { return "AIza" + b64(35) },
		func() string { return "ya29." + b64(60) },
		func() string { return "npm_" + b64(36) },
		func() string { return "pypi-" + "AgEIcHlwaS5vcmc" + b64(60) },
		func() string { return "SG." + b64(22) + "." + b64(43) },
		func() string { return "hf_" + m.chars(upper+lower, 34) },
		func() string { return "dop_v1_" + m.chars(hexa, 64) },
		func() string { return "shpat_" + m.chars(hexa, 32) },
		func() string { return "gsk_" + b64(52) },
		func() string { return "key-" + m.chars(hexa, 32) }, // Mailgun
		func() string { return "AC" + m.chars(hexa, 32) },   // Twilio
		jwt,
	}
	switch m.IntN(8) {
	case 0:
		value := m.one("Bearer ", "bearer ") + b64(40)
		if m.IntN(2) == 0 {
			value = "Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+b64(9)))
		}
		scheme, secret, _ := strings.Cut(value, " ")
		var b builder
		return b.text(m.one("", "curl -H '", "header ")).within(pii.Secret, "Authorization: "+scheme+" ", secret, "").text(m.one("", "'", "\n")).sample()
	case 1:
		pass := m.one("p%40ss", "s3cret", "hunter2", "x") + b64(6)
		var b builder
		scheme := m.one("https://", "postgres://", "mongodb+srv://", "redis://", "amqp://", "ftp://", "http://")
		return b.text("connect to "+scheme).within(pii.Secret, m.one("admin", "user", "svc.app")+":", pass, "@").text("db.example.com:5432/x").sample()
	case 2:
		kind := m.one("RSA ", "EC ", "", "OPENSSH ", "ENCRYPTED ")
		body := b64(64) + "\n" + b64(64) + "\n" + b64(20) + "=="
		var b builder
		return b.text(m.one("", "my key:\n", "oops ")).within(pii.Secret, "-----BEGIN "+kind+"PRIVATE KEY-----\n", body, "\n-----END "+kind+"PRIVATE KEY-----").text(m.one("", "\n", " bye")).sample()
	}
	return m.around(pii.Secret, pick(m, tokens)(), "token {}", "API_KEY={}", "key: {}", "export TOKEN=\"{}\"", "{\"token\":\"{}\"}", "my key is {}, sorry")
}
