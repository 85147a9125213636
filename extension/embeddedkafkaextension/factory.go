// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package embeddedkafkaextension

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"

	"github.com/otelcol-feedback/otelcol-feedback/extension/embeddedkafkaextension/internal/metadata"
)

const (
	defaultEndpoint        = "localhost:9092"
	defaultMaxPartitionMiB = 8
)

// NewFactory returns the factory of the embeddedkafka extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(metadata.Type, createDefaultConfig, create, metadata.ExtensionStability)
}

func createDefaultConfig() component.Config {
	return &Config{
		Endpoint: defaultEndpoint,
		Topics: []TopicConfig{
			{Name: "feedback-events", Partitions: 12},
			{Name: "feedback-events-dlq", Partitions: 3},
		},
		MaxPartitionMiB: defaultMaxPartitionMiB,
	}
}

func create(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
	return newBroker(cfg.(*Config), set.Logger), nil
}
