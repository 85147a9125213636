// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/xpdata"
)

// plain reads the JSON that clients nearly always send, in less than half the
// time that the JSON library takes. It gives up on whatever is wrong or unusual
// (a fault of syntax, a name with escapes, many names that are not of the schema,
// a number that needs care, deep nesting); then the library reads the same text
// from its start, and what that says holds. So plain never judges: all that it
// reads, the library reads alike.
type plain struct {
	d    *Decoder
	text []byte
	i    int // where to read on

	strangers [maxStrangers][]byte // names read that are not of the schema
	inUse     int                  // of strangers; an object's own begin where its parent's end
}

const (
	// maxPlainDepth is the deepest nesting that is read.
	maxPlainDepth = 6
	// maxStrangers bounds the names that are not of the schema, which are
	// compared with each other one by one.
	maxStrangers = 24
)

// plainDocument decodes a whole body: an event, an array, or an envelope that
// holds nothing else.
func (d *Decoder) plainDocument() (ok bool, err error) {
	p := &d.plain
	p.begin(d.body)
	envelope := false
	switch p.next() {
	case '[':
	case '{':
		if envelope = p.envelope(); !envelope {
			ok = p.event()
			return ok && p.next() == 0, nil
		}
	default:
		return false, nil
	}
	if ok, err = p.array(); !ok {
		return false, err
	}
	return (!envelope || p.take('}')) && p.next() == 0, nil
}

// plainLine decodes a line of NDJSON.
func (d *Decoder) plainLine(line []byte) bool {
	if d.careful || line[0] != '{' || len(d.sizes) >= d.max {
		return false
	}
	p := &d.plain
	p.begin(line)
	lr := d.record()
	if !p.read(lr.Body()) || p.next() != 0 {
		return false
	}
	d.took(len(line))
	return true
}

// envelope reads {"events": if that is what comes next.
func (p *plain) envelope() bool {
	start := p.i
	if p.take('{') && p.next() == '"' && bytes.HasPrefix(p.text[p.i:], []byte(`"events"`)) {
		p.i += len(`"events"`)
		if p.take(':') && p.next() == '[' {
			return true
		}
	}
	p.i = start
	return false
}

// array reads an array of events.
func (p *plain) array() (ok bool, err error) {
	p.i++
	p.d.mayEnvelope = false
	for p.next() == '{' {
		if len(p.d.sizes) >= p.d.max {
			return false, errTooMany
		}
		if !p.event() {
			return false, nil
		}
		if p.take(',') {
			continue
		}
		return p.take(']'), nil
	}
	return false, nil
}

// event reads one event into a record of its own.
func (p *plain) event() bool {
	start := p.i
	lr := p.d.record()
	p.d.rest = len(p.text) - start
	if !p.read(lr.Body()) {
		return false
	}
	p.d.took(p.i - start)
	return true
}

// read reads the object that begins here.
func (p *plain) read(into pcommon.Value) bool {
	p.inUse = 0
	p.d.inexact, p.d.typeSeen = false, false
	return p.object(into.SetEmptyMap(), 1, common) && !p.d.inexact
}

func (p *plain) begin(text []byte) { p.text, p.i = text, 0 }

// next skips white space and returns the byte that follows, or 0 at the end.
func (p *plain) next() byte {
	for ; p.i < len(p.text); p.i++ {
		switch c := p.text[p.i]; c {
		case ' ', '\t', '\r', '\n':
		case 0:
			return 1 // not the end, and not JSON
		default:
			return c
		}
	}
	return 0
}

// take reads c if it comes next.
func (p *plain) take(c byte) bool {
	if p.next() != c {
		return false
	}
	p.i++
	return true
}

// object reads an object whose fields are known to be these.
func (p *plain) object(m pcommon.Map, depth int, fields []Field) bool {
	b := &p.d.builders[depth]
	if depth == 1 {
		b.EnsureCapacity(eventCapacity)
	} else {
		b.EnsureCapacity(nestedCapacity)
	}
	first := p.inUse
	if !p.members(b, depth, fields) {
		*b = xpdata.MapBuilder{}
		return false
	}
	p.inUse = first
	b.UnsafeIntoMap(m)
	return true
}

func (p *plain) members(b *xpdata.MapBuilder, depth int, fields []Field) bool {
	first, hint := p.inUse, 0
	var seen uint32
	p.i++
	if p.take('}') {
		return true
	}
	for {
		raw, ok := p.name()
		if !ok || !p.take(':') {
			return false
		}
		var name string
		var nested []Field
		if at := indexOf(fields, raw, hint); at >= 0 {
			if seen&(1<<at) != 0 {
				return false
			}
			seen |= 1 << at
			name, nested, hint = fields[at].Name, fields[at].Fields, at+1
		} else if name, ok = p.stranger(raw, first, depth); !ok {
			return false
		}
		v := b.AppendEmpty(name)
		if !p.value(v, depth, nested) {
			return false
		}
		if depth == 1 && hint == posType+1 && !p.d.typeSeen {
			p.d.typeSeen = true
			// Names that came before were not looked up in the schema, so none is now.
			if s := schemaOf(v); s != nil && p.inUse == first {
				fields = s.Fields
			}
		}
		switch p.next() {
		case ',':
			p.i++
		case '}':
			p.i++
			return true
		default:
			return false
		}
	}
}

