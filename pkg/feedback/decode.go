// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/xpdata"
)

// Format of a request body.
type Format uint8

// The formats of contract §2.
const (
	FormatJSON   Format = iota // one event, an array of events or {"events": […]}
	FormatNDJSON               // one event a line
	FormatSniff                // either; NDJSON if the first line alone is a JSON value and more follows
)

// Decoder turns request bytes into log records whose body is the event, in one
// pass. It judges nothing: what is JSON is decoded, valid event or not. An event
// that a map body cannot hold as it stands (no object, a number beyond its type,
// nesting over [maxDecodeDepth], a broken line of NDJSON) keeps its text as a
// string body, which [Validator] reads again with all the care it needs.
//
// Decoder is for one goroutine at a time and meant to be pooled. It keeps
// nothing of a body once Decode has returned, and no record aliases a body.
type Decoder struct {
	dec   *jsontext.Decoder
	in    bytes.Buffer
	body  []byte
	arena strings.Builder // holds the strings of the request, see keep
	text  []byte          // unquoted text, before it is kept

	builders [maxDecodeDepth + 1]xpdata.MapBuilder // one for each level of nesting
	sizes    []int
	dst      plog.LogRecordSlice
	base     int // records of dst that are not of this body
	max      int
	rest     int // of the request's bytes, how many are still to come at most
	plain    plain
	careful  bool // plain is left out; tests compare the two

	precise     bool // numbers are read as their field's kind wants
	inexact     bool // the event holds what needs precise
	mayEnvelope bool // the object may turn out to be {"events": […]}
	typeSeen    bool
}

// maxDecodeDepth bounds the nesting that is decoded into a map body. The limit
// that a client is told of is the validator's; this one bounds recursion.
const maxDecodeDepth = 64

// MaxDepth is the largest nesting limit a [Validator] can be given.
const MaxDepth = maxDecodeDepth - 1

// arenaChunk bounds how much memory one kept string can keep alive.
const arenaChunk = 16 << 10

var (
	errEnvelope    = errors.New("the object is an envelope")
	errEvent       = errors.New("the object is an event")
	errTooMany     = errors.New("too many events")
	errEventsKind  = errors.New("events is not an array")
	errNoEvents    = errors.New("no events")
	errTrailing    = errors.New("data after the value")
	utf8BOM        = []byte("\xef\xbb\xbf")
	jsonWhitespace = " \t\r\n"
)

// NewDecoder returns a decoder.
func NewDecoder() *Decoder {
	d := &Decoder{dec: jsontext.NewDecoder(strings.NewReader(""))}
	d.plain.d = d
	return d
}

// Decode appends one log record for each event of body to dst and returns the
// size of each event's JSON text. maxEvents bounds their number (CodeTooLarge on
// the field events).
//
// An error is about the body as a whole: dst is as it was, and index is that of
// the event at which reading stopped.
func (d *Decoder) Decode(body []byte, f Format, maxEvents int, dst plog.LogRecordSlice) (sizes []int, index int, _ *Error) {
	body = bytes.TrimPrefix(body, utf8BOM)
	d.body, d.dst, d.max, d.sizes = body, dst, maxEvents, nil
	d.precise = false
	d.base, d.rest = dst.Len(), len(body)
	defer d.forget()
	var err error
	if f == FormatNDJSON || f == FormatSniff && looksLikeLines(body) {
		err = d.lines()
	} else {
		err = d.document()
	}
	if err != nil {
		index = len(d.sizes)
		truncate(dst, d.base)
		return nil, index, d.bodyError(err)
	}
	return d.sizes, 0, nil
}

// forget drops all that belongs to the request, so that a pooled decoder holds
// on to nothing.
func (d *Decoder) forget() {
	d.arena.Reset()
	d.in, d.body, d.sizes, d.dst = bytes.Buffer{}, nil, nil, plog.LogRecordSlice{}
	d.plain = plain{d: d}
	if cap(d.text) > arenaChunk {
		d.text = nil
	}
}

func (d *Decoder) reset(body []byte) {
	d.body = body
	d.in = *bytes.NewBuffer(body)
	d.dec.Reset(&d.in)
}

