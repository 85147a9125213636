// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"bytes"
	"iter"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// EnsureID gives the event an event_id if it has none, so that sending it again
// does not double it. Text that is no JSON object is returned as it is; the
// result shares no memory with text otherwise.
func EnsureID(text []byte, newID func() string) []byte {
	if !lenient(text) || text[0] != '{' {
		return text
	}
	empty := true
	for name, at := range members(text) {
		empty = false
		if name != "event_id" {
			continue
		}
		if text[at.start] != 'n' {
			return text
		}
		// null counts as absent.
		return slices.Concat(text[:at.start], quoted(newID()), text[at.end:])
	}
	member := append([]byte(`"event_id":`), quoted(newID())...)
	if !empty {
		member = append(member, ',')
	}
	return slices.Concat([]byte("{"), member, text[1:])
}

func quoted(id string) []byte { return []byte(`"` + id + `"`) }

// span is where a value stands in a text.
type span struct{ start, end int }

// members gives the names of the object in text and where their values stand.
func members(text []byte) iter.Seq2[string, span] {
	return func(yield func(string, span) bool) {
		dec := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		if _, err := dec.ReadToken(); err != nil {
			return
		}
		for dec.PeekKind() == '"' {
			token, err := dec.ReadToken()
			if err != nil {
				return
			}
			name := token.String()
			value, err := dec.ReadValue()
			if err != nil {
				return
			}
			end := int(dec.InputOffset())
			if !yield(name, span{end - len(value), end}) {
				return
			}
		}
	}
}
