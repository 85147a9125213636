// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

func TestGRPCSubmit(t *testing.T) {
	h := newGRPCHarness(t)

	t.Run("all accepted", func(t *testing.T) {
		named := goodEvent()
		named.EventId = proto.String("0192F0C1-2B5A-7C3E-9D4F-1A2B3C4D5E6F")
		answer, err := h.submit(t, goodEvent(), named)
		require.NoError(t, err)
		assert.EqualValues(t, 2, answer.Accepted)
		assert.Zero(t, answer.Rejected)
		assert.Empty(t, answer.Errors)
		require.Len(t, answer.EventIds, 2)
		assert.Len(t, answer.EventIds[0], 36, "an id is made")
		assert.Equal(t, "0192f0c1-2b5a-7c3e-9d4f-1a2b3c4d5e6f", answer.EventIds[1], "as published")
	})

	t.Run("some accepted", func(t *testing.T) {
		bad := badEvent()
		bad.EventId = proto.String("0192f0c1-2b5a-7c3e-9d4f-1a2b3c4d5e6f")
		answer, err := h.submit(t, badEvent(), goodEvent(), bad)
		require.NoError(t, err)
		assert.EqualValues(t, 1, answer.Accepted)
		assert.EqualValues(t, 2, answer.Rejected)
		require.Len(t, answer.EventIds, 3)
		assert.Empty(t, answer.EventIds[0])
		assert.Len(t, answer.EventIds[1], 36)
		assert.Empty(t, answer.EventIds[2])
		require.Len(t, answer.Errors, 2)
		assert.EqualValues(t, 0, answer.Errors[0].Index)
		assert.Nil(t, answer.Errors[0].EventId)
		assert.Equal(t, "out_of_range", answer.Errors[0].Code)
		assert.Equal(t, "rating", answer.Errors[0].Field)
		assert.NotEmpty(t, answer.Errors[0].Message)
		assert.EqualValues(t, 2, answer.Errors[1].Index)
		assert.Equal(t, bad.GetEventId(), answer.Errors[1].GetEventId())
		assert.False(t, answer.ErrorsTruncated)
	})

	t.Run("none valid", func(t *testing.T) {
		_, err := h.submit(t, badEvent(), userEvent(&feedbackv1.UserFeedback{}))
		st := hasStatus(t, err, codes.InvalidArgument, false)
		violations := badRequest(t, st)
		require.GreaterOrEqual(t, len(violations), 2)
		assert.Equal(t, "events[0].rating", violations[0].Field)
		assert.Equal(t, "out_of_range", violations[0].Reason)
		assert.Regexp(t, "^out_of_range: .+", violations[0].Description)
		assert.Equal(t, "events[1].session_id", violations[1].Field)
		assert.Len(t, st.Details(), 1, "nothing was truncated")
	})

	t.Run("no events", func(t *testing.T) {
		before := h.pipeline.seen()
		_, err := h.submit(t)
		violations := badRequest(t, hasStatus(t, err, codes.InvalidArgument, false))
		require.Len(t, violations, 1)
		assert.Equal(t, "events", violations[0].Field)
		assert.Equal(t, "missing_field", violations[0].Reason)
		assert.Equal(t, before, h.pipeline.seen(), "nothing for the pipeline")
	})
}

func TestGRPCErrorsAreBounded(t *testing.T) {
	verdicts := feedback.NewVerdicts(200)
	for i := range verdicts.Len() {
		for range 6 {
			v := verdicts.At(i)
			v.Errors = append(v.Errors, feedback.Error{Code: feedback.CodeTooLong, Field: "comment", Message: strings.Repeat("m", 60)})
		}
	}
	answer := newAnswer(verdicts)
	assert.EqualValues(t, 200, answer.Rejected)
	assert.Len(t, answer.Errors, maxErrors)
	assert.True(t, answer.ErrorsTruncated)

	st := status.Convert(noneValid(answer))
	violations := badRequest(t, st)
	assert.Greater(t, len(violations), 20)
	assert.Less(t, proto.Size(st.Proto()), maxDetailBytes+512, "fits into a client's metadata")
	assert.Equal(t, "ERRORS_TRUNCATED", st.Details()[1].(*errdetails.ErrorInfo).GetReason())

	// One event with more errors than validation tells of.
	one := feedback.NewVerdicts(1)
	*one.At(0) = feedback.Verdict{Truncated: true, Errors: []feedback.Error{{Code: feedback.CodeTooLarge}}}
	answer = newAnswer(one)
	assert.True(t, answer.ErrorsTruncated)
	st = status.Convert(noneValid(answer))
	assert.Equal(t, "events[0]", badRequest(t, st)[0].Field, "the event as a whole")
	assert.Len(t, st.Details(), 2)
}

