// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
)

// Sizes of what is read at once.
const (
	windowBytes = 256 << 10
	// blockBytes is what is given up when the disk cannot read it.
	blockBytes = 4 << 10
)

// frameState is what stands at an offset.
type frameState int

const (
	frameWhole frameState = iota
	frameEnd              // nothing: the file ends here
	frameTorn             // the beginning of a frame, cut off by the file's end
	frameBad              // something else
)

// frameReader reads the frames of one file through a window. Nothing in the
// file makes it fail; only io does, and what the disk cannot read counts as
// damage.
type frameReader struct {
	src   io.ReaderAt
	size  int64 // bytes of the file to look at
	first Position
	buf   []byte
	base  int64 // offset of buf[0]
}

// view returns up to n bytes at off, valid until the next call; fewer only at
// the end of the file.
func (r *frameReader) view(off int64, n int) []byte {
	if rest := r.size - off; int64(n) > rest {
		n = int(max(rest, 0))
	}
	if n == 0 {
		return nil
	}
	if off < r.base || off+int64(n) > r.base+int64(len(r.buf)) {
		r.fill(off, n)
	}
	from := min(off-r.base, int64(len(r.buf)))
	return r.buf[from:min(from+int64(n), int64(len(r.buf)))]
}

func (r *frameReader) fill(off int64, n int) {
	want := int(min(int64(max(n, windowBytes)), r.size-off))
	if cap(r.buf) < want || cap(r.buf) > 4*max(want, windowBytes) {
		r.buf = make([]byte, want)
	}
	r.buf, r.base = r.buf[:want], off
	got, err := r.src.ReadAt(r.buf, off)
	if got == want {
		return
	}
	if err == nil || errors.Is(err, io.EOF) { // shorter than it was
		r.buf = r.buf[:got]
		r.size = off + int64(got)
		return
	}
	// Block by block: only what really cannot be read is lost.
	clear(r.buf)
	for at := 0; at < want; at += blockBytes {
		block := r.buf[at:min(at+blockBytes, want)]
		if m, err := r.src.ReadAt(block, off+int64(at)); err != nil {
			clear(block[m:])
		}
	}
}

// frame reads what stands at off. The body is valid until the next call. Without
// check the body is skipped and not returned.
func (r *frameReader) frame(off int64, check bool) (h frameHeader, body []byte, state frameState) {
	head := r.view(off, frameHeaderBytes)
	if len(head) == 0 {
		return h, nil, frameEnd
	}
	if len(head) < frameHeaderBytes {
		if n := min(len(head), len(frameMarker)); bytes.Equal(head[:n], frameMarker[:n]) {
			return h, nil, frameTorn
		}
		return h, nil, frameBad
	}
	h, ok := parseFrameHeader(head)
	if !ok || !r.plausible(&h, off) {
		return h, nil, frameBad
	}
	if off+frameHeaderBytes+int64(h.length) > r.size {
		return h, nil, frameTorn
	}
	if !check {
		return h, nil, frameWhole
	}
	body = r.view(off, frameHeaderBytes+int(h.length))
	if len(body) < frameHeaderBytes+int(h.length) {
		return h, nil, frameTorn
	}
	body = body[frameHeaderBytes:]
	if crc32.Checksum(body, castagnoli) != h.bodyCRC {
		return h, nil, frameBad
	}
	return h, body, frameWhole
}

// plausible refuses a position that cannot stand at an offset: every entry
// before it took some bytes. So damage cannot ask for a huge table of marks.
func (r *frameReader) plausible(h *frameHeader, off int64) bool {
	if h.flags&flagFooter != 0 {
		return h.length == 0 && h.position+1 >= r.first
	}
	return h.length >= minFrameBytes-frameHeaderBytes && h.position >= r.first &&
		uint64(h.position-r.first) <= uint64(max(off-fileHeaderBytes, 0))/minFrameBytes
}

// resync finds the next whole frame at off or behind it whose position is past
// after.
func (r *frameReader) resync(off int64, after Position) (int64, bool) {
	for off < r.size {
		window := r.view(off, windowBytes)
		i := bytes.Index(window, frameMarker[:])
		if i < 0 {
			if len(window) < windowBytes {
				return r.size, false
			}
			off += int64(len(window) - len(frameMarker) + 1)
			continue
		}
		off += int64(i)
		if h, _, state := r.frame(off, true); state == frameWhole && (h.position > after || h.flags&flagFooter != 0 && h.position >= after) {
			return off, true
		}
		off++
	}
	return r.size, false
}
