// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package jwtauthextension

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"
)

func TestAuthenticate(t *testing.T) {
	a, logs := start(t, func(c *Config) {
		static(c)
		c.Issuer, c.Audience = "https://issuer.example", []string{"feedback"}
	})
	ours := func(c *token.Claims) { c.Issuer, c.Audience = "https://issuer.example", jwt.Audience{"feedback"} }
	good := bySecret(t, ours)
	for name, tt := range map[string]struct {
		sources map[string][]string
		want    *access.Refusal
	}{
		"nothing":               {map[string][]string{"Cookie": {marker}}, access.ErrMissing},
		"no sources":            {nil, access.ErrMissing},
		"HTTP":                  {map[string][]string{"Authorization": {"Bearer " + good}}, nil},
		"gRPC":                  {map[string][]string{"authorization": {"bearer " + good}}, nil},
		"more spaces":           {map[string][]string{"Authorization": {"BEARER   " + good + " "}}, nil},
		"twice":                 {map[string][]string{"Authorization": {"Bearer " + good, "Bearer " + good}}, access.ErrAmbiguous},
		"twice, as servers say": {map[string][]string{"Authorization": {"Bearer " + good}, "authorization": {"Bearer " + good}}, access.ErrAmbiguous},
		"basic":                 {map[string][]string{"Authorization": {"Basic " + marker}}, access.ErrScheme},
		"no scheme":             {map[string][]string{"Authorization": {good}}, access.ErrScheme},
		"empty":                 {map[string][]string{"Authorization": {""}}, access.ErrScheme},
		"no token":              {map[string][]string{"Authorization": {"Bearer "}}, access.ErrMalformed},
		"garbage":               {map[string][]string{"Authorization": {"Bearer " + marker}}, access.ErrMalformed},
		"long":                  {map[string][]string{"Authorization": {"Bearer " + strings.Repeat("a", 8193)}}, access.ErrTooLong},
		"expired": {map[string][]string{"Authorization": {"Bearer " + bySecret(t, ours, func(c *token.Claims) {
			c.Expiry = jwt.NewNumericDate(time.Now().Add(-31 * time.Second))
		})}}, access.ErrExpired},
		"expired within leeway": {map[string][]string{"Authorization": {"Bearer " + bySecret(t, ours, func(c *token.Claims) {
			c.Expiry = jwt.NewNumericDate(time.Now().Add(-20 * time.Second))
		})}}, nil},
		"other issuer":   {map[string][]string{"Authorization": {"Bearer " + bySecret(t)}}, access.ErrIssuer},
		"other audience": {map[string][]string{"Authorization": {"Bearer " + bySecret(t, func(c *token.Claims) { c.Issuer = a.cfg.Issuer })}}, access.ErrAudience},
	} {
		t.Run(name, func(t *testing.T) {
			info := client.Info{Addr: &net.IPAddr{IP: net.IPv4(192, 0, 2, 1)}}
			ctx, err := a.Authenticate(client.NewContext(t.Context(), info), tt.sources)
			assert.Equal(t, info.Addr, client.FromContext(ctx).Addr, "what is known of the client stays")
			if tt.want != nil {
				refused(t, tt.want, err)
				assert.Equal(t, codes.Unauthenticated, status.Code(err))
				assert.Nil(t, client.FromContext(ctx).Auth)
				return
			}
			require.NoError(t, err)
			grant, ok := access.FromContext(ctx)
			require.True(t, ok)
			assert.Equal(t, "app-"+marker, grant.Subject)
			assert.True(t, grant.Allows("user_feedback"))
		})
	}
	assert.Equal(t, 1, logs.FilterField(zap.String("reason", "scheme")).Len(), "a reason is logged once a minute")
}

func TestAuthenticateQuery(t *testing.T) {
	a, _ := start(t, static)
	_, err := a.AuthenticateQuery(t.Context(), bySecret(t))
	refused(t, access.ErrInQuery, err)
	ordinary := bySecret(t)
	_, err = a.ask(t.Context(), ordinary)
	require.NoError(t, err)
	_, err = a.AuthenticateQuery(t.Context(), ordinary)
	refused(t, access.ErrInQuery, err)

	good := bySecret(t, presigned)
	for range 2 {
		ctx, err := a.AuthenticateQuery(t.Context(), good)
		require.NoError(t, err)
		grant, _ := access.FromContext(ctx)
		require.NotNil(t, grant.Presigned)
		assert.True(t, grant.Presigned.Names("", marker))
		assert.True(t, grant.Presigned.Take(1), "uses are counted over requests")
	}
	grant, err := a.ask(t.Context(), good)
	require.NoError(t, err, "a presigned token may be a bearer token too")
	assert.False(t, grant.Presigned.Take(1))
	grant.Presigned.Return(1)
	assert.True(t, grant.Presigned.Take(1))
	assert.Empty(t, a.ring.Load().cache.entries[[32]byte{}])
	assert.Len(t, a.ring.Load().cache.entries, 1, "only the ordinary one is remembered")
}

