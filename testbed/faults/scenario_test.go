// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/proxy"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/ledger"
)

// row is a row of the table.
type row struct {
	name, fault, expected string
	modes                 []string // those it applies to
	// topic makes the topic of events; nil: 12 partitions on all brokers.
	topic func(s *scenario, sub *subject) error
	// overlay is configuration on top of a mode's.
	overlay func(mode string) string
	env     []string
	secured bool
	load    ledger.Load
	noLoad  bool // the fault brings its own
	// before comes before the collectors are started, fault while they are
	// under load.
	before func(s *scenario)
	during func(s *scenario)
	// after comes when the collectors are stopped and the topics read.
	after func(s *scenario, t *testing.T, sub *subject)
	allow func(mode string) allowance
}

// allowance is what else may happen. The zero value: nothing.
type allowance struct {
	// refusals: answers 503, as many as there are; doubtful: so many at most.
	refusals bool
	doubtful int
	// lost and twice are events at most, parts are requests of which a part is
	// missing.
	lost, twice, parts int
	// slow is what an answer may take; 0: the enqueue time-out and a little.
	slow time.Duration
}

// scenario is a row that happens, to one subject or several at once.
type scenario struct {
	*world
	t        *testing.T
	row      *row
	name     string
	subjects []*subject
	notes    map[string][]string // by mode
}

// How long an answer may take: enqueue_timeout, and what a busy machine adds.
const slowest = 5*time.Second + time.Second

// modeEnv names the one mode to test; all without it.
const modeEnv = "FAULTS_MODE"

// TestFault runs the table, row by row. All modes suffer a fault together; in
// the short form they share the load, in the long one each has its own.
func TestFault(t *testing.T) {
	w := theWorld(t)
	for i := range rows {
		r := &rows[i]
		t.Run(r.name, func(t *testing.T) {
			modes := r.modes
			if only := os.Getenv(modeEnv); only != "" {
				modes = slices.DeleteFunc(slices.Clone(modes), func(m string) bool { return m != only })
			}
			if len(modes) == 0 {
				t.Skip("not a row of the mode that is asked for")
			}
			w.happen(t, r, modes)
		})
	}
}

// happen runs one row.
func (w *world) happen(t *testing.T, r *row, modes []string) {
	s := &scenario{world: w, t: t, row: r, name: strings.ReplaceAll(t.Name(), "/", "-"), notes: map[string][]string{}}
	s.heal()
	t.Cleanup(s.heal)
	for _, m := range modes {
		s.subjects = append(s.subjects, s.newSubject(t, m))
	}
	s.createTopics()
	t.Cleanup(s.deleteTopics)
	if r.before != nil {
		r.before(s)
	} else {
		s.startAll()
	}
	if !r.noLoad {
		s.sendAll()
		s.pause(time.Second)
	}
	r.during(s)
	s.pause(pick(w, time.Second, 5*time.Second))
	s.each(func(sub *subject) { sub.pause() })
	s.heal()
	s.each(s.settle)
	s.each(func(sub *subject) { sub.stop(t) })
	for _, sub := range s.subjects {
		require.NoError(t, sub.read(t.Context()))
	}
	good := !t.Failed()
	for _, sub := range s.subjects {
		t.Run(sub.mode, func(t *testing.T) { s.judge(t, sub, good) })
	}
}

// each does something for all subjects at once.
func (s *scenario) each(do func(sub *subject)) {
	var all sync.WaitGroup
	for _, sub := range s.subjects {
		all.Go(func() { do(sub) })
	}
	all.Wait()
}

func (s *scenario) createTopics() {
	for _, sub := range s.subjects {
		create := s.row.topic
		if create == nil {
			create = func(s *scenario, sub *subject) error { return s.kafka.CreateTopic(s.t.Context(), sub.topic, 12, nil) }
		}
		require.NoError(s.t, create(s, sub))
		require.NoError(s.t, s.kafka.CreateTopic(s.t.Context(), sub.deadLetter, 3, nil))
	}
}

// deleteTopics keeps brokers that start again from loading what nobody reads.
func (s *scenario) deleteTopics() {
	client, err := s.kafka.Client()
	require.NoError(s.t, err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second) // the test's own is over
	defer cancel()
	for _, sub := range s.subjects {
		_, err := kadm.NewClient(client).DeleteTopics(ctx, sub.topic, sub.deadLetter)
		assert.NoError(s.t, err)
	}
}

// startAll starts the collectors and waits until they are ready.
func (s *scenario) startAll() {
	for _, sub := range s.subjects {
		sub.start(s.t)
	}
	for _, sub := range s.subjects {
		sub.awaitReady(s.t)
	}
}

// sendAll begins the load: 1,000 events a second for each subject in the long
// form, for all together in the short one.
func (s *scenario) sendAll() {
	for _, sub := range s.subjects {
		load := s.row.load
		if load.Rate == 0 {
			load.Rate = pick(s.world, 1000/len(s.subjects), 1000)
		}
		sub.send(s.t, load)
	}
}

