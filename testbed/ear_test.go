// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

// ear keeps what was said, to search it for what must never be.
type ear struct {
	mu    sync.Mutex // guards heard
	heard []saying
}

type saying struct{ where, text string }

func (e *ear) hear(where, text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, saying{where, text})
}

// assertUnsaid searches everything for the secrets in all their forms.
func (e *ear) assertUnsaid(t *testing.T, secrets map[string]string) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for name, secret := range secrets {
		said := map[string]bool{}
		for _, form := range forms(secret) {
			for _, s := range e.heard {
				if at := strings.Index(s.text, form); at >= 0 && !said[s.where] {
					said[s.where] = true
					t.Errorf("%s is said: %s: …%q…", name, s.where, s.text[max(0, at-120):min(len(s.text), at+len(form)+40)])
				}
			}
		}
	}
}

// forms are ways to write a secret: as it is, escaped, in hexadecimal, and in
// base64 wherever it begins in what is encoded.
func forms(secret string) []string {
	list := []string{secret, url.QueryEscape(secret), hex.EncodeToString([]byte(secret)), fmt.Sprintf("%d", []byte(secret))}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := encoding.EncodeToString(append(make([]byte, before), secret...))
			// The first and the last characters share bits with their neighbours.
			list = append(list, text[(before*8+5)/6:len(text)-1])
		}
	}
	return list
}

func TestForms(t *testing.T) {
	var e ear
	for i := range 4 {
		e.hear("somewhere", base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", i)+"marker-0815"+strings.Repeat("y", 3-i))))
	}
	for _, s := range e.heard {
		found := false
		for _, form := range forms("marker-0815") {
			found = found || strings.Contains(s.text, form)
		}
		assert.True(t, found, s.text)
	}
}
