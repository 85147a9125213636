// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"plain, ünïcode 🎉":       "plain, ünïcode 🎉",
		"\x1b[2Jgone":            `\u001b[2Jgone`,
		"a\nb\tc\u009bd":         `a\u000ab\u0009c\u009bd`,
		"right\u202eto left":     `right\u202eto left`,
		"bad \xff byte":          `bad \xff byte`,
		"real \ufffd stays \x00": "real \ufffd stays " + `\u0000`,
	} {
		assert.Equal(t, want, Clean(in))
	}
}

func TestTerminal(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	require.NoError(t, err)
	defer f.Close()
	assert.False(t, IsTerminal(f))
	assert.False(t, IsTerminal(&bytes.Buffer{}))
	assert.Nil(t, NewProgress(f))
}

func TestStyle(t *testing.T) {
	assert.Equal(t, "x", NewStyle(&bytes.Buffer{}, os.Getenv).Bad("x"))
	on := Style{on: true}
	assert.Equal(t, "\x1b[31mx\x1b[0m", on.Bad("x"))
	assert.Equal(t, "\x1b[36mx\x1b[0m", on.Key("x"))
	assert.Equal(t, "\x1b[2mx\x1b[0m", on.Dim("x"))
	assert.Empty(t, on.Dim(""))
}

func TestProgress(t *testing.T) {
	var (
		out bytes.Buffer
		now time.Time
	)
	p := newProgress(&out, func() time.Time { return now })
	say := func(text string) { p.Update(func(time.Duration) string { return text }) }
	say("too early")
	now = now.Add(time.Second)
	say("long line")
	say("too soon")
	now = now.Add(progressInterval)
	say("short")
	p.Clear()
	p.Clear()
	assert.Equal(t, "\rlong line\rshort    \r     \r", out.String())

	var none *Progress
	none.Update(nil)
	none.Clear()
}
