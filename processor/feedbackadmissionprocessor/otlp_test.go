// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

func freeEndpoint(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Addr().String()
}

// What senders are told by the stock OTLP receiver.
func TestThroughTheOTLPReceiver(t *testing.T) {
	h, account := newHost(t, 10, 1<<20, func(c *feedbackruntimeextension.Config) { c.EnqueueTimeout = time.Millisecond })
	sink := new(consumertest.LogsSink)
	p := start(t, h, sink)

	factory := otlpreceiver.NewFactory()
	otlp := factory.CreateDefaultConfig().(*otlpreceiver.Config)
	otlp.Protocols.GRPC.GetOrInsertDefault().NetAddr.Endpoint = freeEndpoint(t)
	otlp.Protocols.HTTP.GetOrInsertDefault().ServerConfig.NetAddr.Endpoint = freeEndpoint(t)
	r, err := factory.CreateLogs(t.Context(), receivertest.NewNopSettings(factory.Type()), otlp, p)
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, r.Shutdown(context.Background())) })

	conn, err := grpc.NewClient(otlp.Protocols.GRPC.Get().NetAddr.Endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	overGRPC := func(n int) *status.Status {
		_, err := plogotlp.NewGRPCClient(conn).Export(t.Context(), plogotlp.NewExportRequestFromLogs(records(n)))
		return status.Convert(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	overHTTP := func(n int) *http.Response {
		body, err := plogotlp.NewExportRequestFromLogs(records(n)).MarshalProto()
		require.NoError(t, err)
		url := "http://" + otlp.Protocols.HTTP.Get().ServerConfig.NetAddr.Endpoint + "/v1/logs"
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-protobuf")
		resp, err := transport.RoundTrip(req)
		require.NoError(t, err)
		answer, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.NotContains(t, string(answer), marker)
		return resp
	}

	assert.Equal(t, codes.OK, overGRPC(3).Code())
	assert.Equal(t, http.StatusOK, overHTTP(3).StatusCode)
	require.Len(t, sink.AllLogs(), 2)
	for _, ctx := range sink.Contexts() {
		assert.Equal(t, feedback.TransportOTLP, feedback.FromContext(ctx).Transport)
	}

	account.Hand(nil, 9, 0) // an exporter holds them
	full := overGRPC(2)
	assert.Equal(t, codes.Unavailable, full.Code())
	assert.True(t, hasRetryInfo(full), "when to come back")
	resp := overHTTP(2)
	assert.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	assert.Equal(t, "1", resp.Header.Get("Retry-After"))

	assert.Equal(t, codes.InvalidArgument, overGRPC(11).Code(), "not to be sent again")
	assert.Equal(t, http.StatusBadRequest, overHTTP(11).StatusCode, "not to be sent again")
	assert.Len(t, sink.AllLogs(), 2)
	account.Done(9, 0)
	assert.Zero(t, account.Events())
	assert.Zero(t, account.Bytes())
}
