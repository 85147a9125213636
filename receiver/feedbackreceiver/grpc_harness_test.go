// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver/internal/metadata"
)

// grpcPipeline stands for admission and validation; it judges by the real rules.
type grpcPipeline struct {
	validator feedback.Validator
	mute      bool                            // judges nothing
	work      func(ctx context.Context) error // called first, if set

	mu    sync.Mutex // guards calls
	calls []grpcCall
}

type grpcCall struct {
	ctx  context.Context
	req  *feedback.Request
	logs plog.Logs
}

func newGRPCPipeline() *grpcPipeline {
	return &grpcPipeline{validator: feedback.Validator{Limits: feedback.DefaultLimits(), UnknownFields: feedback.RejectUnknown}}
}

func (*grpcPipeline) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

func (p *grpcPipeline) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	req := feedback.FromContext(ctx)
	received := plog.NewLogs()
	logs.CopyTo(received)
	p.mu.Lock()
	p.calls = append(p.calls, grpcCall{ctx, req, received})
	p.mu.Unlock()

	if p.work != nil {
		if err := p.work(ctx); err != nil {
			return err
		}
	}
	if p.mute {
		return nil
	}
	records := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
	for i := range records.Len() {
		*req.Verdicts.At(i) = p.validator.Validate(records.At(i), 0, time.Now())
	}
	req.Verdicts.MarkJudged()
	return nil
}

// last is the latest call, with the records as they were received.
func (p *grpcPipeline) last(t testing.TB) (grpcCall, plog.LogRecordSlice) {
	p.mu.Lock()
	defer p.mu.Unlock()
	require.NotEmpty(t, p.calls)
	call := p.calls[len(p.calls)-1]
	return call, call.logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
}

func (p *grpcPipeline) seen() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.calls)
}

// grpcHarness is a started receiver with a client.
type grpcHarness struct {
	receiver *feedbackReceiver
	runtime  *httpRuntime
	host     *httpHost
	pipeline *grpcPipeline
	logs     *observer.ObservedLogs
	conn     *grpc.ClientConn
	client   feedbackv1.FeedbackServiceClient
}

type grpcOption func(*GRPCConfig, *grpcHarness)

func withGRPCConfig(change func(*GRPCConfig)) grpcOption {
	return func(c *GRPCConfig, _ *grpcHarness) { change(c) }
}

// withWork sets what the pipeline does before it judges.
func withWork(work func(context.Context) error) grpcOption {
	return func(_ *GRPCConfig, h *grpcHarness) { h.pipeline.work = work }
}

func newGRPCHarness(t testing.TB, options ...grpcOption) *grpcHarness {
	h := &grpcHarness{runtime: newHTTPRuntime(), pipeline: newGRPCPipeline()}
	h.host = &httpHost{extensions: map[component.ID]component.Component{
		component.MustNewID("feedbackruntime"): h.runtime,
	}}
	cfg := createDefaultConfig().(*Config)
	grpcCfg := cfg.Protocols.GRPC.GetOrInsertDefault()
	grpcCfg.ServerConfig.NetAddr.Endpoint = "localhost:0"
	for _, o := range options {
		o(grpcCfg, h)
	}
	require.NoError(t, grpcCfg.Validate())

	core, logs := observer.New(zapcore.DebugLevel)
	h.logs = logs
	set := receivertest.NewNopSettings(metadata.Type)
	set.Logger = zap.New(core)
	var err error
	h.receiver, err = newFeedbackReceiver(cfg, set, h.pipeline)
	require.NoError(t, err)
	require.NoError(t, h.receiver.Start(context.Background(), h.host))
	h.conn, err = grpc.NewClient(h.receiver.grpc.addr.String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(64<<20)))
	require.NoError(t, err)
	h.client = feedbackv1.NewFeedbackServiceClient(h.conn)

	t.Cleanup(func() {
		assert.NoError(t, h.conn.Close())
		assert.NoError(t, h.receiver.Shutdown(context.Background()))
		h.noMarker(t)
		assert.Zero(t, h.runtime.account.Bytes(), "bytes left on the account")
		assert.Zero(t, h.runtime.account.Events(), "events left on the account")
	})
	return h
}

// noMarker looks for the marker in all that was logged.
func (h *grpcHarness) noMarker(t testing.TB) {
	for _, e := range h.logs.All() {
		line, err := zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "m"}).EncodeEntry(e.Entry, e.Context)
		require.NoError(t, err)
		assert.NotContains(t, line.String(), marker, "a log line repeats a value")
	}
}

// submit sends the events and looks for the marker in whatever comes back.
func (h *grpcHarness) submit(t testing.TB, events ...*feedbackv1.FeedbackEvent) (*feedbackv1.SubmitResponse, error) {
	t.Helper()
	answer, err := h.client.Submit(t.Context(), &feedbackv1.SubmitRequest{Events: events})
	noMarkerIn(t, answer, err)
	return answer, err
}

func noMarkerIn(t testing.TB, answer *feedbackv1.SubmitResponse, err error) {
	t.Helper()
	assert.NotContains(t, answer.String(), marker)
	assert.NotContains(t, status.Convert(err).Proto().String(), marker)
}

// stream opens a SubmitStream that ends with the test at the latest.
func (h *grpcHarness) stream(t testing.TB) grpc.BidiStreamingClient[feedbackv1.SubmitRequest, feedbackv1.SubmitResponse] {
	t.Helper()
	stream, err := h.client.SubmitStream(t.Context())
	require.NoError(t, err)
	return stream
}

// hasStatus asserts the code, and that there is a RetryInfo if, and only if,
// the same may be sent again.
func hasStatus(t testing.TB, err error, code codes.Code, retry bool) *status.Status {
	t.Helper()
	require.Error(t, err)
	st := status.Convert(err)
	assert.Equal(t, code, st.Code(), st.Message())
	delay, ok := retryInfo(st)
	assert.Equal(t, retry, ok, "RetryInfo")
	if retry {
		assert.Positive(t, delay)
	}
	return st
}

// badRequest returns the violations that come with a status.
func badRequest(t testing.TB, st *status.Status) []*errdetails.BadRequest_FieldViolation {
	t.Helper()
	for _, d := range st.Details() {
		if bad, ok := d.(*errdetails.BadRequest); ok {
			return bad.GetFieldViolations()
		}
	}
	require.Fail(t, "no BadRequest in the status")
	return nil
}

const testRequestID = "7d44b8a1-7a08-4b5c-9a53-6c2ef2a1b6d0"

// goodEvent is valid and carries the marker.
func goodEvent() *feedbackv1.FeedbackEvent {
	return userEvent(&feedbackv1.UserFeedback{
		SessionId: proto.String(marker),
		RequestId: proto.String(testRequestID),
		Rating:    proto.Float64(4),
		Comment:   proto.String(marker + " said so"),
	})
}

// badEvent is refused as out_of_range and carries the marker.
func badEvent() *feedbackv1.FeedbackEvent {
	e := goodEvent()
	e.GetUserFeedback().Rating = proto.Float64(6)
	return e
}

func userEvent(u *feedbackv1.UserFeedback) *feedbackv1.FeedbackEvent {
	return &feedbackv1.FeedbackEvent{Event: &feedbackv1.FeedbackEvent_UserFeedback{UserFeedback: u}}
}