// looksLikeLines tells NDJSON from JSON where the media type does not.
func looksLikeLines(body []byte) bool {
	first, rest, found := bytes.Cut(body, []byte{'\n'})
	return found && len(bytes.TrimLeft(rest, jsonWhitespace)) > 0 && jsontext.Value(first).IsValid()
}

// document decodes one event, an array of events or an envelope.
func (d *Decoder) document() error {
	d.mayEnvelope = true
	if !d.careful {
		if done, err := d.plainDocument(); done || err != nil {
			return err
		}
	}
	d.restart()
	d.mayEnvelope = true
	var err error
	switch d.dec.PeekKind() {
	case '[':
		err = d.array()
	case '{':
		if bytes.HasPrefix(bytes.TrimLeft(bytes.TrimLeft(d.body, jsonWhitespace)[1:], jsonWhitespace), []byte(`"events"`)) {
			err = errEnvelope
		} else {
			err = d.next()
		}
	default:
		err = d.next()
	}
	if errors.Is(err, errEnvelope) {
		d.restart()
		err = d.envelope()
	}
	if errors.Is(err, errEvent) {
		d.restart()
		d.mayEnvelope = false
		err = d.next()
	}
	if err != nil {
		return err
	}
	return d.end()
}

func (d *Decoder) restart() {
	truncate(d.dst, d.base)
	d.sizes = d.sizes[:0]
	d.reset(d.body)
}

// end makes sure that nothing follows the value.
func (d *Decoder) end() error {
	_, err := d.dec.ReadToken()
	switch {
	case err == io.EOF: //nolint:errorlint // jsontext returns it bare
		return nil
	case err == nil:
		return errTrailing
	}
	return err
}

// array decodes an array of events.
func (d *Decoder) array() error {
	d.delimiter()
	d.mayEnvelope = false
	for d.dec.PeekKind() != ']' {
		if err := d.next(); err != nil {
			return err
		}
	}
	d.delimiter()
	if len(d.sizes) == 0 {
		return errNoEvents
	}
	return nil
}

// delimiter reads the bracket that PeekKind has seen, which cannot fail.
func (d *Decoder) delimiter() { _, _ = d.dec.ReadToken() }

// envelope decodes {"events": […]}; members beside events are not events and
// are ignored, unless one is called type: then the object is an event.
func (d *Decoder) envelope() error {
	d.delimiter()
	var result error
	for d.dec.PeekKind() != '}' {
		name, err := d.dec.ReadToken()
		if err != nil {
			return err
		}
		switch name.String() {
		case "type":
			return errEvent
		case "events":
			if d.dec.PeekKind() != '[' {
				result = errEventsKind
				err = d.dec.SkipValue()
				break
			}
			if err = d.array(); errors.Is(err, errNoEvents) {
				result, err = err, nil
			}
		default:
			err = d.dec.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	d.delimiter()
	return result
}

// lines decodes NDJSON. A broken line costs only itself.
func (d *Decoder) lines() error {
	d.mayEnvelope = false
	for rest := d.body; len(rest) > 0; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte{'\n'})
		line = bytes.Trim(line, jsonWhitespace)
		if len(line) == 0 {
			continue
		}
		d.rest = len(line) + len(rest)
		if d.plainLine(line) {
			continue
		}
		events := len(d.sizes)
		d.reset(line)
		err := d.element()
		if errors.Is(err, errTooMany) {
			return err
		}
		if err == nil {
			err = d.end()
		}
		if err != nil {
			d.sizes = d.sizes[:events]
			d.record().Body().SetStr(string(line))
			d.took(len(line))
		}
	}
	if len(d.sizes) == 0 {
		return io.EOF
	}
	return nil
}

// next is element in a body that is one document.
func (d *Decoder) next() error {
	d.rest = len(d.body) - int(d.dec.InputOffset())
	return d.element()
}

