// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package configref

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

type object = map[string]any

const (
	// reference is a value that the collector resolves when it loads the file.
	reference = `\$\{[^}]*\}`
	span      = `[0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h)`
	// A duration that is not nothing has a digit other than 0 somewhere.
	aboveZero = `^(` + span + `)*([0-9]*\.?[0-9]*[1-9][0-9]*(\.[0-9]+)?)(ns|us|µs|ms|s|m|h)(` + span + `)*$`
	anySpan   = `^(0|(` + span + `)+)$`
	signed    = `^-?(0|(` + span + `)+)$`
)

// Schema is a JSON Schema of a whole configuration file: what this project's
// components take is checked strictly, others are let through.
func Schema(components []*Component) ([]byte, error) {
	sections := object{}
	for section := range singular {
		ours := object{}
		for _, c := range components {
			if c.Section == section {
				s := c.Root.schema()
				s["type"] = []string{"object", "null"}
				s["title"] = fmt.Sprintf("%s %s", c.Type, singular[section])
				ours["^"+c.Type+"(/.+)?$"] = s
			}
		}
		sections[section] = object{"type": []string{"object", "null"}, "patternProperties": ours, "properties": names(ours)}
	}
	sections["connectors"] = object{"type": []string{"object", "null"}}
	sections["service"] = service()
	return marshal(object{
		"$schema":              "https://json-schema.org/draft/2020-12/schema",
		"title":                "otelcol-feedback configuration",
		"description":          "A configuration file of an OpenTelemetry Collector with the components of otelcol-feedback.",
		"type":                 "object",
		"properties":           sections,
		"additionalProperties": false,
	})
}

// names let an editor offer the components of a section.
func names(patterns object) object {
	out := object{}
	for pattern := range patterns {
		out[strings.TrimSuffix(strings.TrimPrefix(pattern, "^"), "(/.+)?$")] = object{}
	}
	return out
}

func service() object {
	list := object{"type": []string{"array", "string", "null"}, "items": object{"type": "string"}}
	return object{
		"type": []string{"object", "null"},
		"properties": object{
			"extensions": list,
			"telemetry":  object{"type": []string{"object", "null"}},
			"pipelines": object{
				"type": []string{"object", "null"},
				"patternProperties": object{"^(logs|metrics|traces|profiles)(/.+)?$": object{
					"type":                 []string{"object", "null"},
					"properties":           object{"receivers": list, "processors": list, "exporters": list},
					"additionalProperties": false,
				}},
				"additionalProperties": false,
			},
		},
		"additionalProperties": false,
	}
}

func marshal(v any) ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return []byte(b.String()), err
}

// schema is that of a key's value.
func (k *Key) schema() object {
	s := k.describe(object{})
	c := &k.Comment
	switch k.Kind {
	case Object:
		k.objectSchema(s)
	case Map:
		entry := k.Elem.schema()
		if c.OneOf != nil {
			entry = oneOf(c.OneOf)
		}
		s["type"], s["additionalProperties"] = []string{"object", "null"}, entry
		if k.Secret { // also as a list of names and values
			s["type"] = []string{"object", "array", "null"}
		}
		if c.Names != nil {
			s["propertyNames"] = object{"enum": c.Names}
		}
	case List:
		entry := k.Elem.schema()
		if c.OneOf != nil {
			entry = oneOf(c.OneOf)
		}
		s["type"], s["items"] = []string{"array", "null"}, entry
		if k.Elem.Kind == String {
			s["type"] = []string{"array", "string", "null"} // one text, with commas
		}
	case String:
		s["type"] = "string"
		if c.OneOf != nil {
			s["anyOf"] = oneOf(c.OneOf)["anyOf"]
		}
	case Integer, Number:
		s["type"], s["pattern"] = []string{string(k.Kind), "string"}, reference
		c.Min.put(s, "minimum", "exclusiveMinimum")
		c.Max.put(s, "maximum", "exclusiveMaximum")
		if c.OneOf != nil {
			delete(s, "pattern")
			s["anyOf"] = oneOf(c.OneOf)["anyOf"]
		}
	case Boolean:
		s["type"], s["pattern"] = []string{"boolean", "string"}, reference
	case Duration:
		k.durationSchema(s)
	case Any:
	}
	return s
}

// describe adds what an editor shows.
func (k *Key) describe(s object) object {
	text := k.Comment.Meaning
	for _, part := range []struct{ name, value string }{
		{"Unit", k.Comment.Unit}, {"Bounds", k.Comment.Bounds}, {"Default", k.shown()},
	} {
		if part.value != "" {
			text = strings.TrimSpace(text + " " + part.name + ": " + part.value + ".")
		}
	}
	if k.Comment.Required {
		text += " Required."
	}
	if text != "" {
		s["description"] = text
	}
	return s
}

func (k *Key) shown() string {
	if k.Default != "" {
		return k.Default
	}
	return k.Comment.Default
}

func (k *Key) objectSchema(s object) {
	properties, required := object{}, []string{}
	for _, c := range k.Children {
		properties[c.Name] = c.schema()
		if c.Comment.Required && k.InList {
			required = append(required, c.Name)
		}
	}
	s["type"], s["properties"], s["additionalProperties"] = []string{"object", "null"}, properties, false
	if k.InList {
		s["type"] = "object"
	}
	if len(required) > 0 {
		s["required"] = required
	}
	if k.Optional {
		properties["enabled"] = object{
			"type": []string{"boolean", "string"}, "pattern": reference,
			"description": "false takes the section away.",
		}
	}
}

// oneOf takes a closed set of words, or a reference to one.
func oneOf(words []string) object {
	values := make([]any, len(words))
	for i, word := range words {
		values[i] = word
		if n, err := strconv.Atoi(word); err == nil {
			values[i] = n
		}
	}
	return object{"anyOf": []object{{"enum": values}, {"type": "string", "pattern": reference}}}
}

// put writes a number's limit.
func (l Limit) put(s object, inclusive, exclusive string) {
	if !l.Set || l.Duration {
		return
	}
	name := inclusive
	if l.Exclusive {
		name = exclusive
	}
	s[name] = l.Value
	if l.Value == math.Trunc(l.Value) {
		s[name] = int64(l.Value)
	}
}

// durationSchema wants a unit: a bare number would be nanoseconds.
func (k *Key) durationSchema(s object) {
	lowest := k.Comment.Min
	switch {
	case lowest.Set && (lowest.Value > 0 || lowest.Exclusive):
		s["type"], s["pattern"] = "string", aboveZero+"|"+reference
	case lowest.Set:
		s["type"], s["pattern"] = []string{"string", "integer"}, anySpan+"|"+reference
		s["minimum"], s["maximum"] = 0, 0
	default:
		s["type"], s["pattern"] = []string{"string", "integer"}, signed+"|"+reference
		s["minimum"], s["maximum"] = 0, 0
	}
}
