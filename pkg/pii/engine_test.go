// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newEngine(t testing.TB, o Options) *Engine {
	e, err := New(o)
	require.NoError(t, err)
	return e
}

const everything = "Mail joe@example.com, call 415-555-2671, card 4111 1111 1111 1111, SSN 460-89-9847."

func TestRedact(t *testing.T) {
	var c Counts
	out, err := NewDefault().Redact(everything, &c)
	require.NoError(t, err)
	assert.Equal(t, "Mail [EMAIL_REDACTED], call [PHONE_REDACTED], card [CC_REDACTED], SSN [SSN_REDACTED].", out)
	assert.Equal(t, [NumEntities]int{Email: 1, Phone: 1, Card: 1, SSN: 1}, c.Entities)
	assert.Equal(t, 4, c.Total())
	c.Reset()
	assert.Zero(t, c.Total())

	var zero Engine
	out, err = zero.Redact("nothing here", nil)
	require.NoError(t, err)
	assert.Equal(t, "nothing here", out)
}

func TestActions(t *testing.T) {
	key := []byte("key")
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("joe@example.com"))
	sum := hex.EncodeToString(mac.Sum(nil))[:32]

	e := newEngine(t, Options{
		Actions: map[Entity]Action{Email: Hash, Phone: Keep, Card: Mask, SSN: Redact}, HashKey: key,
	})
	out, err := e.Redact(everything, nil)
	require.NoError(t, err)
	assert.Equal(t, "Mail [EMAIL_"+sum+"], call 415-555-2671, card ***************1111, SSN [SSN_REDACTED].", out)

	a, err := e.Redact("JOE@example.com", nil)
	require.NoError(t, err)
	assert.Equal(t, "[EMAIL_"+sum+"]", a, "equal values stay equal, however they are written")
	assert.True(t, e.Contains("a joe@example.com"))
	assert.False(t, e.Contains("call 415-555-2671"), "what is kept does not count")

	e = newEngine(t, Options{Actions: map[Entity]Action{Phone: Mask, Email: Mask}})
	out, err = e.Redact("call 5551234 or a@b.org", nil)
	require.NoError(t, err)
	assert.Equal(t, "call ******* or *******", out, "too short for four of it to stay")
}

func TestAllow(t *testing.T) {
	e := newEngine(t, Options{Allow: []string{"Support@Example.com", "+1-800-555-0199"}})
	out, err := e.Redact("support@example.com or joe@example.com, +1 800 555 0199", nil)
	require.NoError(t, err)
	assert.Equal(t, "support@example.com or [EMAIL_REDACTED], +1 800 555 0199", out)
	assert.False(t, e.Contains("SUPPORT@EXAMPLE.COM"))
}

func TestAllowOfEveryEntity(t *testing.T) {
	values := []string{
		"Support@Example.com", "(800) 555-0199", "4111-1111-1111-1111", "460-89-9847", "de89 3704 0044 0532 0130 00", "2001:DB8::1", "10.0.0.1",
		"ghp_abcdefghijklmnopqrstuvwxyz0123456789",
	}
	in := "support@example.COM +1 800 555 0199, 4111 1111 1111 1111, SSN 460 89 9847, DE89370400440532013000, 2001:db8:0::1, 10.0.0.1, ghp_abcdefghijklmnopqrstuvwxyz0123456789"
	out, err := newEngine(t, Options{Allow: values}).Redact(in, nil)
	require.NoError(t, err)
	assert.Equal(t, in, out)
	out, err = newEngine(t, Options{Allow: values}).Redact("GHP_abcdefghijklmnopqrstuvwxyz0123456789 ghp_Abcdefghijklmnopqrstuvwxyz0123456789 10.0.0.2", nil)
	require.NoError(t, err)
	assert.Equal(t, "GHP_abcdefghijklmnopqrstuvwxyz0123456789 [SECRET_REDACTED] [IP_REDACTED]", out, "secrets exactly")
}

// TestHashesOfEqualValues: equal values stay equal, however they are written,
// and others do not become so.
func TestHashesOfEqualValues(t *testing.T) {
	all := map[Entity]Action{}
	for i := range NumEntities {
		all[Entity(i)] = Hash
	}
	e := newEngine(t, Options{Actions: all, HashKey: []byte("a key of sixteen")})
	other := newEngine(t, Options{Actions: all, HashKey: []byte("another key of 16")})
	for name, same := range map[string][]string{
		"EMAIL":  {"joe@example.com", "JOE@Example.COM", "joe%40example.com", `joe\u0040example.com`},
		"PHONE":  {"+1 415 555 2671", "(415) 555-2671", "415-555-2671", "+14155552671", "1-415-555-2671"},
		"CC":     {"4111 1111 1111 1111", "4111111111111111", "4111-1111-1111-1111"},
		"SSN":    {"460-89-9847", "460–89–9847"},
		"IBAN":   {"DE89 3704 0044 0532 0130 00", "DE89370400440532013000", "de89-3704-0044-0532-0130-00"},
		"IP":     {"2001:db8::1", "2001:0DB8:0:0:0:0:0:1"},
		"SECRET": {"sk_live_abcdefghijklmnop12345678"},
	} {
		first := ""
		for _, v := range same {
			out, err := e.Redact("x "+v+" y", nil)
			require.NoError(t, err)
			assert.Regexp(t, `^x \[`+name+`_[0-9a-f]{32}\] y$`, out, v)
			if first == "" {
				first = out
			}
			assert.Equal(t, first, out, v)
			again, err := e.Redact(out, nil)
			require.NoError(t, err)
			assert.Equal(t, out, again)
			elsewhere, err := other.Redact("x "+v+" y", nil)
			require.NoError(t, err)
			assert.NotEqual(t, out, elsewhere, "another key, another hash")
		}
	}
}

