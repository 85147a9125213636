// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/topic"
)

// autopsy prints what no consumer is shown: how each partition's transactions
// ended and which producer had written what; and of an exactly-once subject,
// what its coordinators have written of it: the states of its transactions, and
// its numbers with the markers behind them. That tells a fate that was read
// wrongly from a transaction that the brokers ended in two ways.
func (s *scenario) autopsy(t *testing.T, sub *subject) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	records := s.everything(ctx, t, sub.topic)
	producers := map[int64]bool{}
	var b strings.Builder
	for i, rec := range records {
		producers[rec.ProducerID] = true
		last := i+1 == len(records) || records[i+1].Partition != rec.Partition
		if !rec.Attrs.IsControl() && !last && records[i+1].ProducerEpoch == rec.ProducerEpoch && !records[i+1].Attrs.IsControl() {
			continue // one line for each run of records
		}
		describe(&b, rec, "records until")
	}
	t.Logf("%s, by partition:\n%s", sub.topic, b.String())
	if sub.mode != exactlyOnce {
		return
	}
	id := s.name + "." + sub.mode
	b.Reset()
	for _, rec := range s.everything(ctx, t, "__transaction_state") {
		if state := transactionState(rec, id, producers); state != "" {
			describe(&b, rec, state)
		}
	}
	t.Logf("__transaction_state of %s:\n%s", id, b.String())
	b.Reset()
	for _, rec := range s.everything(ctx, t, "__consumer_offsets") {
		if what := committedNumber(rec, id); what != "" || rec.Attrs.IsControl() && producers[rec.ProducerID] {
			describe(&b, rec, what)
		}
	}
	t.Logf("__consumer_offsets of %s:\n%s", id, b.String())
}

// everything reads a topic from its start to its end, markers included, in
// order. On a busy machine one reading may end too early.
func (s *scenario) everything(ctx context.Context, t *testing.T, name string) (records []*kgo.Record) {
	tail := topic.NewTail(s.kafka.Brokers(), name, false).WithMarkers()
	for range 3 {
		more, err := tail.Read(ctx)
		records = append(records, more...)
		if err != nil {
			t.Logf("%s cannot be read once more: %v", name, err)
		}
	}
	slices.SortFunc(records, func(a, b *kgo.Record) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	return records
}

// describe writes one line about a record.
func describe(b *strings.Builder, rec *kgo.Record, what string) {
	if rec.Attrs.IsControl() {
		what = "end of a transaction, " + topic.Marker(rec) + " at"
	}
	fmt.Fprintf(b, "%d: %s %d, producer %d epoch %d, leader epoch %d, %s\n", rec.Partition, what, rec.Offset,
		rec.ProducerID, rec.ProducerEpoch, rec.LeaderEpoch, rec.Timestamp.Format("15:04:05.000"))
}

// transactionState says what a coordinator's record says of the transactional
// id, or nothing, and notes its producer.
func transactionState(rec *kgo.Record, id string, producers map[int64]bool) string {
	key := kmsg.NewTxnMetadataKey()
	if key.ReadFrom(rec.Key) != nil || key.TransactionalID != id {
		return ""
	}
	value := kmsg.NewTxnMetadataValue()
	if rec.Value == nil || value.ReadFrom(rec.Value) != nil {
		return "unreadable state at"
	}
	producers[value.ProducerID] = true
	partitions := 0
	for _, t := range value.Topics {
		partitions += len(t.Partitions)
	}
	return fmt.Sprintf("%s of producer %d epoch %d with %d partitions at", value.State, value.ProducerID, value.ProducerEpoch, partitions)
}

// committedNumber says which number a record of the group's offsets holds, or
// nothing.
func committedNumber(rec *kgo.Record, group string) string {
	key := kmsg.NewOffsetCommitKey()
	if rec.Attrs.IsControl() || key.ReadFrom(rec.Key) != nil || key.Group != group {
		return ""
	}
	value := kmsg.NewOffsetCommitValue()
	if rec.Value == nil || value.ReadFrom(rec.Value) != nil {
		return "no number at"
	}
	return fmt.Sprintf("number %d of %s at", value.Offset, value.Metadata)
}
