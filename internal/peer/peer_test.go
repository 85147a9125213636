// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/client"
	grpcpeer "google.golang.org/grpc/peer"
)

type text string

func (text) Network() string  { return "test" }
func (t text) String() string { return string(t) }

func TestAddr(t *testing.T) {
	none := netip.Addr{}
	v4, v6 := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7")
	for name, tt := range map[string]struct {
		addr net.Addr
		want netip.Addr
	}{
		"none":              {nil, none},
		"a connection":      {&net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 1}, v4},
		"a forwarded one":   {&net.IPAddr{IP: v6.AsSlice()}, v6},
		"mapped":            {&net.IPAddr{IP: net.ParseIP("::ffff:192.0.2.7")}, v4},
		"zone":              {text("[2001:db8::7%eth0]:80"), v6},
		"text":              {text("192.0.2.7:80"), v4},
		"text without port": {text("2001:db8::7"), v6},
		"a socket":          {&net.UnixAddr{Name: "/run/a.sock"}, none},
		"an empty address":  {&net.TCPAddr{}, none},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.want, Addr(client.NewContext(t.Context(), client.Info{Addr: tt.addr})))
		})
	}
	ctx := grpcpeer.NewContext(t.Context(), &grpcpeer.Peer{Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7)}})
	assert.Equal(t, v4, Addr(ctx), "gRPC's own")
}
