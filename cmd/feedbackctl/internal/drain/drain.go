// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package drain sends what a spool holds to Kafka.
package drain

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

// What is sent before the next is read. The bytes keep a batch below a broker's
// default limit: one that is too large would fail together with its neighbours.
const (
	chunkEntries = 500
	chunkBytes   = 900 << 10
)

// ErrTransactions is returned for a spool with entries of exactly-once mode.
var ErrTransactions = errors.New("it holds events of exactly-once mode, which only a collector can send exactly once: " +
	"start one with the configuration they were stored with, and it will")

// Config says what to send where.
type Config struct {
	Spool    *spool.Spool
	Client   []kgo.Opt
	Progress func(sent, left int) // may be nil
}

// Run sends everything, lane after lane and each in order, and takes out of the
// spool what Kafka has acknowledged. It returns how many those were. At the
// first that Kafka does not take it ends.
func Run(ctx context.Context, cfg Config) (sent int, err error) {
	lanes := cfg.Spool.Lanes()
	if slices.ContainsFunc(lanes, func(id spool.LaneID) bool { return id.Topic == "" }) {
		return 0, ErrTransactions
	}
	opts := append(slices.Clone(cfg.Client),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(kgo.GzipCompression()),
		kgo.RecordPartitioner(partitioner{kgo.StickyKeyPartitioner(nil)}),
		kgo.ProducerLinger(0),
		// A single record may be larger than its neighbours together.
		kgo.ProducerBatchMaxBytes(32<<20), kgo.BrokerMaxWriteBytes(64<<20),
	)
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	for _, id := range lanes { // that of all partitions comes before theirs
		for {
			n, err := sendChunk(ctx, client, cfg.Spool, id)
			sent += n
			if err != nil {
				return sent, fmt.Errorf("topic %s: %w", id.Topic, err)
			}
			if n == 0 {
				break
			}
			if cfg.Progress != nil {
				cfg.Progress(sent, cfg.Spool.Stats().Entries)
			}
		}
	}
	return sent, nil
}

// sendChunk sends the first entries of a lane and waits for all of them.
func sendChunk(ctx context.Context, client *kgo.Client, s *spool.Spool, id spool.LaneID) (int, error) {
	es, err := s.Read(id, 0, chunkEntries, chunkBytes)
	if err != nil || len(es) == 0 {
		return 0, err
	}
	records := make([]*kgo.Record, len(es))
	positions := make(map[*kgo.Record]spool.Position, len(es))
	for i := range es {
		records[i] = record(&es[i].Entry)
		positions[records[i]] = es[i].Position
	}
	var delivered []spool.Position
	for _, r := range client.ProduceSync(ctx, records...) {
		if r.Err == nil {
			delivered = append(delivered, positions[r.Record])
		} else if err == nil || errors.Is(err, context.Canceled) {
			err = r.Err
		}
	}
	return len(delivered), errors.Join(err, s.Done(id, delivered...))
}

func record(e *spool.Entry) *kgo.Record {
	r := &kgo.Record{Topic: e.Topic, Partition: e.Partition, Key: e.Key, Value: e.Value, Headers: make([]kgo.RecordHeader, len(e.Headers))}
	for i, h := range e.Headers {
		r.Headers[i] = kgo.RecordHeader{Key: h.Key, Value: h.Value}
	}
	return r
}

// partitioner takes the partition an entry was stored for, else that of its key.
type partitioner struct{ byKey kgo.Partitioner }

func (p partitioner) ForTopic(topic string) kgo.TopicPartitioner {
	return topicPartitioner{p.byKey.ForTopic(topic)}
}

type topicPartitioner struct{ byKey kgo.TopicPartitioner }

// RequiresConsistency: a key's partition is its own even while that has no
// leader.
func (p topicPartitioner) RequiresConsistency(r *kgo.Record) bool {
	return r.Partition >= 0 || p.byKey.RequiresConsistency(r)
}

func (p topicPartitioner) Partition(r *kgo.Record, n int) int {
	if r.Partition >= 0 {
		return int(r.Partition) // out of range is an error of the record
	}
	return p.byKey.Partition(r, n)
}
