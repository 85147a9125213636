// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package topic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Tail reads a topic piece by piece, as a consumer with or without
// read_committed does. It is for one goroutine.
type Tail struct {
	brokers   []string
	topic     string
	committed bool
	markers   bool
	next      map[int32]int64
}

// NewTail returns a tail at the start of the topic.
func NewTail(brokers []string, topic string, committed bool) *Tail {
	return &Tail{brokers: brokers, topic: topic, committed: committed, next: map[int32]int64{}}
}

// WithMarkers makes the tail return the ends of transactions as well.
func (t *Tail) WithMarkers() *Tail {
	t.markers = true
	return t
}

// Marker says what a record that ends a transaction says: commit or abort.
func Marker(rec *kgo.Record) string {
	if len(rec.Key) >= 4 && rec.Key[3] == 1 { // version, type
		return "commit"
	}
	return "abort"
}

// Rewind goes back to the start: the topic was made anew.
func (t *Tail) Rewind() { clear(t.next) }

// tailPatience is how long a poll may bring nothing: the last records before
// the end may all be aborted ones, of which a consumer hears nothing.
const tailPatience = 2 * time.Second

// Read returns what has been added since the last call. What it returns with
// an error is read as well.
func (t *Tail) Read(ctx context.Context) ([]*kgo.Record, error) {
	isolation := kgo.ReadUncommitted()
	if t.committed {
		isolation = kgo.ReadCommitted()
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(t.brokers...), kgo.FetchIsolationLevel(isolation), kgo.KeepControlRecords(),
		kgo.FetchMaxWait(500*time.Millisecond), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ends, err := t.ends(ctx, client)
	if err != nil {
		return nil, err
	}
	offsets := map[int32]kgo.Offset{}
	for p, end := range ends {
		if t.next[p] < end {
			offsets[p] = kgo.NewOffset().At(t.next[p])
		}
	}
	if len(offsets) == 0 {
		return nil, nil
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{t.topic: offsets})
	var records []*kgo.Record
	for !t.reached(ends) {
		fetches, err := poll(ctx, client)
		if err != nil || fetches.Empty() {
			return records, err
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			if rec.Offset >= ends[rec.Partition] {
				return
			}
			t.next[rec.Partition] = rec.Offset + 1
			if t.markers || !rec.Attrs.IsControl() {
				records = append(records, rec)
			}
		})
	}
	return records, nil
}

func (t *Tail) reached(ends map[int32]int64) bool {
	for p, end := range ends {
		if t.next[p] < end {
			return false
		}
	}
	return true
}

// ends are the offsets behind the last record that this consumer may see.
func (t *Tail) ends(ctx context.Context, client *kgo.Client) (map[int32]int64, error) {
	admin := kadm.NewClient(client)
	list := admin.ListEndOffsets
	if t.committed {
		list = admin.ListCommittedOffsets
	}
	offsets, err := list(ctx, t.topic)
	if err == nil {
		err = offsets.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("the end of %s: %w", t.topic, err)
	}
	ends := map[int32]int64{}
	offsets.Each(func(o kadm.ListedOffset) { ends[o.Partition] = o.Offset })
	return ends, nil
}

// poll returns no records when there are none for a while.
func poll(ctx context.Context, client *kgo.Client) (kgo.Fetches, error) {
	short, cancel := context.WithTimeout(ctx, tailPatience)
	defer cancel()
	fetches := client.PollFetches(short)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, e := range fetches.Errors() {
		if !errors.Is(e.Err, context.DeadlineExceeded) {
			return nil, e.Err
		}
	}
	return fetches, nil
}