// stranger makes sure that a name that is not of the schema is new in its object.
func (p *plain) stranger(raw []byte, first, depth int) (name string, ok bool) {
	if depth == 1 && p.d.mayEnvelope && !p.d.typeSeen && string(raw) == "events" || p.inUse == maxStrangers {
		return "", false
	}
	for _, other := range p.strangers[first:p.inUse] {
		if bytes.Equal(other, raw) {
			return "", false
		}
	}
	p.strangers[p.inUse] = raw
	p.inUse++
	return p.d.keep(raw), true
}

// name reads a name of plain characters.
func (p *plain) name() ([]byte, bool) {
	if p.next() != '"' {
		return nil, false
	}
	p.i++
	rest := p.text[p.i:]
	n := plainLen(rest)
	if n == len(rest) || rest[n] != '"' {
		return nil, false
	}
	p.i += n + 1
	return rest[:n], true
}

func (p *plain) value(v pcommon.Value, depth int, fields []Field) bool {
	switch c := p.next(); c {
	case '"':
		return p.str(v)
	case '{':
		return depth < maxPlainDepth && p.object(v.SetEmptyMap(), depth+1, fields)
	case '[':
		return depth < maxPlainDepth && p.list(v.SetEmptySlice(), depth+1)
	case 't', 'f', 'n':
		return p.literal(v, c)
	default:
		return p.number(v)
	}
}

func (p *plain) list(s pcommon.Slice, depth int) bool {
	p.i++
	s.EnsureCapacity(nestedCapacity)
	if p.take(']') {
		return true
	}
	for {
		if !p.value(s.AppendEmpty(), depth, nil) {
			return false
		}
		if p.take(']') {
			return true
		}
		if !p.take(',') {
			return false
		}
	}
}

func (p *plain) str(v pcommon.Value) bool {
	rest := p.text[p.i+1:]
	n := plainLen(rest)
	if n < len(rest) && rest[n] == '"' {
		p.i += n + 2
		v.SetStr(p.d.keep(rest[:n]))
		return true
	}
	// Escapes and what is not ASCII.
	escapes := false
	for ; n < len(rest) && rest[n] != '"'; n++ {
		switch c := rest[n]; {
		case c == '\\':
			escapes = true
			n++
		case c < ' ':
			return false
		}
	}
	if n >= len(rest) {
		return false
	}
	text := rest[:n]
	if escapes {
		var err error
		if p.d.text, err = jsontext.AppendUnquote(p.d.text[:0], p.text[p.i:p.i+n+2]); err != nil {
			return false
		}
		text = p.d.text
	} else if !utf8.Valid(text) {
		return false
	}
	p.i += n + 2
	v.SetStr(p.d.keep(text))
	return true
}

func (p *plain) literal(v pcommon.Value, c byte) bool {
	word := "null"
	switch c {
	case 't':
		word = "true"
	case 'f':
		word = "false"
	}
	if !bytes.HasPrefix(p.text[p.i:], []byte(word)) {
		return false
	}
	p.i += len(word)
	if c != 'n' {
		v.SetBool(c == 't')
	}
	return true
}

// maxPlainDigits is how many digits surely fit an int64.
const maxPlainDigits = 18

// number reads a number as JSON defines it.
func (p *plain) number(v pcommon.Value) bool {
	start := p.i
	minus := p.has('-')
	digits := p.i
	n := p.digits()
	if n == 0 || n > 1 && p.text[digits] == '0' {
		return false
	}
	whole := true
	if p.has('.') {
		whole = false
		if p.digits() == 0 {
			return false
		}
	}
	if p.has('e') || p.has('E') {
		whole = false
		_ = p.has('-') || p.has('+')
		if p.digits() == 0 {
			return false
		}
	}
	if !whole || n > maxPlainDigits {
		p.d.number(v, p.text[start:p.i], nil)
		return true
	}
	var i int64
	for _, c := range p.text[digits:p.i] {
		i = i*10 + int64(c-'0')
	}
	if minus {
		i = -i
	}
	v.SetInt(i)
	return true
}

func (p *plain) has(c byte) bool {
	if p.i < len(p.text) && p.text[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *plain) digits() (n int) {
	for ; p.i < len(p.text) && p.text[p.i]-'0' <= 9; p.i++ {
		n++
	}
	return n
}

func schemaOf(eventType pcommon.Value) *Schema {
	if eventType.Type() != pcommon.ValueTypeStr {
		return nil
	}
	return SchemaOf(eventType.Str())
}

// indexOf is fieldIndex for a name that is no string yet.
func indexOf(fields []Field, name []byte, hint int) int {
	for i := hint; i < len(fields); i++ {
		if fields[i].Name == string(name) {
			return i
		}
	}
	for i := 0; i < hint && i < len(fields); i++ {
		if fields[i].Name == string(name) {
			return i
		}
	}
	return -1
}
