// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Arrivals reads a topic from where it ended when it was opened, and enters
// what it reads in a ledger.
type Arrivals struct {
	ledger *Ledger
	topic  string
	opts   []kgo.Opt
	admin  *kgo.Client
	from   map[int32]kgo.Offset // where reading begins, then where it goes on
	first  int64                // records below from, when it was opened

	stop context.CancelFunc
	done sync.WaitGroup

	mu      sync.Mutex // guards all below
	delay   *Histogram
	read    int64
	records Records
	err     error
}

// Records says how what arrived was laid out.
type Records struct {
	// Count is how many records were read, and Batches in how many batches.
	Count   int64 `json:"count"`
	Batches int64 `json:"batches"`
	// Bytes are those of keys, values and headers, Compressed those on the wire.
	Bytes      int64 `json:"bytes"`
	Compressed int64 `json:"compressed_bytes"`
}

// OpenArrivals finds the end of a topic, and begins to read there if live; else
// all is read by Settle, when the load is over and does not notice.
func OpenArrivals(ctx context.Context, l *Ledger, topic string, live bool, opts ...kgo.Opt) (*Arrivals, error) {
	admin, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, err
	}
	a := &Arrivals{ledger: l, topic: topic, opts: opts, admin: admin, from: map[int32]kgo.Offset{}, delay: NewHistogram()}
	ends, err := a.ends(ctx)
	if err != nil {
		admin.Close()
		return nil, err
	}
	for p, end := range ends {
		a.from[p] = kgo.NewOffset().At(end)
		a.first += end
	}
	if live {
		client, err := a.consumer()
		if err != nil {
			admin.Close()
			return nil, err
		}
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		a.stop = cancel
		a.done.Go(func() {
			defer client.Close()
			for ctx.Err() == nil {
				a.poll(ctx, client, true)
			}
		})
	}
	return a, nil
}

// Close ends reading.
func (a *Arrivals) Close() {
	if a.stop != nil {
		a.stop()
	}
	a.done.Wait()
	a.admin.Close()
}

// Await returns when the topic holds so many records more than when it was
// opened, or when nothing was added to it for as long as patience.
func (a *Arrivals) Await(ctx context.Context, records int64, patience time.Duration) error {
	last, since := int64(-1), time.Now()
	for {
		ends, err := a.ends(ctx)
		if err != nil {
			return err
		}
		n := -a.first
		for _, end := range ends {
			n += end
		}
		if n != last {
			last, since = n, time.Now()
		}
		if n >= records || time.Since(since) > patience {
			return nil
		}
		rest(ctx, 20*time.Millisecond)
	}
}

// Settle reads the topic until all that was acknowledged has arrived, or until
// nothing was added for as long as patience.
func (a *Arrivals) Settle(ctx context.Context, patience time.Duration) error {
	var client *kgo.Client
	if a.stop == nil {
		var err error
		if client, err = a.consumer(); err != nil {
			return err
		}
		defer client.Close()
	}
	last, since := int64(-1), time.Now()
	for {
		ends, err := a.ends(ctx)
		if err != nil {
			return err
		}
		want := -a.first
		for _, end := range ends {
			want += end
		}
		for a.count() < want && a.failure() == nil && ctx.Err() == nil {
			if client != nil {
				a.poll(ctx, client, false)
			} else {
				rest(ctx, 10*time.Millisecond)
			}
		}
		if err := errors.Join(a.failure(), ctx.Err()); err != nil {
			return fmt.Errorf("read %d of %d records of %s: %w", a.count(), want, a.topic, err)
		}
		if want != last {
			last, since = want, time.Now()
		}
		if a.ledger.Since(0).Lost == 0 || time.Since(since) > patience {
			return nil
		}
		rest(ctx, 100*time.Millisecond)
	}
}

// EndToEnd is from when an event was due to when it was read from the topic;
// nil unless it is read live.
func (a *Arrivals) EndToEnd() *Quantiles {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.delay.Quantiles()
}

// forget begins to measure anew.
func (a *Arrivals) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.delay, a.records = NewHistogram(), Records{}
}

// Records says how what was read was laid out.
func (a *Arrivals) Records() Records {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.records
}

func (a *Arrivals) count() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.read
}

func (a *Arrivals) failure() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

func (a *Arrivals) consumer() (*kgo.Client, error) {
	opts := []kgo.Opt{
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{a.topic: a.from}),
		// The ends of transactions take up offsets, which are counted.
		kgo.FetchMaxWait(time.Second), kgo.WithHooks(a), kgo.KeepControlRecords(),
	}
	return kgo.NewClient(append(opts, a.opts...)...)
}

// OnFetchBatchRead implements [kgo.HookFetchBatchRead].
func (a *Arrivals) OnFetchBatchRead(_ kgo.BrokerMetadata, _ string, _ int32, m kgo.FetchBatchMetrics) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.records.Batches++
	a.records.Bytes += int64(m.UncompressedBytes)
	a.records.Compressed += int64(m.CompressedBytes)
}

func (a *Arrivals) poll(ctx context.Context, client *kgo.Client, live bool) {
	fetches := client.PollFetches(ctx)
	now := time.Now()
	a.mu.Lock()
	delay := a.delay
	a.mu.Unlock()
	var n int64
	fetches.EachRecord(func(r *kgo.Record) {
		n++
		if live {
			a.ledger.Arrived(r.Value, func(due time.Time) { delay.Record(0, now.Sub(due)) })
		} else {
			a.ledger.Arrived(r.Value, nil)
		}
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	a.read += n
	a.records.Count += n
	for _, e := range fetches.Errors() {
		if ctx.Err() == nil {
			a.err = e.Err
		}
	}
}

// ends are the topic's ends, by partition.
func (a *Arrivals) ends(ctx context.Context) (map[int32]int64, error) {
	offsets, err := kadm.NewClient(a.admin).ListEndOffsets(ctx, a.topic)
	if err == nil {
		err = offsets.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("the end of the topic %s: %w", a.topic, err)
	}
	ends := map[int32]int64{}
	offsets.Each(func(o kadm.ListedOffset) { ends[o.Partition] = o.Offset })
	if len(ends) == 0 {
		return nil, fmt.Errorf("the topic %s has no partitions", a.topic)
	}
	return ends, nil
}
