// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"bytes"
	"errors"
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
	// scratch is the memory that the decoder needs beside its output, in bytes.
	scratch int64
	// stream returns a reader and what gives it back to its pool.
	stream func(src io.Reader) (io.Reader, func(), error)
	// whole appends the decompressed body to b.
	whole func(b *bodyBuffer, compressed []byte) error
}

// codecs are the names of the collector's HTTP server.
var codecs = map[string]*codec{
	"gzip":            {scratch: 64 << 10, stream: gzipStream},
	"zlib":            {scratch: 64 << 10, stream: zlibStream},
	"deflate":         {scratch: 64 << 10, stream: zlibStream}, // RFC 9110: the zlib format
	"x-snappy-framed": {scratch: 192 << 10, stream: snappyStream},
	"lz4":             {scratch: 8 << 20, stream: lz4Stream},
	"snappy":          {whole: snappyWhole},
	"zstd":            {whole: zstdWhole},
}

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
)

// nothing is what a pooled reader reads from, so that it keeps no body alive.
var nothing = strings.NewReader("")

func gzipStream(src io.Reader) (io.Reader, func(), error) {
	zr, ok := gzipReaders.Get().(*gzip.Reader)
	if !ok {
		zr = new(gzip.Reader)
	}
	if err := zr.Reset(src); err != nil {
		return nil, nil, err
	}
	return zr, func() { gzipReaders.Put(zr) }, nil
}

func zlibStream(src io.Reader) (io.Reader, func(), error) {
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

func snappyStream(src io.Reader) (io.Reader, func(), error) {
	sr, ok := snappyReaders.Get().(*snappy.Reader)
	if !ok {
		sr = snappy.NewReader(nothing)
	}
	sr.Reset(src)
	return sr, func() { sr.Reset(nothing); snappyReaders.Put(sr) }, nil
}

func lz4Stream(src io.Reader) (io.Reader, func(), error) {
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
		sr, release, err := snappyStream(bytes.NewReader(compressed))
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

// zstdDecoder is shared: DecodeAll works on a buffer of ours, which is also its
// window, and starts no goroutine.
var zstdDecoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true),
		zstd.WithDecoderMaxWindow(128<<20), zstd.WithDecoderConcurrency(0))
})

// zstdWhole makes room for the size that the frame names. If it names none or
// others follow, room is doubled until the output fits.
func zstdWhole(b *bodyBuffer, compressed []byte) error {
	dec, err := zstdDecoder()
	if err != nil {
		return err
	}
	var h zstd.Header
	if err := h.Decode(compressed); err != nil {
		return err
	}
	size := min(4*int64(len(compressed)), b.limit)
	if h.HasFCS {
		if h.FrameContentSize > uint64(b.limit) {
			return errBodyTooLarge
		}
		size = int64(h.FrameContentSize)
	}
	for {
		if err := b.room(size); err != nil {
			return err
		}
		out, err := dec.DecodeAll(compressed, b.buf[:0:size])
		switch {
		case err == nil:
			b.buf = out
			return nil
		case !errors.Is(err, zstd.ErrDecoderSizeExceeded):
			return err
		case size >= b.limit:
			return errBodyTooLarge
		}
		size = min(max(2*size, 1024), b.limit)
	}
}
