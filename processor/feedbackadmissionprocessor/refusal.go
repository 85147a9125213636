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

var (
	// errFull has a status of its own: receivers answer with it, and without one
	// an OTLP sender could not be told when to come back.
	errFull = newErrFull()
	// errTooLarge is permanent: sent again as it is, it never fits.
	errTooLarge = consumererror.NewPermanent(status.Error(codes.InvalidArgument,
		"the request is larger than the whole buffer: send fewer events at once"))
)

func newErrFull() error {
	st := status.New(codes.Unavailable, "the buffer is full")
	detailed, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(retryDelay)})
	if err != nil {
		return st.Err()
	}
	return detailed.Err()
}

// refusal turns an error of the account into one that receivers understand.
func refusal(err error) error {
	switch {
	case errors.Is(err, feedbackruntimeextension.ErrTooLarge):
		return errTooLarge
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(err).Err()
	default:
		return errFull
	}
}
