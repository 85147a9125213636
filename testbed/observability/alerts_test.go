// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package observability

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/certs"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/internal/proxy"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/kafka"
)

// overlay turns on TLS, and makes the spool and the buffer small enough to be
// full within seconds. The memory is what a container might have.
const overlay = `
extensions:
  feedbackruntime: {capacity: 400}
processors:
  memory_limiter: {limit_mib: 256, spike_limit_mib: 64}
receivers:
  feedback:
    protocols:
      http: {tls: {cert_file: %[1]s/tls.crt, key_file: %[1]s/tls.key, reload_interval: 500ms}, max_request_events: 400}
      grpc: {max_request_events: 400}
exporters:
  feedbackkafka:
    spool: {max_size_mib: 8}
    circuit_breaker: {timeout: 2s}
`

// scene is a collector in front of a broker whose network can be slow, with
// traffic and a Prometheus.
type scene struct {
	dir       string
	authority *certs.Authority
	cluster   *kafka.Cluster
	gate      *proxy.Proxy
	collector *collector.Collector
	traffic   *traffic
	server    *server
	began     time.Time
	*timeline
}

func newScene(t *testing.T) *scene {
	program(t, "prometheus")
	libs := kafka.Libs(t)
	collector.Binary(t)
	s := &scene{dir: t.TempDir()}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var err error
	s.cluster, err = kafka.Start(ctx, libs, filepath.Join(s.dir, "kafka"), kafka.Options{Gated: true})
	require.NoError(t, err)
	t.Cleanup(s.cluster.Stop)
	node := s.cluster.Nodes[0]
	s.gate, err = proxy.New(node.GateAddr(), node.GateTarget())
	require.NoError(t, err)
	t.Cleanup(s.gate.Close)
	require.NoError(t, s.cluster.CreateTopic(ctx, "feedback-events", 12, nil))
	require.NoError(t, s.cluster.CreateTopic(ctx, "feedback-events-dlq", 3, nil))

	s.authority, err = certs.NewAuthority(filepath.Join(s.dir, "ca.pem"))
	require.NoError(t, err)
	s.install(t, 24*time.Hour)
	tls, err := s.authority.Client(nil)
	require.NoError(t, err)
	config := filepath.Join(s.dir, "overlay.yaml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, overlay, s.dir), 0o600))
	s.collector = collector.Run(t, collector.Options{
		Configs: []string{collector.ConfigFile("collector.yaml"), config}, TLS: tls,
		Env: []string{"COLLECTOR_KAFKA__BROKERS=" + strings.Join(s.cluster.Gates(), ",")},
	})
	s.traffic = &traffic{
		http: s.collector.URL("/v1/feedback"), otlp: "http://" + s.collector.OTLPHTTP + "/v1/logs",
		client: &http.Client{Transport: &http.Transport{TLSClientConfig: tls.Clone(), MaxIdleConnsPerHost: workers}, Timeout: 30 * time.Second},
	}
	s.traffic.warm(ctx)
	s.traffic.on.Store(true)
	s.traffic.run(t)
	s.began = time.Now()
	s.server = startServer(t, s.collector.Metrics)
	s.timeline = watch(t, s.server)
	return s
}

// install gives the collector a certificate.
func (s *scene) install(t *testing.T, lifetime time.Duration) {
	t.Helper()
	pair, err := s.authority.IssueFor(t.TempDir(), "server", lifetime)
	require.NoError(t, err)
	require.NoError(t, os.Rename(pair.Key, filepath.Join(s.dir, "tls.key")))
	require.NoError(t, os.Rename(pair.Cert, filepath.Join(s.dir, "tls.crt")))
}

// Alerts that each stage turns on.
var (
	ofContent = []string{"HighEventRejectionRate", "DeadLettersGrowing"}
	ofOutage  = []string{"CircuitBreakerOpen", "SpoolGrowing", "KafkaPublishFailures", "KafkaSuccessBudgetBurn"}
	ofFull    = []string{"SpoolNearlyFull", "BufferNearlyFull", "AvailabilityBudgetBurn", "HighIngestionLatency", "LatencyBudgetBurn"}
)

// TestAlerts breaks one thing after the other: the alerts that are meant for it
// turn on, and off again when it has healed. Then every panel has data.
func TestAlerts(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	const patience = 5 * time.Minute // on a busy machine

	s.begin("good events; the certificate lasts a day")
	s.await(t, patience, "CertificateExpiresSoon")
	s.awaitOff(t, patience, slices.Concat(ofContent, ofOutage, ofFull, []string{"EndToEndLatencyHigh", "NoEvents", "MemoryNearLimit"})...)
	s.install(t, 90*24*time.Hour)
	s.awaitOff(t, patience, "CertificateExpiresSoon")

	s.begin("20 % of the events are bad")
	s.traffic.bad.Store(perRequest / 5)
	s.await(t, patience, ofContent...)
	s.awaitOff(t, patience, slices.Concat(ofOutage, ofFull)...)

	s.begin("the broker is stopped, too")
	s.cluster.Nodes[0].Kill()
	s.await(t, patience, append(ofOutage, "HighEventRejectionRate")...)
	s.await(t, patience, ofFull...)

	s.begin("the broker is back, all events are good")
	s.traffic.bad.Store(0)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, s.cluster.Nodes[0].Restart(ctx))
	s.awaitOff(t, patience, slices.Concat(ofContent, ofOutage, ofFull)...)

	s.begin("the network to the broker is slow")
	s.gate.Set(proxy.Conditions{Latency: 700 * time.Millisecond})
	s.await(t, patience, "EndToEndLatencyHigh")
	s.gate.Set(proxy.Conditions{})
	s.awaitOff(t, patience, "EndToEndLatencyHigh")

	s.begin("nobody sends")
	s.traffic.on.Store(false)
	s.await(t, patience, "NoEvents")
	s.traffic.on.Store(true)
	s.awaitOff(t, patience, "NoEvents")

	s.begin("20 % of the events are bad again: every panel has data")
	s.traffic.bad.Store(perRequest / 5)
	s.await(t, patience, ofContent...)
	s.say("requests by answer: %s", s.traffic)
	t.Run("panels", s.panelsHaveData)
	s.draw(t)
}
