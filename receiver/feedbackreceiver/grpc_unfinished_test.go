// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/stats"
)

const clientPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// frames is what a client of HTTP/2 sends: DATA frames of these sizes, others
// between them.
func frames(sizes ...int) []byte {
	const settings, headers, ping = 4, 1, 6
	out := []byte(clientPreface)
	frame := func(kind byte, n int) {
		out = append(out, byte(n>>16), byte(n>>8), byte(n), kind, 0, 0, 0, 0, 1)
		out = append(out, make([]byte, n)...)
	}
	frame(settings, 0)
	for _, n := range sizes {
		frame(headers, 77)
		frame(frameData, n)
		frame(ping, 8)
	}
	return out
}

func TestFrameReader(t *testing.T) {
	sent := frames(0, 1, tinyFrame-1, tinyFrame, 16384)
	for name, r := range map[string]io.Reader{
		"at once":      bytes.NewReader(sent),
		"byte by byte": iotest.OneByteReader(bytes.NewReader(sent)),
		"in halves":    iotest.HalfReader(bytes.NewReader(sent)),
	} {
		t.Run(name, func(t *testing.T) {
			var f frameReader
			var total, small int64
			for buf := make([]byte, 300); ; {
				n, err := r.Read(buf)
				b, s := f.follow(buf[:n])
				total, small = total+b, small+s
				if err != nil {
					break
				}
			}
			assert.Equal(t, int64(1+tinyFrame-1+tinyFrame+16384), total)
			assert.Equal(t, int64(3), small)
			assert.Zero(t, f.left+int64(f.headLen))
		})
	}
}

// connected returns the server's side of a connection under u, its calls'
// context, and the client's side.
func connected(t *testing.T, u *unfinished) (*countedConn, context.Context, net.Conn) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	raw, err := listener.Accept()
	require.NoError(t, err)
	conn, _, err := u.ServerHandshake(raw)
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = conn.Close(), client.Close() })
	ctx := u.TagConn(t.Context(), &stats.ConnTagInfo{RemoteAddr: raw.RemoteAddr(), LocalAddr: raw.LocalAddr()})
	return conn.(*countedConn), ctx, client
}

func TestUnfinishedMessages(t *testing.T) {
	u := newUnfinished(insecure.NewCredentials(), 10_000, zap.NewNop())
	one, oneCall, oneClient := connected(t, u)
	two, twoCall, twoClient := connected(t, u)
	receive := func(c *countedConn, client net.Conn, sent []byte) error {
		go func() { _, _ = client.Write(sent) }()
		_, err := io.ReadFull(c, make([]byte, len(sent)))
		return err
	}
	whole := func(ctx context.Context, n int) { u.HandleRPC(ctx, &stats.InPayload{WireLength: n}) }

	u.HandleRPC(oneCall, &stats.Begin{})
	u.HandleRPC(oneCall, &stats.Begin{})
	u.HandleRPC(twoCall, &stats.Begin{})
	require.NoError(t, receive(one, oneClient, frames(1000, 2000)))
	assert.Equal(t, int64(3000), u.total)
	whole(oneCall, 3000)
	assert.Zero(t, u.total)
	whole(oneCall, 3000)
	assert.Zero(t, u.total, "never below zero")

	more := frames(6000)[prefaceLen:]
	require.NoError(t, receive(one, oneClient, more))
	u.HandleRPC(oneCall, &stats.End{})
	assert.Equal(t, int64(6000), u.total, "another call may hold it")
	u.HandleRPC(oneCall, &stats.End{})
	assert.Zero(t, u.total, "what was given up half-way is gone")

	u.HandleRPC(oneCall, &stats.Begin{})
	require.NoError(t, receive(one, oneClient, more))
	require.NoError(t, receive(two, twoClient, frames(5000)), "the other is cut")
	_, err := one.Read(make([]byte, 1))
	require.Error(t, err)
	assert.Equal(t, int64(5000), u.total)
	whole(oneCall, 6000)
	assert.Equal(t, int64(5000), u.total, "what was cut counts no more")

	require.ErrorIs(t, receive(two, twoClient, more), errUnfinished, "now it is the largest")
	assert.Zero(t, u.total)
	require.NoError(t, two.Close())
	require.NoError(t, one.Close())
	assert.Empty(t, u.conns)
}

func TestTinyFrames(t *testing.T) {
	u := newUnfinished(insecure.NewCredentials(), 1<<40, zap.NewNop())
	c, call, _ := connected(t, u)
	u.HandleRPC(call, &stats.Begin{})
	u.HandleRPC(call, &stats.Begin{})
	for range 10 * maxTiny { // a message each
		require.NoError(t, u.received(c, 6, 2))
		u.HandleRPC(call, &stats.InPayload{WireLength: 6})
	}
	assert.Zero(t, u.total)
	require.NoError(t, u.received(c, maxTiny, maxTiny))
	assert.Equal(t, int64(maxTiny*(1+tinyFrame)), u.total)
	require.ErrorIs(t, u.received(c, 1, 1), errUnfinished)
}

// FuzzFrameReader: however the bytes are cut, the same is counted.
func FuzzFrameReader(f *testing.F) {
	f.Add(frames(1, 1000, 0), uint8(7))
	f.Add([]byte(clientPreface+"\xff\xff\xff\x00"), uint8(1))
	f.Fuzz(func(t *testing.T, sent []byte, step uint8) {
		var whole, parts frameReader
		wantBytes, wantTiny := whole.follow(sent)
		var gotBytes, gotTiny int64
		for rest := sent; len(rest) > 0; {
			n := min(int(step)+1, len(rest))
			b, tiny := parts.follow(rest[:n])
			gotBytes, gotTiny = gotBytes+b, gotTiny+tiny
			rest = rest[n:]
		}
		require.Equal(t, wantBytes, gotBytes)
		require.Equal(t, wantTiny, gotTiny)
		require.Equal(t, whole, parts)
	})
}
