// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package tail reads the records of a topic as they come, without a consumer
// group, and stays with it when the topic or its brokers come late or go away.
package tail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// probeTimeout bounds one question about the topic.
	probeTimeout = 5 * time.Second
	// probeInterval is between two of them.
	probeInterval = 250 * time.Millisecond
)

// Config says what to read.
type Config struct {
	// Client are the options of the client.
	Client []kgo.Opt
	// Topic is the topic.
	Topic string
	// Start is where to start in each partition.
	Start Start
	// Follow waits for a topic or broker that is not there, and for new records.
	// Without it, reading ends with the records that are there at the beginning.
	Follow bool
	// Notice is told in words what is waited for.
	Notice func(string)
}

// Start is a place in a partition.
type Start struct {
	// Beginning is the first record that is kept.
	Beginning bool
	// Offset is that record, if it is not negative.
	Offset int64
	// Last is so many records before the end.
	Last int64
	// Since, if set, is the first record that Kafka dates at this time or later.
	Since time.Time
	// Partitions, if set, are the only ones that are read, each from its offset.
	Partitions map[int32]int64
}

func (s Start) at(end int64) kgo.Offset {
	switch {
	case s.Beginning:
		return kgo.NewOffset().AtStart()
	case s.Offset >= 0:
		return kgo.NewOffset().At(s.Offset)
	default:
		return kgo.NewOffset().At(max(end-s.Last, 0))
	}
}

// places finds the start in each partition.
func (s Start) places(ctx context.Context, cl *kgo.Client, topic string, ends map[int32]int64) (map[int32]kgo.Offset, error) {
	places := make(map[int32]kgo.Offset, len(ends))
	var since map[int32]int64
	if !s.Since.IsZero() {
		var err error
		since, err = list(ctx, func(ctx context.Context, topics ...string) (kadm.ListedOffsets, error) {
			return kadm.NewClient(cl).ListOffsetsAfterMilli(ctx, s.Since.UnixMilli(), topics...)
		}, topic)
		if err != nil {
			return nil, fmt.Errorf("topic %s: %w", topic, err)
		}
	}
	for p, end := range ends {
		offset, chosen := s.Partitions[p]
		switch {
		case chosen:
			places[p] = kgo.NewOffset().At(offset)
		case s.Partitions != nil:
		case since != nil:
			places[p] = kgo.NewOffset().At(since[p])
		default:
			places[p] = s.at(end)
		}
	}
	return places, nil
}

// errRecreated says that the topic is another one of the same name.
var errRecreated = errors.New("the topic was made anew")

// Run calls write for every record until it returns an error, which Run
// returns, or ctx is done, which is no error.
func Run(ctx context.Context, cfg Config, write func(*kgo.Record) error) error {
	for {
		err := run(ctx, cfg, write)
		switch {
		case errors.Is(err, errRecreated) && cfg.Follow:
			cfg.Notice(fmt.Sprintf("topic %s was deleted or made anew", cfg.Topic))
			cfg.Start = Start{Beginning: true}
		case err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()):
			return nil
		default:
			return err
		}
	}
}

func run(parent context.Context, cfg Config, write func(*kgo.Record) error) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	hook := &connections{notice: cfg.Notice, fail: cancel}
	cl, err := kgo.NewClient(options(cfg, hook)...)
	if err != nil {
		return err
	}
	defer cl.Close()
	ends, err := await(ctx, cfg, cl, hook)
	if err == nil {
		var starts map[int32]kgo.Offset
		if starts, err = cfg.Start.places(ctx, cl, cfg.Topic, ends); err != nil {
			return err
		}
		cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{cfg.Topic: starts})
		r := reader{cfg: cfg, cl: cl, write: write}
		if !cfg.Follow {
			if r.left, err = unread(ctx, cl, cfg, starts, ends); err != nil {
				return err
			}
		}
		err = r.read(ctx)
	}
	if err != nil && ctx.Err() != nil && parent.Err() == nil {
		return context.Cause(ctx) // why a broker cannot be used
	}
	return err
}