func TestGRPCLimits(t *testing.T) {
	h := newGRPCHarness(t, withGRPCConfig(func(c *GRPCConfig) {
		c.MaxRequestEvents = 3
		c.ServerConfig.MaxRecvMsgSizeMiB = 1
	}))
	_, err := h.submit(t, goodEvent(), goodEvent(), goodEvent())
	require.NoError(t, err)
	_, err = h.submit(t, goodEvent(), goodEvent(), goodEvent(), goodEvent())
	hasStatus(t, err, codes.ResourceExhausted, false)

	large := goodEvent()
	large.GetUserFeedback().Comment = proto.String(marker + strings.Repeat("x", 1<<20))
	_, err = h.submit(t, large)
	hasStatus(t, err, codes.ResourceExhausted, false)

	// A bomb: small on the wire.
	_, err = h.client.Submit(t.Context(), &feedbackv1.SubmitRequest{Events: []*feedbackv1.FeedbackEvent{large}}, grpc.UseCompressor(gzip.Name))
	hasStatus(t, err, codes.ResourceExhausted, false)

	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-large", strings.Repeat("x", maxGRPCHeaderBytes))
	_, err = h.client.Submit(ctx, &feedbackv1.SubmitRequest{Events: []*feedbackv1.FeedbackEvent{goodEvent()}})
	require.Error(t, err, "metadata is bounded")

	assert.Equal(t, 1, h.pipeline.seen())
}

// The default limit is the contract's, not the 4 MiB of grpc-go.
func TestGRPCTakesLargeRequests(t *testing.T) {
	h := newGRPCHarness(t)
	events := make([]*feedbackv1.FeedbackEvent, 6000)
	for i := range events {
		events[i] = goodEvent()
		events[i].GetUserFeedback().Comment = proto.String(strings.Repeat("x", 1000))
	}
	require.Greater(t, proto.Size(&feedbackv1.SubmitRequest{Events: events}), 6<<20)
	answer, err := h.submit(t, events...)
	require.NoError(t, err)
	assert.EqualValues(t, len(events), answer.Accepted)
}

func TestGRPCTooLargeAsAnEvent(t *testing.T) {
	h := newGRPCHarness(t)
	tags := make([]string, 200)
	for i := range tags {
		tags[i] = strings.Repeat("x", 9000)
	}
	_, err := h.submit(t, userEvent(&feedbackv1.UserFeedback{
		SessionId: proto.String("s"), RequestId: proto.String(testRequestID), Tags: tags,
	}))
	violations := badRequest(t, hasStatus(t, err, codes.InvalidArgument, false))
	assert.Equal(t, "too_large", violations[0].Reason)
	assert.Equal(t, "events[0]", violations[0].Field)
}

