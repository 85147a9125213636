// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter/internal/metadata"
)

// NewFactory returns the factory of the feedbackkafka exporter.
func NewFactory() exporter.Factory {
	return exporter.NewFactory(
		metadata.Type,
		createDefaultConfig,
		exporter.WithLogs(createLogs, metadata.LogsStability),
	)
}

func createLogs(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Logs, error) {
	return frame(ctx, set, cfg, newExporter(set, cfg.(*Config)))
}

// frame uses exporterhelper's frame alone: its queue, batcher, retry and
// time-out would reorder or give up events.
func frame(ctx context.Context, set exporter.Settings, cfg component.Config, e *feedbackExporter) (exporter.Logs, error) {
	set.TracerProvider = noop.NewTracerProvider() // its spans would be of batches, in traces of their own
	return exporterhelper.NewLogs(ctx, set, cfg, e.consume,
		exporterhelper.WithCapabilities(consumer.Capabilities{MutatesData: false}),
		exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{Timeout: 0}),
		exporterhelper.WithStart(e.start),
		exporterhelper.WithShutdown(e.shutdown),
	)
}
