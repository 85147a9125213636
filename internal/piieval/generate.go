// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piieval // import "github.com/otelcol-feedback/otelcol-feedback/internal/piieval"

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
)

// maker makes samples. Equal seeds give equal samples.
type maker struct{ *rand.Rand }

// Generate makes a hard set: data in the formats that are in use, and
// look-alikes. Other seeds give other numbers in other formats and sentences.
func Generate(seed uint64) []Sample {
	m := newMaker(seed)
	var out []Sample
	add := func(n int, f func() Sample) {
		for range n {
			out = append(out, f())
		}
	}
	add(200, m.phone)
	add(80, m.card)
	add(30, m.ssn)
	add(50, m.email)
	add(40, m.iban)
	add(40, m.ip)
	add(60, m.secret)
	for _, f := range lookAlikes {
		add(2, func() Sample { return Sample{Text: m.about(f(m))} })
	}
	return out
}

func newMaker(seed uint64) maker { return maker{rand.New(rand.NewPCG(seed, 0x9E3779B97F4A7C15))} }

func pick[T any](m maker, of []T) T { return of[m.IntN(len(of))] }

// one returns one of the given.
func (m maker) one(of ...string) string { return pick(m, of) }

func (m maker) digits(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + m.IntN(10))
	}
	return string(b)
}

func (m maker) chars(of string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = of[m.IntN(len(of))]
	}
	return string(b)
}

const (
	lower   = "abcdefghijklmnopqrstuvwxyz"
	upper   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	numeric = "0123456789"
	hexa    = "0123456789abcdef"
	alnum   = upper + lower + numeric
)

// fill replaces '#' by a digit, '%' by one from 1 to 9, '@' by a lower-case
// letter, '^' by a capital and '~' by a hexadecimal digit.
func (m maker) fill(format string) string {
	b := []byte(format)
	for i, c := range b {
		switch c {
		case '#':
			b[i] = numeric[m.IntN(10)]
		case '%':
			b[i] = numeric[1+m.IntN(9)]
		case '@':
			b[i] = lower[m.IntN(26)]
		case '^':
			b[i] = upper[m.IntN(26)]
		case '~':
			b[i] = hexa[m.IntN(16)]
		}
	}
	return string(b)
}

// sentences hold a datum of any kind at {}.
var sentences = []string{
	"{}", "It is {}.", "The answer printed {} in full!", "({})", "I typed {} by mistake, please delete it",
	"{} was in the log", "Why does it show \"{}\"?", "Bot: and? User: {}", "value: {}; nothing else", "Details:\n{}\nThanks",
	"see {}, it is wrong", "hello, {} and thank you", "- {}\n- second point", "Das war {} und nichts sonst.", "C'est {} ?",
	"\t{}", "<{}>", "a) {} b) none", "the model repeated '{}' twice", "before…{}…after",
}

// around puts a datum into a sentence of its own or any.
func (m maker) around(e pii.Entity, datum string, own ...string) Sample {
	s := pick(m, sentences)
	if len(own) > 0 && (m.IntN(2) == 0 || own[0] == only) {
		s = pick(m, own)
		for s == only {
			s = pick(m, own)
		}
	}
	before, after, _ := strings.Cut(s, "{}")
	var b builder
	return b.text(m.vary(before)).datum(e, datum).text(after).sample()
}

// only, first of the sentences, rules out those for any datum.
const only = ""

// vary writes a sentence otherwise: all capitals or all small, now and then.
func (m maker) vary(s string) string {
	switch m.IntN(12) {
	case 0:
		return strings.ToUpper(s)
	case 1:
		return strings.ToLower(s)
	}
	return s
}

// about puts a look-alike into a sentence that does not announce anything.
func (m maker) about(s string) string {
	return fmt.Sprintf(pick(m, []string{"%s", "it said %s", "%s, again", "Result: %s.", "(%s)", "the output has %s in it", "see %s\n", "%s was wrong"}), s)
}
