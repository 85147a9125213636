// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// kafkaTxn is a Kafka client with a transactional id. Its group is of the same
// name, has no members, and holds one offset: the committed number, on partition
// 0 of a topic that exists.
type kafkaTxn struct {
	client *kgo.Client
	id     string
	topic  string
}

// txnBackoff is the wait before a request is sent again that came while
// the brokers still finish the last transaction.
const txnBackoff = 5 * time.Millisecond

// newKafkaTxn makes a client; opts are those of every client that writes.
func newKafkaTxn(opts []kgo.Opt, protocolVersion, id, topic string) (*kafkaTxn, error) {
	versions := kversion.Stable()
	if protocolVersion != "" {
		versions = kversion.FromString(protocolVersion)
	}
	// The client writes offsets only for groups that it is a member of, and ends
	// only transactions that hold records, so these requests are made here. Above
	// these versions they would give the producer an epoch that the client does
	// not learn of. Offsets are asked for by the topic's name, which lives longer
	// than its id.
	for key, maximum := range map[kmsg.Key]int16{kmsg.TxnOffsetCommit: 4, kmsg.EndTxn: 4, kmsg.OffsetFetch: 9} {
		if v, ok := versions.LookupMaxKeyVersion(int16(key)); ok && v > maximum {
			versions.SetMaxKeyVersion(int16(key), maximum)
		}
	}
	opts = opts[:len(opts):len(opts)] // they are shared
	if protocolVersion != "" {
		opts = append(opts, kgo.MinVersions(versions))
	}
	client, err := kgo.NewClient(append(opts,
		kgo.TransactionalID(id),
		kgo.TransactionTimeout(txnTimeout),
		kgo.ConcurrentTransactionsBackoff(txnBackoff),
		kgo.ProducerLinger(0), // a transaction is a batch
		// A request that was lost on one connection and sent again on another may
		// still arrive, in the midst of the next transaction. So none is sent
		// twice: the next goes out under a new epoch. (Records have numbers.)
		kgo.RequestRetries(0),
		kgo.MaxVersions(versions),
	)...)
	if err != nil {
		return nil, err
	}
	return &kafkaTxn{client: client, id: id, topic: topic}, nil
}

// close implements txnClient.
func (k *kafkaTxn) close() { k.client.Close() }

// fence implements txnClient: with the producer id, the brokers give out a new
// epoch, and refuse what clients of older ones still send.
func (k *kafkaTxn) fence(ctx context.Context) error {
	if _, _, err := k.client.ProducerID(ctx); err != nil {
		return fmt.Errorf("take the transactional id: %w", err)
	}
	return nil
}

// committed implements txnClient.
func (k *kafkaTxn) committed(ctx context.Context, stable bool) (txnClaim, error) {
	for {
		c, err := k.fetchNumber(ctx, stable)
		switch {
		case err == nil, errors.Is(err, kerr.GroupIDNotFound):
			return c, nil
		case !errors.Is(err, kerr.UnstableOffsetCommit):
			return txnClaim{}, fmt.Errorf("read the committed sequence number: %w", err)
		}
		if err := pause(ctx); err != nil {
			return txnClaim{}, err
		}
	}
}

// fetchNumber asks for the one offset by its name: asked for all, the brokers
// leave out one that has never been committed, however open the transaction that
// will be the first.
func (k *kafkaTxn) fetchNumber(ctx context.Context, stable bool) (txnClaim, error) {
	t := kmsg.NewOffsetFetchRequestTopic()
	t.Topic, t.Partitions = k.topic, []int32{0}
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group, req.Topics, req.RequireStable = k.id, append(req.Topics, t), stable
	resp, err := req.RequestWith(ctx, k.client)
	if err != nil {
		return txnClaim{}, err
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return txnClaim{}, err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return txnClaim{}, err
			}
			if p.Offset >= 0 {
				return parseClaim(p.Offset, p.Metadata), nil
			}
		}
	}
	return txnClaim{}, nil
}

