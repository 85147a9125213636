// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package peer tells where a request came from.
package peer // import "github.com/otelcol-feedback/otelcol-feedback/internal/peer"

import (
	"context"
	"net"
	"net/netip"

	"go.opentelemetry.io/collector/client"
	grpcpeer "google.golang.org/grpc/peer"
)

// Addr returns the address of the client in ctx, without port and zone: what a
// receiver put into client.Info, else gRPC's own. It is not valid where there is
// none: a file, a topic, a Unix socket.
func Addr(ctx context.Context) netip.Addr {
	addr := client.FromContext(ctx).Addr
	if addr == nil {
		if p, ok := grpcpeer.FromContext(ctx); ok {
			addr = p.Addr
		}
	}
	switch a := addr.(type) {
	case nil:
		return netip.Addr{}
	case *net.TCPAddr:
		return fromIP(a.IP)
	case *net.IPAddr:
		return fromIP(a.IP)
	}
	text := addr.String()
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	a, _ := netip.ParseAddr(text)
	return a.Unmap().WithZone("")
}

func fromIP(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}
