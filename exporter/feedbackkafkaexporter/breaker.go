// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
	"go.uber.org/zap"
)

// breaker is the circuit breaker around the whole cluster: what speaks of one
// record, one partition or one of several brokers does not reach it. While it is
// not closed, lanes go straight to the spool; probes are the health watch's
// looks at the cluster. Without a spool there is nowhere else to go, and it only
// says how things stand.
type breaker struct {
	cb     *gobreaker.TwoStepCircuitBreaker[struct{}] // nil: switched off
	logger *zap.Logger
	opens  atomic.Int64
	failed atomic.Bool // since the last success
	// changed is told whether lanes are to keep away from the cluster.
	changed func(away bool)
}

func newBreaker(logger *zap.Logger, cfg *CircuitBreakerConfig) *breaker {
	b := &breaker{logger: logger, changed: func(bool) {}}
	if !cfg.Enabled {
		return b
	}
	threshold := uint32(cfg.FailureThreshold)
	b.cb = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name:          "kafka",
		MaxRequests:   uint32(cfg.SuccessThreshold),
		Timeout:       cfg.Timeout,
		ReadyToTrip:   func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= threshold },
		OnStateChange: b.onChange,
	})
	return b
}

// onChange is called with the breaker's own lock held.
func (b *breaker) onChange(_ string, from, to gobreaker.State) {
	fields := []zap.Field{zap.Stringer("from", from), zap.Stringer("to", to)}
	if to == gobreaker.StateOpen {
		b.opens.Add(1)
		b.logger.Warn("Circuit breaker opened: Kafka is left alone for a while", fields...)
	} else {
		b.logger.Info("Circuit breaker changed", fields...)
	}
	b.changed(to != gobreaker.StateClosed)
}

// report counts one exchange with the cluster, unless the breaker is open.
func (b *breaker) report(err error) {
	if b.cb == nil {
		return
	}
	b.failed.Store(err != nil)
	if done, refusal := b.cb.Allow(); refusal == nil {
		done(err)
	}
}

// delivered counts a success, at no cost while there is nothing to make good.
func (b *breaker) delivered() {
	if b.failed.Load() {
		b.report(nil)
	}
}

// closed reports whether all is well. Asking is what lets an open breaker
// become half-open when its time has come.
func (b *breaker) closed() bool { return b.state() == gobreaker.StateClosed }

func (b *breaker) state() gobreaker.State {
	if b.cb == nil {
		return gobreaker.StateClosed
	}
	return b.cb.State()
}

// gauge is the state as the metric has it: 0 closed, 1 open, 2 half-open.
func (b *breaker) gauge() int64 {
	switch b.state() {
	case gobreaker.StateOpen:
		return 1
	case gobreaker.StateHalfOpen:
		return 2
	default:
		return 0
	}
}

const maxBreakerTimeout = 24 * time.Hour
