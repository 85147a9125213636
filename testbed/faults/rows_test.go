// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/ledger"
)

var allModes = []string{byDefault, durable, exactlyOnce}

// withSpool is what a mode's configuration says when it has a spool.
const withSpool = "spool:"

// rows are the table's, in its order.
var rows = []row{
	{
		name: "leader-killed", fault: "leader broker SIGKILL, back after 4 s (long: 20 s)",
		expected: "0 lost, 0 out of order", modes: allModes, during: leaderKilled,
		allow: func(string) allowance { return allowance{refusals: true} },
	},
	{
		name: "all-killed", fault: "all brokers SIGKILL, back after 4 s (long: 60 s)",
		expected: "0 lost; 202 while there is spool, no answer slower than `enqueue_timeout`", modes: allModes,
		during: allKilled,
		allow:  func(mode string) allowance { return allowance{refusals: !has(mode, withSpool)} },
	},
	{
		name: "rolling-restart", fault: "rolling restart of the cluster",
		expected: "0 lost, 0 twice, no 503", modes: allModes, during: rollingRestart,
	},
	{
		name: "slow-kafka", fault: "Kafka 5 s slow, ten submissions",
		expected: "answered in < 100 ms together", modes: []string{byDefault}, during: slowKafka,
	},
	{
		name: "poison", fault: "events that Kafka will never take, too large or without a key, 1 in 100",
		expected: "neighbours exactly once, poison in the dead-letter topic", modes: allModes,
		topic: poisonTopic, load: poisonLoad(), during: poisoned,
	},
	{
		name: "sigterm", fault: "SIGTERM under load, Kafka up", expected: "0 lost, 0 twice", modes: allModes,
		during: terminated, allow: func(string) allowance { return allowance{refusals: true} },
	},
	{
		name: "sighup", fault: "SIGHUP under load, Kafka up", expected: "0 lost, 0 twice", modes: allModes,
		during: reloaded, allow: func(string) allowance { return allowance{refusals: true} },
	},
	{
		name: "collector-killed", fault: "collector SIGKILL × 3 (long: × 10) at random moments, restarted",
		expected: "durable, exactly-once: 0 lost; exactly-once: 0 twice, no part of a request; default: counted",
		modes:    allModes, during: collectorKilled,
		allow: func(mode string) allowance {
			a := allowance{refusals: true}
			if mode != exactlyOnce {
				a.twice = 10_000 // what may be in flight
			}
			if mode == byDefault {
				a.lost = 10_000 // its capacity
			}
			return a
		},
	},
}

// poisonLoad makes one event in a hundred too large for its topic; random
// letters, since what counts is the compressed size.
func poisonLoad() (l ledger.Load) {
	l.Poison = func(n int) string {
		if n%100 != 37 {
			return ""
		}
		var members []string
		for i := range 6 {
			letters := make([]byte, 9000)
			for j := range letters {
				letters[j] = byte('a' + rand.IntN(26))
			}
			members = append(members, fmt.Sprintf(`"m%d":%q`, i, letters))
		}
		return `"metadata":{` + strings.Join(members, ",") + `}`
	}
	return l
}

// terminated stops the collectors and starts them again.
func terminated(s *scenario) {
	s.each(func(sub *subject) {
		sub.stop(s.t)
		sub.start(s.t)
		sub.awaitReady(s.t)
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

func collectorKilled(s *scenario) {
	s.each(func(sub *subject) {
		for range pick(s.world, 3, 10) {
			s.pause(200*time.Millisecond + rand.N(pick(s.world, time.Second, 3*time.Second)))
			sub.kill()
			sub.start(s.t)
			sub.awaitReady(s.t)
		}
	})
}
