// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// maxDeadLetterBytes bounds a dead letter; it is the max.message.bytes that
// the dead-letter topic is created with.
const maxDeadLetterBytes = 4 << 20

const (
	stageValidation = "validation"
	stageKafka      = "kafka"
)

// deadLetter is what is known of an event that nobody will take as it is.
type deadLetter struct {
	code    string
	message string
	stage   string
	at      time.Time
	tries   int

	original  int // length of the original's JSON at the start of the value's member
	truncated bool
	size      int // of the original before it was cut, in bytes
}

const deadLetterHead = `{"original_event":`

// errorCode is the code of a record that validation refused.
func errorCode(lr plog.LogRecord) (string, bool) {
	v, ok := lr.Attributes().Get(feedback.AttrErrorCode)
	if !ok {
		return "", false
	}
	return v.AsString(), true
}

// buildDead returns the dead letter of an event that validation refused.
func (b *builder) buildDead(lr plog.LogRecord, code string, now time.Time) *record {
	attrs := lr.Attributes()
	p := commonParts(lr, attrs)
	p.key = p.id
	d := &deadLetter{code: code, stage: stageValidation, at: now}
	d.message = strAttr(attrs, feedback.AttrErrorMessage)
	if field := strAttr(attrs, feedback.AttrErrorField); field != "" {
		d.message = field + ": " + d.message
	}

	scratch := b.scratch.Get().(*[]byte)
	p.value = append((*scratch)[:0], deadLetterHead...)
	if lr.Body().Type() == pcommon.ValueTypeEmpty {
		p.value = append(p.value, "null"...)
	} else {
		p.value = feedback.AppendJSON(p.value, lr.Body())
	}
	d.original = len(p.value) - len(deadLetterHead)
	p.value = d.appendTail(p.value)

	r := &record{eventType: p.eventType, topic: b.deadLetter, dead: d}
	b.assemble(r, &p)
	d.addHeaders(r)
	b.release(scratch, p.value)
	return r
}

// bury makes a record that Kafka refused its own dead letter.
func (b *builder) bury(r *record, code, message string, now time.Time) {
	d := &deadLetter{code: code, message: message, stage: stageKafka, at: now, tries: r.tries}
	d.original = len(r.Value)
	value := make([]byte, 0, len(deadLetterHead)+len(r.Value)+256)
	value = append(value, deadLetterHead...)
	value = append(value, r.Value...)
	r.Value = d.appendTail(value)
	r.Key = nil
	for _, h := range r.Headers {
		if h.Key == headerEventID {
			r.Key = h.Value
		}
	}
	r.dead = d
	r.topic = b.deadLetter
	r.Topic = r.topic.name
	d.addHeaders(r)
}

func (d *deadLetter) addHeaders(r *record) {
	r.Headers = append(r.Headers,
		kgo.RecordHeader{Key: headerDLQReason, Value: []byte(d.code)},
		kgo.RecordHeader{Key: headerDLQStage, Value: []byte(d.stage)})
}

// appendTail writes all members after the original.
func (d *deadLetter) appendTail(dst []byte) []byte {
	dst = append(dst, `,"error_code":`...)
	dst = appendQuoted(dst, d.code)
	dst = append(dst, `,"error_message":`...)
	dst = appendQuoted(dst, d.message)
	dst = append(dst, `,"failed_stage":"`...)
	dst = append(dst, d.stage...)
	dst = append(dst, `","failed_at":"`...)
	dst = d.at.UTC().AppendFormat(dst, time.RFC3339Nano)
	dst = append(dst, `","retry_count":`...)
	dst = strconv.AppendInt(dst, int64(d.tries), 10)
	if d.truncated {
		dst = append(dst, `,"original_truncated":true,"original_size":`...)
		dst = strconv.AppendInt(dst, int64(d.size), 10)
	}
	return append(dst, '}')
}

// appendQuoted writes s as a JSON string; what is not UTF-8 is replaced.
func appendQuoted(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s) // the error says only that something was replaced
	return dst
}

// cut shortens the original of a dead letter until the record's size is at
// most limit. It reports whether the record fits now. What is left of the
// original is a string, cut at a character's boundary.
func (d *deadLetter) cut(r *record, limit int) bool {
	excess := r.size() - limit
	if excess <= 0 {
		return true
	}
	if d.original <= len(`""`) {
		return false
	}
	text := originalText(r.Value[len(deadLetterHead) : len(deadLetterHead)+d.original])
	if !d.truncated {
		d.truncated, d.size = true, len(text)
	}
	const marks = len(`,"original_truncated":true,"original_size":`) + 20
	room := max(d.original-excess-marks-len(`""`), 0)
	text = text[:quotedPrefix(text, room)]

	value := make([]byte, 0, max(len(r.Value)-excess, 0)+marks)
	value = append(value, deadLetterHead...)
	value = appendQuoted(value, text)
	d.original = len(value) - len(deadLetterHead)
	r.Value = d.appendTail(value)
	return r.size() <= limit
}

// originalText is the text of an original: of a JSON string what it says, of
// any other value its JSON.
func originalText(value []byte) string {
	if len(value) > 0 && value[0] == '"' {
		var s string
		if json.Unmarshal(value, &s) == nil {
			return s
		}
	}
	return string(value)
}

// quotedPrefix is the length of the longest prefix of s, in whole characters,
// that takes at most room bytes inside a JSON string.
func quotedPrefix(s string, room int) int {
	for i, c := range s {
		switch {
		case c == '"' || c == '\\':
			room -= 2
		case c < ' ':
			room -= len(`\u0000`)
		case c == utf8.RuneError:
			room -= utf8.RuneLen(utf8.RuneError)
		default:
			room -= utf8.RuneLen(c)
		}
		if room < 0 {
			return i
		}
	}
	return len(s)
}
