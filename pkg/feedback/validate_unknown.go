// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// unknownMembers examines the members of an object that are not of the schema.
func (c *check) unknownMembers(m pcommon.Map, fields []Field, at place, depth int) {
	position := 0
	for name, v := range m.All() {
		if fieldByName(fields, name) == nil {
			c.unknown(name, v, c.enter(at, step{name: name, index: position, member: true}), depth)
		}
		position++
	}
}

// unknown examines a field that the schema does not know.
func (c *check) unknown(name string, v pcommon.Value, at place, depth int) {
	switch c.UnknownFields {
	case RejectUnknown:
		c.add(at, CodeUnknownField, "expected only fields of the schema")
	case DropUnknown:
		c.extra = true
	default:
		c.name(name, at)
		c.anything(v, at, depth)
	}
}

// anything examines the value of an unknown field, at any depth.
func (c *check) anything(v pcommon.Value, at place, depth int) {
	c.values++
	switch v.Type() {
	case pcommon.ValueTypeStr:
		c.plainText(v.Str(), at, c.MaxStringLength)
	case pcommon.ValueTypeDouble:
		if n := v.Double(); math.IsNaN(n) || math.IsInf(n, 0) {
			c.add(at, CodeOutOfRange, "expected a number within 64 bits")
		}
	case pcommon.ValueTypeMap:
		if depth+1 > c.MaxDepth {
			c.tooDeep(at)
			return
		}
		i := 0
		for name, e := range v.Map().All() {
			p := c.enter(at, step{name: name, index: i, member: true})
			i++
			c.name(name, p)
			c.anything(e, p, depth+1)
		}
		c.unique(v.Map(), at)
	case pcommon.ValueTypeSlice:
		if depth+1 > c.MaxDepth {
			c.tooDeep(at)
			return
		}
		for i, e := range v.Slice().All() {
			c.anything(e, c.enter(at, step{index: i}), depth+1)
		}
	case pcommon.ValueTypeBytes:
		c.add(at, CodeInvalidType, "expected a value that JSON knows")
	default: // null, booleans and integers are fine
	}
}
