// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// frameHead is a Kafka request's length and API key; maxFrame is more than a
// broker takes.
const (
	frameHead = 6
	maxFrame  = 128 << 20
)

var errNoFrame = errors.New("not a Kafka request")

// conn is one connection through the proxy.
type conn struct {
	proxy          *Proxy
	client, broker *net.TCPConn
	once           sync.Once
	done           chan struct{}        // closed when it ends
	losing         atomic.Pointer[loss] // the next answer is not to arrive
}

// chunk is bytes on their way.
type chunk struct {
	data []byte
	sent time.Time
}

// run forwards until one side ends.
func (c *conn) run() {
	var both sync.WaitGroup
	both.Go(func() { c.pump(c.request, c.broker) })
	both.Go(func() { c.pump(c.answer, c.client) })
	both.Wait()
}

// pump moves what read returns to a connection, as the conditions are.
func (c *conn) pump(read func() ([]byte, error), to *net.TCPConn) {
	// Closed by the reader; what is behind a reset or a close is dropped.
	way := make(chan chunk, 1024)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(way)
		for {
			data, err := read()
			if err != nil {
				return
			}
			select {
			case way <- chunk{data, time.Now()}:
			case <-c.done:
				return
			}
		}
	})
	for next := range way {
		if !c.deliver(next, to) {
			break
		}
	}
	c.close(false)
	reader.Wait()
}

// deliver writes a chunk when it is due.
func (c *conn) deliver(next chunk, to *net.TCPConn) bool {
	for {
		cond, changed := c.proxy.conditions()
		if cond.Reset || cond.Refuse {
			c.close(true)
			return false
		}
		if cond.Cut {
			select {
			case <-changed:
				continue
			case <-c.done:
				return false
			}
		}
		if wait := time.Until(next.sent.Add(cond.Latency)); wait > 0 && cond.Latency > 0 {
			if !c.wait(wait, changed) {
				return false
			}
			continue
		}
		part := next.data
		if cond.BytesPerSecond > 0 {
			part = part[:min(len(part), max(1, cond.BytesPerSecond/10))]
		}
		if to == c.broker && len(part) > frameHead {
			if l := c.proxy.lose.Load(); l.due(part) {
				c.losing.Store(l) // before the answer can be there
			}
			if h := c.proxy.hold.Load(); len(part) == len(next.data) && h.keep(c.proxy.target, part) {
				return true
			}
		}
		if _, err := to.Write(part); err != nil {
			return false
		}
		next.data = next.data[len(part):]
		if len(next.data) == 0 {
			return true
		}
		if !c.wait(100*time.Millisecond, changed) {
			return false
		}
	}
}

// wait returns after d or when the conditions change; false when the connection ends.
func (c *conn) wait(d time.Duration, changed <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-changed:
	case <-c.done:
		return false
	}
	return true
}

// request reads one request of the client.
func (c *conn) request() ([]byte, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(c.client, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size < 2 || size > maxFrame {
		return nil, errNoFrame
	}
	frame := make([]byte, 4+size)
	copy(frame, head[:])
	if _, err := io.ReadFull(c.client, frame[frameHead:]); err != nil {
		return nil, err
	}
	return frame, nil
}

// answer reads what the broker says.
func (c *conn) answer() ([]byte, error) {
	b := make([]byte, 32<<10)
	n, err := c.broker.Read(b)
	if err != nil {
		return nil, err
	}
	if l := c.losing.Load(); l != nil {
		l.happened.Add(1)
		c.close(true)
		return nil, net.ErrClosed
	}
	return b[:n], nil
}

func apiKey(frame []byte) int16 { return int16(binary.BigEndian.Uint16(frame[4:])) }

// close ends the connection; with reset the client is told so by TCP.
func (c *conn) close(reset bool) {
	c.once.Do(func() {
		close(c.done)
		if reset {
			_ = c.client.SetLinger(0)
		}
		_ = c.client.Close()
		if c.broker != nil {
			_ = c.broker.Close()
		}
	})
}
