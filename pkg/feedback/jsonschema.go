// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
)

//go:generate go run ./internal/schemagen ../../api/feedback.schema.json

// JSONSchema describes one event in JSON Schema 2020-12, made from the schema
// table. Rules that JSON Schema cannot say (tokens_total, nesting, sizes, the
// window of timestamps) stand in descriptions.
func JSONSchema() []byte {
	defs := map[string]any{}
	var choices []any
	for _, s := range schemas {
		defs[s.Type] = objectSchema(s.Doc, s.Fields, s.Type)
		choices = append(choices, map[string]any{
			"if":   map[string]any{"required": []string{"type"}, "properties": map[string]any{"type": map[string]any{"const": s.Type}}},
			"then": map[string]any{"$ref": "#/$defs/" + s.Type},
		})
	}
	root := map[string]any{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"$id":         "/schema/v1/feedback.json",
		"title":       "Feedback event",
		"description": "One event, schema version 1.0. Fields that are not described here are kept.",
		"type":        "object",
		"required":    []string{"type"},
		"properties":  map[string]any{"type": map[string]any{"enum": common[posType].Enum}},
		"allOf":       choices,
		"$defs":       defs,
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(root) // maps, strings and finite numbers cannot fail
	return b.Bytes()
}

func objectSchema(doc string, fields []Field, eventType string) map[string]any {
	properties := map[string]any{}
	var required []string
	for i := range fields {
		f := &fields[i]
		if f.Required {
			required = append(required, f.Name)
		}
		p := fieldSchema(f)
		if f.Name == "type" {
			p = map[string]any{"const": eventType, "description": f.Doc}
		}
		if !f.Required {
			p = orNull(p)
		}
		properties[f.Name] = p
	}
	s := map[string]any{"type": "object", "description": doc, "properties": properties}
	if required != nil {
		s["required"] = required
	}
	return s
}

// orNull lets null stand for absence.
func orNull(s map[string]any) map[string]any {
	if e, ok := s["enum"].([]any); ok {
		s["enum"] = append(e, nil)
		return s
	}
	s["type"] = []any{s["type"], "null"}
	return s
}

// Patterns of ECMA-262, as JSON Schema wants them.
const (
	textPattern = `^(?:[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]|\r\n)*$`
	uuidPattern = `^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$`
	timePattern = `^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:[0-5]\d(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$`
)

func fieldSchema(f *Field) map[string]any {
	s := kindSchema(f)
	if f.Doc != "" {
		s["description"] = f.Doc
	}
	return s
}

func kindSchema(f *Field) map[string]any {
	switch f.Kind {
	case KindUUID:
		return map[string]any{"type": "string", "pattern": uuidPattern, "not": map[string]any{"const": nilUUID}}
	case KindTimestamp:
		return map[string]any{"type": "string", "format": "date-time", "pattern": timePattern}
	case KindHex:
		return map[string]any{"type": "string", "pattern": fmt.Sprintf(`^[0-9A-Fa-f]{%d}$`, f.MaxLen), "not": map[string]any{"pattern": `^0+$`}}
	case KindEnum:
		return enumSchema(f)
	case KindBool:
		return map[string]any{"type": "boolean"}
	case KindInteger:
		return bounded(map[string]any{"type": "integer"}, f)
	case KindNumber:
		return bounded(map[string]any{"type": "number"}, f)
	case KindObject:
		return objectSchema(f.Doc, f.Fields, "")
	case KindStringList:
		return map[string]any{"type": "array", "items": stringSchema(&Field{})}
	case KindStringMap:
		return map[string]any{"type": "object", "additionalProperties": stringSchema(&Field{}), "propertyNames": stringSchema(&Field{})}
	case KindNumberMap:
		return map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "number"}, "propertyNames": stringSchema(&Field{})}
	default:
		return stringSchema(f)
	}
}

func enumSchema(f *Field) map[string]any {
	var values []any
	for _, e := range f.Enum {
		values = append(values, e)
		for _, a := range aliases {
			if a.published == e {
				values = append(values, a.spelling)
			}
		}
	}
	return map[string]any{"enum": values}
}

func stringSchema(f *Field) map[string]any {
	s := map[string]any{"type": "string", "maxLength": DefaultLimits().MaxStringLength, "pattern": textPattern}
	if f.MaxLen > 0 {
		s["maxLength"] = f.MaxLen
	}
	if f.Required {
		s["minLength"] = 1
	}
	return s
}

func bounded(s map[string]any, f *Field) map[string]any {
	if !math.IsInf(f.Min, 0) {
		s["minimum"] = f.Min
	}
	switch {
	case f.Kind == KindInteger:
		s["maximum"] = int64(math.MaxInt64)
	case !math.IsInf(f.Max, 0):
		s["maximum"] = f.Max
	}
	return s
}
