// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package source reads events one at a time, whatever they come from: the
// command line, a stream of JSON or of lines, or the sample generator. It holds
// one event in memory, never a file. It judges nothing but where an event ends.
package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/sample"
)

// MaxEventBytes is the most that is read as one event. The collector's own
// limit (1 MiB by default) is below it; this one only bounds memory.
const MaxEventBytes = 16 << 20

// Event is one event as it will be sent.
type Event struct {
	// Text is its JSON, on one line. It is valid until the next call of Next.
	// It need not be valid JSON: what a line holds is for the collector to judge.
	Text []byte
	// Where says which one it is, for people: "line 3", "event 3".
	Where string
	// Oversize is set, and Text empty, when it is longer than MaxEventBytes.
	Oversize bool
}

// Source gives events in order, then io.EOF.
type Source interface {
	Next() (Event, error)
}

// FromArgs returns the events in arguments, each of which holds JSON. An
// argument that does not is an error now: nothing shall have been sent then.
func FromArgs(args []string) (Source, error) {
	var all list
	for i, a := range args {
		events := newJSONSource(strings.NewReader(a), fmt.Sprintf("argument %d", i+1))
		for {
			e, err := events.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			all = append(all, Event{Text: bytes.Clone(e.Text), Where: ordinal(len(all) + 1)})
		}
	}
	return &all, nil
}

type list []Event

func (l *list) Next() (Event, error) {
	if len(*l) == 0 {
		return Event{}, io.EOF
	}
	e := (*l)[0]
	*l = (*l)[1:]
	return e, nil
}

// FromSample returns n made-up events.
func FromSample(n int, g *sample.Generator) Source {
	return &samples{left: n, generator: g}
}

type samples struct {
	left, count int
	generator   *sample.Generator
}

func (s *samples) Next() (Event, error) {
	if s.left <= 0 {
		return Event{}, io.EOF
	}
	s.left--
	s.count++
	return Event{Text: s.generator.Event(), Where: ordinal(s.count)}, nil
}

func ordinal(n int) string { return fmt.Sprintf("event %d", n) }
