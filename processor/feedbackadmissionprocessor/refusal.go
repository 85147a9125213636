// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor"

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
)

// retryDelay is how long a sender is asked to wait when the buffer is full.
const retryDelay = time.Second

// refused is an error with the gRPC status that receivers answer
// with: without one an OTLP sender could not be told when to come back.
type refused struct {
	cause  error
	status *status.Status
}

func (r *refused) Error() string { return r.status.Message() }

func (r *refused) Unwrap() error { return r.cause }

// GRPCStatus is what status.FromError looks for.
func (r *refused) GRPCStatus() *status.Status { return r.status }

var (
	errFull = &refused{cause: feedbackruntimeextension.ErrFull, status: statusFull()}
	// errTooLarge is permanent: sent again as it is, it never fits.
	errTooLarge = consumererror.NewPermanent(&refused{
		cause:  feedbackruntimeextension.ErrTooLarge,
		status: status.New(codes.InvalidArgument, "the request is larger than the whole buffer: send fewer events at once"),
	})
	// errDenied is permanent: the same credential will not do next time either.
	errDenied = consumererror.NewPermanent(&refused{
		cause:  errors.New("permission denied"),
		status: status.New(codes.PermissionDenied, "the credentials do not allow these events"),
	})
	errLimited = errors.New("over the rate")
)

func statusFull() *status.Status {
	return retryable(codes.Unavailable, "the buffer is full", retryDelay)
}

// limited refuses a request of a client that may send again after wait.
func limited(wait time.Duration) error {
	return &refused{
		cause:  errLimited,
		status: retryable(codes.ResourceExhausted, "the client is over its rate", wait),
	}
}

func retryable(code codes.Code, text string, delay time.Duration) *status.Status {
	st := status.New(code, text)
	if detailed, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(delay)}); err == nil {
		return detailed
	}
	return st
}

// refusal turns an error of the account into one that receivers understand.
func refusal(err error) error {
	switch {
	case errors.Is(err, feedbackruntimeextension.ErrTooLarge):
		return errTooLarge
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &refused{cause: err, status: status.FromContextError(err)}
	default:
		return errFull
	}
}
