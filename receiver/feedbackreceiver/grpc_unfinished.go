// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"go.uber.org/zap"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/stats"
)

// grpc-go keeps what has come of a message until all of it is there, for every
// stream and before anybody is asked who is calling: one connection with a
// hundred messages that are never completed would hold two gigabytes. So that is
// counted here: from the DATA frames of each connection, less what grpc-go says
// was received whole. Over the bound the connection that holds most is cut.

const (
	// tinyFrame is what grpc-go needs for a frame beside its bytes.
	tinyFrame = 128
	// tinyPerMessage frames below that size belong to a message at most, as
	// clients send them.
	tinyPerMessage = 8
	// maxTiny is how many more a connection may have sent.
	maxTiny = 50_000
)

var errUnfinished = errors.New("unfinished messages hold too much memory")

// unfinished counts what all connections hold. It is the server's credentials,
// by which it gets at the connections behind TLS, and its stats handler.
type unfinished struct {
	credentials.TransportCredentials
	limit  int64 // bytes
	logger *zap.Logger

	mu    sync.Mutex // guards all below, and the counts of every connection
	total int64
	conns map[string]*countedConn // by the addresses of both ends
}

func newUnfinished(transport credentials.TransportCredentials, limit int64, logger *zap.Logger) *unfinished {
	return &unfinished{TransportCredentials: transport, limit: limit, logger: logger, conns: map[string]*countedConn{}}
}

// ServerHandshake implements credentials.TransportCredentials.
func (u *unfinished) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := u.TransportCredentials.ServerHandshake(raw)
	if err != nil || raw.RemoteAddr().Network() == "unix" { // those are on this machine, and have no names
		return conn, info, err
	}
	c := &countedConn{Conn: conn, of: u, key: connKey(conn.RemoteAddr(), conn.LocalAddr())}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.conns[c.key] = c
	return c, info, nil
}

// Clone implements credentials.TransportCredentials.
func (u *unfinished) Clone() credentials.TransportCredentials {
	return newUnfinished(u.TransportCredentials.Clone(), u.limit, u.logger)
}

func connKey(remote, local net.Addr) string { return remote.String() + " " + local.String() }

type countedConnKey struct{}

// TagConn implements stats.Handler.
func (u *unfinished) TagConn(ctx context.Context, info *stats.ConnTagInfo) context.Context {
	u.mu.Lock()
	defer u.mu.Unlock()
	return context.WithValue(ctx, countedConnKey{}, u.conns[connKey(info.RemoteAddr, info.LocalAddr)])
}

// HandleConn implements stats.Handler.
func (u *unfinished) HandleConn(context.Context, stats.ConnStats) {}

// TagRPC implements stats.Handler.
func (u *unfinished) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC implements stats.Handler.
func (u *unfinished) HandleRPC(ctx context.Context, event stats.RPCStats) {
	c, _ := ctx.Value(countedConnKey{}).(*countedConn)
	if c == nil {
		return
	}
	switch event := event.(type) {
	case *stats.Begin:
		u.mu.Lock()
		defer u.mu.Unlock()
		c.calls++
	case *stats.InPayload:
		u.mu.Lock()
		defer u.mu.Unlock()
		c.add(-int64(event.WireLength), -tinyPerMessage)
	case *stats.End:
		u.mu.Lock()
		defer u.mu.Unlock()
		c.calls--
		if c.calls == 0 {
			c.add(-c.bytes, -c.tiny) // what was given up half-way is gone
		}
	}
}

// received counts what came on c, and cuts the connection that holds most if it
// is too much in all.
func (u *unfinished) received(c *countedConn, bytes, tiny int64) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	c.add(bytes, tiny)
	if c.forgotten || c.tiny > maxTiny {
		return errUnfinished
	}
	if u.total <= u.limit {
		return nil
	}
	most := c
	for _, other := range u.conns {
		if other.held() > most.held() {
			most = other
		}
	}
	u.logger.Warn("A gRPC connection was cut: of the messages that have come in part its own took most memory",
		zap.Stringer("peer", most.RemoteAddr()), zap.Int64("bytes", most.held()))
	most.forget()
	if most == c {
		return errUnfinished
	}
	// Whoever reads it gives up, and closes it in its own time.
	_ = most.Conn.SetReadDeadline(time.Unix(1, 0))
	return nil
}

// countedConn follows the frames of one connection of HTTP/2.
type countedConn struct {
	net.Conn
	of    *unfinished
	key   string
	frame frameReader // of the goroutine that reads

	// Guarded by of.mu.
	calls       int
	bytes, tiny int64
	forgotten   bool
}

func (c *countedConn) held() int64 { return c.bytes + c.tiny*tinyFrame }

// add changes the counts, which do not sink below zero. of.mu is held.
func (c *countedConn) add(bytes, tiny int64) {
	if c.forgotten {
		return
	}
	before := c.held()
	c.bytes, c.tiny = max(0, c.bytes+bytes), max(0, c.tiny+tiny)
	c.of.total += c.held() - before
}

// forget takes a connection that is closed out of the account. of.mu is held.
func (c *countedConn) forget() {
	c.add(-c.bytes, -c.tiny)
	c.forgotten = true
	if c.of.conns[c.key] == c {
		delete(c.of.conns, c.key)
	}
}

// Read implements net.Conn.
func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if bytes, tiny := c.frame.follow(p[:n]); bytes > 0 || tiny > 0 {
		if cut := c.of.received(c, bytes, tiny); cut != nil {
			return 0, cut
		}
	}
	return n, err
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	c.of.mu.Lock()
	c.forget()
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// What a client of HTTP/2 sends first, and the head of each frame after it
// (RFC 9113, sections 3.4 and 4.1).
const (
	prefaceLen   = 24
	frameHeadLen = 9
	frameData    = 0
)

// frameReader finds the DATA frames in a stream of bytes.
type frameReader struct {
	preface int // bytes of it that were seen
	head    [frameHeadLen]byte
	headLen int
	left    int64 // of the frame's payload
}

// follow returns how many bytes of DATA frames are announced in b, and how many
// of those frames are tiny.
func (f *frameReader) follow(b []byte) (bytes, tiny int64) {
	skip := min(prefaceLen-f.preface, len(b))
	f.preface += skip
	b = b[skip:]
	for len(b) > 0 {
		if f.left > 0 {
			skip := min(f.left, int64(len(b)))
			f.left -= skip
			b = b[skip:]
			continue
		}
		n := copy(f.head[f.headLen:], b)
		f.headLen += n
		b = b[n:]
		if f.headLen < frameHeadLen {
			break
		}
		f.headLen = 0
		f.left = int64(f.head[0])<<16 | int64(f.head[1])<<8 | int64(f.head[2])
		if f.head[3] == frameData {
			bytes += f.left
			if f.left < tinyFrame {
				tiny++
			}
		}
	}
	return bytes, tiny
}