func pause(ctx context.Context) error {
	timer := time.NewTimer(4 * txnBackoff)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// metadata is what stands beside the number.
func (c txnClaim) metadata() string { return c.spoolID + "/" + c.owner }

func parseClaim(offset int64, metadata *string) txnClaim {
	c := txnClaim{seq: uint64(offset)}
	if metadata != nil {
		c.spoolID, c.owner, _ = strings.Cut(*metadata, "/")
	}
	return c
}

// claim implements txnClient. It is a transaction too: what still comes from an
// older client must not undo it. And it bears out what was read before it: a
// broker that does not know yet that another leads the group may have answered
// with an old number, but it cannot replicate a new one. So the number is written
// where it was read, or not at all.
func (k *kafkaTxn) claim(ctx context.Context, c txnClaim) error {
	if err := k.addNumber(ctx, c, txnUnfinished); err != nil {
		return err
	}
	id, epoch, err := k.client.ProducerID(ctx)
	if err != nil {
		return err
	}
	end := kmsg.NewPtrEndTxnRequest()
	end.TransactionalID, end.ProducerID, end.ProducerEpoch, end.Commit = k.id, id, epoch, true
	resp, err := end.RequestWith(ctx, k.client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("write the sequence number: %w", err)
	}
	return nil
}

// publish implements txnClient.
func (k *kafkaTxn) publish(ctx context.Context, records []*record, alone map[*record]bool, c txnClaim) ([]error, error) {
	if err := k.client.BeginTransaction(); err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	errs := make([]error, len(records))
	failed := false
	for from := 0; from < len(records); {
		to := from + 1
		for !alone[records[from]] && to < len(records) && !alone[records[to]] {
			to++
		}
		if err := k.produce(ctx, records[from:to], errs[from:to]); err != nil {
			return nil, err
		}
		for _, err := range errs[from:to] {
			failed = failed || err != nil
		}
		from = to
	}
	if failed {
		return errs, nil
	}
	return errs, k.addNumber(ctx, c, txnTooEarly)
}

// produce writes records that may share batches, and waits for all of them.
func (k *kafkaTxn) produce(ctx context.Context, records []*record, errs []error) error {
	var wg sync.WaitGroup
	wg.Add(len(records))
	outcome := make([]error, len(records)) // errs belongs to a caller who may be gone
	for i, r := range records {
		r.Timestamp = time.Time{} // the client sets it, and counts from it
		k.client.Produce(ctx, &r.Record, func(_ *kgo.Record, err error) {
			outcome[i] = err
			wg.Done()
		})
	}
	wg.Wait() // closing the client ends it
	if err := ctx.Err(); err != nil {
		return err
	}
	copy(errs, outcome)
	return nil
}

// addNumber makes the number a part of the transaction. It is written again after
// the errors in again.
func (k *kafkaTxn) addNumber(ctx context.Context, c txnClaim, again []*kerr.Error) error {
	id, epoch, err := k.client.ProducerID(ctx)
	if err != nil {
		return err
	}
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = k.id, id, epoch, k.id
	err = retryAfter(ctx, txnTooEarly, func() error {
		resp, err := add.RequestWith(ctx, k.client)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(resp.ErrorCode)
	})
	if err != nil {
		return fmt.Errorf("add the group to the transaction: %w", err)
	}

	p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	p.Offset = int64(c.seq)
	p.Metadata = kmsg.StringPtr(c.metadata())
	t := kmsg.NewTxnOffsetCommitRequestTopic()
	t.Topic = k.topic
	t.Partitions = append(t.Partitions, p)
	commit := kmsg.NewPtrTxnOffsetCommitRequest()
	commit.TransactionalID, commit.ProducerID, commit.ProducerEpoch, commit.Group = k.id, id, epoch, k.id
	commit.Topics = append(commit.Topics, t)
	err = retryAfter(ctx, again, func() error {
		resp, err := commit.RequestWith(ctx, k.client)
		if err != nil {
			return err
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("add the sequence number to the transaction: %w", err)
	}
	return nil
}

// retryAfter sends a request again that came too early.
func retryAfter(ctx context.Context, again []*kerr.Error, send func() error) error {
	for {
		err := send()
		if !isOneOf(err, again) {
			return err
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

var (
	// txnUnfinished: the coordinator still finishes the last transaction.
	txnUnfinished = []*kerr.Error{kerr.ConcurrentTransactions}
	// txnTooEarly: or it is not ready, or another broker by now.
	txnTooEarly = append([]*kerr.Error{
		kerr.CoordinatorLoadInProgress,
		kerr.CoordinatorNotAvailable,
		kerr.NotCoordinator,
	}, txnUnfinished...)
)

// commit implements txnClient.
func (k *kafkaTxn) commit(ctx context.Context) error {
	return k.client.EndTransaction(ctx, kgo.TryCommit)
}

// abort implements txnClient.
func (k *kafkaTxn) abort(ctx context.Context) error {
	if err := k.client.AbortBufferedRecords(ctx); err != nil {
		return err
	}
	return k.client.EndTransaction(ctx, kgo.TryAbort)
}