// A token is remembered as long as it is good, and no longer.
func TestRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := start(t, func(c *Config) {
			static(c)
			c.CacheTokens = 2
		})
		first := bySecret(t)
		_, err := a.ask(t.Context(), first)
		require.NoError(t, err)
		grant, err := a.ask(t.Context(), first)
		require.NoError(t, err)
		again, err := a.ask(t.Context(), first)
		require.NoError(t, err)
		assert.Same(t, grant, again)

		for _, subject := range []string{"b", "c", "d"} {
			_, err := a.ask(t.Context(), bySecret(t, func(c *token.Claims) { c.Subject = subject }))
			require.NoError(t, err)
		}
		assert.Len(t, a.ring.Load().cache.entries, 2)
		_, err = a.ask(t.Context(), first)
		require.NoError(t, err)

		time.Sleep(time.Hour + 29*time.Second)
		_, err = a.ask(t.Context(), first)
		require.NoError(t, err)
		time.Sleep(time.Second)
		_, err = a.ask(t.Context(), first)
		refused(t, access.ErrExpired, err)
	})
}

func TestRefusalsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, logs := start(t, static)
		for range 10 {
			_, err := a.Authenticate(t.Context(), nil)
			refused(t, access.ErrMissing, err)
		}
		time.Sleep(time.Minute)
		_, err := a.Authenticate(t.Context(), nil)
		refused(t, access.ErrMissing, err)
		var counts []any
		for _, e := range logs.FilterMessage("Credentials were refused").All() {
			counts = append(counts, e.ContextMap()["requests"])
		}
		assert.Equal(t, []any{int64(1), int64(10)}, counts)
	})
}

func TestMissingCostsNothing(t *testing.T) {
	a, _ := start(t, static)
	ctx, sources := t.Context(), map[string][]string{"Accept": {"*/*"}}
	assert.Zero(t, testing.AllocsPerRun(100, func() { _, _ = a.Authenticate(ctx, sources) }))
}

// Whatever is shown at the same time, everyone gets the answer of their own.
func TestAuthenticateConcurrently(t *testing.T) {
	path := write(t, "", secret)
	a, _ := start(t, func(c *Config) {
		c.HMACSecretFile = path
		c.CacheTokens = 3
	})
	var all sync.WaitGroup
	for _, subject := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		good := bySecret(t, func(c *token.Claims) { c.Subject = subject })
		shared := bySecret(t, presigned)
		all.Go(func() {
			for range 50 {
				grant, err := a.ask(t.Context(), good)
				if assert.NoError(t, err) {
					assert.Equal(t, subject, grant.Subject)
				}
				_, err = a.ask(t.Context(), good[:len(good)-4])
				assert.Equal(t, error(access.ErrSignature), err)
				if grant, err := a.ask(t.Context(), shared); assert.NoError(t, err) && grant.Presigned.Take(1) {
					grant.Presigned.Return(1)
				}
				a.install(a.ring.Load().keys)
			}
		})
	}
	all.Wait()
}

func TestStartFails(t *testing.T) {
	dir := t.TempDir()
	for want, change := range map[string]func(*Config){
		"hmac_secret_file: open ":              func(c *Config) { c.HMACSecretFile = dir + "/none" },
		"a secret must have at least 32 bytes": func(c *Config) { c.HMACSecretFile = write(t, "", marker) },
		"no PEM block of a public key":         func(c *Config) { c.PublicKeyFile = write(t, "", marker) },
		"no JSON Web Key Set":                  func(c *Config) { c.JWKSFile = write(t, "", marker) },
		"the file is too large":                func(c *Config) { c.PublicKeyFile = write(t, "", strings.Repeat("x", maxKeyFile+1)) },
		"no key fits any of algorithms":        func(c *Config) { static(c); c.Algorithms = []string{"RS256"} },
		"presigned::directory: ":               func(c *Config) { static(c); c.Presigned.Directory = write(t, "", "") },
		"jwks::tls: ":                          func(c *Config) { c.JWKSURL = "https://localhost"; c.JWKS.TLS.CAFile = dir + "/none" },
		"101 keys, more than the 100 allowed":  func(c *Config) { c.JWKSFile = write(t, "", `{"keys":[`+strings.Repeat(`{},`, 100)+`{}]}`) },
		"is no list of uses that this version ": func(c *Config) {
			static(c)
			c.Presigned.Directory = dir
			write(t, dir+"/"+useLogName, "something else")
		},
	} {
		cfg := createDefaultConfig().(*Config)
		change(cfg)
		a := newAuthenticator(cfg, zap.NewNop())
		err := a.Start(context.Background(), componenttest.NewNopHost())
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), marker)
		require.NoError(t, a.Shutdown(context.Background()), "twice")
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	for name, tt := range map[string]struct {
		cached int
		text   string
	}{
		"remembered": {4096, bySecret(b)},
		"HS256":      {0, bySecret(b)},
		"missing":    {0, ""},
		"forged":     {0, bySecret(b) + "x"},
	} {
		b.Run(name, func(b *testing.B) {
			a, _ := start(b, func(c *Config) { static(c); c.CacheTokens = tt.cached })
			sources := map[string][]string{"Authorization": {"Bearer " + tt.text}}
			if tt.text == "" {
				sources = nil
			}
			b.ReportAllocs()
			for b.Loop() {
				_, err := a.Authenticate(b.Context(), sources)
				if (err == nil) != (name == "remembered" || name == "HS256") {
					b.Fatal(err)
				}
			}
		})
	}
}
