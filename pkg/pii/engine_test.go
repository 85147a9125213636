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
	sum := hex.EncodeToString(mac.Sum(nil))

	e := newEngine(t, Options{
		Actions: map[Entity]Action{Email: Hash, Phone: Keep, Card: Mask, SSN: Redact}, HashKey: key,
	})
	out, err := e.Redact(everything, nil)
	require.NoError(t, err)
	assert.Equal(t, "Mail [EMAIL_HASH:"+sum+"], call 415-555-2671, card ***************1111, SSN [SSN_REDACTED].", out)

	a, err := e.Redact("JOE@example.com", nil)
	require.NoError(t, err)
	assert.Equal(t, "[EMAIL_HASH:"+sum+"]", a, "equal values stay equal, however they are written")
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
	for _, part := range []string{"@", "a@", "a.", "1", "1 ", "1-", "12 34-", "(1", "+999 1234 5678 ", "+44 20 7946 0958 ", "4111 ", "1.1@", "٣", "\"a"} {
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
