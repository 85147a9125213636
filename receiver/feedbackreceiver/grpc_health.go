// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
)

// watchInterval is how often a Watch looks; the beginning of the shutdown is
// seen at once.
const watchInterval = time.Second

// healthService implements grpc.health.v1 from the runtime's readiness, asked
// anew each time, so that it cannot differ from what /ready says. A watch is its
// stream's own goroutine, and the streams of a connection are bounded.
type healthService struct {
	healthpb.UnimplementedHealthServer

	rt      feedbackruntimeextension.Runtime
	stopper stopper
}

// Check implements healthpb.HealthServer.
func (h *healthService) Check(_ context.Context, req *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	if !hasHealth(req.GetService()) {
		return nil, status.Error(codes.NotFound, "unknown service")
	}
	return &healthpb.HealthCheckResponse{Status: h.status()}, nil
}

// List implements healthpb.HealthServer.
func (h *healthService) List(context.Context, *healthpb.HealthListRequest) (*healthpb.HealthListResponse, error) {
	now := &healthpb.HealthCheckResponse{Status: h.status()}
	return &healthpb.HealthListResponse{Statuses: map[string]*healthpb.HealthCheckResponse{
		"": now,
		feedbackv1.FeedbackService_ServiceDesc.ServiceName: now,
	}}, nil
}

// Watch implements healthpb.HealthServer.
func (h *healthService) Watch(req *healthpb.HealthCheckRequest, stream grpc.ServerStreamingServer[healthpb.HealthCheckResponse]) error {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()

	draining := h.rt.Draining()
	told := healthpb.HealthCheckResponse_UNKNOWN
	for {
		now := healthpb.HealthCheckResponse_SERVICE_UNKNOWN
		if hasHealth(req.GetService()) {
			now = h.status()
		}
		if now != told {
			if err := stream.Send(&healthpb.HealthCheckResponse{Status: now}); err != nil {
				return err
			}
			told = now
		}
		if h.stopper.stopping() {
			return errGRPCStopping
		}
		select {
		case <-ticker.C:
		case <-draining:
			draining = nil // closed: it would be chosen again and again
		case <-h.stopper.runtime:
		case <-h.stopper.own:
		case <-stream.Context().Done():
			return status.FromContextError(stream.Context().Err()).Err()
		}
	}
}

func (h *healthService) status() healthpb.HealthCheckResponse_ServingStatus {
	select {
	case <-h.rt.Draining():
		return healthpb.HealthCheckResponse_NOT_SERVING
	default:
	}
	if h.stopper.stopping() || h.rt.Readiness() != nil {
		return healthpb.HealthCheckResponse_NOT_SERVING
	}
	return healthpb.HealthCheckResponse_SERVING
}

// hasHealth reports whether a service, or the server as a whole, has a status.
func hasHealth(service string) bool {
	return service == "" || service == feedbackv1.FeedbackService_ServiceDesc.ServiceName
}
