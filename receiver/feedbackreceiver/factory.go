// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"

	"github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver/internal/metadata"
)

const (
	defaultHTTPEndpoint       = "localhost:8080"
	defaultMaxRequestBodySize = 20 << 20
	defaultMaxRequestEvents   = 10_000
	defaultMaxHeaderBytes     = 64 << 10
)

// NewFactory returns the factory of the feedback receiver.
func NewFactory() receiver.Factory {
	return receiver.NewFactory(
		metadata.Type,
		createDefaultConfig,
		receiver.WithLogs(createLogs, metadata.LogsStability),
	)
}

func createDefaultConfig() component.Config {
	return &Config{
		Protocols: Protocols{
			HTTP: configoptional.Default(defaultHTTPConfig()),
			GRPC: configoptional.Default(defaultGRPCConfig()),
		},
		TrustTraceparent: true,
	}
}

func defaultHTTPConfig() HTTPConfig {
	server := confighttp.NewDefaultServerConfig()
	server.NetAddr.Endpoint = defaultHTTPEndpoint
	server.MaxRequestBodySize = defaultMaxRequestBodySize
	server.ReadHeaderTimeout = 10 * time.Second
	server.ReadTimeout = 30 * time.Second
	// Counted from the end of the headers, so it covers the body, the wait for
	// room and delivery, and the answer.
	server.WriteTimeout = 60 * time.Second
	server.IdleTimeout = 60 * time.Second
	return HTTPConfig{
		ServerConfig:     server,
		MaxRequestEvents: defaultMaxRequestEvents,
		MaxHeaderBytes:   defaultMaxHeaderBytes,
	}
}

func createLogs(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
	return newFeedbackReceiver(cfg.(*Config), set, next)
}