func TestGRPCWhatGoesDown(t *testing.T) {
	var held int64
	h := newGRPCHarness(t)
	h.pipeline.work = func(context.Context) error {
		held = h.runtime.account.Bytes()
		return nil
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	req := &feedbackv1.SubmitRequest{Events: []*feedbackv1.FeedbackEvent{goodEvent(), goodEvent()}}
	before := time.Now()
	_, err := h.client.Submit(ctx, req)
	require.NoError(t, err)

	call, records := h.pipeline.last(t)
	assert.Equal(t, feedback.TransportGRPC, call.req.Transport)
	assert.Nil(t, call.req.Sizes, "not JSON text")
	assert.NotNil(t, feedbackruntimeextension.FromContext(call.ctx))
	assert.EqualValues(t, proto.Size(req), held, "the message counts while it is in work")
	assert.NotNil(t, client.FromContext(call.ctx).Addr)
	require.Equal(t, 2, records.Len())
	for i := range records.Len() {
		lr := records.At(i)
		assert.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", lr.TraceID().String())
		assert.Equal(t, "00f067aa0ba902b7", lr.SpanID().String())
		assert.True(t, lr.Flags().IsSampled())
		assert.WithinRange(t, lr.ObservedTimestamp().AsTime(), before, time.Now())
		assert.Zero(t, lr.Timestamp(), "validation's to set")
	}

	for _, broken := range []string{"", "junk", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"} {
		_, err = h.client.Submit(metadata.AppendToOutgoingContext(t.Context(), "traceparent", broken), req)
		require.NoError(t, err)
		_, records = h.pipeline.last(t)
		assert.True(t, records.At(0).TraceID().IsEmpty())
	}
}

func TestGRPCPipelineErrors(t *testing.T) {
	leak := errors.New("dial 10.1.2.3: " + marker)
	withStatus := func(code codes.Code) error { return fmt.Errorf("exporter: %w", status.Error(code, marker)) }
	tests := map[string]struct {
		err   error
		code  codes.Code
		retry bool
	}{
		"buffer full":           {feedbackruntimeextension.ErrFull, codes.Unavailable, true},
		"buffer too small":      {feedbackruntimeextension.ErrTooLarge, codes.ResourceExhausted, false},
		"plain":                 {leak, codes.Unavailable, true},
		"permanent":             {consumererror.NewPermanent(leak), codes.Internal, false},
		"unavailable":           {withStatus(codes.Unavailable), codes.Unavailable, true},
		"deadline below":        {withStatus(codes.DeadlineExceeded), codes.Unavailable, true},
		"cancelled below":       {context.Canceled, codes.Unavailable, true},
		"aborted":               {withStatus(codes.Aborted), codes.Unavailable, true},
		"rate":                  {retryable(codes.ResourceExhausted, marker, 3*time.Second), codes.ResourceExhausted, true},
		"size":                  {withStatus(codes.ResourceExhausted), codes.ResourceExhausted, false},
		"invalid":               {withStatus(codes.InvalidArgument), codes.InvalidArgument, false},
		"denied":                {withStatus(codes.PermissionDenied), codes.PermissionDenied, false},
		"unauthenticated":       {withStatus(codes.Unauthenticated), codes.Unauthenticated, false},
		"internal":              {withStatus(codes.Internal), codes.Internal, false},
		"permanent with status": {consumererror.NewPermanent(withStatus(codes.InvalidArgument)), codes.InvalidArgument, false},
		"otlp http 503":         {consumererror.NewOTLPHTTPError(leak, 503), codes.Unavailable, true},
		"otlp grpc":             {consumererror.NewOTLPGRPCError(leak, status.New(codes.Unavailable, marker)), codes.Unavailable, true},
		"retryable":             {consumererror.NewRetryableError(leak), codes.Unavailable, true},
		"joined":                {errors.Join(leak, withStatus(codes.Unavailable)), codes.Unavailable, true},
	}
	var fail error
	h := newGRPCHarness(t, withWork(func(context.Context) error { return fail }))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			fail = tt.err
			_, err := h.submit(t, goodEvent())
			st := hasStatus(t, err, tt.code, tt.retry)
			assert.NotContains(t, st.Message(), "10.1.2.3")
		})
	}
	fail = retryable(codes.ResourceExhausted, "slow down", 3*time.Second)
	_, err := h.submit(t, goodEvent())
	delay, _ := retryInfo(status.Convert(err))
	assert.Equal(t, 3*time.Second, delay, "what admission says is passed on")
}

func TestGRPCNotJudged(t *testing.T) {
	h := newGRPCHarness(t, func(_ *GRPCConfig, h *grpcHarness) { h.pipeline.mute = true })
	_, err := h.submit(t, goodEvent())
	hasStatus(t, err, codes.Internal, false)
}

