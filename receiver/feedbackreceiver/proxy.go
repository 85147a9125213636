// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"go.opentelemetry.io/collector/client"
)

// proxyTrust is the set of proxies whose word on a client's address is taken.
type proxyTrust []netip.Prefix

func newProxyTrust(cidrs []string) (proxyTrust, error) {
	var trust proxyTrust
	for _, s := range cidrs {
		p, err := parseCIDR(s)
		if err != nil {
			return nil, err
		}
		trust = append(trust, p)
	}
	return trust, nil
}

func (t proxyTrust) contains(a netip.Addr) bool {
	for _, p := range t {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// withClient puts the forwarded address into the context's client.Info, where
// the collector's server already put the peer's, if the peer is trusted.
func (t proxyTrust) withClient(ctx context.Context, r *http.Request) context.Context {
	if len(t) == 0 {
		return ctx
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ctx
	}
	addr := t.resolve(peer.Addr().Unmap(), r.Header)
	info := client.FromContext(ctx)
	info.Addr = &net.IPAddr{IP: addr.AsSlice(), Zone: addr.Zone()}
	return client.NewContext(ctx, info)
}

// resolve follows the proxies from peer towards the client and returns the
// first address that no trusted proxy vouches beyond.
//
// A proxy maintains one of the two headers and may hand on the other as the
// client sent it: where they disagree neither is believed.
func (t proxyTrust) resolve(peer netip.Addr, h http.Header) netip.Addr {
	if !t.contains(peer) {
		return peer
	}
	xff, forwarded := h["X-Forwarded-For"], h["Forwarded"]
	switch {
	case len(forwarded) == 0:
		return t.walk(peer, xff, func(s string) string { return s })
	case len(xff) == 0:
		return t.walk(peer, forwarded, forwardedFor)
	}
	a := t.walk(peer, xff, func(s string) string { return s })
	if b := t.walk(peer, forwarded, forwardedFor); a != b {
		return peer
	}
	return a
}

// walk reads a list header from right to left, as far as it is trusted.
func (t proxyTrust) walk(peer netip.Addr, values []string, node func(string) string) netip.Addr {
	at := peer
	for i := len(values) - 1; i >= 0; i-- {
		for list := values[i]; list != ""; {
			cut := strings.LastIndexByte(list, ',')
			next, ok := parseNode(node(list[cut+1:]))
			if !ok {
				return at // nobody can be told beyond this hop
			}
			at = next
			if !t.contains(at) {
				return at
			}
			list = list[:max(cut, 0)]
		}
	}
	return at
}

// forwardedFor is the for parameter of one Forwarded element (RFC 7239).
func forwardedFor(element string) string {
	for pair := range strings.SplitSeq(element, ";") {
		name, value, _ := strings.Cut(pair, "=")
		if strings.EqualFold(strings.TrimSpace(name), "for") {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// parseNode reads an address with or without a port, IPv6 with or without
// brackets.
func parseNode(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap(), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap(), true
	}
	return netip.Addr{}, false
}
