// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configgrpc"
)

// GRPCConfig is the configuration of the gRPC server.
type GRPCConfig struct {
	// ServerConfig is the collector's own gRPC server.
	ServerConfig configgrpc.ServerConfig `mapstructure:",squash"`
	// prevent unkeyed literal initialization
	_ struct{}
}

func defaultGRPCConfig() GRPCConfig {
	server := configgrpc.NewDefaultServerConfig()
	server.NetAddr.Endpoint = "localhost:9090"
	return GRPCConfig{ServerConfig: server}
}

func (c *GRPCConfig) endpoint() string { return c.ServerConfig.NetAddr.Endpoint }

// grpcServer is the state of the gRPC half.
type grpcServer struct{}

func (r *feedbackReceiver) startGRPC(context.Context, component.Host) error { return nil }

func (r *feedbackReceiver) shutdownGRPC(context.Context) error { return nil }