// pause lets the load go on for a while.
func (s *scenario) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.t.Context().Done():
	}
}

// until lets the load go on until something is so, or the time is over.
func (s *scenario) until(limit time.Duration, so func() bool) {
	for end := time.Now().Add(limit); !so() && time.Now().Before(end); {
		s.pause(time.Millisecond)
	}
}

// heal brings the network and all brokers back.
func (s *scenario) heal() {
	s.gates.Set(proxy.Conditions{})
	s.restartDead()
}

// restartDead starts the brokers that do not run and waits until all are in.
func (s *scenario) restartDead() {
	// Not the test's context: this is also a clean-up.
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for _, n := range s.kafka.Nodes {
		n.Thaw()
		if !n.Running() {
			require.NoError(s.t, n.Launch())
		}
	}
	require.NoError(s.t, s.kafka.AwaitReady(ctx))
}

// patience is how long nothing may come where something may be lost.
const patience = 4 * time.Second

// settle waits until all that was promised has been seen, and reports when that
// takes too long or comes no further.
func (s *scenario) settle(sub *subject) {
	ctx, cancel := context.WithTimeout(s.t.Context(), pick(s.world, time.Minute, 3*time.Minute))
	defer cancel()
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	mayLose := s.row.allow != nil && s.row.allow(sub.mode).lost > 0
	missing, since := -1, time.Now()
	for {
		err := sub.read(ctx)
		n := sub.ledger.Missing()
		if err == nil && n == 0 {
			return
		}
		if n != missing {
			missing, since = n, time.Now()
		}
		if mayLose && err == nil && time.Since(since) > patience {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.note(sub, "still missing %d when the time was over (%v)", sub.ledger.Missing(), err)
			return
		}
	}
}

// note adds to what the table says of a subject. It is for one goroutine for
// each subject.
func (s *scenario) note(sub *subject, format string, args ...any) {
	notesMu.Lock()
	defer notesMu.Unlock()
	s.notes[sub.mode] = append(s.notes[sub.mode], fmt.Sprintf(format, args...))
}

var notesMu sync.Mutex // guards the notes of all scenarios

// noteAge says how long before a kill lost events had been acknowledged, at
// most. What was sent after the last kill no kill has cost.
func (s *scenario) noteAge(t *testing.T, sub *subject, lost []ledger.Request) {
	if len(sub.kills) == 0 {
		return
	}
	var age time.Duration
	for _, r := range lost {
		i := slices.IndexFunc(sub.kills, r.Sent.Before)
		if i < 0 {
			t.Errorf("%s: lost without a kill: sent %s, acknowledged %s", sub.mode, r.Sent.Format(time.RFC3339Nano), r.Done.Format(time.RFC3339Nano))
			return
		}
		age = max(age, sub.kills[i].Sub(r.Done)) // negative: the answer was read after the kill
	}
	if len(lost) > 0 {
		s.note(sub, "what was lost had been acknowledged at most %s before a kill", round(age))
	}
}

// judge holds what happened against what is expected.
func (s *scenario) judge(t *testing.T, sub *subject, good bool) {
	v := sub.ledger.Judge()
	var a allowance
	if s.row.allow != nil {
		a = s.row.allow(sub.mode)
	}
	if a.slow == 0 {
		a.slow = slowest
	}
	late := sub.probe.stop()
	if late > time.Second {
		s.note(sub, "a busy machine: /health took up to %s", round(late))
	}
	require.NotZero(t, v.Acknowledged, "nothing was acknowledged")
	assert.LessOrEqual(t, v.Lost, a.lost, "lost")
	assert.LessOrEqual(t, v.Twice, a.twice, "twice")
	assert.Zero(t, v.OutOfOrder, "out of order")
	assert.Zero(t, v.Buried, "dead letters that should not be")
	assert.Zero(t, v.Unburied, "poison that is no dead letter")
	assert.Zero(t, v.Strange, "records of no event")
	assert.LessOrEqual(t, v.Slowest, a.slow+2*late, "the slowest answer")
	if sub.mode == exactlyOnce {
		assert.LessOrEqual(t, v.Partial, a.parts, "parts of requests")
	}
	if !a.refusals {
		assert.LessOrEqual(t, v.Unavailable, a.doubtful, "requests answered 503")
		assert.Zero(t, sub.skipped, "requests not sent, since too many waited")
	}
	s.noteAge(t, sub, v.LostIn)
	if s.row.after != nil {
		s.row.after(s, t, sub)
	}
	if t.Failed() {
		t.Logf("%s:\n%s", sub.mode, strings.Join(v.Histories, "\n"))
		if v.Lost+v.Twice+v.Partial > 0 {
			s.autopsy(t, sub)
		}
	}
	s.table.add(s.row, sub.mode, v, s.notes[sub.mode], good && !t.Failed())
}
