// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver/internal/metadata"
)

func benchmarkRequest(n int) *feedbackv1.SubmitRequest {
	req := &feedbackv1.SubmitRequest{}
	for range n {
		req.Events = append(req.Events, userEvent(&feedbackv1.UserFeedback{
			SessionId: proto.String("session-42"),
			RequestId: proto.String(testRequestID),
			UserId:    proto.String("user-7"),
			Rating:    proto.Float64(4),
			Thumbs:    feedbackv1.Thumbs_THUMBS_UP.Enum(),
			Comment:   proto.String("Quick and to the point, but it left out the second half of what I asked for."),
			Tags:      []string{"helpful", "short"},
			Metadata:  map[string]string{"page": "checkout", "locale": "en"},
		}))
	}
	return req
}

var benchmarkSizes = []int{1, 100}

// BenchmarkGRPCConvert is the step from messages to log records.
func BenchmarkGRPCConvert(b *testing.B) {
	for _, n := range benchmarkSizes {
		b.Run(fmt.Sprintf("events=%d", n), func(b *testing.B) {
			req := benchmarkRequest(n)
			b.ReportAllocs()
			records := 0
			for b.Loop() {
				records += toLogs(req.Events, 1, traceContext{}).LogRecordCount()
			}
			require.Equal(b, b.N*n, records)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(records), "ns/event")
		})
	}
}

// grpcSink accepts every event and does nothing else.
type grpcSink struct{ events int }

func (*grpcSink) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (a *grpcSink) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	a.events += logs.LogRecordCount()
	feedback.FromContext(ctx).Verdicts.MarkJudged()
	return nil
}

// BenchmarkGRPCSubmit is a call over loopback, client included, before a
// pipeline that does nothing.
func BenchmarkGRPCSubmit(b *testing.B) {
	for _, n := range benchmarkSizes {
		b.Run(fmt.Sprintf("events=%d", n), func(b *testing.B) {
			next := &grpcSink{}
			client := benchmarkClient(b, next)
			req := benchmarkRequest(n)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.Submit(b.Context(), req); err != nil {
					b.Fatal(err)
				}
			}
			require.Equal(b, b.N*n, next.events)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(next.events), "ns/event")
		})
	}
}

// BenchmarkGRPCSubmitStream is the same over one stream, in lock-step.
func BenchmarkGRPCSubmitStream(b *testing.B) {
	for _, n := range benchmarkSizes {
		b.Run(fmt.Sprintf("events=%d", n), func(b *testing.B) {
			next := &grpcSink{}
			stream, err := benchmarkClient(b, next).SubmitStream(b.Context())
			require.NoError(b, err)
			req := benchmarkRequest(n)
			b.ReportAllocs()
			for b.Loop() {
				if err := stream.Send(req); err != nil {
					b.Fatal(err)
				}
				if _, err := stream.Recv(); err != nil {
					b.Fatal(err)
				}
			}
			require.Equal(b, b.N*n, next.events)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(next.events), "ns/event")
		})
	}
}

func benchmarkClient(b *testing.B, next consumer.Logs) feedbackv1.FeedbackServiceClient {
	cfg := createDefaultConfig().(*Config)
	cfg.Protocols.GRPC.GetOrInsertDefault().ServerConfig.NetAddr.Endpoint = "localhost:0"
	r, err := newFeedbackReceiver(cfg, receivertest.NewNopSettings(metadata.Type), next)
	require.NoError(b, err)
	host := &httpHost{extensions: map[component.ID]component.Component{
		component.MustNewID("feedbackruntime"): newHTTPRuntime(),
	}}
	require.NoError(b, r.Start(context.Background(), host))
	conn, err := grpc.NewClient(r.grpc.addr.String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(b, err)
	b.Cleanup(func() {
		require.NoError(b, conn.Close())
		require.NoError(b, r.Shutdown(context.Background()))
	})
	return feedbackv1.NewFeedbackServiceClient(conn)
}
