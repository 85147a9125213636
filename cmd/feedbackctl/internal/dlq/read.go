// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package dlq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/tail"
)

// Topic is a dead-letter topic to read.
type Topic struct {
	// Client are the options of the clients.
	Client []kgo.Opt
	Name   string
}

// sinceSlack is how much earlier than a letter says Kafka may date it.
const sinceSlack = time.Minute

// Read calls each for the letters that are there, as far as the filter can be
// one of them, and says which ones it chooses.
func (t Topic) Read(ctx context.Context, f *Filter, each func(l *Letter, chosen bool) error) error {
	start := tail.Start{Beginning: true}
	switch {
	case len(f.Positions) > 0 && len(f.EventIDs) == 0:
		start = tail.Start{Partitions: map[int32]int64{}}
		for _, p := range f.Positions {
			if at, ok := start.Partitions[p.Partition]; !ok || p.Offset < at {
				start.Partitions[p.Partition] = p.Offset
			}
		}
	case !f.Since.IsZero():
		start = tail.Start{Since: f.Since.Add(-sinceSlack)}
	}
	return t.read(ctx, start, func(r *kgo.Record) error {
		l := Parse(r)
		return each(l, f.Wants(l))
	})
}

// ReadFrom calls each for all records from an offset in each partition.
func (t Topic) ReadFrom(ctx context.Context, from map[int32]int64, each func(l *Letter) error) error {
	return t.read(ctx, tail.Start{Partitions: from}, func(r *kgo.Record) error { return each(Parse(r)) })
}

func (t Topic) read(ctx context.Context, start tail.Start, each func(*kgo.Record) error) error {
	err := tail.Run(ctx, tail.Config{Client: t.Client, Topic: t.Name, Start: start, Notice: func(string) {}}, each)
	if err == nil {
		return ctx.Err() // tail takes an interruption as an end
	}
	return err
}

// LoadMarks reads what was replayed, by partition. With stable, offsets of a
// transaction that has not ended are waited for.
func LoadMarks(ctx context.Context, cl *kgo.Client, topic string, stable bool) (map[int32]*Marks, error) {
	admin := kadm.NewClient(cl)
	firsts, err := admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = firsts.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", topic, err)
	}
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", topic, err)
	}
	if stable {
		ctx = kadm.RequireStable(ctx)
	}
	committed, err := fetchOffsets(ctx, admin)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) { // nothing was ever replayed
		return nil, fmt.Errorf("group %s: %w", Group, err)
	}
	marks := map[int32]*Marks{}
	for p, first := range firsts[topic] {
		m := &Marks{}
		end, _ := ends.Lookup(topic, p)
		switch c, ok := committed.Lookup(topic, p); {
		case ok && c.Err != nil:
			return nil, fmt.Errorf("group %s, partition %d: %w", Group, p, c.Err)
		case ok && c.At <= end.Offset: // else it is of an older topic of this name
			if m, err = ParseMarks(c.At, c.Metadata); err != nil {
				return nil, fmt.Errorf("group %s, partition %d: %w", Group, p, err)
			}
		}
		m.Forget(first.Offset)
		marks[p] = m
	}
	if len(marks) == 0 {
		return nil, fmt.Errorf("topic %s: %w", topic, kerr.UnknownTopicOrPartition)
	}
	return marks, nil
}

const (
	coordinatorPatience = 30 * time.Second
	coordinatorInterval = 200 * time.Millisecond
)

// fetchOffsets waits for the group's coordinator, which a new cluster only makes
// when it is asked for the first time.
func fetchOffsets(ctx context.Context, admin *kadm.Client) (kadm.OffsetResponses, error) {
	ctx, cancel := context.WithTimeout(ctx, coordinatorPatience)
	defer cancel()
	for {
		offsets, err := admin.FetchOffsets(ctx, Group)
		if !errors.Is(err, kerr.CoordinatorNotAvailable) && !errors.Is(err, kerr.CoordinatorLoadInProgress) && !errors.Is(err, kerr.NotCoordinator) {
			return offsets, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(coordinatorInterval):
		}
	}
}