func TestGRPCPanic(t *testing.T) {
	h := newGRPCHarness(t, withWork(func(context.Context) error { panic(marker) }))
	_, err := h.submit(t, goodEvent())
	hasStatus(t, err, codes.Internal, false)
	stream := h.stream(t)
	require.NoError(t, stream.Send(&feedbackv1.SubmitRequest{Events: []*feedbackv1.FeedbackEvent{goodEvent()}}))
	_, err = stream.Recv()
	hasStatus(t, err, codes.Internal, false)
	assert.Equal(t, 2, h.logs.FilterMessageSnippet("panic").Len())
}

func TestGRPCNoRoom(t *testing.T) {
	h := newGRPCHarness(t, func(_ *GRPCConfig, h *grpcHarness) {
		h.runtime.account = feedbackruntimeextension.NewAccount(10, 1000, 20*time.Millisecond)
	})
	other := h.runtime.account.Open()
	require.NoError(t, other.Grow(t.Context(), 0, 990))
	_, err := h.submit(t, goodEvent())
	hasStatus(t, err, codes.Unavailable, true)
	assert.Zero(t, h.pipeline.seen())
	other.Release()
	_, err = h.submit(t, goodEvent())
	require.NoError(t, err)

	large := goodEvent()
	large.GetUserFeedback().UserId = proto.String(strings.Repeat("x", 1000))
	_, err = h.submit(t, large)
	hasStatus(t, err, codes.ResourceExhausted, false)
}

func TestGRPCCallerGivesUp(t *testing.T) {
	began, ended := make(chan struct{}), make(chan error, 1)
	h := newGRPCHarness(t, withWork(func(ctx context.Context) error {
		close(began)
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-began
		cancel()
	}()
	_, err := h.client.Submit(ctx, &feedbackv1.SubmitRequest{Events: []*feedbackv1.FeedbackEvent{goodEvent()}})
	assert.Equal(t, codes.Canceled, status.Code(err))
	assert.Error(t, <-ended)
}

func TestGRPCRequestError(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	require.NoError(t, requestError(ctx, nil))
	require.NoError(t, toGRPCError(nil))
	cancel()
	assert.Equal(t, codes.Canceled, status.Code(requestError(ctx, fmt.Errorf("waiting: %w", context.Canceled))))
	assert.Equal(t, codes.Unavailable, status.Code(requestError(ctx, errors.New("other"))))
}

// rawCodec sends bytes as they are.
type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) { return v.([]byte), nil }
func (rawCodec) Unmarshal([]byte, any) error   { return nil }
func (rawCodec) Name() string                  { return "proto" }

// A message that is none is the client's fault, and is not repeated.
func TestGRPCMalformed(t *testing.T) {
	h := newGRPCHarness(t)
	id := append([]byte{0xff}, marker...) // no UTF-8
	user := append([]byte{0x0a, byte(len(id))}, id...)
	event := append([]byte{0x52, byte(len(user))}, user...)
	invalidUTF8 := append([]byte{0x0a, byte(len(event))}, event...)
	for name, message := range map[string][]byte{"no protobuf": []byte("{\"" + marker), "invalid UTF-8": invalidUTF8} {
		t.Run(name, func(t *testing.T) {
			err := h.conn.Invoke(t.Context(), feedbackv1.FeedbackService_Submit_FullMethodName, message, nil, grpc.ForceCodec(rawCodec{}))
			hasStatus(t, err, codes.InvalidArgument, false)
			noMarkerIn(t, nil, err)

			stream, err := h.conn.NewStream(t.Context(), &feedbackv1.FeedbackService_ServiceDesc.Streams[0],
				feedbackv1.FeedbackService_SubmitStream_FullMethodName, grpc.ForceCodec(rawCodec{}))
			require.NoError(t, err)
			require.NoError(t, stream.SendMsg(message))
			err = stream.RecvMsg(nil)
			hasStatus(t, err, codes.Internal, false)
			noMarkerIn(t, nil, err)
		})
	}
	assert.Zero(t, h.pipeline.seen())
}
