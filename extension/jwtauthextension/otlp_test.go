// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package jwtauthextension

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	grpcmetadata "google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/otelcol-feedback/otelcol-feedback/internal/ports"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/access/token"
)

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

func freeEndpoint(t *testing.T) string {
	t.Helper()
	found, err := ports.Free(1)
	require.NoError(t, err)
	return ports.Loopback(found[0])
}

// What senders are told by the stock OTLP receiver, which passes on the texts of
// errors, and what a pipeline behind it knows of them.
func TestThroughTheOTLPReceiver(t *testing.T) {
	a, _ := start(t, static)
	id := component.MustNewID("jwtauth")
	auth := configauth.Config{AuthenticatorID: id}
	sink := new(consumertest.LogsSink)

	factory := otlpreceiver.NewFactory()
	otlp := factory.CreateDefaultConfig().(*otlpreceiver.Config)
	overGRPC := otlp.Protocols.GRPC.GetOrInsertDefault()
	overGRPC.NetAddr.Endpoint, overGRPC.Auth = freeEndpoint(t), configoptional.Some(auth)
	overHTTP := &otlp.Protocols.HTTP.GetOrInsertDefault().ServerConfig
	overHTTP.NetAddr.Endpoint, overHTTP.Auth = freeEndpoint(t), configoptional.Some(confighttp.AuthConfig{Config: auth})
	r, err := factory.CreateLogs(t.Context(), receivertest.NewNopSettings(factory.Type()), otlp, sink)
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), host{id: a}))
	t.Cleanup(func() { require.NoError(t, r.Shutdown(context.Background())) })

	logs := plog.NewLogs()
	logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("{}")
	request := plogotlp.NewExportRequestFromLogs(logs)
	body, err := request.MarshalProto()
	require.NoError(t, err)

	conn, err := grpc.NewClient(overGRPC.NetAddr.Endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)

	grpcAnswer := func(header string) (codes.Code, string) {
		ctx := t.Context()
		if header != "" {
			ctx = grpcmetadata.AppendToOutgoingContext(ctx, "authorization", header)
		}
		_, err := plogotlp.NewGRPCClient(conn).Export(ctx, request)
		st := status.Convert(err)
		return st.Code(), fmt.Sprint(st.Message(), st.Details())
	}
	httpAnswer := func(header string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+overHTTP.NetAddr.Endpoint+"/v1/logs", bytes.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-protobuf")
		if header != "" {
			req.Header.Set("Authorization", header)
		}
		resp, err := transport.RoundTrip(req)
		require.NoError(t, err)
		answer, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode, fmt.Sprint(string(answer), resp.Header)
	}

	good := "Bearer " + bySecret(t)
	for name, tt := range map[string]struct {
		header string
		want   *access.Refusal
	}{
		"none":      {"", access.ErrMissing},
		"garbage":   {"Bearer " + marker, access.ErrMalformed},
		"forged":    {good[:len(good)-3], access.ErrSignature},
		"expired":   {"Bearer " + bySecret(t, func(c *token.Claims) { c.Expiry = jwt.NewNumericDate(time.Unix(1e9, 0)) }), access.ErrExpired},
		"good":      {good, nil},
		"presigned": {"Bearer " + bySecret(t, presigned), nil},
	} {
		t.Run(name, func(t *testing.T) {
			sink.Reset()
			code, grpcText := grpcAnswer(tt.header)
			httpStatus, httpText := httpAnswer(tt.header)
			for _, text := range []string{grpcText, httpText} {
				assert.NotContains(t, text, marker)
				assert.NotContains(t, text, "eyJ")
				if tt.want != nil {
					assert.Contains(t, text, tt.want.Message)
				}
			}
			if tt.want != nil {
				assert.Equal(t, codes.Unauthenticated, code)
				assert.Equal(t, http.StatusUnauthorized, httpStatus)
				assert.Empty(t, sink.AllLogs())
				return
			}
			assert.Equal(t, codes.OK, code)
			assert.Equal(t, http.StatusOK, httpStatus)
			require.Len(t, sink.Contexts(), 2)
			for _, ctx := range sink.Contexts() {
				grant, ok := access.FromContext(ctx)
				require.True(t, ok)
				assert.Equal(t, "app-"+marker, grant.Subject)
				assert.Equal(t, name == "presigned", grant.Presigned != nil)
			}
		})
	}
}
