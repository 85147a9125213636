// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package proxy is a TCP proxy in front of a Kafka broker, for what a network
// does to its clients: nothing gets through, slowly, a little, or only until the
// connection is reset.
package proxy // import "github.com/otelcol-feedback/otelcol-feedback/testbed/internal/proxy"

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Conditions are those of the network. The zero value is a good one.
type Conditions struct {
	// Cut holds everything back, on old connections and new ones; it goes on
	// when the cut has healed, as TCP does.
	Cut bool
	// Reset resets every connection, and every new one when it is first used.
	Reset bool
	// Refuse ends every connection, and every new one at once.
	Refuse bool
	// Latency is added in each direction.
	Latency time.Duration
	// BytesPerSecond bounds each direction of each connection; 0 is no bound.
	BytesPerSecond int
}

// Proxy forwards connections from one address to another. Its methods may be
// called from several goroutines.
type Proxy struct {
	listener net.Listener
	target   string
	group    sync.WaitGroup
	lose     atomic.Pointer[loss]
	hold     atomic.Pointer[Held]

	mu      sync.Mutex // guards all below
	cond    Conditions
	changed chan struct{} // closed when cond changes
	conns   map[*conn]struct{}
	closed  bool
}

// New returns a proxy that listens on one address and goes on to the other.
func New(listen, target string) (*Proxy, error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, target: target, changed: make(chan struct{}), conns: map[*conn]struct{}{}}
	p.group.Go(p.accept)
	return p, nil
}

// Close ends the proxy and all its connections.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.closed = true
	for c := range p.conns {
		c.close(false)
	}
	p.mu.Unlock()
	p.group.Wait()
}

// Set changes the conditions.
func (p *Proxy) Set(cond Conditions) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cond = cond
	close(p.changed)
	p.changed = make(chan struct{})
	if cond.Reset || cond.Refuse {
		for c := range p.conns {
			c.close(true)
		}
	}
}

func (p *Proxy) conditions() (Conditions, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cond, p.changed
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.group.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	c := &conn{proxy: p, client: client.(*net.TCPConn), done: make(chan struct{})}
	if cond, _ := p.conditions(); cond.Refuse {
		c.close(true)
		return
	}
	broker, err := net.DialTimeout("tcp", p.target, 5*time.Second)
	if err != nil {
		_ = client.Close() // as refused
		return
	}
	c.broker = broker.(*net.TCPConn)
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		c.close(false)
		return
	}
	p.conns[c] = struct{}{}
	p.mu.Unlock()
	c.run()
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
}

// Group is the proxies in front of a cluster.
type Group []*Proxy

// Set changes the conditions of all.
func (g Group) Set(cond Conditions) {
	for _, p := range g {
		p.Set(cond)
	}
}

// Close ends all.
func (g Group) Close() {
	for _, p := range g {
		p.Close()
	}
}

// LoseAnswers lets the next n requests with this API key through to a broker,
// whichever, and resets the connection when the answer comes. It returns how
// often that has happened.
func (g Group) LoseAnswers(apiKey int16, n int64) (happened func() int64) {
	l := &loss{apiKey: apiKey}
	l.left.Store(n)
	for _, p := range g {
		p.lose.Store(l)
	}
	return l.happened.Load
}

type loss struct {
	apiKey   int16
	left     atomic.Int64
	happened atomic.Int64
}

// due reports whether the answer to this request is to be lost.
func (l *loss) due(frame []byte) bool {
	return l != nil && apiKey(frame) == l.apiKey && l.left.Add(-1) >= 0
}
