// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/dlq"
)

const (
	// maxRecordBytes is the exporter's limit of a record.
	maxRecordBytes = 1<<20 + 64<<10
	// deliveryTimeout bounds how long Kafka may take for a record, endTimeout for
	// the end of a transaction.
	deliveryTimeout = 30 * time.Second
	endTimeout      = 30 * time.Second
	// markRetention is how long the mark is kept. Brokers forget the offsets of a
	// group without members after 7 days if not told otherwise; dead letters stay
	// longer.
	markRetention = 400 * 24 * time.Hour
)

// Item is one event on its way.
type Item struct {
	Letter *dlq.Letter
	Record *kgo.Record
	// Next is the offset of the record behind the letter in its partition: what
	// lies between is no letter.
	Next int64
	// Err is why Kafka did not take the record, after Send.
	Err error
}

// Sender publishes events and marks their letters as replayed in one Kafka
// transaction: neither happens without the other.
type Sender struct {
	cl    *kgo.Client
	topic string // of the dead letters
	txn   string
	marks map[int32]*dlq.Marks
}

// NewSender begins a replay of a dead-letter topic. Another replay of the same
// topic that is going on is ended by it: there is one at a time.
func NewSender(ctx context.Context, opts []kgo.Opt, topic string) (*Sender, error) {
	s := &Sender{topic: topic, txn: dlq.Group + "-" + topic}
	versions := kversion.Stable()
	// Of these the later versions need an id of the topic, or leave out what the
	// offsets of a transaction need here; of OffsetCommit only up to this one can
	// say how long an offset is kept.
	versions.SetMaxKeyVersion(int16(kmsg.OffsetCommit), 4)
	versions.SetMaxKeyVersion(int16(kmsg.EndTxn), 4)
	versions.SetMaxKeyVersion(int16(kmsg.TxnOffsetCommit), 4)
	cl, err := kgo.NewClient(append(slices.Clone(opts),
		kgo.MaxVersions(versions),
		kgo.TransactionalID(s.txn),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
		kgo.ProducerBatchCompression(kgo.GzipCompression()),
		kgo.ProducerBatchMaxBytes(maxRecordBytes),
		kgo.ProducerLinger(0),
		kgo.RecordDeliveryTimeout(deliveryTimeout),
		kgo.RetryTimeout(deliveryTimeout),
	)...)
	if err != nil {
		return nil, err
	}
	s.cl = cl
	// It fences a replay that is going on and waits for the end of its transaction;
	// then the marks stand still.
	if _, _, err := cl.ProducerID(ctx); err != nil {
		cl.Close()
		return nil, s.explain(fmt.Errorf("transactional id %s: %w", s.txn, err))
	}
	if s.marks, err = dlq.LoadMarks(ctx, cl, topic, true); err != nil {
		cl.Close()
		return nil, err
	}
	return s, nil
}

// Marks says what was replayed, by partition.
func (s *Sender) Marks() map[int32]*dlq.Marks { return s.marks }

// Close ends the replay.
func (s *Sender) Close() { s.cl.Close() }

// Send publishes the items. An item that Kafka refuses gets its Err, and the
// others are published without it; an error is that of all of them.
func (s *Sender) Send(ctx context.Context, items []*Item) error {
	err := s.transaction(ctx, items)
	var refused refusal
	if !errors.As(err, &refused) {
		return err
	}
	if len(items) == 1 {
		items[0].Err = refused.error
		return nil
	}
	// What Kafka says of a batch is not true of all of it: ask for each alone.
	for _, it := range items {
		if err := s.Send(ctx, []*Item{it}); err != nil {
			return err
		}
	}
	return nil
}

// refusal is what Kafka says of a record, and will say again.
type refusal struct{ error }

func (s *Sender) transaction(ctx context.Context, items []*Item) error {
	if err := s.cl.BeginTransaction(); err != nil {
		return s.explain(err)
	}
	marks, err := s.produce(ctx, items)
	if err != nil {
		return errors.Join(s.explain(err), s.end(ctx, kgo.TryAbort))
	}
	if err := s.end(ctx, kgo.TryCommit); err != nil {
		return s.explain(fmt.Errorf("it is not known whether the last %d were published; the same command again finds out: %w", len(items), err))
	}
	for p, m := range marks {
		s.marks[p] = m
	}
	return nil
}

