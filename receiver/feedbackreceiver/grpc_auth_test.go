// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	grpcmetadata "google.golang.org/grpc/metadata"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
	"github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver/internal/metadata"
)

// testAuthenticator knows one token.
type testAuthenticator struct {
	component.StartFunc
	component.ShutdownFunc
}

type testAuthData struct{}

func (testAuthData) GetAttribute(string) any     { return nil }
func (testAuthData) GetAttributeNames() []string { return nil }

func (testAuthenticator) Authenticate(ctx context.Context, sources map[string][]string) (context.Context, error) {
	token := ""
	if values := sources["authorization"]; len(values) > 0 {
		token = values[0]
	}
	switch token {
	case "Bearer good":
		info := client.FromContext(ctx)
		info.Auth = testAuthData{}
		return client.NewContext(ctx, info), nil
	case "Bearer denied":
		return nil, status.Error(codes.PermissionDenied, marker)
	case "Bearer brief":
		info := client.FromContext(ctx)
		info.Auth = access.AuthData(&access.Grant{Subject: "brief", Expires: time.Now().Add(100 * time.Millisecond)})
		return client.NewContext(ctx, info), nil
	case "Bearer expired":
		return nil, access.ErrExpired
	case "Bearer keyless":
		return nil, access.ErrNoKeys
	case "Bearer later":
		return nil, status.Error(codes.Unavailable, marker)
	default:
		return nil, errors.New("keys of " + marker + " do not match")
	}
}

var testAuthID = component.MustNewID("testauth")

func withGRPCAuth(c *GRPCConfig, h *grpcHarness) {
	c.ServerConfig.Auth = configoptional.Some(configauth.Config{AuthenticatorID: testAuthID})
	h.host.extensions[testAuthID] = testAuthenticator{}
}

func withToken(ctx context.Context, token string) context.Context {
	return grpcmetadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

func TestGRPCAuth(t *testing.T) {
	h := newGRPCHarness(t, withGRPCAuth)
	req := requestOf(goodEvent())

	tests := map[string]struct {
		token string
		code  codes.Code
		retry bool
	}{
		"none":   {"", codes.Unauthenticated, false},
		"bad":    {marker, codes.Unauthenticated, false},
		"denied": {"denied", codes.PermissionDenied, false},
		"later":  {"later", codes.Unavailable, true},

		"expired": {"expired", codes.Unauthenticated, false},
		"keyless": {"keyless", codes.Unavailable, true},
	}
	for name, tt := range tests {
		ctx := t.Context()
		if tt.token != "" {
			ctx = withToken(ctx, tt.token)
		}
		t.Run(name, func(t *testing.T) {
			_, err := h.client.Submit(ctx, req)
			hasStatus(t, err, tt.code, tt.retry)
			noMarkerIn(t, nil, err)

			stream, err := h.client.SubmitStream(ctx)
			require.NoError(t, err)
			_, err = stream.Recv()
			hasStatus(t, err, tt.code, tt.retry)
			noMarkerIn(t, nil, err)

			_, err = listServices(ctx, h.conn)
			hasStatus(t, err, tt.code, tt.retry)
		})
	}
	assert.Zero(t, h.pipeline.seen())

	t.Run("good", func(t *testing.T) {
		ctx := withToken(t.Context(), "good")
		_, err := h.client.Submit(ctx, req)
		require.NoError(t, err)
		call, _ := h.pipeline.last(t)
		assert.Equal(t, testAuthData{}, client.FromContext(call.ctx).Auth)
		assert.NotNil(t, client.FromContext(call.ctx).Addr)

		stream, err := h.client.SubmitStream(ctx)
		require.NoError(t, err)
		require.NoError(t, stream.Send(req))
		_, err = stream.Recv()
		require.NoError(t, err)
		call, _ = h.pipeline.last(t)
		assert.Equal(t, testAuthData{}, client.FromContext(call.ctx).Auth)

		_, err = listServices(ctx, h.conn)
		require.NoError(t, err)
	})

	t.Run("expired later", func(t *testing.T) {
		stream, err := h.client.SubmitStream(withToken(t.Context(), "brief"))
		require.NoError(t, err)
		for err == nil { // ends when the credential does
			if err = stream.Send(req); err == nil || errors.Is(err, io.EOF) {
				_, err = stream.Recv()
			}
		}
		hasStatus(t, err, codes.Unauthenticated, false)
		assert.Equal(t, "the token has expired", status.Convert(err).Message())
	})

	t.Run("health asks for none", func(t *testing.T) {
		health := healthpb.NewHealthClient(h.conn)
		_, err := health.Check(t.Context(), &healthpb.HealthCheckRequest{})
		require.NoError(t, err)
		watch, err := health.Watch(t.Context(), &healthpb.HealthCheckRequest{})
		require.NoError(t, err)
		_, err = watch.Recv()
		require.NoError(t, err)
	})
}

func TestGRPCAuthenticatorMissing(t *testing.T) {
	h := newGRPCHarness(t)
	cfg := createDefaultConfig().(*Config)
	grpcCfg := cfg.Protocols.GRPC.GetOrInsertDefault()
	grpcCfg.ServerConfig.NetAddr.Endpoint = "localhost:0"
	grpcCfg.ServerConfig.Auth = configoptional.Some(configauth.Config{AuthenticatorID: testAuthID})
	r, err := newFeedbackReceiver(cfg, receivertest.NewNopSettings(metadata.Type), newGRPCPipeline())
	require.NoError(t, err)
	err = r.Start(context.Background(), h.host)
	require.ErrorContains(t, err, "protocols::grpc: auth")
	require.ErrorContains(t, err, "testauth")
}

func TestGRPCReflection(t *testing.T) {
	on := newGRPCHarness(t)
	names, err := listServices(t.Context(), on.conn)
	require.NoError(t, err)
	assert.Contains(t, names, feedbackv1.FeedbackService_ServiceDesc.ServiceName)
	assert.Contains(t, names, healthpb.Health_ServiceDesc.ServiceName)

	off := newGRPCHarness(t, withGRPCConfig(func(c *GRPCConfig) { c.Reflection = false }))
	_, err = listServices(t.Context(), off.conn)
	assert.Equal(t, codes.Unimplemented, status.Code(err))

	// An open reflection stream does not hold up Shutdown either.
	stream, err := reflectionpb.NewServerReflectionClient(on.conn).ServerReflectionInfo(t.Context())
	require.NoError(t, err)
	_, err = askForServices(stream)
	require.NoError(t, err)
	require.NoError(t, on.receiver.Shutdown(context.Background()))
	_, err = stream.Recv()
	assert.Equal(t, codes.Unavailable, status.Code(err))
}

func listServices(ctx context.Context, conn *grpc.ClientConn) ([]string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := reflectionpb.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		return nil, err
	}
	return askForServices(stream)
}

func askForServices(stream reflectionpb.ServerReflection_ServerReflectionInfoClient) ([]string, error) {
	// An error of Send is io.EOF; Recv has the status.
	_ = stream.Send(&reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{},
	})
	answer, err := stream.Recv()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range answer.GetListServicesResponse().GetService() {
		names = append(names, s.GetName())
	}
	return names, nil
}
