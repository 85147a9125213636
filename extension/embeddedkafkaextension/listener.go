// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package embeddedkafkaextension

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// listener accepts the broker's connections. It reports the address that
// clients shall be told instead of its own, and it knows when the last
// connection is closed.
type listener struct {
	net.Listener
	advertised net.Addr
	// open counts the accepting loop, which ends with its first error, and the
	// connections that are open.
	open    sync.WaitGroup
	stopped func()
}

// address is a host and port that need not be resolved here.
type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

// listen binds cfg.Endpoint.
func listen(ctx context.Context, cfg *Config) (*listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", cfg.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("endpoint: the embedded broker cannot listen on %s (is it taken by another broker?): %w", cfg.Endpoint, err)
	}
	l := &listener{Listener: ln, advertised: advertise(cfg, ln.Addr())}
	l.open.Add(1)
	l.stopped = sync.OnceFunc(l.open.Done)
	return l, nil
}

// advertise returns the address for clients: as configured, the port filled in
// where the system chose it, a host that can be dialled where all were bound.
func advertise(cfg *Config, bound net.Addr) net.Addr {
	if cfg.AdvertisedEndpoint != "" {
		return address(cfg.AdvertisedEndpoint)
	}
	host, port, _ := net.SplitHostPort(cfg.Endpoint) // checked by Validate
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	if tcp, ok := bound.(*net.TCPAddr); ok {
		port = fmt.Sprint(tcp.Port)
	}
	return address(net.JoinHostPort(host, port))
}

// loopback reports whether only this machine can connect.
func (l *listener) loopback() bool {
	tcp, ok := l.Listener.Addr().(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// Addr implements net.Listener; kfake puts it into its metadata answers.
func (l *listener) Addr() net.Addr { return l.advertised }

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		l.stopped()
		return nil, err
	}
	l.open.Add(1)
	return &conn{Conn: c, closed: sync.OnceFunc(l.open.Done)}, nil
}

type conn struct {
	net.Conn
	closed func()
}

// Close implements net.Conn.
func (c *conn) Close() error {
	defer c.closed()
	return c.Conn.Close()
}
