// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package dlq

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
)

// Group is the consumer group whose offsets say what was replayed.
const Group = "feedbackctl-dlq-replay"

// Marks are the offsets of one partition that were replayed: all below Low, and
// the spans above it. They are kept as a committed offset, which is Low, and
// its metadata, which holds the spans.
type Marks struct {
	Low   int64
	spans []span // sorted, apart from each other and from Low
}

// span is from, from+1, …, to-1.
type span struct{ from, to int64 }

// maxMetadata is what brokers take unless told otherwise
// (offset.metadata.max.bytes, 4096), with some room.
const maxMetadata = 4000

// marksVersion stands in front of the metadata.
const marksVersion = "1:"

// ErrMarksFull says that the spans do not fit into the metadata.
var ErrMarksFull = errors.New("the mark holds no more separate stretches of replayed dead letters")

// Has reports whether the offset was replayed.
func (m *Marks) Has(offset int64) bool {
	if offset < m.Low {
		return true
	}
	i := sort.Search(len(m.spans), func(i int) bool { return m.spans[i].to > offset })
	return i < len(m.spans) && m.spans[i].from <= offset
}

// Add marks the offsets from, from+1, …, to-1.
func (m *Marks) Add(from, to int64) {
	if from = max(from, m.Low); from >= to {
		return
	}
	// The spans that touch the new one become one with it.
	i := sort.Search(len(m.spans), func(i int) bool { return m.spans[i].to >= from })
	j := i
	for ; j < len(m.spans) && m.spans[j].from <= to; j++ {
		from, to = min(from, m.spans[j].from), max(to, m.spans[j].to)
	}
	m.spans = slices.Replace(m.spans, i, j, span{from, to})
	m.raise(m.Low)
}

// Forget drops what lies below the first offset that the topic still has.
func (m *Marks) Forget(first int64) { m.raise(max(first, m.Low)) }

// raise sets Low, and further where a span begins there.
func (m *Marks) raise(low int64) {
	m.Low = low
	n := 0
	for n < len(m.spans) && m.spans[n].from <= m.Low {
		m.Low = max(m.Low, m.spans[n].to)
		n++
	}
	m.spans = slices.Delete(m.spans, 0, n)
}

// Clone returns a copy.
func (m *Marks) Clone() *Marks { return &Marks{m.Low, slices.Clone(m.spans)} }

// Metadata writes the spans: distance and length in turn, as varints,
// compressed. It fails with ErrMarksFull if they are too many.
func (m *Marks) Metadata() (string, error) {
	if len(m.spans) == 0 {
		return "", nil
	}
	var raw []byte
	last := m.Low
	for _, s := range m.spans {
		raw = binary.AppendUvarint(raw, uint64(s.from-last))
		raw = binary.AppendUvarint(raw, uint64(s.to-s.from))
		last = s.to
	}
	var buf bytes.Buffer
	w, err := flate.NewWriter(&buf, flate.BestCompression)
	if err != nil {
		return "", err
	}
	_, _ = w.Write(raw) // a buffer takes everything
	_ = w.Close()
	text := marksVersion + base64.RawURLEncoding.EncodeToString(buf.Bytes())
	if len(text) > maxMetadata {
		return "", ErrMarksFull
	}
	return text, nil
}

// ParseMarks reads a committed offset and its metadata.
func ParseMarks(low int64, metadata string) (*Marks, error) {
	m := &Marks{Low: low}
	if metadata == "" {
		return m, nil
	}
	text, ok := strings.CutPrefix(metadata, marksVersion)
	if !ok {
		return nil, errors.New("the mark was written by a newer feedbackctl, or by something else")
	}
	packed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("the mark is damaged: %w", err)
	}
	// The metadata is bounded by the broker; what it unpacks to is bounded here.
	raw, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), 1<<22))
	if err != nil {
		return nil, fmt.Errorf("the mark is damaged: %w", err)
	}
	for at := low; len(raw) > 0; {
		gap, n := binary.Uvarint(raw)
		length, k := uint64(0), 0
		if n > 0 {
			length, k = binary.Uvarint(raw[n:])
		}
		if n <= 0 || k <= 0 || gap > 1<<62 || length > 1<<62 || at+int64(gap) < at || at+int64(gap)+int64(length) < at {
			return nil, errors.New("the mark is damaged")
		}
		from := at + int64(gap)
		at = from + int64(length)
		m.Add(from, at)
		raw = raw[n+k:]
	}
	return m, nil
}
