// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/extension/extensionauth"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
)

// httpAuth guards /v1/feedback, and nothing beside it.
type httpAuth struct {
	server extensionauth.Server
	query  access.QueryAuthenticator // nil: no token may stand in the query
	params []string                  // query parameters that the authenticator reads as headers
	scheme string                    // named in WWW-Authenticate
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
	scheme := schemeBearer
	if auth.AuthenticatorID.Type().String() == "basicauth" {
		scheme = "Basic"
	}
	query, _ := server.(access.QueryAuthenticator)
	return &httpAuth{server: server, query: query, params: auth.RequestParameters, scheme: scheme}, nil
}

const schemeBearer = "Bearer"

// authenticate returns the context with the client's identity in it.
func (a *httpAuth) authenticate(ctx context.Context, r *http.Request) (context.Context, error) {
	sources := a.sources(r)
	tokens := queryTokens(r.Context())
	if len(tokens) == 0 || a.query == nil {
		return a.server.Authenticate(ctx, sources)
	}
	header := r.Header["Authorization"]
	if len(header) == 0 && len(tokens) == 1 {
		return a.query.AuthenticateQuery(ctx, tokens[0])
	}
	// More than one: which of them counts is not for us to choose.
	sources = maps.Clone(sources)
	sources["Authorization"] = slices.Concat(header, tokens)
	return a.server.Authenticate(ctx, sources)
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

// challenge is the value of WWW-Authenticate (RFC 6750, section 3) for
// credentials that are missing or, by err, not good.
func (a *httpAuth) challenge(r *http.Request, err error) string {
	c := a.scheme + ` realm="feedback"`
	if a.scheme != schemeBearer || r.Header.Get("Authorization") == "" && len(queryTokens(r.Context())) == 0 {
		return c
	}
	c += `, error="invalid_token"`
	if reason, ok := errors.AsType[*access.Refusal](err); ok {
		c += `, error_description="` + reason.Message + `"` // of ours alone: nothing to escape
	}
	return c
}

// forbidden is the value of WWW-Authenticate for credentials that are good, and
// do not allow what was sent.
func (a *httpAuth) forbidden() string {
	c := a.scheme + ` realm="feedback"`
	if a.scheme == schemeBearer {
		c += `, error="insufficient_scope"`
	}
	return c
}

// refuseCredentials is the answer to credentials that are not good; it says why
// where that is written to be shown to anyone.
func refuseCredentials(err error) refusal {
	f := refuseIdentity
	if reason, ok := errors.AsType[*access.Refusal](err); ok {
		f.message = reason.Message
	}
	return f
}
