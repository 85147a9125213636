// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"math/rand/v2"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/proxy"
)

// terminated stops the collectors and starts them again.
func terminated(s *scenario) {
	s.each(func(sub *subject) {
		for range pick(s.world, 1, 3) {
			sub.stop(s.t)
			sub.start(s.t)
			sub.awaitReady(s.t)
			s.pause(time.Second)
		}
	})
}

func reloaded(s *scenario) {
	s.each(func(sub *subject) {
		for range pick(s.world, 2, 5) {
			s.reload(sub)
			s.pause(time.Second)
		}
	})
}

// hasty is a collector that has little time to stop.
func hasty(string) string { return "extensions: {feedbackruntime: {shutdown_timeout: 4s}}\n" }

// whileAway does something to the collectors while Kafka cannot be reached, and
// brings it back afterwards.
func whileAway(do func(s *scenario)) func(s *scenario) {
	return func(s *scenario) {
		s.gates.Set(proxy.Conditions{Refuse: true})
		s.pause(pick(s.world, 2*time.Second, 20*time.Second))
		do(s)
		s.gates.Set(proxy.Conditions{})
		s.pause(time.Second)
	}
}

// killAtRandom kills each collector, time and again, and starts it anew.
func killAtRandom(s *scenario) {
	s.each(func(sub *subject) {
		for range pick(s.world, 3, 10) {
			s.pause(200*time.Millisecond + rand.N(pick(s.world, 800*time.Millisecond, 3*time.Second)))
			sub.kill()
			sub.start(s.t)
			sub.awaitReady(s.t)
		}
	})
}

// slowDrain drains little faster than events come in, so that it takes as long
// as the outage.
func slowDrain(string) string {
	return "exporters: {feedbackkafka: {spool: {drain_rate: 1500}}}\n"
}

// killDraining fills the spools and kills the collectors while they are drained.
func killDraining(s *scenario) {
	s.gates.Set(proxy.Conditions{Refuse: true})
	s.pause(pick(s.world, 6*time.Second, 30*time.Second))
	s.gates.Set(proxy.Conditions{})
	killAtRandom(s)
}

// smallSpool is full after some 400 large events.
func smallSpool(string) string {
	return "exporters: {feedbackkafka: {spool: {max_size_mib: 8}}}\n"
}

// filled keeps Kafka away until the spools are full, and with them the buffers.
func filled(short, long time.Duration) func(s *scenario) {
	return func(s *scenario) {
		s.gates.Set(proxy.Conditions{Refuse: true})
		s.pause(pick(s.world, short, long))
		s.gates.Set(proxy.Conditions{})
		s.pause(time.Second)
	}
}

// mayLose is what §5 of the contract allows a killed collector: in default mode
// what is in memory; and twice what was in flight, but for exactly-once.
func mayLose(mode string) allowance {
	const capacity = 10_000
	a := allowance{refusals: true}
	if mode != exactlyOnce {
		a.twice = capacity
	}
	if mode == byDefault {
		a.lost = capacity
	}
	return a
}

// mayDoubt allows for what a transaction holds whose commit was sent and not
// answered: it is neither stored nor acknowledged until Kafka has said what
// became of it, and that may come after enqueue_timeout.
func mayDoubt(mode string) allowance {
	if mode == exactlyOnce {
		return allowance{doubtful: 100}
	}
	return allowance{}
}

// mayRefuse allows answers 503.
func mayRefuse(string) allowance { return allowance{refusals: true} }

// mayRepeat allows what was in flight twice, but for exactly-once.
func mayRepeat(mode string) allowance {
	a := mayLose(mode)
	a.lost = 0
	return a
}
