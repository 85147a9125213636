// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"context"
	"net/http"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
)

func TestProxyTrustResolves(t *testing.T) {
	trust, err := newProxyTrust([]string{"10.0.0.0/8", "fd00::/8", "192.0.2.7"})
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		peer           string
		xff, forwarded []string
		want           string
	}{
		"stranger":            {peer: "203.0.113.1", xff: []string{"6.6.6.6"}, want: "203.0.113.1"},
		"no header":           {peer: "10.0.0.1", want: "10.0.0.1"},
		"one hop":             {peer: "10.0.0.1", xff: []string{"203.0.113.9"}, want: "203.0.113.9"},
		"lone address":        {peer: "192.0.2.7", xff: []string{"203.0.113.9"}, want: "203.0.113.9"},
		"claimed by client":   {peer: "10.0.0.1", xff: []string{"6.6.6.6, 203.0.113.9"}, want: "203.0.113.9"},
		"chain":               {peer: "10.0.0.1", xff: []string{"6.6.6.6, 203.0.113.9", "10.0.0.2 , 10.0.0.3"}, want: "203.0.113.9"},
		"all trusted":         {peer: "10.0.0.1", xff: []string{"10.0.0.9"}, want: "10.0.0.9"},
		"nonsense":            {peer: "10.0.0.1", xff: []string{"203.0.113.9, unknown"}, want: "10.0.0.1"},
		"empty":               {peer: "10.0.0.1", xff: []string{""}, want: "10.0.0.1"},
		"empty entry":         {peer: "10.0.0.1", xff: []string{"203.0.113.9,"}, want: "10.0.0.1"},
		"with port":           {peer: "10.0.0.1", xff: []string{"203.0.113.9:4711"}, want: "203.0.113.9"},
		"v6":                  {peer: "fd00::1", xff: []string{"2001:db8::9"}, want: "2001:db8::9"},
		"v6 in brackets":      {peer: "fd00::1", xff: []string{"[2001:db8::9]:4711"}, want: "2001:db8::9"},
		"v4 in v6":            {peer: "10.0.0.1", xff: []string{"::ffff:203.0.113.9"}, want: "203.0.113.9"},
		"forwarded":           {peer: "10.0.0.1", forwarded: []string{`for=6.6.6.6, For="[2001:db8::9]:4711";proto=https;by=10.0.0.1`}, want: "2001:db8::9"},
		"forwarded, obscured": {peer: "10.0.0.1", forwarded: []string{"for=_hidden"}, want: "10.0.0.1"},
		"forwarded, no for":   {peer: "10.0.0.1", forwarded: []string{"proto=https"}, want: "10.0.0.1"},
		"both agree":          {peer: "10.0.0.1", xff: []string{"203.0.113.9"}, forwarded: []string{"for=203.0.113.9"}, want: "203.0.113.9"},
		"both disagree":       {peer: "10.0.0.1", xff: []string{"203.0.113.9"}, forwarded: []string{"for=6.6.6.6"}, want: "10.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			if tt.xff != nil {
				h["X-Forwarded-For"] = tt.xff
			}
			if tt.forwarded != nil {
				h["Forwarded"] = tt.forwarded
			}
			assert.Equal(t, tt.want, trust.resolve(netip.MustParseAddr(tt.peer), h).String())
		})
	}
}

func TestProxyTrustKeepsTheRestOfTheClient(t *testing.T) {
	trust, err := newProxyTrust([]string{"10.0.0.0/8"})
	require.NoError(t, err)
	ctx := client.NewContext(context.Background(), client.Info{Auth: subject("alice")})
	r := &http.Request{RemoteAddr: "10.0.0.1:5", Header: http.Header{"X-Forwarded-For": {"203.0.113.9"}}}
	info := client.FromContext(trust.withClient(ctx, r))
	assert.Equal(t, subject("alice"), info.Auth)
	assert.Equal(t, "203.0.113.9", info.Addr.String())

	r.RemoteAddr = "@" // a unix socket
	assert.Equal(t, ctx, trust.withClient(ctx, r))
	_, err = newProxyTrust([]string{"10.0.0.0/40"})
	require.Error(t, err)
}
