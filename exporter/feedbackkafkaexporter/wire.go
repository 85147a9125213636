// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter/internal/metadata"
)

// Reasons of kafka_errors that are not Kafka's.
const (
	reasonConnect = "CONNECTION_FAILED"
	reasonWrite   = "WRITE_FAILED"
	reasonRead    = "READ_FAILED"
)

// wire counts what goes on between the clients and the brokers, as their hooks
// tell it.
type wire struct {
	telemetry   *metadata.TelemetryBuilder
	compressed  atomic.Int64
	connects    atomic.Int64
	disconnects atomic.Int64
	errors      reasons
}

var (
	_ kgo.HookBrokerConnect       = (*wire)(nil)
	_ kgo.HookBrokerDisconnect    = (*wire)(nil)
	_ kgo.HookBrokerE2E           = (*wire)(nil)
	_ kgo.HookProduceBatchWritten = (*wire)(nil)
)

func newWire(telemetry *metadata.TelemetryBuilder) *wire {
	w := &wire{telemetry: telemetry}
	for _, reason := range []string{reasonConnect, reasonWrite, reasonRead, kerr.SaslAuthenticationFailed.Message} {
		w.errors.add(reason, 0)
	}
	return w
}

// OnBrokerConnect implements kgo.HookBrokerConnect.
func (w *wire) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err == nil {
		w.connects.Add(1)
		return
	}
	w.failed(reasonConnect, err)
}

// OnBrokerDisconnect implements kgo.HookBrokerDisconnect.
func (w *wire) OnBrokerDisconnect(kgo.BrokerMetadata, net.Conn) { w.disconnects.Add(1) }

// OnBrokerE2E implements kgo.HookBrokerE2E.
func (w *wire) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	switch {
	case e2e.WriteErr != nil:
		w.failed(reasonWrite, e2e.WriteErr)
	case e2e.ReadErr != nil:
		w.failed(reasonRead, e2e.ReadErr)
	case key == int16(kmsg.Produce):
		w.telemetry.FeedbackProduceDuration.Record(context.Background(), e2e.DurationE2E().Seconds())
	}
}

// OnProduceBatchWritten implements kgo.HookProduceBatchWritten.
func (w *wire) OnProduceBatchWritten(_ kgo.BrokerMetadata, _ string, _ int32, m kgo.ProduceBatchMetrics) {
	w.compressed.Add(int64(m.CompressedBytes))
}

// failed counts an error, unless it is that the client is being closed.
func (w *wire) failed(reason string, err error) {
	if errors.Is(err, kgo.ErrClientClosed) || errors.Is(err, context.Canceled) || errors.Is(err, net.ErrClosed) {
		return
	}
	var k *kerr.Error
	if errors.As(err, &k) {
		reason = k.Message
	}
	w.errors.add(reason, 1)
}
