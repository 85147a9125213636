// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Held are requests that are on their way for as long as the test likes: they
// arrive after their sender has given them up and closed its connection.
type Held struct {
	apiKey int16

	mu     sync.Mutex // guards what follows
	left   int
	frames []heldFrame
}

type heldFrame struct {
	target string
	frame  []byte
}

// HoldRequests keeps the next n requests with this API key, to whichever broker.
func (g Group) HoldRequests(apiKey int16, n int) *Held {
	h := &Held{apiKey: apiKey, left: n}
	for _, p := range g {
		p.hold.Store(h)
	}
	return h
}

// keep reports whether it has taken the request.
func (h *Held) keep(target string, frame []byte) bool {
	if h == nil || apiKey(frame) != h.apiKey {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.left == 0 {
		return false
	}
	h.left--
	h.frames = append(h.frames, heldFrame{target, frame})
	return true
}

// Count is how many requests are kept.
func (h *Held) Count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.frames)
}

// Deliver lets the kept requests arrive, one after the other, and returns what
// the brokers answer, without the length. A broker that asks who it talks to
// does not take them: the connection is a new one.
func (h *Held) Deliver() (answers [][]byte, err error) {
	h.mu.Lock()
	frames := h.frames
	h.frames, h.left = nil, 0
	h.mu.Unlock()
	for _, f := range frames {
		answer, err := f.deliver()
		if err != nil {
			return answers, fmt.Errorf("a request that was held: %w", err)
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

func (f heldFrame) deliver() ([]byte, error) {
	c, err := net.DialTimeout("tcp", f.target, 5*time.Second)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := c.Write(f.frame); err != nil {
		return nil, err
	}
	var size [4]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxFrame {
		return nil, errNoFrame
	}
	answer := make([]byte, n)
	_, err = io.ReadFull(c, answer)
	return answer, err
}
