// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piiredactionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/piiredactionprocessor"

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
)

const userField = "user_id"

// userName finds the name of the member in JSON text, any of its characters
// escaped or not.
var userName = func() *regexp.Regexp {
	var expr strings.Builder
	expr.WriteByte('"')
	for _, c := range []byte(userField) {
		fmt.Fprintf(&expr, `(?:%c|\\u(?i:%04x))`, c, c)
	}
	expr.WriteByte('"')
	return regexp.MustCompile(expr.String())
}()

// userID is what becomes of an event's user_id.
type userID struct {
	action string
	key    []byte
}

func (u userID) apply(body pcommon.Value) {
	if u.action == userKeep {
		return
	}
	switch body.Type() {
	case pcommon.ValueTypeMap:
		if u.action == userDrop {
			body.Map().Remove(userField)
		} else if v, ok := body.Map().Get(userField); ok && v.Type() != pcommon.ValueTypeEmpty {
			v.SetStr(pii.HashValue(u.key, v.AsString()))
		}
	case pcommon.ValueTypeStr:
		if text := body.Str(); userName.MatchString(text) {
			body.SetStr(u.inText(text))
		}
	default:
	}
}

// inText does the same in JSON text that is not well-formed, as far as the
// member can be made out: up to the end of its value, or of the text.
func (u userID) inText(text string) string {
	var out strings.Builder
	for {
		loc := userName.FindStringIndex(text)
		if loc == nil {
			break
		}
		rest := text[loc[1]:]
		value := strings.TrimLeft(rest, " \t\r\n")
		if !strings.HasPrefix(value, ":") {
			out.WriteString(text[:len(text)-len(rest)])
			text = rest
			continue
		}
		value = strings.TrimLeft(value[1:], " \t\r\n")
		end := literalEnd(value)
		out.WriteString(text[:len(text)-len(value)])
		out.WriteString(u.literal(value[:end]))
		text = value[end:]
	}
	out.WriteString(text)
	return out.String()
}

// literal replaces a JSON literal.
func (u userID) literal(value string) string {
	if u.action == userDrop || value == "null" || value == "" {
		return "null"
	}
	var s string
	if json.Unmarshal([]byte(value), &s) != nil {
		s = value
	}
	return `"` + pii.HashValue(u.key, s) + `"`
}

// literalEnd returns the end of the JSON literal that text begins with.
func literalEnd(text string) int {
	if !strings.HasPrefix(text, `"`) {
		if i := strings.IndexAny(text, ",}]\n"); i >= 0 {
			return i
		}
		return len(text)
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}
