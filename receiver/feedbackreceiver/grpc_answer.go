// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// maxDetailBytes bounds the errors that travel in the metadata of a status.
// Clients cap metadata, some at 8 KiB (grpc-java), and lose the status when
// it is larger; base64 makes a third more of it.
const maxDetailBytes = 4 << 10

// newAnswer says what was decided about each event of a request.
func newAnswer(v *feedback.Verdicts) *feedbackv1.SubmitResponse {
	n := v.Len()
	ids := make([]string, n)
	answer := &feedbackv1.SubmitResponse{EventIds: ids}
	for i := range n {
		verdict := v.At(i)
		if !verdict.Refused() {
			answer.Accepted++
			ids[i] = verdict.EventID
			continue
		}
		answer.Rejected++
		answer.ErrorsTruncated = answer.ErrorsTruncated || verdict.Truncated
		for k := range verdict.Errors {
			if len(answer.Errors) == maxErrors {
				answer.ErrorsTruncated = true
				break
			}
			answer.Errors = append(answer.Errors, newEventError(i, verdict.EventID, &verdict.Errors[k]))
		}
	}
	return answer
}

func newEventError(index int, eventID string, e *feedback.Error) *feedbackv1.EventError {
	out := &feedbackv1.EventError{
		Index:   int32(index), // bounded by max_request_events
		Code:    string(e.Code),
		Field:   e.Field,
		Message: e.Message,
	}
	if eventID != "" {
		out.EventId = &eventID
	}
	return out
}

// noEvents answers a request that holds none.
func noEvents() *feedbackv1.SubmitResponse {
	return &feedbackv1.SubmitResponse{Errors: []*feedbackv1.EventError{{
		Code:    string(feedback.CodeMissingField),
		Field:   "events",
		Message: "at least one event is expected",
	}}}
}

// noneValid is the status of a unary call of which no event was accepted.
func noneValid(answer *feedbackv1.SubmitResponse) error {
	truncated := answer.ErrorsTruncated
	bad := &errdetails.BadRequest{}
	size := 0
	for _, e := range answer.Errors {
		violation := newViolation(e)
		size += proto.Size(violation)
		if size > maxDetailBytes && len(bad.FieldViolations) > 0 {
			truncated = true
			break
		}
		bad.FieldViolations = append(bad.FieldViolations, violation)
	}
	details := []protoadapt.MessageV1{bad}
	if truncated {
		details = append(details, &errdetails.ErrorInfo{Reason: "ERRORS_TRUNCATED", Domain: feedbackDomain})
	}
	return withDetail(status.New(codes.InvalidArgument, "no event of the request is valid"), details...)
}

// feedbackDomain is the domain of our google.rpc.ErrorInfo details.
const feedbackDomain = "feedback.v1"

func newViolation(e *feedbackv1.EventError) *errdetails.BadRequest_FieldViolation {
	field := e.Field
	if field != "events" { // the request as a whole
		field = fmt.Sprintf("events[%d]", e.Index)
		if e.Field != "" {
			field += "." + e.Field
		}
	}
	return &errdetails.BadRequest_FieldViolation{
		Field:       field,
		Description: e.Code + ": " + e.Message,
		Reason:      e.Code,
	}
}
