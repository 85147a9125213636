// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/configgrpc"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configtls"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/internal/audit"
)

const (
	// maxGRPCHeaderBytes bounds the metadata of one call; grpc-go allows 16 MiB.
	maxGRPCHeaderBytes = 64 << 10
	// grpcHandshakeTimeout bounds how long a new connection may take to begin.
	grpcHandshakeTimeout = 20 * time.Second
	// cutGrace is how long Shutdown waits for handlers whose connection it cut.
	cutGrace = time.Second
)

// grpcServer is the state of the gRPC half. Its zero value is not started.
type grpcServer struct {
	server  *grpc.Server
	addr    net.Addr
	own     chan struct{} // closed when the server is told to stop
	once    sync.Once
	serving sync.WaitGroup
}

// startGRPC opens the gRPC server if it is configured.
func (r *feedbackReceiver) startGRPC(ctx context.Context, host component.Host) error {
	if !r.cfg.Protocols.GRPC.HasValue() {
		return nil
	}
	cfg := r.cfg.Protocols.GRPC.Get()
	g := &r.grpc
	g.own = make(chan struct{})
	stop := stopper{runtime: r.rt.Stopping(), own: g.own}

	server, err := newGRPCServer(ctx, cfg, host, r.set.TelemetrySettings, stop, r.rt.Account().MaxBytes())
	if err != nil {
		return fmt.Errorf("protocols::grpc: %w", err)
	}
	service := &feedbackService{receiver: r, maxEvents: cfg.MaxRequestEvents, stopper: stop}
	server.RegisterService(withMalformed(feedbackv1.FeedbackService_ServiceDesc, service.countMalformed), service)
	healthpb.RegisterHealthServer(server, &healthService{rt: r.rt, stopper: stop})
	if cfg.Reflection {
		reflection.Register(server)
	}

	listener, err := cfg.ServerConfig.NetAddr.Listen(ctx)
	if err != nil {
		return fmt.Errorf("protocols::grpc: %w", err)
	}
	g.server, g.addr = server, listener.Addr()
	r.set.Logger.Info("Starting gRPC server", zap.Stringer("endpoint", g.addr))
	g.serving.Go(func() {
		if err := server.Serve(listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(err))
		}
	})
	return nil
}

// newGRPCServer builds the server without its services. Authentication is ours
// to apply: the collector's own wraps every service, health included.
func newGRPCServer(ctx context.Context, cfg *GRPCConfig, host component.Host, set component.TelemetrySettings, stop stopper, maxBytes int64) (*grpc.Server, error) {
	serverCfg := cfg.ServerConfig
	serverCfg.Auth = configoptional.None[configauth.Config]()
	serverCfg.TLS = configoptional.None[configtls.ServerConfig]()
	secure, err := loadTLS(ctx, cfg.ServerConfig.TLS, set.Logger)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	panics := recoverer{logger: set.Logger}
	unary := []grpc.UnaryServerInterceptor{panics.unary}
	stream := []grpc.StreamServerInterceptor{panics.stream}
	if cfg.ServerConfig.Auth.HasValue() {
		authenticator, err := cfg.ServerConfig.Auth.Get().GetServerAuthenticator(ctx, host.GetExtensions())
		if err != nil {
			return nil, fmt.Errorf("auth: %w", err)
		}
		g := guard{authenticator: audited(authenticator, audit.Find(host))}
		unary = append(unary, g.unary)
		stream = append(stream, g.stream)
	}
	// Innermost, so that nothing else waits for messages behind its back.
	stream = append(stream, stop.stream)
	transport := insecure.NewCredentials()
	if secure != nil {
		secure.NextProtos = []string{"h2"}
		transport = credentials.NewTLS(secure)
	}
	counted := newUnfinished(transport, max(maxBytes, 2*int64(cfg.ServerConfig.MaxRecvMsgSizeMiB)<<20), set.Logger)
	return serverCfg.ToServer(ctx, host.GetExtensions(), withoutInstruments(set),
		configgrpc.WithGrpcServerOption(grpc.Creds(counted)),
		configgrpc.WithGrpcServerOption(grpc.StatsHandler(counted)),
		configgrpc.WithGrpcServerOption(grpc.MaxHeaderListSize(maxGRPCHeaderBytes)),
		configgrpc.WithGrpcServerOption(grpc.ConnectionTimeout(grpcHandshakeTimeout)),
		configgrpc.WithGrpcServerOption(grpc.ForceServerCodecV2(newRequestCodec(cfg.MaxRequestEvents, cfg.ServerConfig.MaxRecvMsgSizeMiB))),
		configgrpc.WithGrpcServerOption(grpc.ChainUnaryInterceptor(unary...)),
		configgrpc.WithGrpcServerOption(grpc.ChainStreamInterceptor(stream...)))
}

// shutdownGRPC answers what is in work and ends idle streams. What is still open
// when ctx ends is cut: it was not answered, so it was not acknowledged.
func (r *feedbackReceiver) shutdownGRPC(ctx context.Context) error {
	g := &r.grpc
	if g.server == nil {
		return nil
	}
	g.once.Do(func() { close(g.own) })

	// Both ways of stopping wait for handlers in some state of the connection,
	// and a handler may be held up in the pipeline; hence neither is waited for
	// without a bound.
	done := make(chan struct{})
	go func() {
		g.server.GracefulStop()
		g.serving.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	go g.server.Stop()
	grace := time.NewTimer(cutGrace)
	defer grace.Stop()
	select {
	case <-done:
		return nil
	case <-grace.C:
		return errors.New("protocols::grpc: requests are still held up in the pipeline")
	}
}
