// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/golang/snappy"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// The collector's own server decompresses before a handler can authenticate or
// count, and takes a decoder's memory on trust. So that both come first, the
// same encodings are read here.

// codec is one Content-Encoding. Either it reads a stream, or it takes the
// whole compressed body at once.
type codec struct {
	// scratch is the memory that the decoder needs beside its output, in bytes,
	// as far as the head of the body tells.
	scratch func(head []byte) int64
	// stream returns a reader that needs no more than scratch, and what gives it
	// back to its pool.
	stream func(src io.Reader, scratch int64) (io.Reader, func(), error)
	// whole appends the decompressed body to b.
	whole func(b *bodyBuffer, compressed []byte) error
}

// headSize is how much of a body scratch is shown; shorter bodies give less.
const headSize = zstd.HeaderMaxSize

// maxPooledScratch bounds the decoders that are kept for the next request.
const maxPooledScratch = 1 << 20

// codecs are the names of the collector's HTTP server.
var codecs = map[string]*codec{
	"gzip":            {scratch: fixed(64 << 10), stream: gzipStream},
	"zlib":            {scratch: fixed(64 << 10), stream: zlibStream},
	"deflate":         {scratch: fixed(64 << 10), stream: zlibStream}, // RFC 9110: the zlib format
	"x-snappy-framed": {scratch: fixed(192 << 10), stream: snappyStream},
	"lz4":             {scratch: lz4Scratch, stream: lz4Stream},
	"zstd":            {scratch: zstdScratch, stream: zstdStream},
	"snappy":          {whole: snappyWhole},
}

func fixed(n int64) func([]byte) int64 { return func([]byte) int64 { return n } }

// enabledCodecs are the codecs that compression_algorithms names; all if it
// names none.
func enabledCodecs(names []string) map[string]*codec {
	if names == nil {
		return codecs
	}
	enabled := make(map[string]*codec, len(names))
	for _, name := range names {
		if c, ok := codecs[name]; ok {
			enabled[name] = c
		}
	}
	return enabled
}

// codecNames is the value of Accept-Encoding on a 415 (RFC 7694).
func codecNames(enabled map[string]*codec) string {
	var names []string
	for name := range enabled {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(append(names, "identity"), ", ")
}

var (
	gzipReaders   sync.Pool // of *gzip.Reader
	zlibReaders   sync.Pool // of io.ReadCloser that is a zlib.Resetter
	snappyReaders sync.Pool // of *snappy.Reader
	lz4Readers    sync.Pool // of *lz4.Reader
	zstdReaders   sync.Pool // of *zstd.Decoder
)

// nothing is what a pooled reader reads from, so that it keeps no body alive.
var nothing = strings.NewReader("")

func gzipStream(src io.Reader, _ int64) (io.Reader, func(), error) {
	zr, ok := gzipReaders.Get().(*gzip.Reader)
	if !ok {
		zr = new(gzip.Reader)
	}
	if err := zr.Reset(src); err != nil {
		return nil, nil, err
	}
	return zr, func() { gzipReaders.Put(zr) }, nil
}

func zlibStream(src io.Reader, _ int64) (io.Reader, func(), error) {
	zr, ok := zlibReaders.Get().(io.ReadCloser)
	var err error
	if ok {
		err = zr.(zlib.Resetter).Reset(src, nil)
	} else {
		zr, err = zlib.NewReader(src)
	}
	if err != nil {
		return nil, nil, err
	}
	return zr, func() { zlibReaders.Put(zr) }, nil
}

func snappyStream(src io.Reader, _ int64) (io.Reader, func(), error) {
	sr, ok := snappyReaders.Get().(*snappy.Reader)
	if !ok {
		sr = snappy.NewReader(nothing)
	}
	sr.Reset(src)
	return sr, func() { sr.Reset(nothing); snappyReaders.Put(sr) }, nil
}

// lz4Scratch is two blocks of the size that the frame names, and the 64 KiB that
// blocks look back.
func lz4Scratch(head []byte) int64 {
	const legacyBlock = 8 << 20
	block := int64(legacyBlock)
	if len(head) > 5 && bytes.HasPrefix(head, lz4Magic) {
		if n := head[5] >> 4 & 7; n >= 4 {
			block = 1 << (8 + 2*n) // 64 KiB, 256 KiB, 1 MiB, 4 MiB
		}
	}
	return 2*block + 64<<10
}

var lz4Magic = []byte("\x04\x22\x4d\x18")

func lz4Stream(src io.Reader, _ int64) (io.Reader, func(), error) {
	lr, ok := lz4Readers.Get().(*lz4.Reader)
	if !ok {
		lr = lz4.NewReader(nothing)
	}
	lr.Reset(src)
	return lr, func() { lr.Reset(nothing); lz4Readers.Put(lr) }, nil
}

// snappyMagic opens the framed format, which collectors of old sent as snappy.
var snappyMagic = []byte("\xff\x06\x00\x00sNaPpY")

func snappyWhole(b *bodyBuffer, compressed []byte) error {
	if bytes.HasPrefix(compressed, snappyMagic) {
		sr, release, err := snappyStream(bytes.NewReader(compressed), 0)
		if err != nil {
			return err
		}
		defer release()
		return b.readAll(sr, -1)
	}
	n, err := snappy.DecodedLen(compressed)
	if err != nil {
		return err
	}
	if err := b.room(int64(n)); err != nil {
		return err
	}
	out, err := snappy.Decode(b.buf[:n], compressed)
	if err != nil {
		return err
	}
	b.buf = out
	return nil
}

// zstdMaxWindow is more than RFC 9659 lets a client use, and what common
// encoders use at their highest levels.
const zstdMaxWindow = 32 << 20

// zstdScratch is the window that the first frame asks for.
func zstdScratch(head []byte) int64 {
	const least = 64 << 10
	var h zstd.Header
	if err := h.Decode(head); err != nil {
		return least // broken, as will be seen
	}
	window := h.WindowSize
	if h.SingleSegment {
		window = h.FrameContentSize
	}
	return int64(min(max(window, least), zstdMaxWindow))
}

// zstdStream refuses frames with a larger window than was counted.
func zstdStream(src io.Reader, scratch int64) (io.Reader, func(), error) {
	window := zstd.WithDecoderMaxWindow(uint64(scratch))
	zr, ok := zstdReaders.Get().(*zstd.Decoder)
	var err error
	if ok {
		err = zr.ResetWithOptions(src, window)
	} else {
		// Concurrency 1 decodes on the goroutine that reads.
		zr, err = zstd.NewReader(src, window, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecodeBuffersBelow(0))
	}
	if err != nil {
		return nil, nil, err
	}
	return zr, func() {
		if scratch <= maxPooledScratch && zr.Reset(nil) == nil {
			zstdReaders.Put(zr)
		}
	}, nil
}
