// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// originPolicy decides which web pages may send events. text/plain needs no
// preflight, so CORS alone keeps no page from sending.
type originPolicy struct {
	all   bool
	exact map[string]struct{}
	wild  [][2]string // what stands before and behind the *
}

func newOriginPolicy(allowed []string) originPolicy {
	p := originPolicy{exact: make(map[string]struct{}, len(allowed))}
	for _, o := range allowed {
		o = strings.ToLower(o)
		before, after, isWild := strings.Cut(o, "*")
		switch {
		case o == "*":
			p.all = true
		case isWild:
			p.wild = append(p.wild, [2]string{before, after})
		default:
			p.exact[o] = struct{}{}
		}
	}
	return p
}

// allows reports whether the request comes from no page, from this server's
// own or from one that is allowed.
func (p *originPolicy) allows(r *http.Request) bool {
	values := r.Header["Origin"]
	switch {
	case len(values) == 0 || p.all:
		return true
	case len(values) > 1:
		return false
	}
	origin := strings.ToLower(values[0])
	if _, ok := p.exact[origin]; ok {
		return true
	}
	for _, w := range p.wild {
		if len(origin) >= len(w[0])+len(w[1]) && strings.HasPrefix(origin, w[0]) && strings.HasSuffix(origin, w[1]) {
			return true
		}
	}
	return ownOrigin(r, origin)
}

// ownOrigin reports whether origin is the server the request was sent to. A
// page may have its own name resolved to 127.0.0.1 (DNS rebinding): on a
// loopback address only loopback names are ours.
func ownOrigin(r *http.Request, origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) {
		return false
	}
	if u.Scheme != "https" && (u.Scheme != "http" || r.TLS != nil) {
		return false
	}
	return !onLoopback(r) || loopbackName(u.Hostname())
}

// onLoopback reports whether the request reached us over a loopback address.
func onLoopback(r *http.Request) bool {
	addr, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	tcp, ok := addr.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}

func loopbackName(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
