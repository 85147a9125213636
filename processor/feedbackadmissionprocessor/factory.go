// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor"

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"

	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor/internal/metadata"
)

// NewFactory returns the factory of the feedbackadmission processor.
func NewFactory() processor.Factory {
	f := &factory{limiters: map[*Config]*limiter{}}
	return processor.NewFactory(metadata.Type, createDefaultConfig,
		processor.WithLogs(f.createLogs, metadata.LogsStability))
}

// factory keeps what the processors of one configuration share: a client has one
// bucket, however many pipelines there are. A reload makes a new factory.
type factory struct {
	mu       sync.Mutex // guards limiters
	limiters map[*Config]*limiter
}

func (f *factory) createLogs(_ context.Context, set processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
	config := cfg.(*Config)
	limiter, err := f.limiter(config)
	if err != nil {
		return nil, err
	}
	telemetry, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return &admission{cfg: config, next: next, limiter: limiter, limited: &limitedEvents{telemetry}}, nil
}

func (f *factory) limiter(cfg *Config) (*limiter, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l, ok := f.limiters[cfg]; ok {
		return l, nil
	}
	l, err := newLimiter(&cfg.RateLimit)
	if err != nil {
		return nil, err
	}
	f.limiters[cfg] = l
	return l, nil
}
