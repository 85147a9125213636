// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/proxy"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/ledger"
)

var allModes = []string{byDefault, durable, exactlyOnce}

// rows are the table's, in its order.
var rows = []row{
	{
		name: "leader-killed", fault: "leader broker SIGKILL, back after 20 s (4 s)",
		expected: "0 lost, 0 out of order", modes: allModes, during: leaderKilled,
		allow: mayDoubt,
	},
	{
		name: "all-killed", fault: "all brokers SIGKILL, back after 60 s (4 s)",
		expected: "0 lost; 202 while there is spool, no answer slower than `enqueue_timeout` " +
			"(exactly-once: 503 for what is in a commit without an answer)",
		modes: allModes, during: allKilled, allow: mayDoubt,
	},
	{
		name: "spool-full", fault: "Kafka away until a spool of 8 MiB is full",
		expected: "0 lost; 202, then 503, no answer slower than `enqueue_timeout`",
		modes:    allModes, overlay: smallSpool, env: smallBuffer, load: largeEvents,
		during: filled(15*time.Second, 40*time.Second), allow: mayRefuse, after: refusedSome,
	},
	{
		name: "rolling-restart", fault: "rolling restart of the cluster",
		expected: "0 lost, 0 twice, no 503", modes: allModes, during: rollingRestart,
	},
	{
		name: "min-insync", fault: "ISR below min.insync for 30 s (4 s)", expected: "0 lost",
		modes: allModes, topic: twoReplicas, during: underMinInsync, allow: mayDoubt,
	},
	{
		name: "network-cut", fault: "network cut for 30 s (5 s)", expected: withinTimeout,
		modes: allModes, during: network(proxy.Conditions{Cut: true}), allow: mayRefuse,
	},
	{
		name: "network-latency", fault: "2 s latency for 30 s (5 s)", expected: withinTimeout,
		modes: allModes, during: network(proxy.Conditions{Latency: time.Second}), allow: mayRefuse,
	},
	{
		name: "network-reset", fault: "every connection reset for 30 s (5 s)", expected: withinTimeout,
		modes: allModes, during: network(proxy.Conditions{Reset: true}), allow: mayRefuse,
	},
	{
		name: "network-narrow", fault: "1 KB/s for 30 s (5 s)", expected: withinTimeout,
		modes: allModes, during: network(proxy.Conditions{BytesPerSecond: 1024}), allow: mayRefuse,
	},
	{
		name: "collector-killed", fault: "collector SIGKILL × 10 (3) at random moments, restarted",
		expected: "durable, exactly-once: 0 lost; exactly-once: 0 twice, no part of a request; others: counted",
		modes:    allModes, during: killAtRandom, allow: mayLose,
	},
	{
		name: "killed-draining", fault: "SIGKILL × 10 (3) while draining the spool", expected: "as before",
		modes: allModes, overlay: slowDrain, during: killDraining, allow: mayLose,
	},
	{
		name: "volume-full", fault: "spool volume of 8 MiB full", expected: "0 lost, readable error, no crash",
		modes: []string{durable, exactlyOnce}, env: smallBuffer, load: largeEvents,
		before: tinyVolume, during: filled(6*time.Second, 20*time.Second), allow: mayRefuse, after: refusedSome,
	},
	{
		name: "spool-truncated", fault: "end of a spool file cut off between two runs",
		expected: "readable error, the rest delivered, no crash",
		modes:    allModes, overlay: hasty, during: damage(truncate), allow: damaged,
	},
	{
		name: "spool-flipped", fault: "three bytes of a spool file turned over between two runs",
		expected: "readable error, the rest delivered, no crash",
		modes:    allModes, overlay: hasty, during: damage(flip), allow: damaged, after: saysDamaged,
	},
	{
		name: "poison", fault: "records too large for the topic, 1 in 100",
		expected: "neighbours exactly once, poison in the dead-letter topic", modes: allModes,
		topic: poisonTopic, load: poisonLoad(), during: poisoned,
	},
	{
		name: "sigterm", fault: "SIGTERM under load, Kafka up", expected: "0 lost, 0 twice", modes: allModes,
		during: terminated, allow: mayRefuse,
	},
	{
		name: "sigterm-away", fault: "SIGTERM under load, Kafka down", expected: "0 lost; twice: counted", modes: allModes,
		overlay: hasty, during: whileAway(terminated), allow: mayRepeat,
	},
	{
		name: "sighup", fault: "SIGHUP under load, Kafka up", expected: "0 lost, 0 twice", modes: allModes,
		during: reloaded, allow: mayRefuse,
	},
	{
		name: "sighup-away", fault: "SIGHUP under load, Kafka down", expected: "0 lost; twice: counted", modes: allModes,
		overlay: hasty, during: whileAway(reloaded), allow: mayRepeat,
	},
	{
		name: "kafka-late", fault: "Kafka never there at start, there after 30 s (3 s)",
		expected: "ready throughout, all accepted delivered", modes: allModes,
		before: neverThere, during: thereNow,
	},
	{
		name: "kafka-late-no-spool", fault: "the same without a spool",
		expected: "not ready until then, all accepted delivered", modes: []string{byDefault},
		overlay: noSpool, before: notReady, during: thereNow, allow: mayRefuse,
	},
	{
		name: "one-partition", fault: "one partition under min.insync for 60 s (5 s), the others healthy",
		expected: "the others' latency unmoved, 0 lost, 0 out of order", modes: []string{byDefault, durable},
		// A request for each event tells the partitions' times apart; the two modes
		// share 1,000 of them a second in both forms.
		topic: onePoor, load: ledger.Load{PerRequest: 1, Rate: 500}, during: oneUnderMinInsync,
	},
	{
		name: "commit-lost", fault: "answers to 10 (3) commits lost", expected: "0 lost, 0 twice",
		modes: []string{exactlyOnce}, during: commitLost,
	},
	{
		name: "commit-late", fault: "12 (2) commits arrive after they have been given up", expected: "0 lost, 0 twice",
		modes: []string{exactlyOnce}, during: commitLate, allow: mayRefuse,
	},
	{
		name: "slow-kafka", fault: "Kafka 5 s slow, ten submissions at once",
		expected: "answered in < 100 ms together", modes: []string{byDefault}, during: slowKafka,
	},
	{
		name: "topic-deleted", fault: "topic deleted, made anew after 30 s (4 s)",
		expected: "0 lost of what was not yet delivered, no dead letters, status says why",
		modes:    allModes, during: topicDeleted, allow: mayRefuse,
	},
	{
		name: "acl", fault: "ACL taken away for 30 s (4 s)",
		expected: "0 lost, no dead letters, status says why",
		modes:    allModes, secured: true, before: authorise, during: notAuthorised, allow: mayRefuse,
	},
	{
		name: "daemon", fault: "`daemon.yaml`: SIGKILL × 10 (3) while scanning, Kafka down 60 s (5 s), files rotated and truncated",
		expected: "0 lines lost; a line read twice has the same id", modes: []string{daemon}, noLoad: true,
		during: scanned, allow: mayRepeat,
	},
	{
		name: "open-stream", fault: "SIGTERM with an open SubmitStream, Kafka down, no spool",
		expected: "process gone within `shutdown_timeout`, one line with the count", modes: []string{byDefault},
		overlay: hastyWithoutSpool, during: streamOpen,
		allow: func(string) allowance { return allowance{refusals: true, lost: 10_000, twice: 10_000} },
	},
}

const withinTimeout = "0 lost, answers within `enqueue_timeout`"

// noSpool takes the spool away.
func noSpool(string) string { return "exporters: {feedbackkafka: {spool: {directory: ''}}}\n" }

func hastyWithoutSpool(mode string) string { return noSpool(mode) + hasty(mode) }

// largeEvents fill a small spool and a small buffer in seconds.
var largeEvents = ledger.Load{Rate: 250, Extra: `"metadata":{"a":"` + strings.Repeat("lorem ipsum ", 800) +
	`","b":"` + strings.Repeat("dolor sit ", 950) + `"}`}

// smallBuffer takes as much as one request may have, and a little more.
var smallBuffer = []string{"COLLECTOR_BUFFER__MAX_BYTES=33554432"}

// refusedSome: the room was used up.
func refusedSome(_ *scenario, t *testing.T, sub *subject) {
	assert.NotZero(t, sub.ledger.Judge().Unavailable, "the spool was never full")
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
