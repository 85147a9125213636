// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
)

func broker(t *testing.T) string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c.ListenAddrs()[0]
}

func TestTopics(t *testing.T) {
	env := map[string]string{"COLLECTOR_KAFKA__BROKERS": broker(t), "COLLECTOR_KAFKA__TOPIC": "events", "COLLECTOR_ERROR_HANDLING__DLQ_TOPIC": "dead"}
	one := func(args ...string) outcome {
		return ctl(t, "", env, append(append([]string{"topics"}, args...), "--replication-factor", "1")...)
	}
	got := ctl(t, "", env, "topics", "create")
	assert.Equal(t, exitError, got.code)
	assert.Contains(t, got.err, "the cluster has 1 broker: add brokers, or give --replication-factor 1")

	assert.Equal(t, outcome{exitRejected, "events: missing: nothing can be delivered to it until it is there (feedbackctl topics create)\n" +
		"dead: missing: nothing can be delivered to it until it is there (feedbackctl topics create)\n", ""}, one("check"))
	assert.Equal(t, outcome{exitOK, "events: created, partitions 12, copies 1\ndead: created, partitions 3, copies 1\n", ""}, one("create"))
	same := outcome{exitOK, "events: as it should be\ndead: as it should be\n", ""}
	assert.Equal(t, same, one("create"), "a second time changes nothing")
	assert.Equal(t, same, one("check"))

	got = one("check", "--partitions", "24", "--dlq-retention", "48h")
	assert.Equal(t, exitRejected, got.code)
	golden(t, "topics-check.txt", got.out)
	got = one("create", "--partitions", "24", "--dlq-retention", "48h", "-o", "json")
	assert.Equal(t, exitRejected, got.code, "what is there is left, and said")
	golden(t, "topics-check.json.txt", got.out)

	got = one("create", "--per-type", "--topic", "extra", "--partitions", "2", "--dlq-topic", "")
	assert.Equal(t, exitRejected, got.code)
	for _, name := range []string{"extra", "events-user-feedback", "events-performance-metrics", "events-model-response", "events-system-health", "events-experiment-result"} {
		assert.Contains(t, got.out, name+": created, partitions 2, copies 1\n")
	}
	assert.Contains(t, got.out, "events: differs\n")
	assert.NotContains(t, got.out, "dead")
}

func TestTopicsNoKafka(t *testing.T) {
	got := ctl(t, "", nil, "topics", "check", "--brokers", "127.0.0.1:1")
	assert.Equal(t, exitError, got.code)
	assert.Contains(t, got.err, "127.0.0.1:1")
}
