// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/kafka/configkafka"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"

	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

func load(t *testing.T, conf *confmap.Conf) (*Config, error) {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	if err := conf.Unmarshal(cfg); err != nil {
		return nil, err
	}
	return cfg, confmap.Validate(cfg)
}

func TestDefaultConfig(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, componenttest.CheckConfigStruct(cfg))
	require.NoError(t, confmap.Validate(cfg))
	assert.Equal(t, configkafka.WaitForAll, cfg.Producer.RequiredAcks)
	assert.Equal(t, "gzip", cfg.Producer.Compression)
	assert.Equal(t, 1<<20+64<<10, cfg.Producer.MaxMessageBytes)
	assert.Equal(t, 10*time.Millisecond, cfg.Producer.Linger)
	assert.Equal(t, 32<<20, cfg.MaxBufferedBytes)
	assert.Equal(t, AcknowledgeBuffered, cfg.Acknowledge)
	assert.False(t, cfg.CreateTopics)
	assert.Equal(t, SpoolConfig{MaxSizeMiB: 1024, Fsync: true, DrainRate: 20_000}, cfg.Spool)
	assert.Equal(t, 3*time.Second, cfg.SpoolAfter)
	assert.Equal(t, CircuitBreakerConfig{Enabled: true, FailureThreshold: 5, SuccessThreshold: 2, Timeout: 30 * time.Second}, cfg.CircuitBreaker)
	assert.Equal(t, DeadLetterConfig{Enabled: true, Topic: "feedback-events-dlq", Partitions: 3}, cfg.DeadLetter)
	assert.Equal(t, "feedback-events", cfg.topicOf(feedback.TypeUserFeedback))
}

func TestLoadConfig(t *testing.T) {
	cm, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	for name, check := range map[string]func(*testing.T, *Config){
		"": func(t *testing.T, c *Config) { assert.Equal(t, createDefaultConfig(), c) },
		"all": func(t *testing.T, c *Config) {
			assert.Equal(t, []string{"a:9092", "b:9092"}, c.Brokers)
			assert.Equal(t, "me", c.ClientID)
			assert.Equal(t, configkafka.WaitForAll, c.Producer.RequiredAcks)
			assert.Equal(t, "zstd", c.Producer.Compression)
			assert.Equal(t, 5*time.Millisecond, c.Producer.Linger)
			assert.Zero(t, c.Producer.CompressionParams.Level, "zstd's own")
			assert.Equal(t, TopicsConfig{
				Events: "ev", ByType: map[string]string{"system_health": "health"}, Partitions: 6, ReplicationFactor: 3,
			}, c.Topics)
			assert.Equal(t, "health", c.topicOf(feedback.TypeSystemHealth))
			assert.True(t, c.CreateTopics)
			assert.Equal(t, DeadLetterConfig{Topic: "dead", Partitions: 1}, c.DeadLetter)
			assert.Equal(t, 8<<20, c.MaxBufferedBytes)
			assert.Equal(t, SpoolConfig{Directory: "/var/spool/feedback", MaxSizeMiB: 16, DrainRate: 100}, c.Spool)
			assert.Equal(t, time.Second, c.SpoolAfter)
			assert.Equal(t, CircuitBreakerConfig{FailureThreshold: 3, SuccessThreshold: 1, Timeout: 10 * time.Second}, c.CircuitBreaker)
			assert.Equal(t, BatchingConfig{TargetLatency: 20 * time.Millisecond, MinRecords: 5, MaxRecords: 500}, c.Batching)
			assert.Equal(t, 5*time.Millisecond, c.clientLinger())
		},
		"brokers": func(t *testing.T, c *Config) {
			assert.Equal(t, []string{"a:9092", "b:9092", "c:9092"}, c.Brokers)
		},
		"transactions": func(t *testing.T, c *Config) {
			assert.Equal(t, "007", c.Transactions.TransactionalID)
			chosen := c.Transactions.chosen()
			assert.True(t, chosen[typeIndex(feedback.TypeUserFeedback)])
			assert.False(t, chosen[typeIndex(feedback.TypeSystemHealth)])
			assert.Equal(t, "transactions of 007 for experiment_result, user_feedback", c.mode())
		},
		"delivered": func(t *testing.T, c *Config) {
			assert.Zero(t, c.Producer.Linger)
			assert.EqualValues(t, 1, c.Producer.CompressionParams.Level, "gzip")
		},
		"level": func(t *testing.T, c *Config) { assert.EqualValues(t, 9, c.Producer.CompressionParams.Level) },
		"sasl":  func(t *testing.T, c *Config) { assert.Equal(t, "User:alice", principal(&c.ClientConfig)) },
	} {
		t.Run(name, func(t *testing.T) {
			sub, err := cm.Sub(component.NewIDWithName(metadata.Type, name).String())
			require.NoError(t, err)
			cfg, err := load(t, sub)
			require.NoError(t, err)
			check(t, cfg)
		})
	}
}

func TestInvalidConfigNamesTheKey(t *testing.T) {
	cm, err := confmaptest.LoadConf(filepath.Join("testdata", "invalid.yaml"))
	require.NoError(t, err)
	for name := range cm.ToStringMap() {
		t.Run(name, func(t *testing.T) {
			entry, err := cm.Sub(name)
			require.NoError(t, err)
			conf, err := entry.Sub("config")
			require.NoError(t, err)
			_, err = load(t, conf)
			require.ErrorContains(t, err, entry.Get("want").(string))
			assert.NotContains(t, err.Error(), "secret")
		})
	}
}
