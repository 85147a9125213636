// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
)

// hideTokens takes tokens out of the query before anything else sees a request:
// the server's spans hold the query, and logs may. It stands before the
// collector's own handlers.
type hideTokens struct{ next http.Handler }

// ServeHTTP implements http.Handler.
func (h hideTokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.RawQuery == "" {
		h.next.ServeHTTP(w, r)
		return
	}
	rest, tokens := cutTokens(r.URL.RawQuery)
	if rest == r.URL.RawQuery {
		h.next.ServeHTTP(w, r)
		return
	}
	ctx := r.Context()
	if len(tokens) > 0 {
		ctx = context.WithValue(ctx, queryTokensKey{}, hidden(func() []string { return tokens }))
	}
	r = r.WithContext(ctx)
	address := *r.URL
	address.RawQuery = rest
	r.URL, r.RequestURI = &address, address.RequestURI()
	h.next.ServeHTTP(w, r)
}

type queryTokensKey struct{}

// hidden holds tokens in a form of which nobody who prints a context, not even
// by reflection, learns anything.
type hidden func() []string

// queryTokens are the tokens that were in the query.
func queryTokens(ctx context.Context) []string {
	if tokens, ok := ctx.Value(queryTokensKey{}).(hidden); ok {
		return tokens()
	}
	return nil
}

// cutTokens returns the query without its tokens, or without anything that may
// be taken for one: written in another case, or behind a ; instead of an &.
func cutTokens(query string) (rest string, tokens []string) {
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		text, err := url.QueryUnescape(pair)
		switch {
		case err != nil:
			// Nobody could read it.
		case !strings.Contains(strings.ToLower(text), access.QueryParameter):
			kept = append(kept, pair)
		default:
			name, value, _ := strings.Cut(text, "=")
			if name == access.QueryParameter {
				tokens = append(tokens, value)
			}
		}
	}
	return strings.Join(kept, "&"), tokens
}
