// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/proxy"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/kafka"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/ledger"
)

// admin does something with the cluster's admin client.
func (s *scenario) admin(do func(admin *kadm.Client) error) {
	s.adminOf(nil, do)
}

// adminOf asks one node alone, if it is given.
func (s *scenario) adminOf(node *kafka.Node, do func(admin *kadm.Client) error) {
	opts := []kgo.Opt{kgo.MetadataMinAge(50 * time.Millisecond)}
	if node != nil {
		opts = append(opts, kgo.SeedBrokers(node.Addr()))
	}
	client, err := s.kafka.Client(opts...)
	require.NoError(s.t, err)
	defer client.Close()
	require.NoError(s.t, do(kadm.NewClient(client)))
}

// leader is the node that leads the topic's first partition.
func (s *scenario) leader(topic string) *kafka.Node {
	var node *kafka.Node
	s.admin(func(admin *kadm.Client) error {
		meta, err := admin.Metadata(s.t.Context(), topic)
		if err == nil {
			node = s.kafka.Node(meta.Topics[topic].Partitions[0].Leader)
		}
		return err
	})
	require.NotNil(s.t, node)
	return node
}

// awaitInSync returns when every replica of the subjects' topics is in sync.
func (s *scenario) awaitInSync() {
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	s.admin(func(admin *kadm.Client) error {
		for {
			out := 0
			for _, sub := range s.subjects {
				meta, err := admin.Metadata(ctx, sub.topic, sub.deadLetter)
				if err != nil && ctx.Err() != nil {
					return err
				}
				meta.Topics.EachPartition(func(p kadm.PartitionDetail) {
					if len(p.ISR) < len(p.Replicas) {
						out++
					}
				})
			}
			if out == 0 {
				return nil
			}
			s.pause(200 * time.Millisecond)
			if ctx.Err() != nil {
				return fmt.Errorf("%d partitions are not in sync: %w", out, ctx.Err())
			}
		}
	})
}

func leaderKilled(s *scenario) {
	node := s.leader(s.subjects[0].topic)
	node.Kill()
	s.pause(pick(s.world, 4*time.Second, 20*time.Second))
	require.NoError(s.t, node.Restart(s.t.Context()))
}

func allKilled(s *scenario) {
	for _, n := range s.kafka.Nodes {
		n.Kill()
	}
	s.pause(pick(s.world, 4*time.Second, 60*time.Second))
	s.restartDead()
}

func rollingRestart(s *scenario) {
	for _, n := range s.kafka.Nodes {
		n.Stop()
		require.NoError(s.t, n.Restart(s.t.Context()))
		s.awaitInSync()
	}
}

// slowKafka sends ten events at once while every answer of Kafka takes 5 s.
func slowKafka(s *scenario) {
	sub := s.subjects[0]
	sub.pause()
	s.gates.Set(proxy.Conditions{Latency: 5 * time.Second})
	defer s.gates.Set(proxy.Conditions{})
	var took []time.Duration
	for range 5 {
		took = append(took, sub.ledger.Burst(ledger.Load{URL: sub.collector.URL("/v1/feedback"), PerRequest: 1}, 10))
	}
	slices.Sort(took)
	assert.Less(s.t, took[len(took)/2], 100*time.Millisecond, "ten submissions, the median of 5 times")
	s.note(sub, "ten together in %s (median of 5, slowest %s)", round(took[len(took)/2]), round(took[len(took)-1]))
}

// poisonTopic takes no record above 16 KiB.
func poisonTopic(s *scenario, sub *subject) error {
	limit := "16384"
	return s.kafka.CreateTopic(s.t.Context(), sub.topic, 12, map[string]*string{"max.message.bytes": &limit})
}

func poisoned(s *scenario) { s.pause(pick(s.world, 3*time.Second, 30*time.Second)) }