func TestMask(t *testing.T) {
	all := map[Entity]Action{}
	for i := range NumEntities {
		all[Entity(i)] = Mask
	}
	e := newEngine(t, Options{Actions: all, Patterns: []Pattern{{Name: "badge", Regex: `B-[0-9]+`, Action: Mask}}})
	for in, want := range map[string]string{
		"card 4111 1111 1111 1111":         "card ***************1111",
		"iban DE89370400440532013000.":     "iban ******************3000.",
		"ip 192.168.100.200":               "ip ***********.200",
		"password: hunter2hunter2":         "password: **********ter2",
		`"password":"hunter2\"hunter2\\x"`: `"password":"***************2*x"`,
		"badge B-123456789":                "badge *******6789",
	} {
		out, err := e.Redact(in, nil)
		require.NoError(t, err)
		if !strings.Contains(in, `\`) {
			assert.Equal(t, want, out)
		}
		assert.NotContains(t, out, "unter")
		again, err := e.Redact(out, nil)
		require.NoError(t, err)
		assert.Equal(t, out, again)
	}
}

func TestEscapes(t *testing.T) {
	e := newEngine(t, Options{Patterns: []Pattern{{Name: "badge", Regex: `\bB-[0-9]{4}\b`}}})
	for in, want := range map[string]string{
		`{"comment":"joe\u0040example.com","a`:                `{"comment":"[EMAIL_REDACTED]","a`,
		`{"a":"\u006a\u006f\u0065@example.com"`:               `{"a":"[EMAIL_REDACTED]"`,
		`call\n415-555-2671\tnow`:                             `call\n[PHONE_REDACTED]\tnow`,
		`{"a":"{\"b\":\"joe\\u0040example.com\"}`:             `{"a":"{\"b\":\"[EMAIL_REDACTED]\"}`,
		`"4111\u00201111\u00a01111\u00201111`:                 `"[CC_REDACTED]`,
		`"\ud83d\ude00joe@example.com \ud83d`:                 `"\ud83d\ude00[EMAIL_REDACTED] \ud83d`,
		`"B-\u0031234"`:                                       `"[BADGE_REDACTED]"`,
		`C:\new\joe@example.com`:                              `C:\new\[EMAIL_REDACTED]`,
		`joe\u00`:                                             `joe\u00`,
		`"password\u0022:\u0022hunter2hunter2\u0022`:          `"password\u0022:\u0022[SECRET_REDACTED]\u0022`,
		"joe%40example.com and https://x.example/?m=a%40b.de": "[EMAIL_REDACTED] and https://x.example/?m=[EMAIL_REDACTED]",
	} {
		out, err := e.Redact(in, nil)
		require.NoError(t, err)
		assert.Equal(t, want, out)
		assert.Equal(t, in != want, e.Contains(in), in)
	}
}

// TestOwnMask: what finds its own mask comes to rest.
func TestOwnMask(t *testing.T) {
	e := newEngine(t, Options{Patterns: []Pattern{{Name: "any", Regex: `[a-z*]{9}`, Action: Mask}, {Name: "all", Regex: `[a-z*]+`, Action: Mask}}})
	var c Counts
	out, err := e.Redact("zebramark zebramarkers", &c)
	require.NoError(t, err)
	assert.NotContains(t, out, "ebra")
	again, err := e.Redact(out, &c)
	require.NoError(t, err)
	assert.Equal(t, out, again)
}

func TestPatternActions(t *testing.T) {
	e := newEngine(t, Options{HashKey: []byte("a key of sixteen"), Patterns: []Pattern{
		{Name: "badge", Regex: `B-[0-9]{4}`, Action: Hash}, {Name: "site", Regex: `site [a-z]+ joe@[a-z.]+`},
	}})
	out, err := e.Redact("B-1234, B-1234 and B-2345", nil)
	require.NoError(t, err)
	assert.Regexp(t, `^\[BADGE_([0-9a-f]{32})\], \[BADGE_([0-9a-f]{32})\] and \[BADGE_([0-9a-f]{32})\]$`, out)
	assert.Equal(t, out[:40], out[42:82])
	assert.NotEqual(t, out[:40], out[len(out)-40:])
	var c Counts
	out, err = e.Redact("at site munich joe@example.com", &c)
	require.NoError(t, err)
	assert.Equal(t, "at [SITE_REDACTED]", out, "what begins first has it all")
	assert.Equal(t, 1, c.Total())
}

func TestPatterns(t *testing.T) {
	e := newEngine(t, Options{
		Patterns: []Pattern{
			{Name: "badge", Regex: `\bB-[0-9]{4}\b`},
			{Name: "word", Regex: `REDACTED|mail [a-z]+`},
		},
		Allow: []string{"B-0000"},
	})
	tests := []struct{ in, want string }{
		{"badge B-1234 of a@b.org", "badge [BADGE_REDACTED] of [EMAIL_REDACTED]"},
		{"badge B-0000", "badge B-0000"},
		{"mail joe@example.com now", "[WORD_REDACTED][EMAIL_REDACTED] now"},
		{"[EMAIL_REDACTED]", "[EMAIL_REDACTED]"},
		{"nothing", "nothing"},
	}
	for _, tt := range tests {
		out, err := e.Redact(tt.in, nil)
		require.NoError(t, err)
		assert.Equal(t, tt.want, out)
		assert.Equal(t, tt.in != tt.want, e.Contains(tt.in), tt.in)
		again, err := e.Redact(out, nil)
		require.NoError(t, err)
		assert.Equal(t, out, again)
	}
	var c Counts
	_, err := e.Redact("B-1234 B-2345 a@b.org", &c)
	require.NoError(t, err)
	assert.Equal(t, []int{2}, c.Patterns)
	assert.Equal(t, 3, c.Total())
	c.Reset()
	assert.Zero(t, c.Total())
}

func TestOptionErrors(t *testing.T) {
	tests := []struct {
		name string
		o    Options
		want string
	}{
		{"no key", Options{Actions: map[Entity]Action{Card: Hash}}, "entity card: hash needs a key"},
		{"region", Options{DefaultRegion: "XX"}, "default region"},
		{"name", Options{Patterns: []Pattern{{Name: "a b", Regex: "x"}}}, "pattern 0: name"},
		{"regex", Options{Patterns: []Pattern{{Name: "a", Regex: "("}}}, "pattern 0: regex"},
		{"keep", Options{Patterns: []Pattern{{Name: "a", Regex: "x", Action: Keep}}}, "pattern 0: action: keep"},
		{"pattern without key", Options{Patterns: []Pattern{{Name: "a", Regex: "x", Action: Hash}}}, "pattern 0: action: hash needs a key"},
		{"empty", Options{Patterns: []Pattern{{Name: "a", Regex: "x*"}}}, "matches the empty text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(tt.o)
			assert.ErrorContains(t, err, tt.want)
		})
	}
}

func TestNames(t *testing.T) {
	for _, n := range Entities() {
		e, ok := ParseEntity(n)
		assert.True(t, ok)
		assert.Equal(t, n, e.String())
	}
	for _, n := range actionNames {
		a, ok := ParseAction(n)
		assert.True(t, ok)
		assert.Equal(t, n, a.String())
	}
	_, ok := ParseEntity("name")
	assert.False(t, ok)
	_, ok = ParseAction("burn")
	assert.False(t, ok)
	assert.Equal(t, "[CC_REDACTED]", Card.Token())
}

func TestDefaultRegion(t *testing.T) {
	e := newEngine(t, Options{DefaultRegion: "gb"})
	for _, in := range []string{"my phone is on, so 02079460018 rings", "from 0117 496 0000 today"} {
		assert.True(t, e.Contains(in), in)
	}
	assert.False(t, e.Contains("order 12345678901"))
}

// TestCost holds the engine to time linear in the text, whatever it holds.
func TestCost(t *testing.T) {
	e := NewDefault()
	for _, part := range []string{"@", "a@", "a.", "1", "1 ", "1-", "12 34-", "(1", "+999 1234 5678 ", "+44 20 7946 0958 ", "4111 ", "1.1@", "٣", "\"a",
		"sk-", "SG.", "eyJ", "eyJhbGciOiJIUzI1NiJ9.", "a:b:", "::", "1::", "://", "a://b:", "a://b:c@", "password=", "password: ", "DE89", "DE89 3704 ", "1.2.3.4", "1.2.3.", "-----BEGIN PRIVATE KEY-----",
		"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "\\u0040", "\\", "\\\\u0040a.de ", "Bearer ", "Authorization: Digest ", "AKIAIOSFODNN7EXAMPL,", "a-sk-", "https://hooks.slack.com/services/", "'password':'", "-u a:"} {
		text := strings.Repeat(part, 64*1024/len(part))
		_, err := e.Redact(text, nil)
		require.NoError(t, err)
	}
}

func TestIndexTrigger(t *testing.T) {
	for b := range 256 {
		for pad := range 20 {
			s := strings.Repeat("x ", pad)[:pad] + string([]byte{byte(b)}) + strings.Repeat(" y", 9)
			want := pad
			if triggers[b] == none {
				want = len(s)
			}
			require.Equal(t, want, indexTrigger(s, 0, 0), "byte %#x after %d", b, pad)
		}
	}
}
