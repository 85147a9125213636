// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/kafka"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/topic"
)

// partitions of the topics that tests create.
const (
	eventPartitions      = 12
	deadLetterPartitions = 3
)

// shared is the Kafka node that all tests of this package use, each with topics
// of its own. It starts with the first test that needs it.
var shared struct {
	once     sync.Once
	dir      string
	cluster  *kafka.Cluster
	security *security
	reader   *topic.Reader
	err      error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.cluster != nil {
		shared.reader.Close()
		shared.cluster.Stop()
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
	http.DefaultClient.CloseIdleConnections()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// stream is what one collector writes to.
type stream struct {
	cluster           *kafka.Cluster
	reader            *topic.Reader
	topic, deadLetter string
}

// newStream makes topics for a test on the shared Kafka node.
func newStream(t *testing.T) *stream {
	t.Helper()
	libs := kafka.Libs(t)
	collector.Binary(t)
	shared.once.Do(func() {
		// It outlives this test, and so does its directory.
		if shared.dir, shared.err = os.MkdirTemp("", "testbed-kafka-"); shared.err != nil { //nolint:usetesting // see above
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		var options kafka.Options
		if shared.security, options.TLS, shared.err = newSecurity(shared.dir); shared.err != nil {
			return
		}
		if shared.cluster, shared.err = kafka.Start(ctx, libs, shared.dir, options); shared.err == nil {
			shared.reader, shared.err = topic.NewReader(shared.cluster.Brokers())
		}
	})
	require.NoError(t, shared.err)
	name := strings.Map(func(r rune) rune {
		if r == '/' || r == '#' || r == ' ' {
			return '-'
		}
		return r
	}, t.Name())
	s := &stream{cluster: shared.cluster, reader: shared.reader, topic: name + ".events", deadLetter: name + ".dlq"}
	require.NoError(t, s.cluster.CreateTopic(t.Context(), s.topic, eventPartitions, nil))
	require.NoError(t, s.cluster.CreateTopic(t.Context(), s.deadLetter, deadLetterPartitions, nil))
	return s
}

// env points a collector at the stream.
func (s *stream) env(more ...string) []string {
	return append([]string{
		"COLLECTOR_KAFKA__BROKERS=" + strings.Join(s.cluster.Brokers(), ","),
		"COLLECTOR_KAFKA__TOPIC=" + s.topic,
		"COLLECTOR_ERROR_HANDLING__DLQ_TOPIC=" + s.deadLetter,
		"COLLECTOR_SERVICE__INSTANCE_ID=" + instanceID,
		// Then a record's traceparent is the event's own.
		"COLLECTOR_TELEMETRY__TRACE_SAMPLING_RATE=0",
	}, more...)
}

const instanceID = "testbed-1"

// httpClient keeps connections for a test, and no longer.
func httpClient(t *testing.T) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	transport.Proxy = nil
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}
