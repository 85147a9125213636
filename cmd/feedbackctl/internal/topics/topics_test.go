// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package topics

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func options() Options {
	return Options{Partitions: 2, ReplicationFactor: 1, Retention: EventRetention, MaxMessageBytes: EventMessageBytes}
}

func client(t *testing.T, brokers int) *kgo.Client {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(brokers))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

// The values are those that consumers and operators were promised.
func TestSettings(t *testing.T) {
	values := func(s Spec) map[string]string {
		out := map[string]string{}
		for _, set := range s.Settings {
			out[set.Name] = set.Value
			assert.NotEmpty(t, set.Why, set.Name)
			assert.NotContains(t, strings.TrimSpace(set.Why), ". ", "one sentence")
		}
		return out
	}
	events, err := Events("e", Options{Partitions: EventPartitions, ReplicationFactor: ReplicationFactor, Retention: EventRetention, MaxMessageBytes: EventMessageBytes})
	require.NoError(t, err)
	assert.Equal(t, int32(12), events.Partitions)
	assert.Equal(t, int16(3), events.ReplicationFactor)
	assert.Equal(t, map[string]string{
		"min.insync.replicas": "2",
		"retention.ms":        "604800000",
		"compression.type":    "producer",
		"cleanup.policy":      "delete",
		"segment.ms":          "3600000",
		"max.message.bytes":   "2097152",
	}, values(events))
	dead, err := DeadLetters("d", Options{Partitions: DeadLetterPartitions, ReplicationFactor: ReplicationFactor, Retention: DeadLetterRetention, MaxMessageBytes: DeadLetterBytes})
	require.NoError(t, err)
	assert.Equal(t, int32(3), dead.Partitions)
	assert.Equal(t, int16(3), dead.ReplicationFactor)
	assert.Equal(t, map[string]string{
		"min.insync.replicas": "2",
		"retention.ms":        "2592000000",
		"compression.type":    "producer",
		"cleanup.policy":      "delete",
		"max.message.bytes":   "4194304",
	}, values(dead))
}

func TestOptions(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"number of partitions":                                              func(o *Options) { o.Partitions = 0 },
		"replication factor must be at least 1":                             func(o *Options) { o.ReplicationFactor = 0 },
		"min.insync.replicas must lie between 1 and the replication factor": func(o *Options) { o.MinInSync = 2 },
		"retention must be at least 1m":                                     func(o *Options) { o.Retention = time.Second },
		"max.message.bytes must be at least 1114112":                        func(o *Options) { o.MaxMessageBytes = 1 << 20 },
	} {
		o := options()
		change(&o)
		_, err := Events("e", o)
		assert.ErrorContains(t, err, want)
	}
	o := options()
	assert.Equal(t, int16(1), o.minInSync(), "one copy cannot have two in sync")
	o.ReplicationFactor = 5
	assert.Equal(t, int16(2), o.minInSync())
}

func TestCreateTwiceAndCheck(t *testing.T) {
	cl := client(t, 1)
	events, err := Events("e", options())
	require.NoError(t, err)
	dead, err := DeadLetters("d", options())
	require.NoError(t, err)
	specs := []Spec{events, dead}

	got, err := Check(t.Context(), cl, specs)
	require.NoError(t, err)
	assert.Equal(t, []Report{{Topic: "e", Missing: true}, {Topic: "d", Missing: true}}, got)

	got, err = Create(t.Context(), cl, specs)
	require.NoError(t, err)
	assert.Equal(t, []Report{{Topic: "e", Created: true}, {Topic: "d", Created: true}}, got)

	got, err = Create(t.Context(), cl, specs)
	require.NoError(t, err)
	assert.Equal(t, []Report{{Topic: "e"}, {Topic: "d"}}, got)

	o := options()
	o.Partitions, o.Retention = 12, time.Hour
	events, err = Events("e", o)
	require.NoError(t, err)
	got, err = Create(t.Context(), cl, []Spec{events})
	require.NoError(t, err)
	require.Len(t, got[0].Differences, 2)
	assert.Equal(t, "partitions", got[0].Differences[0].Setting)
	assert.Equal(t, "2", got[0].Differences[0].Is)
	assert.Equal(t, "12", got[0].Differences[0].Want)
	assert.Equal(t, "retention.ms", got[0].Differences[1].Setting)
	assert.Equal(t, "604800000", got[0].Differences[1].Is)
	assert.Equal(t, "3600000", got[0].Differences[1].Want)
}

func TestTooFewBrokers(t *testing.T) {
	cl := client(t, 1)
	one, err := Events("one", options())
	require.NoError(t, err)
	o := options()
	o.ReplicationFactor = 3
	three, err := Events("three", o)
	require.NoError(t, err)
	_, err = Create(t.Context(), cl, []Spec{one, three})
	require.EqualError(t, err, "3 copies of each record need as many brokers, and the cluster has 1 broker: add brokers, or give --replication-factor 1 (one copy is for development only)")
	got, err := Check(t.Context(), cl, []Spec{one})
	require.NoError(t, err)
	assert.True(t, got[0].Missing, "nothing is created by half")
}

// Two creators at once: the later one finds the topic and compares it.
func TestSomebodyElseWasFaster(t *testing.T) {
	cl := client(t, 1)
	events, err := Events("e", options())
	require.NoError(t, err)
	created, err := events.create(t.Context(), cl)
	require.NoError(t, err)
	assert.True(t, created)
	created, err = events.create(t.Context(), cl)
	require.NoError(t, err)
	assert.False(t, created)
}
