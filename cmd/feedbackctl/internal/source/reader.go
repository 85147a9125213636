// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// The formats of a stream.
const (
	FormatAuto   = "auto"   // found out from the beginning
	FormatJSON   = "json"   // objects one after the other, arrays of them, {"events": […]}
	FormatNDJSON = "ndjson" // one event a line
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// FromReader returns the events in r. The name, such as a file's, is for errors.
func FromReader(r io.Reader, name, format string) (Source, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	if bom, _ := br.Peek(len(byteOrderMark)); bytes.Equal(bom, byteOrderMark) {
		_, _ = br.Discard(len(byteOrderMark))
	}
	switch format {
	case FormatNDJSON:
		return &lines{r: br, name: name}, nil
	case FormatJSON:
		return newJSONSource(br, name), nil
	case FormatAuto:
		return sniff(br, name)
	default:
		return nil, fmt.Errorf("unknown format %q: use auto, json or ndjson", format)
	}
}

// sniff tells lines from other JSON: they are lines if the first that is not
// blank is a JSON value by itself, no array and not {"events": […]}.
func sniff(br *bufio.Reader, name string) (Source, error) {
	skipped := 0
	for {
		b, err := br.Peek(1)
		if err != nil {
			return newJSONSource(br, name), ignoreEOF(err)
		}
		if b[0] == '[' {
			return newJSONSource(br, name), nil
		}
		if !isSpace(b[0]) {
			break
		}
		if b[0] == '\n' {
			skipped++
		}
		_, _ = br.Discard(1)
	}
	first, err := readLine(br)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errLong) {
		return nil, err
	}
	rest := io.Reader(br)
	if err == nil {
		rest = io.MultiReader(bytes.NewReader([]byte("\n")), br)
	}
	all := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(first), rest), 64<<10)
	if text := bytes.TrimSpace(first); err == nil && lenient(text) && wrapped(text) == nil {
		return &lines{r: all, name: name, line: skipped}, nil
	}
	return newJSONSource(all, name), nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }

// lenient reports whether text is one JSON value; the collector is stricter.
func lenient(text []byte) bool {
	return jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// errLong is returned with the first MaxEventBytes of a line.
var errLong = errors.New("line too long")

// readLine reads a line without its end. At the end of input it returns what is
// left with io.EOF.
func readLine(br *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		if err == nil {
			part = part[:len(part)-1]
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
		if len(line) >= MaxEventBytes {
			return line, errLong
		}
	}
}

// lines is a source of one event a line; blank lines are none.
type lines struct {
	r    *bufio.Reader
	name string
	line int
	end  bool
}

func (l *lines) Next() (Event, error) {
	for !l.end {
		text, err := readLine(l.r)
		l.line++
		e := Event{Where: fmt.Sprintf("line %d", l.line)}
		switch {
		case errors.Is(err, errLong):
			e.Oversize = true
			if err := l.skipLine(); err != nil {
				return Event{}, err
			}
			return e, nil
		case errors.Is(err, io.EOF):
			l.end = true
		case err != nil:
			return Event{}, fmt.Errorf("%s: %w", l.name, err)
		}
		if e.Text = bytes.TrimSpace(text); len(e.Text) > 0 {
			return e, nil
		}
	}
	return Event{}, io.EOF
}

func (l *lines) skipLine() error {
	for {
		_, err := l.r.ReadSlice('\n')
		switch {
		case err == nil:
			return nil
		case err == io.EOF:
			l.end = true
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
}
