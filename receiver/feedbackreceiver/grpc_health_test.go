// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

const feedbackServiceName = "feedback.v1.FeedbackService"

func TestGRPCHealthCheck(t *testing.T) {
	h := newGRPCHarness(t)
	health := healthpb.NewHealthClient(h.conn)
	check := func(service string) healthpb.HealthCheckResponse_ServingStatus {
		answer, err := health.Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		require.NoError(t, err)
		return answer.Status
	}
	for _, service := range []string{"", feedbackServiceName} {
		assert.Equal(t, healthpb.HealthCheckResponse_SERVING, check(service))
	}
	_, err := health.Check(t.Context(), &healthpb.HealthCheckRequest{Service: marker})
	assert.Equal(t, codes.NotFound, status.Code(err))
	noMarkerIn(t, nil, err)

	h.runtime.setNotReady(errors.New("Kafka is away"))
	for _, service := range []string{"", feedbackServiceName} {
		assert.Equal(t, healthpb.HealthCheckResponse_NOT_SERVING, check(service))
	}
	list, err := health.List(t.Context(), &healthpb.HealthListRequest{})
	require.NoError(t, err)
	require.Len(t, list.Statuses, 2)
	assert.Equal(t, healthpb.HealthCheckResponse_NOT_SERVING, list.Statuses[feedbackServiceName].Status)

	h.runtime.setNotReady(nil)
	assert.Equal(t, healthpb.HealthCheckResponse_SERVING, check(""))
	close(h.runtime.draining)
	assert.Equal(t, healthpb.HealthCheckResponse_NOT_SERVING, check(""), "from the moment shutdown begins")
}

func TestGRPCHealthWatch(t *testing.T) {
	h := newGRPCHarness(t)
	health := healthpb.NewHealthClient(h.conn)
	watch, err := health.Watch(t.Context(), &healthpb.HealthCheckRequest{Service: feedbackServiceName})
	require.NoError(t, err)
	unknown, err := health.Watch(t.Context(), &healthpb.HealthCheckRequest{Service: "other"})
	require.NoError(t, err)
	next := func() healthpb.HealthCheckResponse_ServingStatus {
		answer, err := watch.Recv()
		require.NoError(t, err)
		return answer.Status
	}
	assert.Equal(t, healthpb.HealthCheckResponse_SERVING, next())
	answer, err := unknown.Recv()
	require.NoError(t, err)
	assert.Equal(t, healthpb.HealthCheckResponse_SERVICE_UNKNOWN, answer.Status)

	h.runtime.setNotReady(errors.New("Kafka is away"))
	assert.Equal(t, healthpb.HealthCheckResponse_NOT_SERVING, next())
	h.runtime.setNotReady(nil)
	assert.Equal(t, healthpb.HealthCheckResponse_SERVING, next())
	close(h.runtime.draining)
	assert.Equal(t, healthpb.HealthCheckResponse_NOT_SERVING, next())

	close(h.runtime.stopping)
	_, err = watch.Recv()
	hasStatus(t, err, codes.Unavailable, true)
	_, err = unknown.Recv()
	hasStatus(t, err, codes.Unavailable, true)
}

func TestGRPCHealthWatchEnds(t *testing.T) {
	h := newGRPCHarness(t)
	health := healthpb.NewHealthClient(h.conn)
	ctx, cancel := context.WithCancel(t.Context())
	gone, err := health.Watch(ctx, &healthpb.HealthCheckRequest{})
	require.NoError(t, err)
	_, err = gone.Recv()
	require.NoError(t, err)
	cancel()

	open, err := health.Watch(t.Context(), &healthpb.HealthCheckRequest{})
	require.NoError(t, err)
	_, err = open.Recv()
	require.NoError(t, err)
	require.NoError(t, h.receiver.Shutdown(context.Background()), "no watch holds it up")
	last, err := open.Recv()
	require.NoError(t, err)
	assert.Equal(t, healthpb.HealthCheckResponse_NOT_SERVING, last.Status)
	_, err = open.Recv()
	hasStatus(t, err, codes.Unavailable, true)
}
