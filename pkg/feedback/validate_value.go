// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"fmt"
	"math"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// object examines an object of the schema and reports which of its fields are
// there; a null is as good as absent.
func (c *check) object(m pcommon.Map, fields []Field, at place, depth int, slots *[maxFields]pcommon.Value) (seen uint32) {
	if depth > c.MaxDepth {
		c.tooDeep(at)
		return 0
	}
	hint, unknown := 0, false
	for name, v := range m.All() {
		i := fieldIndex(fields, name, hint)
		if i < 0 {
			unknown = true
			continue
		}
		slots[i] = v
		seen |= 1 << i
		hint = i + 1
	}
	for i := range fields {
		if seen&(1<<i) == 0 || slots[i].Type() == pcommon.ValueTypeEmpty {
			c.extra = c.extra || seen&(1<<i) != 0
			seen &^= 1 << i
			if fields[i].Required {
				c.add(c.known(at, fields[i].Name), CodeMissingField, "required")
			}
			continue
		}
		c.value(&fields[i], slots[i], c.known(at, fields[i].Name), depth)
	}
	if unknown {
		c.unknownMembers(m, fields, at, depth)
	}
	c.unique(m, at)
	return seen
}

// value examines the value of a field of the schema.
func (c *check) value(f *Field, v pcommon.Value, at place, depth int) {
	c.values++
	switch f.Kind {
	case KindBool:
		if v.Type() != pcommon.ValueTypeBool {
			c.wrongType(v, at, depth, "expected true or false")
		}
	case KindInteger, KindNumber:
		c.number(f, v, at, depth)
	case KindObject:
		if v.Type() != pcommon.ValueTypeMap {
			c.wrongType(v, at, depth, "expected an object")
			return
		}
		var slots [maxFields]pcommon.Value
		c.object(v.Map(), f.Fields, at, depth+1, &slots)
	case KindStringList:
		c.stringList(v, at, depth)
	case KindStringMap, KindNumberMap:
		c.anyMap(f, v, at, depth)
	default:
		if v.Type() != pcommon.ValueTypeStr {
			c.wrongType(v, at, depth, "expected a string")
			return
		}
		c.stringField(f, v.Str(), at)
	}
}

func (c *check) stringList(v pcommon.Value, at place, depth int) {
	if v.Type() != pcommon.ValueTypeSlice {
		c.wrongType(v, at, depth, "expected an array of strings")
		return
	}
	if depth+1 > c.MaxDepth {
		c.tooDeep(at)
		return
	}
	for i, e := range v.Slice().All() {
		p := c.enter(at, step{index: i})
		c.values++
		if e.Type() != pcommon.ValueTypeStr {
			c.wrongType(e, p, depth+1, "expected a string")
			continue
		}
		c.plainText(e.Str(), p, c.MaxStringLength)
	}
}

// anyMap examines metadata and custom_metrics.
func (c *check) anyMap(f *Field, v pcommon.Value, at place, depth int) {
	if v.Type() != pcommon.ValueTypeMap {
		c.wrongType(v, at, depth, "expected an object")
		return
	}
	if depth+1 > c.MaxDepth {
		c.tooDeep(at)
		return
	}
	i := 0
	for name, e := range v.Map().All() {
		p := c.enter(at, step{name: name, index: i, member: true})
		i++
		c.values++
		c.name(name, p)
		switch {
		case f.Kind == KindNumberMap:
			c.number(anyFinite, e, p, depth+1)
		case e.Type() != pcommon.ValueTypeStr:
			c.wrongType(e, p, depth+1, "expected a string")
		default:
			c.plainText(e.Str(), p, c.MaxStringLength)
		}
	}
	c.unique(v.Map(), at)
}

var anyFinite = &Field{Kind: KindNumber, Min: math.Inf(-1), Max: math.Inf(1)}

// stringField examines a string with its field's rules.
func (c *check) stringField(f *Field, s string, at place) {
	if s == "" {
		c.emptyString(f, at)
		return
	}
	limit := c.MaxStringLength
	if f.Kind == KindString && f.MaxLen > 0 {
		limit = min(limit, f.MaxLen)
	}
	if !c.plainText(s, at, limit) {
		return
	}
	switch f.Kind {
	case KindUUID:
		ok, low := isUUID(s)
		c.restyle = c.restyle || !low
		if !ok {
			c.add(at, CodeInvalidFormat, "expected a UUID of 36 characters")
		} else if isZero(s) {
			c.add(at, CodeInvalidValue, "expected a UUID that is not nil")
		}
	case KindHex:
		ok, low := isHex(s, f.MaxLen)
		c.restyle = c.restyle || !low
		if !ok {
			c.add(at, CodeInvalidFormat, fmt.Sprintf("expected %d hexadecimal digits", f.MaxLen))
		} else if isZero(s) {
			c.add(at, CodeInvalidValue, "expected an id that is not all zeros")
		}
	case KindEnum:
		c.enum(f, s, at)
	case KindTimestamp:
		c.timestamp(s, at)
	default: // any text will do
	}
}

func (c *check) emptyString(f *Field, at place) {
	switch {
	case f.Required:
		c.add(at, CodeMissingField, "expected a string that is not empty")
	case f.Kind == KindUUID || f.Kind == KindEnum:
		c.add(at, CodeInvalidValue, "expected a value, or none of this field")
	case f.Kind == KindTimestamp || f.Kind == KindHex:
		c.add(at, CodeInvalidFormat, "expected a value, or none of this field")
	}
}

