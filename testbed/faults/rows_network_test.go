// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"net/http"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
