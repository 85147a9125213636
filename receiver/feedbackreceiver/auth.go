// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"
	"maps"
	"net/http"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/extension/extensionauth"
)

// httpAuth guards /v1/feedback, and nothing beside it.
type httpAuth struct {
	server extensionauth.Server
	params []string // query parameters that the authenticator reads as headers
	scheme string   // named in WWW-Authenticate
}

// newHTTPAuth returns nil if no authentication is configured.
func newHTTPAuth(ctx context.Context, cfg *confighttp.ServerConfig, extensions map[component.ID]component.Component) (*httpAuth, error) {
	if !cfg.Auth.HasValue() {
		return nil, nil
	}
	auth := cfg.Auth.Get()
	server, err := auth.GetServerAuthenticator(ctx, extensions)
	if err != nil {
		return nil, err
	}
	scheme := "Bearer"
	if auth.AuthenticatorID.Type().String() == "basicauth" {
		scheme = "Basic"
	}
	return &httpAuth{server: server, params: auth.RequestParameters, scheme: scheme}, nil
}

// authenticate returns the context with the client's identity in it.
func (a *httpAuth) authenticate(ctx context.Context, r *http.Request) (context.Context, error) {
	return a.server.Authenticate(ctx, a.sources(r))
}

// sources are the headers, and the query parameters that count as such.
func (a *httpAuth) sources(r *http.Request) map[string][]string {
	if len(a.params) == 0 || r.URL.RawQuery == "" {
		return r.Header
	}
	query := r.URL.Query()
	sources := maps.Clone(r.Header)
	for _, name := range a.params {
		if values, ok := query[name]; ok {
			sources[name] = values
		}
	}
	return sources
}

// challenge is the value of WWW-Authenticate (RFC 6750, section 3).
func (a *httpAuth) challenge(r *http.Request) string {
	c := a.scheme + ` realm="feedback"`
	if a.scheme == "Bearer" && r.Header.Get("Authorization") != "" {
		c += `, error="invalid_token"`
	}
	return c
}
