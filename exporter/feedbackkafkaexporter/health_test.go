// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

func TestMissingTopic(t *testing.T) {
	c := newCluster(t, kfake.SeedTopics(1, testDLQ))
	r := newRig(t, c, nil)
	r.statusIs(componentstatus.StatusRecoverableError, "topic feedback-events is missing")
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), feedbackLogs(0, 3, testSession)))
	require.NoError(t, c.CreateTopic(testTopic, 3, nil))
	assert.Len(t, r.consume(testTopic, 3), 3)
	r.statusIs(componentstatus.StatusOK, "")
	r.settled()
}

func TestCreateTopics(t *testing.T) {
	c := newCluster(t)
	r := newRig(t, c, func(cfg *Config, _ *testRuntime) {
		cfg.CreateTopics = true
		cfg.Topics.ByType = map[string]string{feedback.TypeSystemHealth: "health"}
		cfg.Topics.ReplicationFactor = 1
	})
	r.statusIs(componentstatus.StatusOK, "")
	assert.Len(t, c.PartitionInfos(testTopic), 12)
	assert.Len(t, c.PartitionInfos("health"), 12)
	assert.Len(t, c.PartitionInfos(testDLQ), 3)
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), feedbackLogs(0, 1, testSession)))
	r.settled()

	require.NoError(t, c.DeleteTopic("health"))
	require.Eventually(t, func() bool { return len(c.PartitionInfos("health")) == 12 }, 20*time.Second, 10*time.Millisecond, "created again")
}

func TestBrokersAutoCreation(t *testing.T) {
	c := newCluster(t, kfake.AllowAutoTopicCreation(), kfake.DefaultNumPartitions(4))
	r := newRig(t, c, delivers(AcknowledgeDelivered))
	r.statusIs(componentstatus.StatusOK, "")
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), feedbackLogs(0, 1, testSession)))
	assert.Len(t, c.PartitionInfos(testTopic), 4)
}

func TestNotAuthorised(t *testing.T) {
	c := newCluster(t, seeded(), kfake.EnableSASL(), kfake.User("SCRAM-SHA-512", "alice", "s3cret-pass"), kfake.Superuser("PLAIN", "root", "x"))
	denied := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: testTopic, Err: kerr.TopicAuthorizationFailed, Count: -1})
	r := newRig(t, c, func(cfg *Config, _ *testRuntime) {
		cfg.Authentication.SASL = saslOf("SCRAM-SHA-512", "alice", "s3cret-pass")
	})
	r.statusIs(componentstatus.StatusOK, "")
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), feedbackLogs(0, 2, testSession)))
	r.statusIs(componentstatus.StatusRecoverableError, "User:alice is not authorised to write to topic feedback-events")
	denied.Remove()
	r.settled()
	r.statusIs(componentstatus.StatusOK, "")
	for _, e := range r.logs.All() {
		assert.NotContains(t, fmt.Sprint(e.Message, e.ContextMap()), "s3cret-pass")
	}
}

func TestWrongPassword(t *testing.T) {
	c := newCluster(t, seeded(), kfake.EnableSASL(), kfake.Superuser("PLAIN", "root", "x"))
	r := newRig(t, c, func(cfg *Config, rt *testRuntime) {
		cfg.Authentication.SASL = saslOf("PLAIN", "root", "s3cret-pass")
		rt.shutdown = 50 * time.Millisecond
	})
	r.statusIs(componentstatus.StatusRecoverableError, "Kafka cannot be reached") // this broker only hangs up
	for _, e := range r.logs.All() {
		assert.NotContains(t, fmt.Sprint(e.Message, e.ContextMap()), "s3cret-pass")
	}
}

func TestStatusTexts(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Authentication.SASL = saslOf("PLAIN", "alice", "s3cret-pass")
	topics, _, _ := topicsOf(cfg)
	h := newHealth(zap.NewNop(), cfg, topics)
	cause := fmt.Errorf("dial 10.0.0.1: %w", kerr.SaslAuthenticationFailed)
	require.EqualError(t, h.unreachable(cause), "Kafka refuses the credentials of User:alice")
	for text, cause := range map[string]error{
		"Kafka cannot be reached":                                    errors.New("dial 10.0.0.1"),
		"Kafka does not offer the SASL mechanism that is configured": kerr.UnsupportedSaslMechanism,
		"there is no token to show to Kafka":                         &noTokenError{reason: ": 401"},
		"Kafka's certificate is not trusted":                         &tls.CertificateVerificationError{Err: errors.New("10.0.0.1")},
		"Kafka refuses the TLS connection":                           &net.OpError{Op: "remote error", Err: errors.New("10.0.0.1")},
	} {
		require.EqualError(t, h.unreachable(fmt.Errorf("broker: %w", cause)), text)
	}
	for err, want := range map[*kerr.Error]string{
		nil:                             "",
		kerr.UnknownTopicOrPartition:    "topic feedback-events is missing",
		kerr.TopicAuthorizationFailed:   "User:alice is not authorised to write to topic feedback-events",
		kerr.ClusterAuthorizationFailed: "User:alice is not authorised to write to topic feedback-events",
		kerr.InvalidTopicException:      "topic feedback-events cannot be written to: INVALID_TOPIC_EXCEPTION",
	} {
		if got := h.problem(topics[0], topicState{err: err}); want == "" {
			require.NoError(t, got)
		} else {
			require.EqualError(t, got, want)
		}
	}
}

func TestBrokerDownAtStart(t *testing.T) {
	port := freePort(t)
	r := newRig(t, nil, func(cfg *Config, _ *testRuntime) {
		cfg.Brokers = []string{fmt.Sprintf("127.0.0.1:%d", port)}
	})
	st, msg := r.host.status()
	require.Equal(t, componentstatus.StatusRecoverableError, st, "not ready before the first answer")
	require.NotEmpty(t, msg)
	r.statusIs(componentstatus.StatusRecoverableError, "Kafka cannot be reached")
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), feedbackLogs(0, 3, testSession)), "buffered mode does not wait for Kafka")
	r.cluster = newCluster(t, seeded(), kfake.Ports(port))
	r.statusIs(componentstatus.StatusOK, "")
	assert.Len(t, r.consume(testTopic, 3), 3)
	r.settled()
}

// A topic that is deleted and made again takes the events that were on their way.
func TestTopicRecreated(t *testing.T) {
	c := newCluster(t, seeded())
	r := newRig(t, c, nil)
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), feedbackLogs(0, 5, testSession)))
	r.settled()
	require.NoError(t, c.DeleteTopic(testTopic))
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), feedbackLogs(5, 10, testSession)))
	require.NoError(t, c.CreateTopic(testTopic, 3, nil))
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), feedbackLogs(10, 15, testSession)))
	r.settled()
	var got []string
	for _, rec := range r.consume(testTopic, 10) {
		got = append(got, ratingOf(rec))
	}
	assert.Equal(t, numbers(5, 15), got)
}
