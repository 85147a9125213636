// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package topic reads what arrived on Kafka.
package topic // import "github.com/otelcol-feedback/otelcol-feedback/testbed/topic"

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Reader reads whole topics of one cluster. It is safe for concurrent use.
type Reader struct {
	brokers []string
	client  *kgo.Client
}

// NewReader returns a reader; Close it.
func NewReader(brokers []string) (*Reader, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.MetadataMinAge(100*time.Millisecond))
	return &Reader{brokers: brokers, client: client}, err
}

// Close ends the reader.
func (r *Reader) Close() { r.client.Close() }

// Count is how many records the topic holds.
func (r *Reader) Count(ctx context.Context, topic string) (int64, error) {
	ranges, err := r.ranges(ctx, topic)
	if err != nil {
		return 0, err
	}
	var n int64
	for _, p := range ranges {
		n += p.end - p.start
	}
	return n, nil
}

// AwaitCount returns when the topic holds at least n records.
func (r *Reader) AwaitCount(ctx context.Context, topic string, n int64) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		have, err := r.Count(ctx, topic)
		if err == nil && have >= n {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the topic %s holds %d records, expected %d: %w", topic, have, n, errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}

// All reads the topic from its first record to the last one there now.
func (r *Reader) All(ctx context.Context, topic string) ([]*kgo.Record, error) {
	ranges, err := r.ranges(ctx, topic)
	if err != nil {
		return nil, err
	}
	offsets := map[int32]kgo.Offset{}
	var want int64
	for p, at := range ranges {
		if at.end > at.start {
			offsets[p] = kgo.NewOffset().At(at.start)
			want += at.end - at.start
		}
	}
	records := make([]*kgo.Record, 0, want)
	if want == 0 {
		return records, nil
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(r.brokers...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}), kgo.FetchMaxWait(time.Second))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	for int64(len(records)) < want {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("read %d of %d records of %s: %w", len(records), want, topic, ctx.Err())
		}
		if errs := fetches.Errors(); len(errs) > 0 {
			return nil, errs[0].Err
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			if rec.Offset < ranges[rec.Partition].end {
				records = append(records, rec)
			}
		})
	}
	return records, nil
}

type offsetRange struct{ start, end int64 }

func (r *Reader) ranges(ctx context.Context, topic string) (map[int32]offsetRange, error) {
	admin := kadm.NewClient(r.client)
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	if err := ends.Error(); err != nil {
		return nil, err
	}
	ranges := map[int32]offsetRange{}
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(topic, end.Partition)
		ranges[end.Partition] = offsetRange{start.Offset, end.Offset}
	})
	return ranges, nil
}

// Header returns the value of the record's header, and whether it is there once.
func Header(rec *kgo.Record, name string) (string, bool) {
	value, n := "", 0
	for _, h := range rec.Headers {
		if h.Key == name {
			value = string(h.Value)
			n++
		}
	}
	return value, n == 1
}