func options(cfg Config, hook kgo.Hook) []kgo.Opt {
	// Control records are kept (and not written), so that the position reaches
	// the end where the last record is one.
	opts := append([]kgo.Opt{
		kgo.FetchMaxWait(time.Second),
		kgo.MetadataMinAge(probeInterval),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		kgo.KeepRetryableFetchErrors(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	}, cfg.Client...)
	if cfg.Follow {
		return append(opts, kgo.WithHooks(hook))
	}
	return append(opts, kgo.RequestRetries(2)) // rather an error soon
}

// await asks for the ends of the topic's partitions until there is an answer.
func await(ctx context.Context, cfg Config, cl *kgo.Client, hook *connections) (map[int32]int64, error) {
	waiting := false
	for {
		ends, err := list(ctx, kadm.NewClient(cl).ListCommittedOffsets, cfg.Topic)
		switch {
		case err == nil:
			return ends, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !cfg.Follow || final(err):
			return nil, fmt.Errorf("topic %s: %w", cfg.Topic, err)
		case missing(err) && !waiting:
			waiting = true
			cfg.Notice(fmt.Sprintf("topic %s is not there yet, waiting for it", cfg.Topic))
		case !waiting && !hook.told():
			waiting = true
			cfg.Notice(fmt.Sprintf("no answer about topic %s yet, waiting for it: %v", cfg.Topic, err))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(probeInterval):
		}
	}
}

type lister func(context.Context, ...string) (kadm.ListedOffsets, error)

func list(ctx context.Context, ask lister, topic string) (map[int32]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	listed, err := ask(ctx, topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, err
	}
	offsets := map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { offsets[o.Partition] = o.Offset })
	if len(offsets) == 0 {
		return nil, kerr.UnknownTopicOrPartition
	}
	return offsets, nil
}

// unread returns the ends of those partitions that have something to read.
func unread(ctx context.Context, cl *kgo.Client, cfg Config, starts map[int32]kgo.Offset, ends map[int32]int64) (map[int32]int64, error) {
	firsts, err := list(ctx, kadm.NewClient(cl).ListStartOffsets, cfg.Topic)
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", cfg.Topic, err)
	}
	left := map[int32]int64{}
	for p, start := range starts {
		// The start of a partition is a negative number.
		if max(firsts[p], start.EpochOffset().Offset) < ends[p] {
			left[p] = ends[p]
		}
	}
	return left, nil
}

// reader reads the partitions that were assigned to cl.
type reader struct {
	cfg   Config
	cl    *kgo.Client
	write func(*kgo.Record) error
	left  map[int32]int64 // without Follow: the ends not reached yet
}

func (r *reader) read(ctx context.Context) error {
	told := ""
	for r.cfg.Follow || len(r.left) > 0 {
		fetches := r.cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := r.print(fetches); err != nil {
			return err
		}
		for _, e := range fetches.Errors() {
			switch {
			case missing(e.Err):
				return errRecreated
			case final(e.Err):
				return fmt.Errorf("topic %s: %w", e.Topic, e.Err)
			case !kerr.IsRetriable(e.Err) && e.Err.Error() != told:
				told = e.Err.Error()
				r.cfg.Notice(told)
			}
		}
	}
	return nil
}

// print writes the records of a poll in the order of their time, which mixes
// the partitions as they were written.
func (r *reader) print(fetches kgo.Fetches) error {
	var records []*kgo.Record
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		end, bounded := r.left[p.Partition]
		for _, rec := range p.Records {
			if bounded && rec.Offset >= end-1 {
				delete(r.left, p.Partition)
			}
			past := !r.cfg.Follow && (!bounded || rec.Offset >= end)
			if !past && !rec.Attrs.IsControl() {
				records = append(records, rec)
			}
		}
		if bounded && p.LogStartOffset >= end {
			delete(r.left, p.Partition) // what was there has been dropped meanwhile
		}
	})
	slices.SortStableFunc(records, func(a, b *kgo.Record) int {
		return cmp.Or(a.Timestamp.Compare(b.Timestamp), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	for _, rec := range records {
		if err := r.write(rec); err != nil {
			return err
		}
	}
	return nil
}
