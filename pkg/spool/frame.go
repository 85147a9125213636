// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"time"
)

// Sizes of what is written, in bytes.
const (
	fileHeaderBytes  = 64
	frameHeaderBytes = 48
	// footerBytes is what the end of a segment takes: a frame without a body.
	footerBytes = frameHeaderBytes
	// minFrameBytes is the shortest frame of an entry: its four lengths and its
	// number of headers take a byte each.
	minFrameBytes = frameHeaderBytes + 4
	// maxBodyBytes bounds what a length may say.
	maxBodyBytes = 256 << 20
)

const formatVersion = 1

// Flags of a frame.
const (
	flagBoundary = 1 << iota // the last entry of its request
	flagLast                 // the last entry of its Append
	flagFooter               // no entry: the segment was ended in order
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	// frameMarker begins each frame. FE and FF occur in no UTF-8 text, so that
	// no event can hold what looks like a frame.
	frameMarker = [4]byte{0xFE, 'F', 'B', 0xFF}
	fileMarker  = [8]byte{0xFE, 'F', 'B', 'S', 'P', 'O', 'O', 'L'}

	errBody = errors.New("not the body of an entry")
)

// frameHeader is what stands before an entry's body:
//
//	 0 marker       4
//	 4 version      1
//	 5 flags        1
//	 6 reserved     2
//	 8 body length  4
//	12 partition    4
//	16 position     8
//	24 tag          8
//	32 time         8  Unix nanoseconds
//	40 body CRC32C  4
//	44 CRC32C of the 44 bytes before
//
// Its own checksum lets a reader trust the length without reading the body.
// All numbers are little endian.
type frameHeader struct {
	flags     byte
	length    uint32
	partition int32
	position  Position
	tag       uint64
	time      int64
	bodyCRC   uint32
}

func (h *frameHeader) appendTo(b []byte) []byte {
	start := len(b)
	b = append(b, frameMarker[:]...)
	b = append(b, formatVersion, h.flags, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, h.length)
	b = binary.LittleEndian.AppendUint32(b, uint32(h.partition))
	b = binary.LittleEndian.AppendUint64(b, uint64(h.position))
	b = binary.LittleEndian.AppendUint64(b, h.tag)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.time))
	b = binary.LittleEndian.AppendUint32(b, h.bodyCRC)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

// parseFrameHeader reads the header in the first frameHeaderBytes of b.
func parseFrameHeader(b []byte) (frameHeader, bool) {
	if !bytes.Equal(b[:4], frameMarker[:]) || b[4] != formatVersion ||
		binary.LittleEndian.Uint32(b[44:]) != crc32.Checksum(b[:44], castagnoli) {
		return frameHeader{}, false
	}
	h := frameHeader{
		flags:     b[5],
		length:    binary.LittleEndian.Uint32(b[8:]),
		partition: int32(binary.LittleEndian.Uint32(b[12:])),
		position:  Position(binary.LittleEndian.Uint64(b[16:])),
		tag:       binary.LittleEndian.Uint64(b[24:]),
		time:      int64(binary.LittleEndian.Uint64(b[32:])),
		bodyCRC:   binary.LittleEndian.Uint32(b[40:]),
	}
	return h, h.length <= maxBodyBytes
}

// appendFrame writes an entry.
func appendFrame(b []byte, e *Entry, p Position, at time.Time, last bool) ([]byte, error) {
	start := len(b)
	b = append(b, make([]byte, frameHeaderBytes)...)
	b = appendBody(b, e)
	body := b[start+frameHeaderBytes:]
	if len(body) > maxBodyBytes {
		return b[:start], ErrTooLarge
	}
	h := frameHeader{
		length: uint32(len(body)), partition: e.Partition, position: p, tag: e.Tag,
		time: at.UnixNano(), bodyCRC: crc32.Checksum(body, castagnoli),
	}
	if e.Boundary {
		h.flags |= flagBoundary
	}
	if last {
		h.flags |= flagLast
	}
	h.appendTo(b[:start])
	return b, nil
}

// appendBody writes topic, key, value and headers, each with its length.
func appendBody(b []byte, e *Entry) []byte {
	b = binary.AppendUvarint(b, uint64(len(e.Topic)))
	b = append(b, e.Topic...)
	b = appendBytes(b, e.Key)
	b = appendBytes(b, e.Value)
	b = binary.AppendUvarint(b, uint64(len(e.Headers)))
	for i := range e.Headers {
		b = binary.AppendUvarint(b, uint64(len(e.Headers[i].Key)))
		b = append(b, e.Headers[i].Key...)
		b = appendBytes(b, e.Headers[i].Value)
	}
	return b
}

