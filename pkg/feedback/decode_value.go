// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"bytes"
	"math"
	"math/big"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/xpdata"
)

// knownNames interns the names of the schema.
var knownNames = internNames()

func internNames() map[string]string {
	names := map[string]string{"events": "events"}
	var add func([]Field)
	add = func(fields []Field) {
		for _, f := range fields {
			names[f.Name] = f.Name
			add(f.Fields)
		}
	}
	for _, s := range schemas {
		add(s.Fields)
	}
	return names
}

// Room for the members of an event (with what the validator adds) and of a
// nested object.
const (
	eventCapacity  = 16
	nestedCapacity = 4
)

// object decodes an object into m. self is its row of the schema; it is only
// known when numbers are read precisely.
func (d *Decoder) object(m pcommon.Map, depth int, self *Field) error {
	d.delimiter()
	b := &d.builders[depth]
	if depth == 1 {
		b.EnsureCapacity(eventCapacity)
	} else {
		b.EnsureCapacity(nestedCapacity)
	}
	if err := d.members(b, depth, self); err != nil {
		*b = xpdata.MapBuilder{}
		return err
	}
	b.UnsafeIntoMap(m)
	return nil
}

func (d *Decoder) members(b *xpdata.MapBuilder, depth int, self *Field) error {
	for d.dec.PeekKind() != '}' {
		name, err := d.name()
		if err != nil {
			return err
		}
		if depth == 1 && d.mayEnvelope {
			if name == "type" {
				d.typeSeen = true
			} else if name == "events" && !d.typeSeen {
				return errEnvelope
			}
		}
		if err = d.value(b.AppendEmpty(name), depth, self.member(name)); err != nil {
			return err
		}
	}
	d.delimiter()
	return nil
}

// numberElement is the schema of the values of a KindNumberMap.
var numberElement = &Field{Kind: KindNumber}

// value decodes the next value into v, which is at the given depth's object or array.
func (d *Decoder) value(v pcommon.Value, depth int, f *Field) error {
	switch d.dec.PeekKind() {
	case '"':
		raw, err := d.dec.ReadValue()
		if err != nil {
			return err
		}
		v.SetStr(d.keep(d.unquote(raw)))
	case '0':
		raw, err := d.dec.ReadValue()
		if err != nil {
			return err
		}
		d.number(v, raw, f)
	case 't', 'f':
		token, err := d.dec.ReadToken()
		if err != nil {
			return err
		}
		v.SetBool(token.Bool())
	case '{':
		if depth >= maxDecodeDepth {
			return d.tooDeep(v)
		}
		return d.object(v.SetEmptyMap(), depth+1, f)
	case '[':
		if depth >= maxDecodeDepth {
			return d.tooDeep(v)
		}
		return d.list(v.SetEmptySlice(), depth+1)
	default: // null stays empty; an error is returned as such
		_, err := d.dec.ReadToken()
		return err
	}
	return nil
}

func (d *Decoder) list(s pcommon.Slice, depth int) error {
	d.delimiter()
	s.EnsureCapacity(nestedCapacity)
	for d.dec.PeekKind() != ']' {
		if err := d.value(s.AppendEmpty(), depth, nil); err != nil {
			return err
		}
	}
	d.delimiter()
	return nil
}

// tooDeep leaves out what is nested deeper than any limit allows. An empty map
// stands for it: it is as deep as it needs to be to be refused.
func (d *Decoder) tooDeep(v pcommon.Value) error {
	d.inexact = true
	v.SetEmptyMap()
	return d.dec.SkipValue()
}

// member is the row of the schema for a member of the object f describes.
func (f *Field) member(name string) *Field {
	switch {
	case f == nil:
		return nil
	case f.Kind == KindNumberMap:
		return numberElement
	}
	return fieldByName(f.Fields, name)
}

// name reads an object's member name; names of the schema are not allocated.
func (d *Decoder) name() (string, error) {
	raw, err := d.dec.ReadValue()
	if err != nil {
		return "", err
	}
	text := d.unquote(raw)
	if known, ok := knownNames[string(text)]; ok {
		return known, nil
	}
	return d.keep(text), nil
}

// unquote returns the text of a JSON string that the decoder has checked. It is
// good until the next call.
func (d *Decoder) unquote(raw jsontext.Value) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	d.text, _ = jsontext.AppendUnquote(d.text[:0], raw)
	return d.text
}

// keep copies b. The strings of a request share chunks of memory, so that a
// request costs few allocations and one kept string keeps little alive.
func (d *Decoder) keep(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if d.arena.Cap()-d.arena.Len() < len(b) {
		d.arena.Reset()
		d.arena.Grow(max(len(b), min(d.rest, arenaChunk)))
	}
	n := d.arena.Len()
	d.arena.Write(b)
	return d.arena.String()[n:]
}

// maxExactDouble is 2^53: up to it every integer is a double.
const maxExactDouble = 1 << 53

// maxNumberText bounds the literals that are read with more precision than a
// double has.
const maxNumberText = 64

// number reads a number literal: an integer if it is plain digits, else a double.
// Where that could lose something the event is read again precisely, knowing
// what its field wants. What no type can hold becomes an infinity, which is
// out of range everywhere.
func (d *Decoder) number(v pcommon.Value, raw []byte, f *Field) {
	if !bytes.ContainsAny(raw, ".eE") {
		if i, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
			v.SetInt(i)
			return
		}
		d.inexact = true
		if d.precise && f != nil && f.Kind == KindNumber {
			n, _ := strconv.ParseFloat(string(raw), 64)
			v.SetDouble(n)
			return
		}
		v.SetDouble(math.Inf(1))
		return
	}
	n, err := strconv.ParseFloat(string(raw), 64)
	v.SetDouble(n)
	switch {
	case err != nil:
		d.inexact = true
	case n != math.Trunc(n):
	case len(raw) > 17 || math.Abs(n) >= maxExactDouble || n == 0 && bytes.ContainsAny(raw, "123456789"):
		d.inexact = true
		if d.precise && f != nil && f.Kind == KindInteger {
			exactInteger(v, raw)
		}
	}
}

// exactInteger reads a literal with a fraction or exponent as an integer, if it
// is one; else it leaves a fraction or an infinity for the validator to refuse.
func exactInteger(v pcommon.Value, raw []byte) {
	if len(raw) > maxNumberText {
		return
	}
	r, _ := new(big.Rat).SetString(string(raw)) // JSON's numbers are a subset of what it reads
	switch {
	case !r.IsInt():
		v.SetDouble(0.5)
	case r.Num().IsInt64():
		v.SetInt(r.Num().Int64())
	default:
		v.SetDouble(math.Inf(1))
	}
}
