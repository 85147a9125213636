// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-feedback/otelcol-feedback/internal/ports"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo answers each frame with itself.
func echo(t *testing.T) (target string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

func frame(apiKey int16, size int) []byte {
	b := make([]byte, 4+size)
	binary.BigEndian.PutUint32(b, uint32(size))
	binary.BigEndian.PutUint16(b[4:], uint16(apiKey))
	return b
}

// setup returns the proxy's address and a dialler of connections through it.
func setup(t *testing.T) (Group, func() net.Conn) {
	free, err := ports.Free(1)
	require.NoError(t, err)
	listen := ports.Loopback(free[0])
	p, err := New(listen, echo(t))
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return Group{p}, func() net.Conn {
		c, err := net.Dial("tcp", listen)
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
}

func send(t *testing.T, c net.Conn, b []byte) {
	t.Helper()
	_, err := c.Write(b)
	require.NoError(t, err)
}

// back reads an answer of the given length, for at most so long.
func back(c net.Conn, n int, patience time.Duration) error {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	_, err := io.ReadFull(c, make([]byte, n))
	return err
}

// ask sends a request on a connection of its own and reads the answer. What the
// proxy does to the connection may show at any step.
func ask(g Group, request []byte) error {
	c, err := net.Dial("tcp", g[0].listener.Addr().String())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write(request); err != nil {
		return err
	}
	return back(c, len(request), time.Second)
}

func TestConditions(t *testing.T) {
	group, dial := setup(t)
	c := dial()
	request := frame(3, 100)
	send(t, c, request)
	require.NoError(t, back(c, len(request), time.Second))

	t.Run("cut, and healed", func(t *testing.T) {
		group.Set(Conditions{Cut: true})
		send(t, c, request)
		require.Error(t, back(c, 1, 100*time.Millisecond))
		group.Set(Conditions{})
		require.NoError(t, back(c, len(request), time.Second))
	})
	t.Run("latency", func(t *testing.T) {
		group.Set(Conditions{Latency: 100 * time.Millisecond})
		began := time.Now()
		send(t, c, request)
		require.NoError(t, back(c, len(request), 5*time.Second))
		assert.GreaterOrEqual(t, time.Since(began), 200*time.Millisecond)
	})
	t.Run("bandwidth", func(t *testing.T) {
		group.Set(Conditions{BytesPerSecond: 260})
		began := time.Now()
		send(t, c, request)
		require.NoError(t, back(c, len(request), 10*time.Second))
		assert.GreaterOrEqual(t, time.Since(began), 300*time.Millisecond)
		group.Set(Conditions{})
	})
	t.Run("reset", func(t *testing.T) {
		group.Set(Conditions{Reset: true})
		require.Error(t, back(c, 1, time.Second))
		require.Error(t, ask(group, request))
	})
	t.Run("refused", func(t *testing.T) {
		group.Set(Conditions{Refuse: true})
		require.Error(t, ask(group, request))
		group.Set(Conditions{})
		other := dial()
		send(t, other, request)
		require.NoError(t, back(other, len(request), time.Second))
	})
}

func TestLosesAnswers(t *testing.T) {
	group, dial := setup(t)
	lost := group.LoseAnswers(26, 1)
	c := dial()
	send(t, c, frame(3, 10))
	require.NoError(t, back(c, 14, time.Second), "another request's answer")
	send(t, c, frame(26, 10))
	require.Error(t, back(c, 1, time.Second))
	assert.EqualValues(t, 1, lost())
	c = dial()
	send(t, c, frame(26, 10))
	require.NoError(t, back(c, 14, time.Second), "the one after")
}

func TestHoldsRequests(t *testing.T) {
	group, dial := setup(t)
	held := group.HoldRequests(26, 1)
	c := dial()
	send(t, c, frame(26, 10))
	require.Eventually(t, func() bool { return held.Count() == 1 }, 5*time.Second, time.Millisecond)
	require.NoError(t, c.Close(), "its sender gives it up")
	other := dial()
	send(t, other, frame(26, 10))
	require.NoError(t, back(other, 14, time.Second), "the one after")
	answers, err := held.Deliver()
	require.NoError(t, err)
	assert.Equal(t, [][]byte{frame(26, 10)[4:]}, answers)
	answers, err = held.Deliver()
	require.NoError(t, err)
	assert.Empty(t, answers, "once")
}
