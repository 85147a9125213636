// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
)

// What can be wrong with a body before it is looked into. Errors of the account
// come beside these.
var (
	errBodyTooLarge = errors.New("the body is over the limit")
	errBodyTimeout  = errors.New("the body did not arrive in time")
	errBodyEnded    = errors.New("the body ended early")
)

// errBodyEncoding says that the body is not what Content-Encoding says.
type errBodyEncoding string

func (e errBodyEncoding) Error() string { return fmt.Sprintf("the body is not valid %s", string(e)) }

const (
	// firstRead is what is counted for a body on its word alone. More is counted
	// as it arrives, twice as much each time: a crowd of clients that announce
	// much and send little must not keep others out.
	firstRead = 4 << 10
	// maxPooledBody bounds the buffers that are kept for the next request.
	maxPooledBody = 1 << 20
)

// bodyBuffer holds a body while it is read. What it has room for is counted
// before it is allocated.
type bodyBuffer struct {
	ctx     context.Context
	hold    *feedbackruntimeextension.Hold
	limit   int64 // of the body, in bytes
	buf     []byte
	counted int64
}

var bodyBuffers = sync.Pool{New: func() any { return new(bodyBuffer) }}

func newBodyBuffer(ctx context.Context, hold *feedbackruntimeextension.Hold, limit int64) *bodyBuffer {
	b := bodyBuffers.Get().(*bodyBuffer)
	b.ctx, b.hold, b.limit, b.counted = ctx, hold, limit, 0
	return b
}

// free returns the buffer to the pool; what it held must not be used after.
func (b *bodyBuffer) free() {
	b.ctx, b.hold, b.buf = nil, nil, b.buf[:0]
	if cap(b.buf) > maxPooledBody {
		b.buf = nil
	}
	bodyBuffers.Put(b)
}

// room makes the buffer hold n bytes and one more, by which a longer body is
// told.
func (b *bodyBuffer) room(n int64) error {
	if n > b.limit {
		return errBodyTooLarge
	}
	if n > b.counted {
		if err := b.hold.Grow(b.ctx, 0, n-b.counted); err != nil {
			return err
		}
		b.counted = n
	}
	if int64(cap(b.buf)) <= n {
		grown := make([]byte, len(b.buf), n+1)
		copy(grown, b.buf)
		b.buf = grown
	}
	return nil
}

// readAll reads src to its end; length is what is known of it, or -1.
func (b *bodyBuffer) readAll(src io.Reader, length int64) error {
	b.buf = b.buf[:0]
	bound := length
	if length < 0 {
		bound = b.limit
	}
	size := min(firstRead, bound)
	for {
		if err := b.room(size); err != nil {
			return err
		}
		for int64(len(b.buf)) <= size {
			n, err := src.Read(b.buf[len(b.buf) : size+1])
			b.buf = b.buf[:len(b.buf)+n]
			if err == io.EOF {
				if int64(len(b.buf)) > b.limit {
					return errBodyTooLarge
				}
				return nil
			}
			if err != nil {
				return err
			}
		}
		if size >= bound {
			return errBodyTooLarge
		}
		size = min(max(2*size, firstRead), bound)
	}
}

// bodySource remembers how reading from the client failed, which decoders may
// hide in errors of their own.
type bodySource struct {
	src io.Reader
	err error
}

func (s *bodySource) Read(p []byte) (int, error) {
	n, err := s.src.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// readBody reads and decompresses the body of r into b. c is nil if the body is
// as it is; name is that of its encoding.
func readBody(b *bodyBuffer, r *http.Request, c *codec, name string) error {
	if r.ContentLength > b.limit {
		return errBodyTooLarge
	}
	src := &bodySource{src: r.Body}
	var err error
	if c == nil {
		err = b.readAll(src, r.ContentLength)
	} else {
		err = readCompressed(b, src, c, r.ContentLength)
	}
	return bodyError(err, src.err, name)
}

// readCompressed reads the whole body before a decoder is set up: what a decoder
// needs is counted while it works, not while a slow client sends.
func readCompressed(b *bodyBuffer, src io.Reader, c *codec, length int64) error {
	compressed := newBodyBuffer(b.ctx, b.hold, b.limit)
	defer compressed.free()
	if err := compressed.readAll(src, length); err != nil {
		return err
	}
	if c.whole != nil {
		return c.whole(b, compressed.buf)
	}
	scratch := c.scratch(compressed.buf[:min(headSize, len(compressed.buf))])
	if err := b.hold.Grow(b.ctx, 0, scratch); err != nil {
		return err
	}
	decoder, release, err := c.stream(bytes.NewReader(compressed.buf), scratch)
	if err != nil {
		return err
	}
	defer release()
	return b.readAll(decoder, -1)
}

// bodyError tells apart what the client's connection, the account and the
// decoder had to say.
func bodyError(err, srcErr error, encoding string) error {
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil, errors.Is(err, errBodyTooLarge):
		return err
	case errors.Is(err, feedbackruntimeextension.ErrFull), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(srcErr, &tooLarge):
		return errBodyTooLarge
	case errors.Is(srcErr, os.ErrDeadlineExceeded):
		return errBodyTimeout
	case srcErr != nil:
		return errBodyEnded
	default:
		return errBodyEncoding(encoding)
	}
}
