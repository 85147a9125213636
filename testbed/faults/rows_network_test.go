// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"net/http"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/proxy"
)

// network makes the network between collectors and brokers bad for a while.
func network(cond proxy.Conditions) func(s *scenario) {
	return func(s *scenario) {
		s.gates.Set(cond)
		s.pause(pick(s.world, 5*time.Second, 30*time.Second))
		s.gates.Set(proxy.Conditions{})
	}
}

// neverThere starts the collectors while no broker takes a connection. With a
// spool they are ready all the same.
func neverThere(s *scenario) {
	s.gates.Set(proxy.Conditions{Refuse: true})
	s.startAll()
}

// notReady starts collectors that have no spool while no broker takes a
// connection: /ready says so, events are taken for as long as there is room.
func notReady(s *scenario) {
	s.gates.Set(proxy.Conditions{Refuse: true})
	for _, sub := range s.subjects {
		sub.start(s.t)
		s.awaitStatus(sub, http.StatusServiceUnavailable, "Kafka")
	}
}

// thereNow brings the brokers into reach.
func thereNow(s *scenario) {
	s.pause(pick(s.world, 3*time.Second, 30*time.Second))
	for _, sub := range s.subjects {
		status, body, err := sub.collector.Get(s.t.Context(), "/ready")
		require.NoError(s.t, err)
		want := http.StatusOK
		if s.row.overlay != nil {
			want = http.StatusServiceUnavailable
		}
		assert.Equal(s.t, want, status, body)
	}
	s.gates.Set(proxy.Conditions{})
	for _, sub := range s.subjects {
		sub.awaitReady(s.t)
	}
}

// endTxn is the API key of the request that ends a transaction.
const endTxn = 26

// commitLost lets commits through and loses their answers, one after the other.
func commitLost(s *scenario) {
	times := int64(pick(s.world, 3, 10))
	var lost int64
	for range times {
		happened := s.gates.LoseAnswers(endTxn, 1)
		require.Eventually(s.t, func() bool { return happened() == 1 }, 30*time.Second, 10*time.Millisecond,
			"no commit was sent")
		lost += happened()
		s.pause(pick(s.world, 500*time.Millisecond, 3*time.Second))
	}
	for _, sub := range s.subjects {
		s.note(sub, "%d answers lost", lost)
	}
}

// What the collector logs when it gives a commit up, and when it knows its fate.
const (
	givenUpLine = "Kafka did not answer in time"
	failedLine  = "A transaction failed"
	fateLine    = "The fate of an unanswered commit is known"
)

// commitLate holds commits back on their way. They arrive when their sender has
// given them up: while the next client asks for their fate, or after it has been
// told, and they must not end its transaction.
func commitLate(s *scenario) {
	times := pick(s.world, 2, 12)
	sub := s.subjects[0]
	said := func(line string) int { return strings.Count(sub.collector.Log(), line) }
	givenUp := func() int { return said(givenUpLine) + said(failedLine) }
	refused := 0
	for i := range times {
		given, known := givenUp(), said(fateLine)
		held := s.gates.HoldRequests(endTxn, 1)
		require.Eventually(s.t, func() bool { return held.Count() == 1 }, 30*time.Second, time.Millisecond, "no commit was sent")
		require.Eventually(s.t, func() bool { return givenUp() > given }, time.Minute, time.Millisecond, "the commit is not given up")
		if i%2 == 0 { // none is asked for after a transaction of stored events
			s.until(5*time.Second, func() bool { return said(fateLine) > known })
		}
		answers, err := held.Deliver()
		require.NoError(s.t, err)
		require.Len(s.t, answers, 1)
		if lateCommit(s, answers[0]) != nil {
			refused++
		} else {
			assert.NotZero(s.t, i%2, "a commit is taken after its fate was told")
		}
		s.pause(pick(s.world, 2*time.Second, 5*time.Second))
	}
	s.note(sub, "%d commits late, %d of them refused", times, refused)
}

// lateCommit is what the coordinator says to it.
func lateCommit(s *scenario, answer []byte) error {
	const correlationAndTags = 4 + 1 // of all versions that are sent
	resp := kmsg.NewPtrEndTxnResponse()
	resp.Version = 4
	require.NoError(s.t, resp.ReadFrom(answer[correlationAndTags:]))
	return kerr.ErrorForCode(resp.ErrorCode)
}
