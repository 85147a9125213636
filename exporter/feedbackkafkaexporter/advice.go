// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/otelcol-feedback/otelcol-feedback/internal/setting"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

// What to do about a fault, for the log: it is read by those who can. Readiness,
// which anyone may ask for, does not repeat it.

// of names a setting of the exporter.
func of(path ...string) string {
	return setting.Name(append([]string{"exporters", "feedbackkafka"}, path...)...)
}

// What the client says of connections that end at once; it has no types for them.
const (
	saysNoTLS = "if the client is using TLS when the broker is not expecting it"
	saysTLS   = "which often happens when the broker requires TLS"
	saysAlert = "is this a plaintext connection speaking to a tls endpoint"
	saysLogin = "when SASL is required but not provided"
)

// adviseConnection says what to do when the brokers cannot be reached.
func adviseConnection(err error) string {
	var (
		noToken     *noTokenError
		certificate *tls.CertificateVerificationError
		name        x509.HostnameError
		record      tls.RecordHeaderError
		dns         *net.DNSError
		network     *net.OpError
	)
	says := func(text string) bool { return strings.Contains(err.Error(), text) }
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed), errors.Is(err, kerr.IllegalSaslState):
		return "correct " + of("auth", "sasl", "username") + " and " + of("auth", "sasl", "password") +
			", or give the user this password in Kafka; what is stored goes out after that"
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return "set " + of("auth", "sasl", "mechanism") + " to one that the brokers offer (sasl.enabled.mechanisms)"
	case errors.As(err, &noToken):
		return "see to the extension that " + of("auth", "sasl", "oauthbearer_token_source") + " names"
	case errors.As(err, &name):
		return "name the brokers in " + of("brokers") + " as their certificates do"
	case errors.As(err, &certificate):
		return "set " + of("tls", "ca_file") + " to the authority that signed the brokers' certificates"
	case errors.As(err, &network) && network.Op == "remote error": // a TLS alert
		return "the brokers may want a certificate: set " + of("tls", "cert_file") + " and " + of("tls", "key_file")
	case says(saysNoTLS), errors.As(err, &record):
		return "the broker does not speak TLS on this port: name its TLS port in " + of("brokers") + ", or take " + of("tls") + " out"
	case says(saysTLS):
		return "the broker speaks TLS on this port: set " + of("tls") + " (ca_file), or name its plain port in " + of("brokers") +
			"; or something in front of the brokers, such as a load balancer, has none behind it"
	case says(saysAlert):
		return "the broker speaks TLS on this port: set " + of("tls") + " (ca_file), or name its plain port in " + of("brokers")
	case says(saysLogin):
		return "the broker wants a login on this port: set " + of("auth", "sasl") + ", or name another port in " + of("brokers")
	case errors.As(err, &dns):
		return "the name " + dns.Name + " cannot be resolved: correct " + of("brokers") +
			", or, if it is not written there, advertised.listeners of the brokers"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens at this address: correct " + of("brokers") +
			", or, if it is not written there, advertised.listeners of the brokers; or start the brokers"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "no answer: correct " + of("brokers") + ", or see whether the brokers live and a firewall lets this machine through"
	default:
		return "see whether " + of("brokers") + " names Kafka brokers, and what their logs say"
	}
}

// adviseMissing says how to get a topic that is missing.
func adviseMissing(cfg *Config, t *topic) string {
	command := "feedbackctl topics create --brokers " + strings.Join(cfg.Brokers, ",") + " --events-topic " + cfg.Topics.Events
	key := of("topics", "events")
	switch t.name {
	case cfg.Topics.Events:
		command += " --dlq-topic " + quoted(cfg.DeadLetter.Topic)
	case cfg.DeadLetter.Topic:
		command += " --dlq-topic " + t.name
		key = of("dead_letter", "topic")
	default:
		command += " --dlq-topic " + quoted(cfg.DeadLetter.Topic) + " --topic " + t.name
		key = of("topics", "by_type")
	}
	return "create it: " + command + " (--replication-factor 1 where there is one broker); or correct " + key
}

func quoted(name string) string {
	if name == "" {
		return "''"
	}
	return name
}

// adviseRights says which rights are missing.
func adviseRights(principal, topic string) string {
	return "allow " + principal + " WRITE and DESCRIBE on topic " + topic +
		" (kafka-acls --add --allow-principal), or use another user: " + of("auth", "sasl", "username")
}

// adviseSpool says what to do about a directory that cannot be used.
func adviseSpool(err error) string {
	const another = "set another directory"
	switch {
	case errors.Is(err, spool.ErrLocked):
		return another + ": each collector, and each exporter, needs its own; or stop the process that has this one"
	case errors.Is(err, syscall.EROFS):
		return another + ", on a file system that is not read-only"
	case errors.Is(err, fs.ErrPermission):
		uid := strconv.Itoa(os.Getuid())
		return "give it to the user of this process (chown -R " + uid + "), or " + another
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		return another + ": a part of this path is a file"
	case errors.Is(err, syscall.ENOSPC):
		return "make room on its disk, or " + another
	default:
		return "see to it, or " + another
	}
}
