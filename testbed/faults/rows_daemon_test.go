// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/events"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/proxy"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/send"
)

// linesAtOnce is how many lines are written at a time: 500 a second.
const linesAtOnce = 25

// scanned writes files for a daemon, and does everything to it and to them.
func scanned(s *scenario) {
	sub := s.subjects[0]
	ids := map[string]string{} // event_id by request_id
	twice, other := 0, 0
	sub.identify = func(rec *kgo.Record, eventID string) string {
		var value struct {
			RequestID string `json:"request_id"`
		}
		_ = json.Unmarshal(rec.Value, &value) // what is no JSON is no event of ours
		if before, again := ids[value.RequestID]; again {
			twice++
			if before != eventID {
				other++
			}
		}
		ids[value.RequestID] = eventID
		return value.RequestID
	}
	w := &writer{dir: filepath.Join(sub.dir, "data", "feedback"), sub: sub}
	require.NoError(s.t, os.MkdirAll(w.dir, 0o700))
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		w.run(s.t, stop)
	}()
	killAtRandom(s)
	s.gates.Set(proxy.Conditions{Refuse: true})
	s.pause(pick(s.world, 5*time.Second, 60*time.Second))
	s.gates.Set(proxy.Conditions{})
	killAtRandom(s)
	close(stop)
	<-ended
	w.truncate(s)
	assert.Zero(s.t, other, "lines read twice with another id")
	s.note(sub, "%d files, %d lines; %d were read twice, %d of them with another id",
		w.files.Load(), w.lines.Load(), twice, other)
}

// writer appends lines to a file that is rotated now and then.
type writer struct {
	dir          string
	sub          *subject
	files, lines atomic.Int64
}

func (w *writer) current() string { return filepath.Join(w.dir, "events.jsonl") }

func (w *writer) run(t *testing.T, stop <-chan struct{}) {
	tick := time.NewTicker(time.Second * linesAtOnce / 500)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		w.append(t)
		if n%40 == 0 {
			file := w.files.Add(1)
			assert.NoError(t, os.Rename(w.current(), filepath.Join(w.dir, fmt.Sprintf("events-%d.jsonl", file))))
		}
	}
}

// append writes lines; each file has keys of its own, as there is no order
// among files.
func (w *writer) append(t *testing.T) {
	f, err := os.OpenFile(w.current(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if !assert.NoError(t, err) {
		return
	}
	_, err = f.Write(w.sub.ledger.Lines(int(w.files.Load()), linesAtOnce))
	assert.NoError(t, err)
	assert.NoError(t, f.Close())
	w.lines.Add(linesAtOnce)
}

// truncate empties the file once it has been read, time and again, and goes on
// at its beginning. What is cut off unread is gone, with any reader.
func (w *writer) truncate(s *scenario) {
	for range pick(s.world, 2, 10) {
		s.settle(w.sub)
		require.Zero(s.t, w.sub.ledger.Missing(), "lines that were not read")
		require.NoError(s.t, os.Truncate(w.current(), 0))
		w.files.Add(1)
		s.pause(2 * time.Second) // a scan or more
		w.append(s.t)
	}
}

// streamOpen ends a collector that holds what it cannot deliver while a client
// keeps a stream open.
func streamOpen(s *scenario) {
	sub := s.subjects[0]
	s.gates.Set(proxy.Conditions{Refuse: true})
	s.pause(time.Second)
	conn, err := send.Dial(sub.collector.GRPC)
	require.NoError(s.t, err)
	defer func() { _ = conn.Close() }()
	stream, err := send.OpenStream(s.t.Context(), feedbackv1.NewFeedbackServiceClient(conn))
	require.NoError(s.t, err)
	one := events.NewGenerator(1, []events.Text{{Text: "On a stream."}}).Next(events.Proto)
	_, err = stream.Send(s.t.Context(), []*events.Event{one})
	require.NoError(s.t, err)
	began := time.Now()
	code, err := sub.collector.Stop(30 * time.Second)
	took := time.Since(began)
	require.NoError(s.t, err)
	assert.Zero(s.t, code)
	assert.Less(s.t, took, 5*time.Second, "shutdown_timeout is 4 s")
	lines := strings.Count(sub.collector.Log(), "Shutting down with events not delivered")
	assert.Equal(s.t, 1, lines, "lines with the count")
	s.note(sub, "gone after %s; what it held is lost, as there is no spool", round(took))
}
