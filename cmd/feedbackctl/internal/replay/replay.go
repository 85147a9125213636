// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"
	"errors"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/cmd/feedbackctl/internal/dlq"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// Fate is what became of a letter.
type Fate string

// The fates.
const (
	Replayed Fate = "replayed"
	// Before is one that was replayed before.
	Before Fate = "replayed_before"
	// Refused is an event that is still not valid, or that Kafka refuses.
	Refused Fate = "refused"
	// Unreplayable is one whose original was not kept whole.
	Unreplayable Fate = "unreplayable"
)

// Result is what became of one letter, or would in a dry run.
type Result struct {
	Letter *dlq.Letter
	Fate   Fate
	// Topic and EventID are those of the record that was published.
	Topic, EventID string
	// Error is why it was refused; Reason why it cannot be replayed.
	Error  *feedback.Error
	Reason string
}

// Publisher publishes items and knows what was published before.
type Publisher interface {
	Marks() map[int32]*dlq.Marks
	Send(ctx context.Context, items []*Item) error
}

// Plan is which letters are replayed, found by a first reading.
type Plan struct {
	Count int
	next  map[dlq.Position]int64 // of each letter, the offset of the record behind it
	first map[int32]int64        // of each partition
	last  map[int32]dlq.Position // of each partition, the record seen last
}

// NewPlan returns an empty plan.
func NewPlan() *Plan {
	return &Plan{next: map[dlq.Position]int64{}, first: map[int32]int64{}, last: map[int32]dlq.Position{}}
}

// See is told of every record, in the order of its partition, chosen or not.
// Offsets between two records (the marks of transactions have some) belong to
// the one in front of them, so that what is replayed without a gap is
// remembered without one.
func (p *Plan) See(at dlq.Position, chosen bool) {
	if last, ok := p.last[at.Partition]; ok {
		if _, was := p.next[last]; was {
			p.next[last] = at.Offset
		}
	}
	p.last[at.Partition] = at
	if !chosen {
		return
	}
	p.Count++
	p.next[at] = at.Offset + 1
	if _, ok := p.first[at.Partition]; !ok {
		p.first[at.Partition] = at.Offset
	}
}

// Replay is one run.
type Replay struct {
	Topic     dlq.Topic
	Settings  Settings
	Pipeline  *Pipeline
	Publisher Publisher // nil in a dry run
	// Again replays also what was replayed before.
	Again bool
	Marks map[int32]*dlq.Marks
	// Rate is how many events a second are published at most.
	Rate float64
	// Tell is told each result, in the order in which they are known.
	Tell func(Result)
}

// batchSize is how many events are in one transaction: at most a quarter of a
// second of them.
func (r *Replay) batchSize() int { return min(max(int(r.Rate/4), 1), 500) }

// maxBatchBytes bounds what a batch holds in memory.
const maxBatchBytes = 8 << 20

// Run replays the letters of the plan.
func (r *Replay) Run(ctx context.Context, plan *Plan) error {
	if plan.Count == 0 {
		return nil
	}
	p := pacer{rate: r.Rate}
	var (
		batch []*Item
		bytes int
		left  = plan.Count
	)
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := r.send(ctx, &p, batch)
		batch, bytes = nil, 0
		return err
	}
	err := r.Topic.ReadFrom(ctx, plan.first, func(l *dlq.Letter) error {
		next, chosen := plan.next[l.Position]
		if !chosen {
			return nil
		}
		left--
		item, err := r.judge(ctx, l)
		if err != nil {
			return err
		}
		if item != nil {
			item.Next = next
			batch = append(batch, item)
			bytes += len(item.Record.Value)
		}
		if len(batch) >= r.batchSize() || bytes >= maxBatchBytes || left == 0 {
			if err := flush(); err != nil {
				return err
			}
		}
		if left == 0 {
			return errDone
		}
		return nil
	})
	if errors.Is(err, errDone) {
		return nil
	}
	if err != nil {
		return err
	}
	return flush() // some letters of the plan have expired meanwhile
}

// errDone ends the reading when the plan is done.
var errDone = errors.New("the plan is done")

// judge returns what is to be published of a letter, or tells why nothing is.
func (r *Replay) judge(ctx context.Context, l *dlq.Letter) (*Item, error) {
	if why := l.Unreplayable(); why != "" {
		r.Tell(Result{Letter: l, Fate: Unreplayable, Reason: why})
		return nil, nil
	}
	if m := r.Marks[l.Partition]; m != nil && m.Has(l.Offset) && !r.Again {
		r.Tell(Result{Letter: l, Fate: Before})
		return nil, nil
	}
	j, err := r.Pipeline.Judge(ctx, l)
	if err != nil {
		return nil, err
	}
	if !j.Passed() {
		r.Tell(Result{Letter: l, Fate: Refused, Error: j.Refused})
		return nil, nil
	}
	eventType, _ := j.Event.Attributes().Get(feedback.AttrEventType)
	return &Item{Letter: l, Record: NewRecord(r.Settings.TopicOf(eventType.Str()), j.Event, l)}, nil
}

// send publishes a batch, in time.
func (r *Replay) send(ctx context.Context, p *pacer, batch []*Item) error {
	if r.Publisher != nil {
		if err := p.wait(ctx, len(batch)); err != nil {
			return err
		}
		if err := r.Publisher.Send(ctx, batch); err != nil {
			return err
		}
	}
	for _, it := range batch {
		if it.Err != nil {
			r.Tell(Result{Letter: it.Letter, Fate: Refused, Error: &feedback.Error{Code: "kafka", Message: it.Err.Error()}})
			continue
		}
		r.Tell(Result{Letter: it.Letter, Fate: Replayed, Topic: it.Record.Topic, EventID: dlq.Header(it.Record, headerEventID)})
	}
	return nil
}

// pacer holds a rate: a batch waits until those before it have had their time.
type pacer struct {
	rate float64 // events a second
	free time.Time
}

func (p *pacer) wait(ctx context.Context, n int) error {
	now := time.Now()
	wait := p.free.Sub(now)
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
		now = p.free
	}
	p.free = now.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
	return ctx.Err()
}
