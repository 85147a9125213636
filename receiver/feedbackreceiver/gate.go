// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import "sync"

// gate counts the requests in work, so that shutdown can wait for them. A
// sync.WaitGroup would not do: a request may come in while it is waited on.
type gate struct {
	mu   sync.Mutex    // guards n and idle
	n    int           // requests in work
	idle chan struct{} // not nil once drained was called; closed when n is 0
}

// enter counts a request; it reports false once the gate is shut.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.idle != nil {
		return false
	}
	g.n++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.n--
	if g.n == 0 && g.idle != nil {
		close(g.idle)
	}
}

// drained shuts the gate; the channel is closed when the last request left.
func (g *gate) drained() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.idle == nil {
		g.idle = make(chan struct{})
		if g.n == 0 {
			close(g.idle)
		}
	}
	return g.idle
}
