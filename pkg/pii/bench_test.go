// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var clean200 = ("The answer was helpful and mostly right, but the second part went off on a tangent; " +
	"I would have liked a shorter summary first and the details after that, with links to where I can read more about it.")[:200]

func BenchmarkRedact(b *testing.B) {
	long := strings.Repeat("The answer was helpful and mostly right, but the second part went on. ", 143)[:10000]
	tests := []struct{ name, in, want string }{
		{"clean200", clean200, clean200},
		{"digits200", "In 2024 gpt-4-0613 took 1234 ms, " + clean200[:167], "In 2024 gpt-4-0613 took 1234 ms, " + clean200[:167]},
		{"clean10000", long, long},
		{"email200", clean200[:173] + " Mail joe@example.com me.", clean200[:173] + " Mail [EMAIL_REDACTED] me."},
		{"all", everything, "Mail [EMAIL_REDACTED], call [PHONE_REDACTED], card [CC_REDACTED], SSN [SSN_REDACTED]."},
		{"international", "Call +41 44 668 18 00.", "Call [PHONE_REDACTED]."},
	}
	e := NewDefault()
	for _, tt := range tests {
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(tt.in)))
			var out string
			var c Counts
			for b.Loop() {
				var err error
				if out, err = e.Redact(tt.in, &c); err != nil {
					b.Fatal(err)
				}
			}
			require.Equal(b, tt.want, out)
		})
	}
}

func BenchmarkContainsName(b *testing.B) {
	e := NewDefault()
	b.ReportAllocs()
	for b.Loop() {
		if e.Contains("quality_dimensions") {
			b.Fatal("found")
		}
	}
}

// BenchmarkCorpus is the mean of the development set.
func BenchmarkCorpus(b *testing.B) {
	corpus := readCorpus(b, "testdata/synth_dev.jsonl")
	e := NewDefault()
	b.ReportAllocs()
	var c Counts
	i := 0
	for b.Loop() {
		if _, err := e.Redact(corpus[i%len(corpus)].Text, &c); err != nil {
			b.Fatal(err)
		}
		i++
	}
	require.True(b, i < len(corpus) || c.Total() > 0)
}

func TestCleanTextAllocatesNothing(t *testing.T) {
	e := NewDefault()
	var c Counts
	n := testing.AllocsPerRun(100, func() {
		if out, err := e.Redact(clean200, &c); err != nil || len(out) != 200 {
			t.Error(out, err)
		}
	})
	require.Zero(t, n)
}
