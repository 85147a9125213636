// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package configref

import (
	"go.opentelemetry.io/collector/component"

	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"
	"github.com/otelcol-feedback/otelcol-feedback/extension/embeddedkafkaextension"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/extension/jwtauthextension"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackvalidationprocessor"
	"github.com/otelcol-feedback/otelcol-feedback/processor/partitionkeyprocessor"
	"github.com/otelcol-feedback/otelcol-feedback/processor/piiredactionprocessor"
	"github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"
)

// factory is one of this project's components, in the order of the pipeline.
type factory struct {
	section string // of a configuration file
	folder  string // in the repository
	component.Factory
}

func factories() []factory {
	return []factory{
		{"receivers", "receiver/feedbackreceiver", feedbackreceiver.NewFactory()},
		{"processors", "processor/feedbackadmissionprocessor", feedbackadmissionprocessor.NewFactory()},
		{"processors", "processor/feedbackvalidationprocessor", feedbackvalidationprocessor.NewFactory()},
		{"processors", "processor/piiredactionprocessor", piiredactionprocessor.NewFactory()},
		{"processors", "processor/partitionkeyprocessor", partitionkeyprocessor.NewFactory()},
		{"exporters", "exporter/feedbackkafkaexporter", feedbackkafkaexporter.NewFactory()},
		{"extensions", "extension/feedbackruntimeextension", feedbackruntimeextension.NewFactory()},
		{"extensions", "extension/jwtauthextension", jwtauthextension.NewFactory()},
		{"extensions", "extension/embeddedkafkaextension", embeddedkafkaextension.NewFactory()},
	}
}
