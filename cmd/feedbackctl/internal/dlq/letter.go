// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package dlq reads dead letters, chooses among them, and remembers which were
// replayed.
package dlq

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The headers of a dead letter that are read here.
const (
	headerEventID   = "event_id"
	headerEventType = "event_type"
	headerReason    = "dlq_reason"
	headerStage     = "dlq_stage"
)

// Position is the place of a record in the dead-letter topic.
type Position struct {
	Partition int32
	Offset    int64
}

// String is the position as it is typed: partition:offset.
func (p Position) String() string { return fmt.Sprintf("%d:%d", p.Partition, p.Offset) }

// Compare orders positions by partition, then by offset.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Partition, q.Partition), cmp.Compare(p.Offset, q.Offset))
}

// ParsePosition reads what String writes.
func ParsePosition(text string) (Position, bool) {
	partition, offset, ok := strings.Cut(text, ":")
	p, err := strconv.ParseInt(partition, 10, 32)
	if !ok || err != nil || p < 0 {
		return Position{}, false
	}
	o, err := strconv.ParseInt(offset, 10, 64)
	if err != nil || o < 0 {
		return Position{}, false
	}
	return Position{int32(p), o}, true
}

// Letter is a dead letter.
type Letter struct {
	Position
	// FailedAt is when the event was refused; of a record that is no dead letter,
	// when it was written.
	FailedAt time.Time
	Stage    string
	Code     string
	Message  string
	Type     string
	// EventID is empty if the event had none that was valid.
	EventID string
	Retries int
	// Original is the event's JSON, or a JSON string if it was none; "null" where
	// only identifiers were kept.
	Original json.RawMessage
	// Truncated says that Original was cut from OriginalSize bytes.
	Truncated    bool
	OriginalSize int
	// Foreign says that the record is no dead letter of this collector.
	Foreign bool
	Record  *kgo.Record
}

// value is a dead letter's JSON.
type value struct {
	Original     json.RawMessage `json:"original_event"`
	Code         string          `json:"error_code"`
	Message      string          `json:"error_message"`
	Stage        string          `json:"failed_stage"`
	FailedAt     time.Time       `json:"failed_at"`
	Retries      int             `json:"retry_count"`
	Truncated    bool            `json:"original_truncated"`
	OriginalSize int             `json:"original_size"`
}

// Parse reads a record of the dead-letter topic. A record that somebody else
// wrote is a letter too, a foreign one.
func Parse(r *kgo.Record) *Letter {
	l := &Letter{
		Position: Position{r.Partition, r.Offset},
		FailedAt: r.Timestamp,
		Type:     Header(r, headerEventType),
		EventID:  Header(r, headerEventID),
		Code:     Header(r, headerReason),
		Stage:    Header(r, headerStage),
		Record:   r,
	}
	var v value
	if json.Unmarshal(r.Value, &v) != nil || len(v.Original) == 0 || v.Code == "" || v.FailedAt.IsZero() {
		l.Foreign = true
		return l
	}
	l.FailedAt, l.Code, l.Stage, l.Message, l.Retries = v.FailedAt, v.Code, v.Stage, v.Message, v.Retries
	l.Original, l.Truncated, l.OriginalSize = v.Original, v.Truncated, v.OriginalSize
	return l
}

// Header is the value of a record's header, or empty.
func Header(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// Text is the event as it came, as far as it was kept.
func (l *Letter) Text() string {
	if len(l.Original) > 0 && l.Original[0] == '"' {
		var s string
		if json.Unmarshal(l.Original, &s) == nil {
			return s
		}
	}
	return string(l.Original)
}

// Unreplayable says why the letter cannot be replayed, or nothing if it can.
func (l *Letter) Unreplayable() string {
	switch {
	case l.Foreign:
		return "it is no dead letter of this collector"
	case l.Truncated:
		return fmt.Sprintf("its original was cut from %d bytes", l.OriginalSize)
	case bytes.Equal(l.Original, []byte("null")):
		return "only the identifiers of its original were kept"
	}
	return ""
}

// Filter chooses letters. The zero value chooses all.
type Filter struct {
	Codes, Stages, Types []string
	// Since leaves out what was refused before.
	Since time.Time
	// Positions and EventIDs choose single ones, if any are given.
	Positions []Position
	EventIDs  []string
}

// Wants reports whether the filter chooses l.
func (f *Filter) Wants(l *Letter) bool {
	return among(f.Codes, l.Code) && among(f.Stages, l.Stage) && among(f.Types, l.Type) &&
		!l.FailedAt.Before(f.Since) && f.names(l)
}

func (f *Filter) names(l *Letter) bool {
	if len(f.Positions) == 0 && len(f.EventIDs) == 0 {
		return true
	}
	for _, p := range f.Positions {
		if p == l.Position {
			return true
		}
	}
	for _, id := range f.EventIDs {
		if l.EventID != "" && strings.EqualFold(id, l.EventID) {
			return true
		}
	}
	return false
}

func among(list []string, s string) bool {
	if len(list) == 0 {
		return true
	}
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}
