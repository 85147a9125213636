// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// feedbackService implements feedback.v1.FeedbackService.
type feedbackService struct {
	feedbackv1.UnimplementedFeedbackServiceServer

	receiver  *feedbackReceiver
	maxEvents int
	stopper   stopper
}

// Submit implements feedbackv1.FeedbackServiceServer.
func (s *feedbackService) Submit(ctx context.Context, req *feedbackv1.SubmitRequest) (*feedbackv1.SubmitResponse, error) {
	if s.stopper.stopping() {
		return nil, errGRPCStopping
	}
	answer, err := s.take(ctx, req)
	if err != nil {
		return nil, err
	}
	if answer.Accepted == 0 {
		return nil, noneValid(answer)
	}
	return answer, nil
}

// SubmitStream implements feedbackv1.FeedbackServiceServer. One request is in
// work at a time, so that answers are in order and a client that sends faster
// than the pipeline takes is held up by flow control.
func (s *feedbackService) SubmitStream(stream grpc.BidiStreamingServer[feedbackv1.SubmitRequest, feedbackv1.SubmitResponse]) error {
	for {
		req, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		answer, err := s.take(stream.Context(), req)
		if err != nil {
			return err
		}
		if err := stream.Send(answer); err != nil {
			return err
		}
	}
}

// take gives the events of one request to the pipeline and says what became of
// each. The error is a status: the request as a whole was not taken.
func (s *feedbackService) take(ctx context.Context, req *feedbackv1.SubmitRequest) (*feedbackv1.SubmitResponse, error) {
	receipt := pcommon.NewTimestampFromTime(time.Now())
	events := req.GetEvents()
	if len(events) == 0 {
		return noEvents(), nil
	}
	if err := undecoded(events, s.maxEvents); err != nil {
		return nil, err
	}
	hold := s.receiver.rt.Account().Open()
	defer hold.Release()
	size := int64(proto.Size(req))
	if err := hold.Grow(ctx, 0, size); err != nil {
		return nil, requestError(ctx, err)
	}
	if err := hold.Unfold(ctx, size+unfoldedEvents(events)); err != nil {
		return nil, requestError(ctx, err)
	}
	ctx = feedbackruntimeextension.NewContext(ctx, hold)

	logs := toLogs(events, receipt, traceOf(ctx))
	taken, err := s.receiver.consume(ctx, feedback.TransportGRPC, logs, nil)
	if err != nil {
		return nil, s.deliveryError(ctx, err)
	}
	return newAnswer(taken.Verdicts), nil
}

// deliveryError translates an error of the pipeline. One that is the collector's
// own fault is logged; its text is not, it may hold parts of an event.
func (s *feedbackService) deliveryError(ctx context.Context, err error) error {
	told := requestError(ctx, err)
	if status.Code(told) == codes.Internal {
		s.receiver.set.Logger.Error("The pipeline failed to handle a request",
			zap.Stringer("code", status.Code(err)), zap.String("error_type", fmt.Sprintf("%T", err)))
	}
	return told
}

// traceOf reads the caller's traceparent, as the HTTP half does. The span in ctx
// is this server's own.
func traceOf(ctx context.Context) traceContext {
	values := metadata.ValueFromIncomingContext(ctx, "traceparent")
	if len(values) != 1 {
		return traceContext{}
	}
	tc, _ := parseTraceparent(values[0])
	return tc
}
