// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package record writes Kafka records for people and for programs.
package record

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/console"
)

// The formats.
const (
	FormatLine = "line"
	FormatJSON = "json"
)

// Writer writes one line for each record.
type Writer struct {
	out   io.Writer
	style console.Style
	json  bool
}

// NewWriter returns a writer of the format.
func NewWriter(out io.Writer, format string, style console.Style) (*Writer, error) {
	if format != FormatLine && format != FormatJSON {
		return nil, fmt.Errorf("--output %q: use line or json", format)
	}
	return &Writer{out: out, style: style, json: format == FormatJSON}, nil
}

// Write writes r.
func (w *Writer) Write(r *kgo.Record) error {
	if w.json {
		text, err := encode(r)
		if err != nil {
			return err
		}
		_, err = w.out.Write(append(text, '\n'))
		return err
	}
	_, err := io.WriteString(w.out, w.line(r)+"\n")
	return err
}

// line is topic/partition@offset, key, headers and value, in one line.
func (w *Writer) line(r *kgo.Record) string {
	var b strings.Builder
	b.WriteString(w.style.Key(fmt.Sprintf("%s/%d@%d", console.Clean(r.Topic), r.Partition, r.Offset)))
	b.WriteString(" key=" + word(r.Key))
	var headers strings.Builder
	for _, h := range r.Headers {
		headers.WriteString(" " + word([]byte(h.Key)) + "=" + word(h.Value))
	}
	b.WriteString(w.style.Dim(headers.String()))
	b.WriteString(" " + value(r.Value))
	return b.String()
}

// word is text as it is, if that reads as one word, else quoted.
func word(text []byte) string {
	if text == nil {
		return "null"
	}
	plain := len(text) > 0 && utf8.Valid(text) && string(text) != "null" &&
		!bytes.ContainsFunc(text, func(r rune) bool { return r == '"' || unicode.IsSpace(r) || !unicode.IsPrint(r) })
	if plain {
		return string(text)
	}
	return strconv.QuoteToGraphic(string(text))
}

// value is JSON in one line, or other text quoted.
func value(text []byte) string {
	switch {
	case text == nil:
		return "null"
	case isJSON(text):
		return console.Clean(string(compact(text)))
	default:
		return strconv.QuoteToGraphic(string(text))
	}
}

func isJSON(text []byte) bool {
	return jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true))
}

func compact(text []byte) jsontext.Value {
	v := jsontext.Value(bytes.Clone(text))
	_ = v.Compact(jsontext.AllowDuplicateNames(true)) // it is valid with this option
	return v
}

// object is a record as a JSON object. What is not UTF-8 is in base64, under a
// name that says so.
type object struct {
	Topic       string          `json:"topic"`
	Partition   int32           `json:"partition"`
	Offset      int64           `json:"offset"`
	Timestamp   string          `json:"timestamp"`
	Key         *string         `json:"key"`
	KeyBase64   string          `json:"key_base64,omitempty"`
	Headers     headers         `json:"headers"`
	Value       json.RawMessage `json:"value"`
	ValueBase64 string          `json:"value_base64,omitempty"`
}

// headers is written as an object in the order of the record. A name that is
// there twice keeps its last value, as in every JSON object.
type headers []kgo.RecordHeader

// MarshalJSON implements json.Marshaler.
func (h headers) MarshalJSON() ([]byte, error) {
	last := map[string]int{}
	for i, one := range h {
		last[one.Key] = i
	}
	out := []byte("{")
	for i, one := range h {
		if last[one.Key] != i {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		name, _ := json.Marshal(one.Key)
		text, _ := json.Marshal(string(one.Value))
		out = append(append(append(out, name...), ':'), text...)
	}
	return append(out, '}'), nil
}

func encode(r *kgo.Record) ([]byte, error) {
	o := object{
		Topic:     r.Topic,
		Partition: r.Partition,
		Offset:    r.Offset,
		Timestamp: r.Timestamp.UTC().Format(time.RFC3339Nano),
		Headers:   r.Headers,
		Value:     json.RawMessage("null"),
	}
	switch {
	case r.Key == nil:
	case utf8.Valid(r.Key):
		key := string(r.Key)
		o.Key = &key
	default:
		o.KeyBase64 = base64.StdEncoding.EncodeToString(r.Key)
	}
	switch {
	case r.Value == nil:
	case isJSON(r.Value):
		o.Value = json.RawMessage(compact(r.Value))
	case utf8.Valid(r.Value):
		o.Value, _ = json.Marshal(string(r.Value))
	default:
		o.ValueBase64 = base64.StdEncoding.EncodeToString(r.Value)
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(o)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}
