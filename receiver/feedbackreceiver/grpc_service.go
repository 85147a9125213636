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
		s.receiver.ingestion.Unread(ctx, feedback.TransportGRPC, "")
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
			s.countMalformed(stream.Context(), err)
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
func (s *feedbackService) take(ctx context.Context, req *feedbackv1.SubmitRequest) (answer *feedbackv1.SubmitResponse, err error) {
	began := time.Now()
	ingestion := s.receiver.ingestion
	ingestion.Begin()
	defer ingestion.End()
	caller := traceOf(ctx)
	ctx, span := s.receiver.spans.begin(ctx, caller, &s.receiver.spans.grpc)
	defer func() { endGRPC(span, err) }()

	events := req.GetEvents()
	if len(events) == 0 {
		return noEvents(), nil
	}
	if err := undecoded(events, s.maxEvents); err != nil {
		ingestion.Unread(ctx, feedback.TransportGRPC, feedback.CodeTooLarge)
		return nil, err
	}
	defer func() { ingestion.Took(ctx, feedback.TransportGRPC, time.Since(began)) }()
	hold := s.receiver.rt.Account().Open()
	defer hold.Release()
	size := int64(proto.Size(req))
	err = hold.Grow(ctx, 0, size)
	if err == nil {
		err = hold.Unfold(ctx, size+unfoldedEvents(events))
	}
	if err != nil {
		s.countUntaken(ctx, events, err)
		return nil, requestError(ctx, err)
	}
	ctx = feedbackruntimeextension.NewContext(ctx, hold)

	logs := toLogs(events, pcommon.NewTimestampFromTime(began), caller)
	taken, err := s.receiver.consume(ctx, feedback.TransportGRPC, logs, nil)
	if err != nil {
		return nil, s.deliveryError(ctx, err)
	}
	return newAnswer(taken.Verdicts), nil
}

// countMalformed counts a message that grpc-go could not decode.
func (s *feedbackService) countMalformed(ctx context.Context, err error) {
	if status.Code(err) == codes.Internal {
		s.receiver.ingestion.Unread(ctx, feedback.TransportGRPC, feedback.CodeMalformedJSON)
	}
}

// countUntaken counts the events of a request for which there was no room.
func (s *feedbackService) countUntaken(ctx context.Context, events []*feedbackv1.FeedbackEvent, err error) {
	if ctx.Err() != nil {
		return // the client has gone
	}
	var n feedback.TypeCounts
	for _, e := range events {
		n.Add(eventType(e), 1)
	}
	s.receiver.ingestion.Received(ctx, feedback.TransportGRPC, &n)
	if errors.Is(err, feedbackruntimeextension.ErrTooLarge) {
		s.receiver.ingestion.Rejected(ctx, feedback.TransportGRPC, feedback.CodeTooLarge, len(events))
	}
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
