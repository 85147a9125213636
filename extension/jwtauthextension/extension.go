// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package jwtauthextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/jwtauthextension"

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensionauth"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/audit"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"
)

var (
	_ extension.Extension       = (*authenticator)(nil)
	_ extensionauth.Server      = (*authenticator)(nil)
	_ access.QueryAuthenticator = (*authenticator)(nil)
)

// authenticator is the extension.
type authenticator struct {
	cfg    *Config
	logger *zap.Logger
	rules  token.Rules

	ring     atomic.Pointer[ring]
	remote   *remote // nil: the keys are not behind a URL
	uses     *uses
	audit    *audit.Log
	refusals refusals

	roundTripper http.RoundTripper // of tests; nil: the network's

	cancel context.CancelFunc
	loops  sync.WaitGroup
}

func newAuthenticator(cfg *Config, logger *zap.Logger) *authenticator {
	return &authenticator{
		cfg:    cfg,
		logger: logger,
		rules: token.Rules{
			Issuer:   cfg.Issuer,
			Audience: cfg.audience(),
			Leeway:   cfg.Leeway,
			MaxBytes: cfg.MaxTokenBytes,
		},
		uses: newUses(cfg.Presigned.MaxTokens, logger),
	}
}

// Start implements component.Component. A file that holds no keys is an error; a
// URL that does not answer is not: it may, later.
func (a *authenticator) Start(ctx context.Context, host component.Host) error {
	if err := a.start(ctx, host); err != nil {
		return errors.Join(err, a.Shutdown(ctx))
	}
	return nil
}

func (a *authenticator) start(ctx context.Context, host component.Host) error {
	a.audit = audit.Find(host)
	loops, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	if a.cfg.Presigned.Directory != "" {
		if err := a.uses.open(a.cfg.Presigned.Directory); err != nil {
			return fmt.Errorf("presigned::directory: %w", err)
		}
	}
	switch {
	case a.cfg.HMACSecret != "":
		keys, err := a.readSecret([]byte(a.cfg.HMACSecret))
		if err != nil {
			return fmt.Errorf("hmac_secret: %w", err)
		}
		a.install(keys)
	case a.cfg.JWKSURL != "":
		return a.startRemote(ctx, loops, host)
	default:
		f := a.file()
		keys, err := f.load()
		if err != nil {
			return err
		}
		a.install(keys)
		a.loops.Go(func() { f.watch(loops, a.cfg.ReloadInterval, a.install, a.logger) })
	}
	return nil
}

func (a *authenticator) file() *file {
	switch {
	case a.cfg.HMACSecretFile != "":
		return &file{name: "hmac_secret_file", path: a.cfg.HMACSecretFile, limit: maxKeyFile, read: a.readSecret}
	case a.cfg.PublicKeyFile != "":
		return &file{name: "public_key_file", path: a.cfg.PublicKeyFile, limit: maxKeyFile, read: a.readPEM}
	default:
		return &file{name: "jwks_file", path: a.cfg.JWKSFile, limit: a.cfg.JWKS.MaxBytes, read: a.readJWKS}
	}
}

func (a *authenticator) startRemote(ctx, loops context.Context, host component.Host) error {
	transport, err := a.transport(ctx)
	if err != nil {
		return err
	}
	r := newRemote(&a.cfg.JWKS, a.cfg.JWKSURL, transport)
	r.read, r.logger, r.report = a.readJWKS, a.logger, a.reporter(host)
	r.install = func(keys *token.Keys) {
		if keys != nil {
			a.install(keys)
		}
		a.ring.Load().stale.Store(time.Now().Add(a.cfg.JWKS.MaxAge).UnixNano())
	}
	a.remote = r
	a.loops.Go(func() {
		defer r.client.CloseIdleConnections()
		r.run(loops)
	})
	return nil
}

// transport is what a key set is fetched by.
func (a *authenticator) transport(ctx context.Context) (http.RoundTripper, error) {
	if a.roundTripper != nil {
		return a.roundTripper, nil
	}
	tls, err := a.cfg.JWKS.TLS.LoadTLSConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("jwks::tls: %w", err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = tls
	transport.MaxResponseHeaderBytes = maxKeyFile
	return transport, nil
}

// reporter logs and reports when fetches begin to fail, and when they succeed
// again.
func (a *authenticator) reporter(host component.Host) func(error) {
	var said string
	where := "jwks_url"
	if u, err := url.Parse(a.cfg.JWKSURL); err == nil {
		where = u.Scheme + "://" + u.Host
	}
	return func(err error) {
		switch {
		case err == nil && said != "":
			said = ""
			a.logger.Info("The keys can be fetched again", zap.String("from", where))
			componentstatus.ReportStatus(host, componentstatus.NewEvent(componentstatus.StatusOK))
		case err != nil && err.Error() != said:
			said = err.Error()
			a.logger.Error("The keys cannot be fetched; those from before are used until they are too old",
				zap.String("from", where), zap.Error(err), zap.Bool("has_keys", a.ring.Load().good(time.Now())))
			componentstatus.ReportStatus(host, componentstatus.NewRecoverableErrorEvent(fmt.Errorf("jwks_url: %w", err)))
		}
	}
}

func (a *authenticator) install(keys *token.Keys) { a.ring.Store(newRing(keys, a.cfg.CacheTokens)) }

func (a *authenticator) readSecret(data []byte) (*token.Keys, error) {
	return a.narrow(token.ReadSecret(data))
}

func (a *authenticator) readPEM(data []byte) (*token.Keys, error) {
	return a.narrow(token.ReadPEM(data))
}

// readJWKS reads a set. An empty one is one that lets nobody in.
func (a *authenticator) readJWKS(data []byte) (*token.Keys, error) {
	set := token.JWKS{MaxKeys: a.cfg.JWKS.MaxKeys, Secrets: a.cfg.JWKSFile != ""}
	keys, skipped, err := set.Read(data)
	if err != nil {
		return nil, err
	}
	if len(skipped) > 0 {
		a.logger.Warn("Keys of the set are left out", zap.Errors("keys", skipped))
	}
	return token.NewKeys(keys, a.cfg.Algorithms), nil
}

func (a *authenticator) narrow(keys []token.Key, err error) (*token.Keys, error) {
	if err != nil {
		return nil, err
	}
	set := token.NewKeys(keys, a.cfg.Algorithms)
	if set.Len() == 0 {
		return nil, errors.New("no key fits any of algorithms")
	}
	return set, nil
}

// Shutdown implements component.Component. The pipelines have stopped before.
func (a *authenticator) Shutdown(context.Context) error {
	if a.cancel != nil {
		a.cancel()
	}
	a.loops.Wait()
	return a.uses.close()
}
