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
	// ServerConfig is the collector's own gRPC server, with other defaults.
	//
	//   - max_recv_msg_size_mib: max_recv_msg_size_mib bounds a message, as it comes
	//     and after decompression. Unit: MiB. Bounds: at least 1.
	//   - max_concurrent_streams: max_concurrent_streams bounds the calls of one
	//     connection at a time. Unit: calls.
	//   - auth: auth guards FeedbackService and reflection, not grpc.health.v1.
	//   - keepalive::server_parameters: Ages end connections so that clients spread
	//     over new instances; pings notice peers that are gone.
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
