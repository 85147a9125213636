// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// precisely decodes the text of one event that [Decoder.Decode] left as text:
// with the schema of its type at hand, so that each number is read as its field
// wants. The error says why the text is no JSON object at all.
func precisely(text string, into pcommon.Value) *Error {
	text = strings.TrimPrefix(text, string(utf8BOM))
	d := NewDecoder()
	d.rest = len(text)
	eventType, err := d.findType([]byte(text))
	if err != nil {
		return syntaxError(err)
	}
	d.reset([]byte(text))
	if d.dec.PeekKind() != '{' {
		_ = d.value(into, 0, nil) // findType has read it all
		return &Error{Code: CodeInvalidType, Message: "expected an object"}
	}
	schema := SchemaOf(eventType)
	if schema == nil {
		schema = commonSchema
	}
	d.precise = true
	_ = d.object(into.SetEmptyMap(), 1, &Field{Kind: KindObject, Fields: schema.Fields})
	return nil
}

// findType reads the whole text and returns the value of the member type.
func (d *Decoder) findType(text []byte) (eventType string, err error) {
	d.reset(text)
	if d.dec.PeekKind() != '{' {
		if err = d.dec.SkipValue(); err == nil {
			err = d.end()
		}
		return "", err
	}
	d.delimiter()
	for d.dec.PeekKind() != '}' {
		name, err := d.name()
		if err != nil {
			return "", err
		}
		if name == "type" && d.dec.PeekKind() == '"' {
			raw, err := d.dec.ReadValue()
			if err != nil {
				return "", err
			}
			eventType = string(d.unquote(raw))
			continue
		}
		if err := d.dec.SkipValue(); err != nil {
			return "", err
		}
	}
	d.delimiter()
	return eventType, d.end()
}
