// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package audit // import "github.com/otelcol-feedback/otelcol-feedback/internal/audit"

import (
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// LoggerName is the logger in every entry.
const LoggerName = "feedback.audit"

// maxClientID bounds a client's id in an entry, in bytes, so that lines stay
// short enough to be written in one piece to a pipe.
const maxClientID = 256

// entries are the lines of one request.
type entries struct {
	pooled   *[]byte
	buf      []byte
	lines    int
	clientID string
	ip       string
	now      time.Time
}

// open begins a line; what did not succeed is a warning.
func (e *entries) open(name string, warning bool) {
	level := "info"
	if warning {
		level = "warn"
	}
	e.buf = append(e.buf, `{"level":"`...)
	e.buf = append(e.buf, level...)
	e.buf = append(e.buf, `","timestamp":"`...)
	e.buf = e.now.AppendFormat(e.buf, "2006-01-02T15:04:05.000000Z07:00")
	e.buf = append(e.buf, `","logger":"`...)
	e.buf = append(e.buf, LoggerName...)
	e.buf = append(e.buf, `","msg":"`...)
	e.buf = append(e.buf, name...)
	e.buf = append(e.buf, '"')
	e.text("client_id", e.clientID)
	e.text("ip_addr", e.ip)
}

// text appends a field. Quoting keeps a line one line, whatever a value holds.
func (e *entries) text(name, value string) {
	e.buf = append(e.buf, `,"`...)
	e.buf = append(e.buf, name...)
	e.buf = append(e.buf, `":`...)
	e.buf, _ = jsontext.AppendQuote(e.buf, value)
}

func (e *entries) success(ok bool) {
	if ok {
		e.buf = append(e.buf, `,"success":true`...)
	} else {
		e.buf = append(e.buf, `,"success":false`...)
	}
}

func (e *entries) close() {
	e.buf = append(e.buf, "}\n"...)
	e.lines++
}

// shorten cuts an id to its bound, between characters.
func shorten(id string) string {
	if len(id) <= maxClientID {
		return id
	}
	cut := maxClientID
	for cut > 0 && !utf8.RuneStart(id[cut]) {
		cut--
	}
	return id[:cut] + "…"
}
