// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package embeddedkafkaextension

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func testConfig(change ...func(*Config)) *Config {
	cfg := createDefaultConfig().(*Config)
	cfg.Endpoint = "localhost:0"
	for _, f := range change {
		f(cfg)
	}
	return cfg
}

func start(t *testing.T, cfg *Config) (*broker, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	b := newBroker(cfg, zap.New(core))
	require.NoError(t, b.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { stop(t, b) })
	return b, logs
}

func stop(t *testing.T, b *broker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(t, b.Shutdown(ctx))
}

func client(t *testing.T, b *broker, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(b.listener.advertised.String()))...)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

func produce(t *testing.T, cl *kgo.Client, topic string, values ...string) {
	t.Helper()
	var records []*kgo.Record
	for _, v := range values {
		records = append(records, &kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte(v)})
	}
	require.NoError(t, cl.ProduceSync(t.Context(), records...).FirstErr())
}

func consume(t *testing.T, cl *kgo.Client, n int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var values []string
	for len(values) < n {
		fetches := cl.PollFetches(ctx)
		require.NoError(t, fetches.Err0())
		fetches.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return values
}

func TestProduceAndConsume(t *testing.T) {
	b, logs := start(t, testConfig())
	require.Equal(t, 1, logs.FilterMessageSnippet("NOT FOR PRODUCTION").FilterLevelExact(zap.WarnLevel).Len())
	require.Zero(t, logs.FilterMessageSnippet("other machines").Len())

	topics, err := kadm.NewClient(client(t, b)).ListTopics(t.Context())
	require.NoError(t, err)
	assert.Len(t, topics["feedback-events"].Partitions, 12)
	assert.Len(t, topics["feedback-events-dlq"].Partitions, 3)

	// The largest dead letter fits.
	large := strings.Repeat("x", 3<<20)
	produce(t, client(t, b, kgo.ProducerBatchMaxBytes(maxMessageBytes)), "feedback-events-dlq", large)
	cl := client(t, b, kgo.ConsumeTopics("feedback-events-dlq"))
	assert.Equal(t, []string{large}, consume(t, cl, 1))
}

func TestClientsMayCreateTopics(t *testing.T) {
	b, _ := start(t, testConfig(func(c *Config) { c.Topics = nil }))
	produce(t, client(t, b, kgo.AllowAutoTopicCreation()), "another", "v")
	topics, err := kadm.NewClient(client(t, b)).ListTopics(t.Context(), "another")
	require.NoError(t, err)
	assert.Len(t, topics["another"].Partitions, autoPartitions)
}

func TestDirectoryKeepsEverything(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kafka")
	cfg := testConfig(func(c *Config) { c.Directory = dir })
	b, _ := start(t, cfg)
	produce(t, client(t, b), "feedback-events", "one", "two")
	group := client(t, b, kgo.ConsumeTopics("feedback-events"), kgo.ConsumerGroup("g"), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	consume(t, group, 2)
	require.NoError(t, group.CommitUncommittedOffsets(t.Context()))
	group.Close()
	stop(t, b)

	cfg.Topics = []TopicConfig{{Name: "feedback-events", Partitions: 5}, {Name: "late", Partitions: 2}}
	b, logs := start(t, cfg)
	assert.Equal(t, 1, logs.FilterMessageSnippet("keeps its number of partitions").Len())
	produce(t, client(t, b), "feedback-events", "three")
	assert.ElementsMatch(t, []string{"one", "two", "three"},
		consume(t, client(t, b, kgo.ConsumeTopics("feedback-events")), 3))
	assert.Equal(t, []string{"three"},
		consume(t, client(t, b, kgo.ConsumeTopics("feedback-events"), kgo.ConsumerGroup("g")), 1))
	assert.Len(t, b.cluster.PartitionInfos("late"), 2)
}

func TestMemoryForgets(t *testing.T) {
	cfg := testConfig()
	b, _ := start(t, cfg)
	produce(t, client(t, b), "feedback-events", "one")
	stop(t, b)
	b, _ = start(t, cfg)
	for _, p := range b.cluster.PartitionInfos("feedback-events") {
		assert.Zero(t, p.HighWatermark)
	}
}

func TestOldRecordsAreDropped(t *testing.T) {
	b, _ := start(t, testConfig(func(c *Config) { c.MaxPartitionMiB = 1 }))
	cl := client(t, b, kgo.AllowAutoTopicCreation(), kgo.ProducerBatchCompression(kgo.NoCompression()))
	value := strings.Repeat("x", 100<<10)
	for _, topic := range []string{"feedback-events", "made-by-a-client"} {
		for range 20 {
			produce(t, cl, topic, value)
		}
	}
	b.cluster.ApplyRetention()
	for _, topic := range []string{"feedback-events", "made-by-a-client"} {
		var kept int64
		for _, p := range b.cluster.PartitionInfos(topic) {
			kept = max(kept, p.NumBytes)
		}
		assert.Positive(t, kept, topic)
		assert.LessOrEqual(t, kept, int64(1<<20), topic)
	}
}

func TestStartErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	broken := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(broken, "meta.json"), []byte("{"), 0o600))
	inUse := t.TempDir()
	start(t, testConfig(func(c *Config) { c.Directory = inUse }))
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))

	tests := map[string]struct {
		cfg  *Config
		want []string
	}{
		"port in use":      {testConfig(func(c *Config) { c.Endpoint = taken.Addr().String() }), []string{"endpoint:", taken.Addr().String()}},
		"broken directory": {testConfig(func(c *Config) { c.Directory = broken }), []string{"directory:", broken}},
		"directory in use": {testConfig(func(c *Config) { c.Directory = inUse }), []string{"directory:", inUse, "another process"}},
		"directory is not": {testConfig(func(c *Config) { c.Directory = file }), []string{"directory:", file}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBroker(tt.cfg, zap.NewNop())
			err := b.Start(t.Context(), componenttest.NewNopHost())
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
			stop(t, b)
			stop(t, b)
		})
	}
}

func TestShutdownWithClientsConnected(t *testing.T) {
	b, _ := start(t, testConfig())
	cl := client(t, b, kgo.ConsumeTopics("feedback-events"))
	produce(t, cl, "feedback-events", "v")
	consume(t, cl, 1) // and the next fetch waits at the broker
	endpoint := b.listener.Listener.Addr().String()
	stop(t, b)
	ln, err := net.Listen("tcp", endpoint)
	require.NoError(t, err, "the port is free again")
	require.NoError(t, ln.Close())
}

func TestAdvertise(t *testing.T) {
	bound := &net.TCPAddr{IP: net.IPv4zero, Port: 4711}
	for _, tt := range []struct{ endpoint, advertised, want string }{
		{"localhost:9092", "", "localhost:4711"},
		{"127.0.0.1:0", "", "127.0.0.1:4711"},
		{"0.0.0.0:9092", "", "localhost:4711"},
		{"[::]:9092", "", "localhost:4711"},
		{":9092", "", "localhost:4711"},
		{"[::1]:9092", "", "[::1]:4711"},
		{"0.0.0.0:9092", "broker:9092", "broker:9092"},
	} {
		cfg := &Config{Endpoint: tt.endpoint, AdvertisedEndpoint: tt.advertised}
		assert.Equal(t, tt.want, advertise(cfg, bound).String(), tt.endpoint)
	}
}

func TestReachableFromOutside(t *testing.T) {
	_, logs := start(t, testConfig(func(c *Config) { c.Endpoint = "0.0.0.0:0" }))
	assert.Equal(t, 1, logs.FilterMessageSnippet("other machines").FilterLevelExact(zap.WarnLevel).Len())
}
