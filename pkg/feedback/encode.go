// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"encoding/base64"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// AppendJSON appends the canonical JSON of an event to dst: the fields of its
// type in the order of the schema table, then unknown fields in the order
// received. Any other value is written as it stands.
//
// What JSON cannot hold only occurs in originals of refused events that came by
// OTLP: NaN and infinities are written as strings, bytes as base64 and invalid
// UTF-8 as U+FFFD.
func AppendJSON(dst []byte, v pcommon.Value) []byte {
	if v.Type() == pcommon.ValueTypeMap {
		return appendObject(dst, v.Map())
	}
	return appendAny(dst, v)
}

// appendObject writes the top level, where the type says what the fields are.
func appendObject(dst []byte, m pcommon.Map) []byte {
	schema := commonSchema
	if t, ok := m.Get("type"); ok && t.Type() == pcommon.ValueTypeStr {
		if s := SchemaOf(t.Str()); s != nil {
			schema = s
		}
	}
	return appendFields(dst, m, schema.Fields)
}

// appendFields writes m's members: those of fields in their order, then the rest.
func appendFields(dst []byte, m pcommon.Map, fields []Field) []byte {
	var slots [maxFields]pcommon.Value
	var seen uint32
	hint, extra := 0, false
	for name, v := range m.All() {
		i := fieldIndex(fields, name, hint)
		if i < 0 || seen&(1<<i) != 0 {
			extra = true
			continue
		}
		slots[i], hint = v, i+1
		seen |= 1 << i
	}
	dst = append(dst, '{')
	start := len(dst)
	for i := range fields {
		if seen&(1<<i) == 0 {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(dst, fields[i].key...)
		dst = appendField(dst, &fields[i], slots[i])
	}
	if extra {
		dst = appendExtra(dst, start, m, fields)
	}
	return append(dst, '}')
}

func appendField(dst []byte, f *Field, v pcommon.Value) []byte {
	if f.Kind == KindObject && v.Type() == pcommon.ValueTypeMap {
		return appendFields(dst, v.Map(), f.Fields)
	}
	return appendAny(dst, v)
}

// appendExtra writes the members that are not of the schema.
func appendExtra(dst []byte, start int, m pcommon.Map, fields []Field) []byte {
	var seen uint32
	for name, v := range m.All() {
		if i := fieldIndex(fields, name, 0); i >= 0 && seen&(1<<i) == 0 {
			seen |= 1 << i
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = appendAny(append(appendText(dst, name), ':'), v)
	}
	return dst
}

func appendAny(dst []byte, v pcommon.Value) []byte {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return appendText(dst, v.Str())
	case pcommon.ValueTypeInt:
		return strconv.AppendInt(dst, v.Int(), 10)
	case pcommon.ValueTypeDouble:
		return appendDouble(dst, v.Double())
	case pcommon.ValueTypeBool:
		return strconv.AppendBool(dst, v.Bool())
	case pcommon.ValueTypeMap:
		return appendFields(dst, v.Map(), nil)
	case pcommon.ValueTypeSlice:
		dst = append(dst, '[')
		for i, e := range v.Slice().All() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendAny(dst, e)
		}
		return append(dst, ']')
	case pcommon.ValueTypeBytes:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v.Bytes().AsRaw())
		return append(dst, '"')
	default:
		return append(dst, "null"...)
	}
}

func appendDouble(dst []byte, n float64) []byte {
	switch {
	case math.IsNaN(n):
		return append(dst, `"NaN"`...)
	case math.IsInf(n, 0):
		return append(strconv.AppendFloat(append(dst, '"'), n, 'g', -1, 64), '"')
	case math.Abs(n) >= math.MaxInt64:
		// Plain digits would read as an integer that is out of range.
		return strconv.AppendFloat(dst, n, 'e', -1, 64)
	}
	return jsontext.AppendFloat(dst, n, 64)
}

func appendText(dst []byte, s string) []byte {
	if plainLen(s) == len(s) {
		return append(append(append(dst, '"'), s...), '"')
	}
	dst, _ = jsontext.AppendQuote(dst, s) // the error is about UTF-8, which it has mended
	return dst
}

// PartitionKey is the Kafka key of an event, or "" if it has none.
func PartitionKey(body pcommon.Map) string {
	t, ok := body.Get("type")
	if !ok || t.Type() != pcommon.ValueTypeStr {
		return ""
	}
	s := SchemaOf(t.Str())
	if s == nil {
		return ""
	}
	key, ok := body.Get(s.Key)
	if !ok || key.Type() != pcommon.ValueTypeStr {
		return ""
	}
	return key.Str()
}
