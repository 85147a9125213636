// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// FuzzRedact: no input panics, what was redacted does not change when redacted
// again and holds nothing more, valid UTF-8 stays valid.
func FuzzRedact(f *testing.F) {
	for _, file := range []string{"testdata/synth_dev.jsonl", "testdata/hard.jsonl"} {
		for _, s := range readCorpus(f, file) {
			f.Add(s.Text)
		}
	}
	key := []byte("key")
	engines := []*Engine{
		NewDefault(),
		newEngine(f, Options{Actions: map[Entity]Action{Email: Mask, Phone: Mask, Card: Mask, SSN: Mask}, DefaultRegion: "DE"}),
		newEngine(f, Options{Actions: map[Entity]Action{Email: Hash, Phone: Hash, Card: Hash, SSN: Keep}, HashKey: key}),
		newEngine(f, Options{Patterns: []Pattern{{Name: "hex", Regex: `\b[0-9a-f]{6}\b`}}, Allow: []string{"a@b.org"}}),
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i, e := range engines {
			var c Counts
			once, err := e.Redact(text, &c)
			require.NoError(t, err)
			require.Equal(t, once != text, c.Total() > 0, "engine %d", i)
			require.Equal(t, once != text, e.Contains(text), "engine %d", i)
			twice, err := e.Redact(once, nil)
			require.NoError(t, err)
			require.Equal(t, once, twice, "engine %d", i)
			if utf8.ValidString(text) {
				require.True(t, utf8.ValidString(once), "engine %d", i)
			}
		}
	})
}