// produce sends the records and their marks, and returns the marks.
func (s *Sender) produce(ctx context.Context, items []*Item) (map[int32]*dlq.Marks, error) {
	records := make([]*kgo.Record, len(items))
	marks := map[int32]*dlq.Marks{}
	for i, it := range items {
		// A record remembers that it failed; this may be its second try.
		r := *it.Record
		records[i] = &r
		m := marks[it.Letter.Partition]
		if m == nil {
			m = s.marks[it.Letter.Partition].Clone()
			marks[it.Letter.Partition] = m
		}
		m.Add(it.Letter.Offset, it.Next)
	}
	topics, err := s.offsets(marks)
	if err != nil {
		return nil, err
	}
	for _, result := range s.cl.ProduceSync(ctx, records...) {
		switch {
		case result.Err == nil:
		case errors.Is(result.Err, kerr.MessageTooLarge), errors.Is(result.Err, kerr.RecordListTooLarge), errors.Is(result.Err, kerr.InvalidRecord), errors.Is(result.Err, kerr.PolicyViolation):
			return nil, refusal{result.Err}
		default:
			return nil, fmt.Errorf("topic %s: %w", result.Record.Topic, result.Err)
		}
	}
	return marks, s.commitMarks(ctx, topics)
}

// offsets are the marks as a commit carries them.
func (s *Sender) offsets(marks map[int32]*dlq.Marks) ([]kmsg.TxnOffsetCommitRequestTopicPartition, error) {
	var out []kmsg.TxnOffsetCommitRequestTopicPartition
	for partition, m := range marks {
		text, err := m.Metadata()
		if err != nil {
			return nil, fmt.Errorf("partition %d: %w: replay without a filter what lies between, or what is older first", partition, err)
		}
		p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset, p.Metadata = partition, m.Low, &text
		out = append(out, p)
	}
	return out, nil
}

// commitMarks makes the marks part of the transaction.
func (s *Sender) commitMarks(ctx context.Context, partitions []kmsg.TxnOffsetCommitRequestTopicPartition) error {
	id, epoch, err := s.cl.ProducerID(ctx)
	if err != nil {
		return err
	}
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = s.txn, id, epoch, dlq.Group
	err = retryConcurrent(ctx, func() error {
		resp, err := add.RequestWith(ctx, s.cl)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("group %s: %w", dlq.Group, err)
	}
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID, req.Group, req.ProducerID, req.ProducerEpoch = s.txn, dlq.Group, id, epoch
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	topic.Topic, topic.Partitions = s.topic, partitions
	req.Topics = append(req.Topics, topic)
	return retryConcurrent(ctx, func() error {
		resp, err := req.RequestWith(ctx, s.cl)
		if err != nil {
			return fmt.Errorf("group %s: %w", dlq.Group, err)
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return fmt.Errorf("group %s, partition %d: %w", dlq.Group, p.Partition, err)
				}
			}
		}
		return nil
	})
}

// retryConcurrent tries again while the coordinator is busy with the
// transaction before.
func retryConcurrent(ctx context.Context, ask func() error) error {
	ctx, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	for {
		err := ask()
		if !errors.Is(err, kerr.ConcurrentTransactions) && !errors.Is(err, kerr.CoordinatorLoadInProgress) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// end ends the transaction, also after an interruption: what has begun is not
// left to the broker's time-out.
func (s *Sender) end(ctx context.Context, try kgo.TransactionEndTry) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	return s.cl.EndTransaction(ctx, try)
}

// KeepMarks has the brokers keep the marks longer than they would.
func (s *Sender) KeepMarks(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.RetentionTimeMillis = dlq.Group, markRetention.Milliseconds()
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic = s.topic
	for partition, m := range s.marks {
		text, err := m.Metadata()
		if err != nil {
			return err
		}
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset, p.Metadata = partition, m.Low, &text
		topic.Partitions = append(topic.Partitions, p)
	}
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, s.cl)
	if err != nil {
		return fmt.Errorf("group %s: %w", dlq.Group, err)
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("group %s, partition %d: %w", dlq.Group, p.Partition, err)
			}
		}
	}
	return nil
}

// explain puts what an error means in front of it where its words do not say.
func (s *Sender) explain(err error) error {
	switch {
	case errors.Is(err, kerr.ProducerFenced), errors.Is(err, kerr.InvalidProducerEpoch):
		return fmt.Errorf("another replay of %s has begun: %w", s.topic, err)
	case errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
		return fmt.Errorf("a replay needs Write on the transactional id %s, Read on the group %s: %w", s.txn, dlq.Group, err)
	}
	return err
}