// element decodes the next value as an event into a record of its own.
func (d *Decoder) element() error {
	kind := d.dec.PeekKind()
	if kind == 0 {
		_, err := d.dec.ReadToken()
		return err
	}
	if len(d.sizes) >= d.max {
		return errTooMany
	}
	start := d.valueStart()
	lr := d.record()
	d.inexact, d.typeSeen = kind != '{', false
	var err error
	if kind == '{' {
		err = d.object(lr.Body().SetEmptyMap(), 1, nil)
	} else {
		err = d.dec.SkipValue()
	}
	if err != nil {
		return err
	}
	text := d.body[start:d.dec.InputOffset()]
	if d.inexact {
		lr.Body().SetStr(string(text))
	}
	d.took(len(text))
	return nil
}

// record is that of the event in work. One that has been begun in vain is taken
// over: removing it would look at all that came before.
func (d *Decoder) record() plog.LogRecord {
	if at := d.base + len(d.sizes); at < d.dst.Len() {
		return d.dst.At(at)
	}
	return d.dst.AppendEmpty()
}

// took notes the size of an event that has been read. The first tells how many
// there may be.
func (d *Decoder) took(size int) {
	if d.sizes == nil {
		n := max(1, min(d.max, d.rest/size))
		d.sizes = make([]int, 0, n)
		d.dst.EnsureCapacity(d.base + n)
	}
	d.sizes = append(d.sizes, size)
}

// valueStart is the offset of the value that PeekKind has seen.
func (d *Decoder) valueStart() int {
	i := int(d.dec.InputOffset())
	for strings.IndexByte(jsonWhitespace+",:", d.body[i]) >= 0 {
		i++
	}
	return i
}

// bodyError says what is wrong with a body without repeating any of it.
func (d *Decoder) bodyError(err error) *Error {
	switch {
	case errors.Is(err, errNoEvents):
		return &Error{Code: CodeMissingField, Field: "events", Message: "expected at least one event"}
	case errors.Is(err, errEventsKind):
		return &Error{Code: CodeInvalidType, Field: "events", Message: "expected an array of events"}
	case errors.Is(err, errTooMany):
		return &Error{Code: CodeTooLarge, Field: "events", Message: fmt.Sprintf("expected at most %d events in one request", d.max)}
	}
	return syntaxError(err)
}

// syntaxError turns an error of the JSON library into ours. The library's own
// text may hold characters of the input, so none of it is passed on.
func syntaxError(err error) *Error {
	at := ""
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		at = fmt.Sprintf(" at byte %d", syntactic.ByteOffset)
	}
	what := "not valid JSON"
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		what = "duplicate object name"
	case errors.Is(err, io.EOF):
		what, at = "expected JSON, got nothing", ""
	case errors.Is(err, io.ErrUnexpectedEOF):
		what = "unexpected end of JSON"
	case errors.Is(err, errTrailing):
		what = "data after the JSON value"
	case strings.Contains(err.Error(), "invalid UTF-8"):
		what = "invalid UTF-8"
	case strings.Contains(err.Error(), "exceeded max depth"):
		return &Error{Code: CodeTooDeep, Message: "nesting is too deep" + at}
	}
	return &Error{Code: CodeMalformedJSON, Message: what + at}
}

func truncate(s plog.LogRecordSlice, n int) {
	i := 0
	s.RemoveIf(func(plog.LogRecord) bool {
		i++
		return i > n
	})
}

var decoders = sync.Pool{New: func() any { return NewDecoder() }}

// DecodeString replaces the string body of a record by the event it holds and
// reports whether it could; if not, the body stays as it is.
func DecodeString(lr plog.LogRecord) bool {
	d := decoders.Get().(*Decoder)
	defer decoders.Put(d)
	defer d.forget()
	text := strings.Trim(strings.TrimPrefix(lr.Body().Str(), string(utf8BOM)), jsonWhitespace)
	if !strings.HasPrefix(text, "{") {
		return false
	}
	d.precise, d.inexact, d.mayEnvelope = false, false, false
	d.rest = len(text)
	body := pcommon.NewValueEmpty()
	d.plain.begin([]byte(text))
	if d.plain.read(body) && d.plain.next() == 0 {
		body.MoveTo(lr.Body())
		return true
	}
	d.reset(d.plain.text)
	d.inexact = false
	if d.object(body.SetEmptyMap(), 1, nil) != nil || d.end() != nil || d.inexact {
		return false
	}
	body.MoveTo(lr.Body())
	return true
}