// appendBytes writes 0 for nil, else the length + 1 and the bytes.
func appendBytes(b, v []byte) []byte {
	if v == nil {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(v))+1)
	return append(b, v...)
}

// parseEntry reads a body; what it returns refers to it.
func parseEntry(h *frameHeader, body []byte) (Entry, error) {
	e := Entry{Partition: h.partition, Boundary: h.flags&flagBoundary != 0, Tag: h.tag}
	c := cursor{rest: body}
	e.Topic = string(c.take(c.uvarint()))
	e.Key = c.bytes()
	e.Value = c.bytes()
	n := c.uvarint()
	if n > uint64(len(c.rest))/2 { // a header takes two bytes at least
		return Entry{}, errBody
	}
	if n > 0 {
		e.Headers = make([]Header, n)
	}
	for i := range e.Headers {
		e.Headers[i].Key = string(c.take(c.uvarint()))
		e.Headers[i].Value = c.bytes()
	}
	if c.bad || len(c.rest) > 0 {
		return Entry{}, errBody
	}
	return e, nil
}

// cursor reads a body; after the first fault it gives nothing more.
type cursor struct {
	rest []byte
	bad  bool
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.rest)
	if n <= 0 {
		c.bad, c.rest = true, nil
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

func (c *cursor) take(n uint64) []byte {
	if n > uint64(len(c.rest)) {
		c.bad, c.rest = true, nil
		return nil
	}
	v := c.rest[:n:n]
	c.rest = c.rest[n:]
	return v
}

func (c *cursor) bytes() []byte {
	n := c.uvarint()
	if n == 0 {
		return nil
	}
	return c.take(n - 1)
}

// fileHeader is the first thing in a segment:
//
//	 0 marker    8
//	 8 version   4
//	12 partition 4
//	16 identity  8  random: the marks of another file are not taken for this one's
//	24 first     8  position of the first entry
//	32 time      8
//	40 topic     4  CRC32C of its name
//	44 reserved 16
//	60 CRC32C of the 60 bytes before
type fileHeader struct {
	version  uint32
	lane     LaneID // its topic is written as a checksum
	identity uint64
	first    Position
	time     int64
}

func (h *fileHeader) appendTo(b []byte) []byte {
	start := len(b)
	b = append(b, fileMarker[:]...)
	b = binary.LittleEndian.AppendUint32(b, h.version)
	b = binary.LittleEndian.AppendUint32(b, uint32(h.lane.Partition))
	b = binary.LittleEndian.AppendUint64(b, h.identity)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.first))
	b = binary.LittleEndian.AppendUint64(b, uint64(h.time))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum([]byte(h.lane.Topic), castagnoli))
	b = append(b, make([]byte, 16)...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

// parseFileHeader says whether b begins with a whole header, and whether it is
// of the lane.
func parseFileHeader(b []byte, lane LaneID) (h fileHeader, whole, ours bool) {
	if len(b) < fileHeaderBytes || !bytes.Equal(b[:8], fileMarker[:]) ||
		binary.LittleEndian.Uint32(b[60:]) != crc32.Checksum(b[:60], castagnoli) {
		return fileHeader{}, false, false
	}
	h = fileHeader{
		version:  binary.LittleEndian.Uint32(b[8:]),
		lane:     LaneID{Topic: lane.Topic, Partition: int32(binary.LittleEndian.Uint32(b[12:]))},
		identity: binary.LittleEndian.Uint64(b[16:]),
		first:    Position(binary.LittleEndian.Uint64(b[24:])),
		time:     int64(binary.LittleEndian.Uint64(b[32:])),
	}
	ours = h.lane.Partition == lane.Partition &&
		binary.LittleEndian.Uint32(b[40:]) == crc32.Checksum([]byte(lane.Topic), castagnoli)
	return h, true, ours
}

// A mark in the file beside a segment says that entries from … to, counted from
// the segment's first, are done: from 4, to 4, CRC32C of identity and both 4.
const doneMarkBytes = 12

func appendDoneMark(b []byte, identity uint64, from, to uint32) []byte {
	b = binary.LittleEndian.AppendUint32(b, from)
	b = binary.LittleEndian.AppendUint32(b, to)
	return binary.LittleEndian.AppendUint32(b, doneMarkCRC(identity, b[len(b)-8:]))
}

func parseDoneMark(b []byte, identity uint64) (from, to uint32, ok bool) {
	from, to = binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	return from, to, from <= to && to < math.MaxUint32 && binary.LittleEndian.Uint32(b[8:]) == doneMarkCRC(identity, b[:8])
}

func doneMarkCRC(identity uint64, b []byte) uint32 {
	var id [8]byte
	binary.LittleEndian.PutUint64(id[:], identity)
	return crc32.Update(crc32.Checksum(id[:], castagnoli), castagnoli, b)
}
