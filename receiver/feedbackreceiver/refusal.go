// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"errors"
	"math"
	"net/http"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
)

// refusal is an answer about a request as a whole: its HTTP status and the code
// and message of its body. Messages are ours alone: the texts of errors stay
// inside.
type refusal struct {
	status     int
	code       string
	message    string
	retryAfter time.Duration // 0: no Retry-After
}

var (
	refuseOrigin     = refusal{status: http.StatusForbidden, code: "permission_denied", message: "this origin may not send events: the operator can add it to cors::allowed_origins"}
	refuseNotFound   = refusal{status: http.StatusNotFound, code: "not_found", message: "there is nothing at this path"}
	refuseMethod     = refusal{status: http.StatusMethodNotAllowed, code: "method_not_allowed", message: "the Allow header names the methods of this path"}
	refuseTimeout    = refusal{status: http.StatusRequestTimeout, code: "timeout", message: errBodyTimeout.Error()}
	refuseTooLarge   = refusal{status: http.StatusRequestEntityTooLarge, code: "too_large", message: errBodyTooLarge.Error()}
	refuseMedia      = refusal{status: http.StatusUnsupportedMediaType, code: "unsupported_media_type", message: "expected application/json, application/x-ndjson or text/plain, in UTF-8"}
	refuseEncoding   = refusal{status: http.StatusUnsupportedMediaType, code: "unsupported_media_type", message: "the Accept-Encoding header names the content encodings that are understood"}
	refuseHeaders    = refusal{status: http.StatusRequestHeaderFieldsTooLarge, code: "headers_too_large", message: "the headers are over the limit"}
	refuseInternal   = refusal{status: http.StatusInternalServerError, code: "internal", message: "the collector could not handle the request"}
	refuseFull       = refusal{status: http.StatusServiceUnavailable, code: "unavailable", message: "the buffer is full", retryAfter: time.Second}
	refuseStopping   = refusal{status: http.StatusServiceUnavailable, code: "unavailable", message: "the collector is shutting down", retryAfter: time.Second}
	refuseDelivery   = refusal{status: http.StatusServiceUnavailable, code: "unavailable", message: "the events cannot be taken now", retryAfter: time.Second}
	refuseIdentity   = refusal{status: http.StatusUnauthorized, code: "unauthenticated", message: "valid credentials are required"}
	refusePermission = refusal{status: http.StatusForbidden, code: "permission_denied", message: "the credentials do not allow these events"}
	refuseRate       = refusal{status: http.StatusTooManyRequests, code: "rate_limited", message: "the client is over its rate"}
	// refuseInvalid stands for a request that was refused whole without a
	// verdict on any event; see answerRefusal.
	refuseInvalid = refusal{status: http.StatusBadRequest, code: "schema_violation", message: "the request was refused as a whole"}
)

// refusalOf translates an error of admission or delivery. It has a gRPC status,
// or it is plain: then it may be retried unless it is permanent.
func refusalOf(err error) refusal {
	switch {
	case errors.Is(err, feedbackruntimeextension.ErrTooLarge):
		return refuseTooLarge
	case errors.Is(err, feedbackruntimeextension.ErrFull):
		return refuseFull
	}
	st, ok := statusOf(err)
	if !ok {
		if consumererror.IsPermanent(err) {
			return refuseInternal
		}
		return refuseDelivery
	}
	delay, hasDelay := retryInfo(st)
	switch st.Code() {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.Aborted, codes.OutOfRange, codes.DataLoss:
		return refuseDelivery.after(delay)
	case codes.ResourceExhausted:
		if !hasDelay {
			return refuseTooLarge
		}
		return refuseRate.after(delay)
	case codes.InvalidArgument:
		return refuseInvalid
	case codes.Unauthenticated:
		return refuseIdentity
	case codes.PermissionDenied:
		return refusePermission
	default:
		return refuseInternal
	}
}

func (f refusal) after(delay time.Duration) refusal {
	f.retryAfter = max(delay, time.Second)
	return f
}

// retrySeconds is the value of Retry-After: rounded up, at least 1.
func (f refusal) retrySeconds() int64 {
	return max(1, seconds(f.retryAfter))
}

// seconds are whole ones, rounded up.
func seconds(d time.Duration) int64 { return int64(math.Ceil(d.Seconds())) }

// retryInfo is what a RetryInfo in the status asks for.
func retryInfo(st *status.Status) (time.Duration, bool) {
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration(), true
		}
	}
	return 0, false
}
