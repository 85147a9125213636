// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Rewriter rewrites one text. It returns the text itself if there is nothing to
// change.
type Rewriter func(text string) (string, error)

// RewriteText calls rw for all that people write freely in an event (contract
// §7) and puts what it returns in its place: comment, tags, metadata, error_type,
// every string of an unknown field at any depth, and names that the client
// chose. Ids, hashes, numbers and closed sets are left alone.
//
// In a refused event every string that does not keep to its own field's rule is
// free text too, and a body that is no object is rewritten as text.
func RewriteText(body pcommon.Value, refused bool, rw Rewriter) error {
	if body.Type() != pcommon.ValueTypeMap {
		return rewriteValue(body, everything, rw)
	}
	m := body.Map()
	schema := commonSchema
	if t, ok := m.Get("type"); ok && t.Type() == pcommon.ValueTypeStr {
		if s := SchemaOf(t.Str()); s != nil {
			schema = s
		}
	}
	return rewriteFields(m, schema.Fields, refused, rw)
}

// rewriteFields rewrites the free text among the members of an object of the schema.
func rewriteFields(m pcommon.Map, fields []Field, refused bool, rw Rewriter) error {
	hint, unknown := 0, false
	for name, v := range m.All() {
		i := fieldIndex(fields, name, hint)
		if i < 0 {
			unknown = true
			continue
		}
		hint = i + 1
		if err := rewriteField(&fields[i], v, refused, rw); err != nil {
			return err
		}
	}
	if !unknown {
		return nil
	}
	return rewriteMap(m, func(name string) bool { return fieldByName(fields, name) == nil }, rw)
}

func rewriteField(f *Field, v pcommon.Value, refused bool, rw Rewriter) error {
	switch {
	case f.FreeText, f.Kind == KindNumberMap:
		return rewriteValue(v, everything, rw)
	case f.Kind == KindObject && v.Type() == pcommon.ValueTypeMap:
		return rewriteFields(v.Map(), f.Fields, refused, rw)
	case refused && !keepsRule(f, v):
		return rewriteValue(v, everything, rw)
	}
	return nil
}

// keepsRule reports whether a value is, by its form alone, no free text. Plain
// strings (model_id, session_id) are taken at their field's word unless their
// text breaks the rules for strings.
func keepsRule(f *Field, v pcommon.Value) bool {
	if v.Type() != pcommon.ValueTypeStr {
		return v.Type() != pcommon.ValueTypeMap && v.Type() != pcommon.ValueTypeSlice && v.Type() != pcommon.ValueTypeBytes
	}
	switch s := v.Str(); f.Kind {
	case KindUUID:
		ok, _ := isUUID(s)
		return ok
	case KindHex:
		ok, _ := isHex(s, f.MaxLen)
		return ok
	case KindTimestamp:
		_, _, ok := parseTime(s)
		return ok
	case KindEnum:
		for _, e := range f.Enum {
			if e == canonical(s) {
				return true
			}
		}
		return false
	case KindString:
		t := inspect(s)
		return !t.control && t.runes <= DefaultLimits().MaxStringLength
	default: // a string where something else is wanted
		return false
	}
}

func everything(string) bool { return true }

// rewriteValue rewrites all strings and names in v.
func rewriteValue(v pcommon.Value, which func(name string) bool, rw Rewriter) error {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return rewriteString(v, rw)
	case pcommon.ValueTypeBytes:
		s, err := rw(string(v.Bytes().AsRaw()))
		if err == nil {
			v.SetStr(s)
		}
		return err
	case pcommon.ValueTypeMap:
		return rewriteMap(v.Map(), which, rw)
	case pcommon.ValueTypeSlice:
		for _, e := range v.Slice().All() {
			if err := rewriteValue(e, everything, rw); err != nil {
				return err
			}
		}
	default: // nothing to read
	}
	return nil
}

func rewriteString(v pcommon.Value, rw Rewriter) error {
	before := v.Str()
	after, err := rw(before)
	if err == nil && after != before {
		v.SetStr(after)
	}
	return err
}

// rewriteMap rewrites the members that which chooses, and their names.
func rewriteMap(m pcommon.Map, which func(name string) bool, rw Rewriter) error {
	var renamed map[int]string // by position
	i := 0
	for name, v := range m.All() {
		if which(name) {
			after, err := rw(name)
			if err != nil {
				return err
			}
			if after != name {
				if renamed == nil {
					renamed = map[int]string{}
				}
				renamed[i] = after
			}
			if err := rewriteValue(v, everything, rw); err != nil {
				return err
			}
		}
		i++
	}
	if renamed != nil {
		rename(m, renamed)
	}
	return nil
}

// rename makes the map anew with other names at some positions. A name that is
// taken gets a number: name_2, name_3 and so on. Names that stay have the first
// claim to themselves.
func rename(m pcommon.Map, renamed map[int]string) {
	taken := make(map[string]struct{}, m.Len())
	last := map[string]int{} // the last number given to a name
	i := 0
	for name := range m.All() {
		if _, ok := renamed[i]; !ok {
			taken[name] = struct{}{}
		}
		i++
	}
	fresh := pcommon.NewMap()
	fresh.EnsureCapacity(m.Len())
	i = 0
	for name, v := range m.All() {
		if after, ok := renamed[i]; ok {
			name = after
			for _, used := taken[name]; used; _, used = taken[name] {
				last[after] = max(2, last[after]+1)
				name = after + "_" + strconv.Itoa(last[after])
			}
			taken[name] = struct{}{}
		}
		v.MoveTo(fresh.PutEmpty(name))
		i++
	}
	fresh.MoveTo(m)
}
