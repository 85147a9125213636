// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/proxy"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/kafka"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/ledger"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/topic"
)

// awaitStatus returns when /ready answers so, and says these words.
func (s *scenario) awaitStatus(sub *subject, status int, words string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		got, body, err := sub.collector.Get(s.t.Context(), "/ready")
		return err == nil && got == status && strings.Contains(body, words)
	}, 30*time.Second, 100*time.Millisecond, "%s: /ready does not answer %d with %q", sub.mode, status, words)
}

// twoReplicas makes partitions of which each has two replicas, both needed; the
// second node has one of each.
func twoReplicas(s *scenario, sub *subject) error {
	assigned := make([][]int32, 12)
	for p := range assigned {
		assigned[p] = []int32{int32(1 + 2*(p%2)), 2}
	}
	return s.kafka.CreateAssigned(s.t.Context(), sub.topic, assigned, map[string]string{"min.insync.replicas": "2"})
}

// onePoor makes partition 0 need the second node; the others have their two
// replicas elsewhere.
func onePoor(s *scenario, sub *subject) error {
	assigned := make([][]int32, 12)
	for p := range assigned {
		assigned[p] = []int32{int32(1 + 2*(p%2)), int32(3 - 2*(p%2))}
	}
	assigned[0] = []int32{1, 2}
	return s.kafka.CreateAssigned(s.t.Context(), sub.topic, assigned, map[string]string{"min.insync.replicas": "2"})
}

// underMinInsync stops the second node for a while.
func underMinInsync(s *scenario) {
	node := s.kafka.Node(2)
	node.Stop()
	s.pause(pick(s.world, 4*time.Second, 30*time.Second))
	require.NoError(s.t, node.Restart(s.t.Context()))
	s.awaitInSync()
}

// oneUnderMinInsync is the same for one partition; the answers to events of the
// others must take no longer than before.
func oneUnderMinInsync(s *scenario) {
	s.pause(pick(s.world, 2*time.Second, 20*time.Second))
	before := time.Now()
	node := s.kafka.Node(2)
	node.Stop()
	began := time.Now()
	s.pause(pick(s.world, 5*time.Second, 60*time.Second))
	ended := time.Now()
	require.NoError(s.t, node.Restart(s.t.Context()))
	s.awaitInSync()
	others := func(key string) bool { return topic.Partition(key, 12) != 0 }
	stuck := func(key string) bool { return topic.Partition(key, 12) == 0 }
	for _, sub := range s.subjects {
		calm := sub.ledger.AcknowledgedBetween(before.Add(-time.Minute), before, others)
		during := sub.ledger.AcknowledgedBetween(began, ended, others)
		poor := sub.ledger.AcknowledgedBetween(began, ended, stuck)
		if !assert.NotEmpty(s.t, calm) || !assert.NotEmpty(s.t, during) || !assert.NotEmpty(s.t, poor) {
			continue
		}
		s.note(sub, "others p50 %s, p99 %s before, %s, %s during; the partition's own slowest %s",
			round(at(calm, 0.5)), round(at(calm, 0.99)), round(at(during, 0.5)), round(at(during, 0.99)), round(at(poor, 1)))
		// Far below spool_after, which is what a held-up event would wait.
		assert.Less(s.t, at(during, 0.5), max(3*at(calm, 0.5), 50*time.Millisecond), "%s: the others' median", sub.mode)
		assert.Less(s.t, at(during, 0.99), max(3*at(calm, 0.99), time.Second), "%s: the others' p99", sub.mode)
	}
}

// at is a quantile of an ascending list.
func at(sorted []time.Duration, q float64) time.Duration {
	return sorted[int(q*float64(len(sorted)-1))]
}