func (c *check) enum(f *Field, s string, at place) {
	value := canonical(s)
	c.restyle = c.restyle || value != s
	for _, e := range f.Enum {
		if e == value {
			return
		}
	}
	code := CodeInvalidValue
	if f.Name == "type" {
		code = CodeUnknownType
	}
	c.add(at, code, "expected one of "+strings.Join(f.Enum, ", "))
}

func (c *check) timestamp(s string, at place) {
	t, canonical, ok := parseTime(s)
	if !ok {
		c.add(at, CodeInvalidFormat, "expected a date and time as in RFC 3339")
		return
	}
	c.time, c.steady = t, canonical
	c.window(at)
}

// window holds the event's time to the time of receipt.
func (c *check) window(at place) {
	if c.time.Before(c.now.Add(-c.MaxAge)) || c.time.After(c.now.Add(c.MaxFutureSkew)) {
		c.add(at, CodeOutOfRange, fmt.Sprintf("expected a time at most %v in the past and %v in the future", c.MaxAge, c.MaxFutureSkew))
	}
}

// plainText examines the rules for all strings and reports whether they hold.
func (c *check) plainText(s string, at place, limit int) bool {
	t := inspect(s)
	c.bytes += len(s)
	c.crlf = c.crlf || t.crlf
	if t.runes > limit {
		c.add(at, CodeTooLong, fmt.Sprintf("expected at most %d characters", limit))
	}
	if t.control {
		c.add(at, CodeInvalidCharacters, "expected no control characters but line feed and tab")
	}
	return t.runes <= limit && !t.control
}

// name examines a name that is not of the schema.
func (c *check) name(name string, at place) {
	before := c.crlf
	c.crlf = false
	c.plainText(name, at, c.MaxStringLength)
	c.names = c.names || c.crlf
	c.crlf = c.crlf || before
}

// unique refuses a map in which a name stands twice. JSON is free of that, the
// decoder has seen to it, but for names that only line ends keep apart.
func (c *check) unique(m pcommon.Map, at place) {
	if c.json && !c.names {
		return
	}
	seen := make(map[string]struct{}, m.Len())
	i := 0
	for name := range m.All() {
		name = normaliseLines(name)
		if _, twice := seen[name]; twice {
			c.add(c.enter(at, step{name: name, index: i, member: true}), CodeMalformedJSON, "duplicate object name")
			return
		}
		seen[name] = struct{}{}
		i++
	}
}

// number examines integers and doubles.
func (c *check) number(f *Field, v pcommon.Value, at place, depth int) {
	var n float64
	switch v.Type() {
	case pcommon.ValueTypeInt:
		n = float64(v.Int())
		if f.Kind == KindInteger && v.Int() >= int64(f.Min) {
			return
		}
		c.restyle = c.restyle || math.Abs(n) >= maxExactDouble
	case pcommon.ValueTypeDouble:
		n = v.Double()
		if math.IsNaN(n) || math.IsInf(n, 0) {
			c.add(at, CodeOutOfRange, expectation(f))
			return
		}
		if f.Kind == KindInteger && n != math.Trunc(n) {
			c.add(at, CodeInvalidType, "expected an integer")
			return
		}
		c.restyle = c.restyle || f.Kind == KindInteger
	default:
		if f.Kind == KindInteger {
			c.wrongType(v, at, depth, "expected an integer")
		} else {
			c.wrongType(v, at, depth, "expected a number")
		}
		return
	}
	if n < f.Min || n > f.Max || f.Kind == KindInteger && n >= math.MaxInt64 {
		c.add(at, CodeOutOfRange, expectation(f))
	}
}

// expectation words the bounds of a number.
func expectation(f *Field) string {
	kind := "a number"
	if f.Kind == KindInteger {
		kind = "an integer"
	}
	switch lower, upper := !math.IsInf(f.Min, 0), !math.IsInf(f.Max, 0) && f.Max < math.MaxInt64; {
	case lower && upper:
		return fmt.Sprintf("expected %s from %v to %v", kind, f.Min, f.Max)
	case lower && f.Kind == KindInteger:
		return fmt.Sprintf("expected %s from %v to 2^63-1", kind, f.Min)
	case lower:
		return fmt.Sprintf("expected %s of at least %v", kind, f.Min)
	}
	return "expected a finite number"
}

func (c *check) wrongType(v pcommon.Value, at place, depth int, expected string) {
	if deeperThan(v, c.MaxDepth-depth) {
		c.tooDeep(at)
		return
	}
	c.add(at, CodeInvalidType, expected)
}

func (c *check) tooDeep(at place) {
	c.add(at, CodeTooDeep, fmt.Sprintf("expected nesting of at most %d levels", c.MaxDepth))
}

// deeperThan reports whether v nests more than levels containers.
func deeperThan(v pcommon.Value, levels int) bool {
	switch v.Type() {
	case pcommon.ValueTypeMap:
		if levels < 1 {
			return true
		}
		for _, e := range v.Map().All() {
			if deeperThan(e, levels-1) {
				return true
			}
		}
	case pcommon.ValueTypeSlice:
		if levels < 1 {
			return true
		}
		for _, e := range v.Slice().All() {
			if deeperThan(e, levels-1) {
				return true
			}
		}
	default: // a leaf
	}
	return false
}
