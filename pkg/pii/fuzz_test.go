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
	for _, text := range []string{
		"IBAN DE89 3704 0044 0532 0130 00, GB82WEST12345698765432", "from 192.168.1.1:80, [2001:db8::1]:443, fe80::1%eth0, ::ffff:1.2.3.4", "v1.2.3.4",
		"ghp_abcdefghijklmnopqrstuvwxyz0123456789 AKIAIOSFODNN7EXAMPLE", "postgres://joe:pa@ss@db.example.com/x", "Authorization: Basic dXNlcjpwYXNzd29yZA==",
		"password: hunter2, api_key=3f9a8b7c6d5e4f3a2b1c", "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----",
		`{"comment":"joe\u0040example.com","x":"\ud83d\\u0040`, "joe%40example.com", "my password is hunter2", "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
		"[EMAIL_0123456789abcdef0123456789abcdef]", "password: ****abcd", "curl -u joe:hunter22 x",
	} {
		f.Add(text)
	}
	all := func(a Action) map[Entity]Action {
		m := map[Entity]Action{}
		for i := range NumEntities {
			m[Entity(i)] = a
		}
		return m
	}
	key := []byte("key")
	engines := []*Engine{
		NewDefault(),
		newEngine(f, Options{Actions: all(Mask), DefaultRegion: "DE"}),
		newEngine(f, Options{Actions: all(Hash), HashKey: key}),
		newEngine(f, Options{Actions: map[Entity]Action{Email: Hash, Phone: Keep, Secret: Keep, SSN: Keep}, HashKey: key}),
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
