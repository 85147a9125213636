// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonSource is a source of JSON values one after the other. An array stands
// for its elements, and so does {"events": […]} for those of its array; it is
// the one shape that is read whole, since events may come last in it.
type jsonSource struct {
	dec     *jsontext.Decoder
	budget  *budget
	name    string
	count   int
	inArray bool
	inner   *jsonSource // the array of {"events": […]}
}

func newJSONSource(r io.Reader, name string) *jsonSource {
	b := &budget{r: r, left: MaxEventBytes}
	return &jsonSource{
		dec:    jsontext.NewDecoder(b, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)),
		budget: b,
		name:   name,
	}
}

func (s *jsonSource) Next() (Event, error) {
	for {
		if s.inner != nil {
			e, err := s.inner.Next()
			if !errors.Is(err, io.EOF) {
				s.count++
				e.Where = ordinal(s.count)
				return e, err
			}
			s.inner = nil
		}
		s.budget.left = MaxEventBytes
		kind := s.dec.PeekKind()
		if kind == '[' && !s.inArray || kind == ']' {
			if _, err := s.dec.ReadToken(); err != nil {
				return Event{}, s.explain(err)
			}
			s.inArray = kind == '['
			continue
		}
		value, err := s.dec.ReadValue()
		if err != nil {
			return Event{}, s.explain(err)
		}
		if array := wrapped(value); array != nil && !s.inArray {
			s.inner = newJSONSource(bytes.NewReader(array), s.name)
			continue
		}
		s.count++
		return Event{Text: oneLine(value), Where: ordinal(s.count)}, nil
	}
}

// explain says where reading stopped, without a word of what stood there.
func (s *jsonSource) explain(err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.EOF) && !s.inArray:
		return io.EOF
	case errors.Is(err, errBudget):
		return fmt.Errorf("%s: event %d is longer than %d MiB", s.name, s.count+1, MaxEventBytes>>20)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: the JSON ends before it is complete, in or after event %d", s.name, s.count)
	case errors.As(err, &syntax):
		return fmt.Errorf("%s: no valid JSON at byte %d, after event %d", s.name, syntax.ByteOffset, s.count)
	default:
		return fmt.Errorf("%s: %w", s.name, err)
	}
}

// oneLine returns value without line ends between its tokens.
func oneLine(value jsontext.Value) []byte {
	if bytes.ContainsAny(value, "\r\n") {
		value = value.Clone()
		// It was just read with these options, so it cannot fail.
		_ = value.Compact(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	}
	return value
}

// wrapped returns the array of {"events": […]}, or nil. An object with a type
// is an event, whatever else it has.
func wrapped(value jsontext.Value) []byte {
	if !bytes.HasPrefix(value, []byte("{")) {
		return nil
	}
	var array []byte
	for name, at := range members(value) {
		switch {
		case name == "type":
			return nil
		case name == "events" && value[at.start] == '[':
			array = value[at.start:at.end]
		}
	}
	return bytes.Clone(array)
}

// budget is a reader that stops a single value from filling the memory.
type budget struct {
	r    io.Reader
	left int
}

var errBudget = errors.New("value too long")

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errBudget
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
