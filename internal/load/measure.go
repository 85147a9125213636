// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Plan is a load and what is looked at meanwhile.
type Plan struct {
	Config
	// Name is what the load is called in reports.
	Name string
	// Warmup is how long the same is sent before, uncounted. Default: none.
	Warmup time.Duration
	// PID is the process whose use of the machine is measured; 0: none is.
	PID int
	// Topic is read to see what arrived, with the options Kafka; "": nothing is.
	Topic string
	Kafka []kgo.Opt
	// Live reads the topic while the load runs, for the time from end to end. It
	// takes processor time that a collector on the same machine then lacks.
	Live bool
	// Patience is how long is waited for what still has to arrive, from the last
	// record that did; 5 s if 0.
	Patience time.Duration
}

// Measure warms up, sends the load, waits for what has to arrive, and counts.
func Measure(ctx context.Context, p Plan) (*Report, error) {
	p.setDefaults()
	if p.Patience == 0 {
		p.Patience = 5 * time.Second
	}
	m := &measurement{plan: &p, ledger: NewLedger()}
	if p.Topic != "" {
		var err error
		if m.arrivals, err = OpenArrivals(ctx, m.ledger, p.Topic, p.Live, p.Kafka...); err != nil {
			return nil, err
		}
		defer m.arrivals.Close()
	}
	if err := m.warmUp(ctx); err != nil {
		return nil, err
	}
	mark := m.ledger.Mark()
	began := time.Now()
	load := p.Config
	load.Begin = m.begin
	outcome, err := Send(ctx, load, m.ledger)
	if err != nil {
		return nil, err
	}
	r := p.report(began, outcome)
	// What is on its way still costs.
	if err := m.await(ctx); err != nil {
		return nil, err
	}
	if err := m.end(r); err != nil {
		return nil, err
	}
	if m.arrivals != nil {
		if err := m.arrivals.Settle(ctx, p.Patience); err != nil {
			return nil, err
		}
		records := m.arrivals.Records()
		r.EndToEnd, r.Records, r.Verified = m.arrivals.EndToEnd(), &records, true
	}
	if r.Events = m.ledger.Since(mark); !r.Verified {
		r.Events.Lost = 0 // nobody looked
	}
	r.setRates()
	return r, nil
}

type measurement struct {
	plan     *Plan
	ledger   *Ledger
	arrivals *Arrivals // nil: what arrives is not looked at
	before   Usage
	usageErr error
}

// warmUp sends the same for a while, and waits until it is all over.
func (m *measurement) warmUp(ctx context.Context) error {
	if m.plan.Warmup == 0 {
		return nil
	}
	warm := m.plan.Config
	warm.Duration = m.plan.Warmup
	if _, err := Send(ctx, warm, m.ledger); err != nil {
		return err
	}
	if err := m.await(ctx); err != nil || m.arrivals == nil || !m.plan.Live {
		return err
	}
	if err := m.arrivals.Settle(ctx, m.plan.Patience); err != nil {
		return err
	}
	m.arrivals.forget()
	return nil
}

func (m *measurement) begin() {
	if m.plan.PID != 0 {
		_ = ResetPeak(m.plan.PID) // else the peak is that since its start
		m.before, m.usageErr = UsageOf(m.plan.PID)
	}
	if m.plan.Begin != nil {
		m.plan.Begin()
	}
}

// end reads what the process has used since begin.
func (m *measurement) end(r *Report) error {
	if m.plan.PID == 0 || errors.Is(m.usageErr, ErrUsage) {
		return nil
	}
	after, err := UsageOf(m.plan.PID)
	if err = errors.Join(m.usageErr, err); err != nil {
		return err
	}
	r.setUsage(m.before, after)
	return nil
}

// await waits until all that was acknowledged is on the topic.
func (m *measurement) await(ctx context.Context) error {
	if m.arrivals == nil {
		return nil
	}
	return m.arrivals.Await(ctx, m.ledger.Since(0).Acknowledged, m.plan.Patience)
}
