// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package jwtauthextension

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"
)

// Keys change on disk; one that was withdrawn lets nobody in, remembered or not.
func TestFileIsReloaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newPair(t, ""), newPair(t, "")
		path := write(t, "", one.pem(t))
		a, logs := start(t, func(c *Config) { c.PublicKeyFile = path })
		byOne, byTwo := one.mint(t), two.mint(t)
		good := func(texts ...string) {
			t.Helper()
			for _, text := range texts {
				_, err := a.ask(t.Context(), text)
				require.NoError(t, err)
			}
		}
		good(byOne)
		_, err := a.ask(t.Context(), byTwo)
		refused(t, access.ErrSignature, err)
		before := a.ring.Load()

		time.Sleep(a.cfg.ReloadInterval)
		synctest.Wait()
		assert.Same(t, before, a.ring.Load(), "what is as it was is remembered")

		write(t, path, one.pem(t)+two.pem(t))
		time.Sleep(a.cfg.ReloadInterval)
		synctest.Wait()
		good(byOne, byTwo)

		write(t, path, two.pem(t))
		time.Sleep(a.cfg.ReloadInterval)
		synctest.Wait()
		good(byTwo)
		_, err = a.ask(t.Context(), byOne)
		refused(t, access.ErrSignature, err)

		for _, broken := range []string{"", marker, "-----BEGIN PUBLIC KEY-----\n" + marker} {
			write(t, path, broken)
			time.Sleep(3 * a.cfg.ReloadInterval)
			synctest.Wait()
			good(byTwo)
		}
		require.NoError(t, os.Remove(path))
		time.Sleep(3 * a.cfg.ReloadInterval)
		synctest.Wait()
		good(byTwo)
		said := logs.FilterMessage("The keys cannot be read again; those from before are used").Len()
		assert.LessOrEqual(t, said, 4, "each trouble is said once")
		assert.GreaterOrEqual(t, said, 2)
	})
}

// A set that holds no keys is one in which nobody is to be trusted any more.
func TestEmptySetLetsNobodyIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := newPair(t, "one")
		path := write(t, "", jwks(t, one))
		a, _ := start(t, func(c *Config) { c.JWKSFile = path })
		text := one.mint(t)
		_, err := a.ask(t.Context(), text)
		require.NoError(t, err)
		write(t, path, `{"keys":[]}`)
		time.Sleep(a.cfg.ReloadInterval)
		synctest.Wait()
		_, err = a.ask(t.Context(), text)
		refused(t, access.ErrUnknownKey, err)
	})
}

func TestSecretFile(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"with a line end": func(c *Config) { c.HMACSecretFile = write(t, "", secret+"\r\n") },
		"in a set": func(c *Config) {
			c.JWKSFile = write(t, "", `{"keys":[{"kty":"oct","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}]}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := start(t, change)
			_, err := a.ask(t.Context(), bySecret(t))
			require.NoError(t, err)
			_, err = a.ask(t.Context(), newPair(t, "").mint(t, func(c *token.Claims) { c.Subject = "x" }))
			refused(t, access.ErrAlgorithm, err)
		})
	}
}
