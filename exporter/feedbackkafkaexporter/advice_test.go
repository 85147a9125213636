// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kzap"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

func TestAdviceOnConnections(t *testing.T) {
	for want, cause := range map[string]error{
		"exporters::feedbackkafka::auth::sasl::password (COLLECTOR_KAFKA__SASL_PASSWORD)":                   kerr.SaslAuthenticationFailed,
		"set exporters::feedbackkafka::auth::sasl::mechanism (COLLECTOR_KAFKA__SASL_MECHANISM)":             kerr.UnsupportedSaslMechanism,
		"the extension that exporters::feedbackkafka::auth::sasl::oauthbearer_token_source names":           &noTokenError{reason: ": 401"},
		"set exporters::feedbackkafka::tls::ca_file (COLLECTOR_KAFKA__SSL_CA_LOCATION) to the authority":    &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
		"name the brokers in exporters::feedbackkafka::brokers (COLLECTOR_KAFKA__BROKERS) as their":         &tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}}},
		"may want a certificate: set exporters::feedbackkafka::tls::cert_file":                              &net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")},
		"does not speak TLS on this port: name its TLS port in exporters::feedbackkafka::brokers":           tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"},
		"the name kafka.example cannot be resolved: correct exporters::feedbackkafka::brokers":              &net.DNSError{Name: "kafka.example", IsNotFound: true},
		"nothing listens at this address: correct exporters::feedbackkafka::brokers":                        &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
		"no answer: correct exporters::feedbackkafka::brokers":                                              context.DeadlineExceeded,
		"see whether exporters::feedbackkafka::brokers (COLLECTOR_KAFKA__BROKERS) names Kafka brokers":      errors.New("something else"),
		"speaks TLS on this port: set exporters::feedbackkafka::tls (ca_file)":                              errors.New("EOF, " + saysTLS),
		"speaks TLS on this port: set exporters::feedbackkafka::tls (ca_file), or name its plain port":      errors.New("too large; " + saysAlert + "?"),
		"the broker wants a login on this port: set exporters::feedbackkafka::auth::sasl":                   errors.New("EOF, " + saysLogin),
		"does not speak TLS on this port: name its TLS port in exporters::feedbackkafka::brokers (COLLECTO": errors.New("EOF, " + saysNoTLS),
	} {
		assert.Contains(t, adviseConnection(fmt.Errorf("broker: %w", cause)), want)
	}
}

func TestAdviceOnTopics(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Brokers = []string{"a:1", "b:2"}
	cfg.Topics.ByType = map[string]string{"user_feedback": "ratings"}
	topics, _, _ := topicsOf(cfg)
	h := newHealth(zap.NewNop(), cfg, topics)
	want := map[string]string{
		"feedback-events":     "feedbackctl topics create --brokers a:1,b:2 --events-topic feedback-events --dlq-topic feedback-events-dlq (",
		"feedback-events-dlq": "feedbackctl topics create --brokers a:1,b:2 --events-topic feedback-events --dlq-topic feedback-events-dlq (",
		"ratings":             "feedbackctl topics create --brokers a:1,b:2 --events-topic feedback-events --dlq-topic feedback-events-dlq --topic ratings (",
	}
	require.Len(t, topics, len(want))
	for _, topic := range topics {
		var advice *statusError
		require.ErrorAs(t, h.problem(topic, topicState{err: kerr.UnknownTopicOrPartition}), &advice)
		assert.Contains(t, advice.what(), want[topic.name])
		require.ErrorAs(t, h.problem(topic, topicState{err: kerr.TopicAuthorizationFailed}), &advice)
		assert.Contains(t, advice.what(), "allow User:ANONYMOUS WRITE and DESCRIBE on topic "+topic.name)
	}
}

func TestAdviceOnSpools(t *testing.T) {
	for want, cause := range map[string]error{
		"each collector, and each exporter, needs its own": spool.ErrLocked,
		"not read-only":              syscall.EROFS,
		"chown -R":                   fs.ErrPermission,
		"a part of this path is a":   syscall.ENOTDIR,
		"make room":                  syscall.ENOSPC,
		"see to it, or set another ": errors.New("anything"),
	} {
		assert.Contains(t, adviseSpool(fmt.Errorf("open: %w", cause)), want)
	}
}

// Refused credentials are told by the client first: that line helps too, and
// without a stack.
func TestClientSaysWhatToDo(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	logger := advisor{kzap.New(clientLogger(zap.New(core, zap.AddStacktrace(zap.ErrorLevel))), kzap.Level(kgo.LogLevelError))}
	logger.Log(kgo.LogLevelError, "unable to initialize sasl", "broker", "1", "err", kerr.SaslAuthenticationFailed)
	logger.Log(kgo.LogLevelError, "something else", "err", kerr.SaslAuthenticationFailed)
	require.Equal(t, 2, logs.Len())
	assert.Contains(t, logs.All()[0].ContextMap()["advice"], "COLLECTOR_KAFKA__SASL_PASSWORD")
	assert.Empty(t, logs.All()[0].Stack)
	assert.NotContains(t, logs.All()[1].ContextMap(), "advice")
}
