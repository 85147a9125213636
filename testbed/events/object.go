// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Object is a JSON object that keeps the order of its members.
type Object []Member

// Member is a name and its value: a string, bool, int64, float64, json.Number,
// []any or Object.
type Member struct {
	Name  string
	Value any
}

// Get returns the value of the named member, or nil.
func (o Object) Get(name string) any {
	for _, m := range o {
		if m.Name == name {
			return m.Value
		}
	}
	return nil
}

// Text returns the named string, or "".
func (o Object) Text(name string) string {
	s, _ := o.Get(name).(string)
	return s
}

// MarshalJSON writes the members in their order.
func (o Object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.Value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Parse reads one JSON object and nothing after it; numbers stay as they are
// written.
func Parse(text []byte) (Object, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	v, err := parseValue(dec)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one JSON value")
	}
	o, ok := v.(Object)
	if !ok {
		return nil, errors.New("the JSON value is no object")
	}
	return o, nil
}

func parseValue(dec *json.Decoder) (any, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch tok {
	case json.Delim('{'):
		o := Object{}
		for dec.More() {
			name, err := dec.Token()
			if err != nil {
				return nil, err
			}
			v, err := parseValue(dec)
			if err != nil {
				return nil, err
			}
			o = append(o, Member{name.(string), v})
		}
		_, err = dec.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := parseValue(dec)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = dec.Token()
		return list, err
	}
	return tok, nil
}

// Difference says where got is not what was wanted, "" if it is. Order counts;
// numbers are compared by value, but an int64 must be written as an integer. The
// text names fields, never values.
func Difference(path string, want, got any) string {
	switch w := want.(type) {
	case Object:
		return objectDifference(path, w, got)
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return path + ": not an array of the right length"
		}
		for i := range w {
			if d := Difference(fmt.Sprintf("%s[%d]", path, i), w[i], g[i]); d != "" {
				return d
			}
		}
		return ""
	case int64:
		if g, ok := got.(json.Number); ok && g.String() == fmt.Sprint(w) {
			return ""
		}
		return path + ": not the integer that was sent"
	case float64:
		if g, ok := got.(json.Number); ok {
			if f, err := g.Float64(); err == nil && f == w {
				return ""
			}
		}
		return path + ": not the number that was sent"
	default:
		if got != want {
			return path + ": not the value that was expected"
		}
		return ""
	}
}

func objectDifference(path string, want Object, got any) string {
	g, ok := got.(Object)
	if !ok {
		return path + ": not an object"
	}
	if w, n := names(want), names(g); w != n {
		return fmt.Sprintf("%s: fields %s, expected %s", path, n, w)
	}
	for i, m := range want {
		if d := Difference(path+"."+m.Name, m.Value, g[i].Value); d != "" {
			return d
		}
	}
	return ""
}

func names(o Object) string {
	list := make([]string, len(o))
	for i, m := range o {
		list[i] = m.Name
	}
	return strings.Join(list, ",")
}
