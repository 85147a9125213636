// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
)

// defaultRetryDelay is what a client is told to wait where nothing better is known.
const defaultRetryDelay = time.Second

// The texts of statuses are fixed: an error from further down may hold an
// address, or a value of an event.
var (
	errGRPCStopping        = retryable(codes.Unavailable, "the collector is shutting down", defaultRetryDelay)
	errGRPCTooManyEvents   = status.Error(codes.ResourceExhausted, "too many events in one request")
	errGRPCTooLarge        = status.Error(codes.ResourceExhausted, "the request is larger than the collector's buffer")
	errGRPCFull            = retryable(codes.Unavailable, "the buffer is full", defaultRetryDelay)
	errGRPCUnavailable     = retryable(codes.Unavailable, "the collector cannot take events now", defaultRetryDelay)
	errGRPCInternal        = status.Error(codes.Internal, "internal error")
	errGRPCMalformed       = status.Error(codes.InvalidArgument, "the message cannot be decoded")
	errGRPCInvalid         = status.Error(codes.InvalidArgument, "the request was refused")
	errGRPCUnauthenticated = status.Error(codes.Unauthenticated, "no or invalid credentials")
	errGRPCDenied          = status.Error(codes.PermissionDenied, "the credentials do not allow this")
	errGRPCNoResources     = status.Error(codes.ResourceExhausted, "the request is over a limit")
)

// retryable is a status with a google.rpc.RetryInfo: send the same again after delay.
func retryable(code codes.Code, text string, delay time.Duration) error {
	return withDetail(status.New(code, text), &errdetails.RetryInfo{RetryDelay: durationpb.New(delay)})
}

func withDetail(st *status.Status, details ...protoadapt.MessageV1) error {
	if detailed, err := st.WithDetails(details...); err == nil {
		st = detailed
	}
	return st.Err()
}

// toGRPCError translates what admission or delivery answered into what the
// client is told. It is the one place that does.
func toGRPCError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, feedbackruntimeextension.ErrTooLarge):
		return errGRPCTooLarge
	case errors.Is(err, feedbackruntimeextension.ErrFull):
		return errGRPCFull
	}
	st, ok := statusOf(err)
	if !ok {
		if consumererror.IsPermanent(err) {
			return errGRPCInternal
		}
		return errGRPCUnavailable
	}
	delay, hasDelay := retryInfo(st)
	switch st.Code() {
	case codes.InvalidArgument:
		return errGRPCInvalid
	case codes.Unauthenticated:
		return errGRPCUnauthenticated
	case codes.PermissionDenied:
		return errGRPCDenied
	case codes.ResourceExhausted:
		if hasDelay {
			return retryable(codes.ResourceExhausted, "over the rate", delay)
		}
		return errGRPCNoResources
	case codes.Unavailable, codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange, codes.DataLoss:
		if hasDelay {
			return retryable(codes.Unavailable, "the collector cannot take events now", delay)
		}
		return errGRPCUnavailable
	default:
		return errGRPCInternal
	}
}

// requestError is toGRPCError for a request whose own context may be the reason.
func requestError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if own := ctx.Err(); own != nil && errors.Is(err, own) {
		return status.FromContextError(own).Err()
	}
	return toGRPCError(err)
}

// statusOf finds the gRPC status in an error, or what stands for one.
func statusOf(err error) (*status.Status, bool) {
	// ToGRPCStatus panics on an error that holds no consumererror.Error.
	var ce *consumererror.Error
	if errors.As(err, &ce) {
		return consumererror.ToGRPCStatus(err), true
	}
	if st, ok := status.FromError(err); ok {
		return st, true
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return status.FromContextError(err), true
	}
	return nil, false
}