// topicDeleted deletes the topics under load. For a moment before, nothing gets
// through to Kafka, so that it is known what each held.
func topicDeleted(s *scenario) {
	s.gates.Set(proxy.Conditions{Cut: true})
	s.pause(500 * time.Millisecond)
	for _, sub := range s.subjects {
		s.readHeld(sub)
		s.admin(func(admin *kadm.Client) error {
			_, err := admin.DeleteTopic(s.t.Context(), sub.topic)
			return err
		})
		s.awaitGone(sub.topic)
		sub.tail.Rewind()
		sub.era++
	}
	s.gates.Set(proxy.Conditions{})
	for _, sub := range s.subjects {
		s.awaitStatus(sub, http.StatusServiceUnavailable, sub.topic)
	}
	s.pause(pick(s.world, 4*time.Second, 30*time.Second))
	for _, sub := range s.subjects {
		require.NoError(s.t, s.kafka.CreateTopic(s.t.Context(), sub.topic, 12, nil))
	}
	for _, sub := range s.subjects {
		s.awaitStatus(sub, http.StatusOK, "")
	}
}

// readHeld enters what the topic holds, uncommitted records as well: a commit
// that arrives after the topic is gone succeeds.
func (s *scenario) readHeld(sub *subject) {
	require.NoError(s.t, sub.read(s.t.Context()))
	all, err := topic.NewTail(s.kafka.Brokers(), sub.topic, false).Read(s.t.Context())
	require.NoError(s.t, err)
	for _, rec := range all {
		if id, _ := topic.Header(rec, "event_id"); !sub.ledger.Known(id) {
			sub.ledger.Seen(id, ledger.Place{
				Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset, Stored: rec.Timestamp, Era: sub.era,
			}, false)
		}
	}
}

// awaitGone returns when no broker knows the topic.
func (s *scenario) awaitGone(name string) {
	for _, n := range s.kafka.Nodes {
		s.adminOf(n, func(admin *kadm.Client) error {
			require.Eventually(s.t, func() bool {
				meta, err := admin.Metadata(s.t.Context(), name)
				return err == nil && meta.Topics[name].Err != nil
			}, 30*time.Second, 100*time.Millisecond)
			return nil
		})
	}
}

// principal is who the collectors are on the secured listener.
const principal = "User:" + kafka.User

// authorise lets the collectors do all they need, and starts them.
func authorise(s *scenario) {
	everything := kadm.NewACLs().Allow(principal).AllowHosts().
		Groups("*").TransactionalIDs("*").Clusters().ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpAll)
	s.allow(everything)
	for _, sub := range s.subjects {
		s.allow(topicRight(sub.topic))
		s.allow(topicRight(sub.deadLetter))
	}
	s.t.Cleanup(func() { s.forbid(everything) })
	s.startAll()
}

func topicRight(name string) *kadm.ACLBuilder {
	return kadm.NewACLs().Allow(principal).AllowHosts().Topics(name).
		ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpAll)
}

func (s *scenario) allow(what *kadm.ACLBuilder) {
	s.admin(func(admin *kadm.Client) error {
		results, err := admin.CreateACLs(s.t.Context(), what)
		for _, r := range results {
			require.NoError(s.t, r.Err)
		}
		return err
	})
}

func (s *scenario) forbid(what *kadm.ACLBuilder) {
	s.admin(func(admin *kadm.Client) error {
		// Not the test's context: this is also a clean-up.
		_, err := admin.DeleteACLs(context.Background(), what)
		return err
	})
}

// notAuthorised takes the right to write to the topic of events away for a while.
func notAuthorised(s *scenario) {
	for _, sub := range s.subjects {
		s.forbid(topicRight(sub.topic))
	}
	for _, sub := range s.subjects {
		s.awaitStatus(sub, http.StatusServiceUnavailable, sub.topic)
	}
	s.pause(pick(s.world, 4*time.Second, 30*time.Second))
	for _, sub := range s.subjects {
		s.allow(topicRight(sub.topic))
	}
	for _, sub := range s.subjects {
		s.awaitStatus(sub, http.StatusOK, "")
	}
}
