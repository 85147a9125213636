// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"errors"
	"time"

	"go.opentelemetry.io/collector/config/configgrpc"
	"go.opentelemetry.io/collector/config/configoptional"
)

const (
	defaultGRPCEndpoint         = "localhost:9090"
	defaultMaxRecvMsgSizeMiB    = 20
	defaultMaxConcurrentStreams = 100
)

// GRPCConfig is the configuration of the gRPC server.
type GRPCConfig struct {
	// ServerConfig is the collector's own gRPC server. Defaults that differ from
	// it: endpoint localhost:9090, max_recv_msg_size_mib 20 (also after
	// decompression; grpc-go's own limit is 4), max_concurrent_streams 100 a
	// connection, keepalive as below. auth guards FeedbackService and reflection,
	// not grpc.health.v1.
	//
	// keepalive::server_parameters: max_connection_idle 15m, max_connection_age
	// 1h and max_connection_age_grace 1m (so that clients spread over new
	// instances), time 1m and timeout 20s (so that dead peers are noticed).
	// keepalive::enforcement_policy: min_time 10s, permit_without_stream true.
	ServerConfig configgrpc.ServerConfig `mapstructure:",squash"`

	// MaxRequestEvents bounds the events of one request. Unit: events. Bounds: at
	// least 1. Default: 10000.
	MaxRequestEvents int `mapstructure:"max_request_events"`

	// Reflection serves grpc.reflection, by which tools find out what the server
	// offers. Default: true.
	Reflection bool `mapstructure:"reflection"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// Validate implements component.Config.
func (c *GRPCConfig) Validate() error {
	var errs []error
	if c.endpoint() == "" {
		errs = append(errs, errors.New("endpoint must not be empty"))
	}
	if c.ServerConfig.MaxRecvMsgSizeMiB < 1 {
		errs = append(errs, errors.New("max_recv_msg_size_mib must be at least 1"))
	}
	if c.MaxRequestEvents < 1 {
		errs = append(errs, errors.New("max_request_events must be at least 1"))
	}
	errs = append(errs, validateTLS(c.ServerConfig.TLS))
	return errors.Join(errs...)
}

func (c *GRPCConfig) endpoint() string { return c.ServerConfig.NetAddr.Endpoint }

func defaultGRPCConfig() GRPCConfig {
	server := configgrpc.NewDefaultServerConfig()
	server.NetAddr.Endpoint = defaultGRPCEndpoint
	server.MaxRecvMsgSizeMiB = defaultMaxRecvMsgSizeMiB
	server.MaxConcurrentStreams = defaultMaxConcurrentStreams

	keepalive := configgrpc.NewDefaultKeepaliveServerConfig()
	params := keepalive.ServerParameters.Get()
	params.MaxConnectionIdle = 15 * time.Minute
	params.MaxConnectionAge = time.Hour
	params.MaxConnectionAgeGrace = time.Minute
	params.Time = time.Minute
	params.Timeout = 20 * time.Second
	policy := keepalive.EnforcementPolicy.Get()
	policy.MinTime = 10 * time.Second
	policy.PermitWithoutStream = true
	server.Keepalive = configoptional.Some(keepalive)

	return GRPCConfig{
		ServerConfig:     server,
		MaxRequestEvents: defaultMaxRequestEvents,
		Reflection:       true,
	}
}
