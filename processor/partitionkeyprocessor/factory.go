// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package partitionkeyprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/partitionkeyprocessor"

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"

	"github.com/otelcol-feedback/otelcol-feedback/processor/partitionkeyprocessor/internal/metadata"
)

// NewFactory returns the factory of the partitionkey processor.
func NewFactory() processor.Factory {
	return processor.NewFactory(metadata.Type, createDefaultConfig,
		processor.WithLogs(createLogs, metadata.LogsStability))
}

func createLogs(_ context.Context, _ processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
	keyer, err := newKeyer(cfg.(*Config))
	if err != nil {
		return nil, err
	}
	keyer.next = next
	return keyer, nil
}
