// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/topic"
)

// opinion is a valid event, changed by edits.
func opinion(edits ...func(*feedbackv1.FeedbackEvent, *feedbackv1.UserFeedback)) *feedbackv1.FeedbackEvent {
	u := &feedbackv1.UserFeedback{SessionId: new("s"), RequestId: new(uuid.NewString())}
	e := &feedbackv1.FeedbackEvent{Event: &feedbackv1.FeedbackEvent_UserFeedback{UserFeedback: u}}
	for _, edit := range edits {
		edit(e, u)
	}
	return e
}

type badMessage struct {
	name        string
	event       *feedbackv1.FeedbackEvent
	code, field string
}

func badMessages() []badMessage {
	type event = feedbackv1.FeedbackEvent
	type user = feedbackv1.UserFeedback
	return []badMessage{
		{"no event", &event{}, "missing_field", "type"},
		{"absent", opinion(func(_ *event, u *user) { u.SessionId = nil }), "missing_field", "session_id"},
		{"empty", opinion(func(_ *event, u *user) { u.RequestId = new("") }), "missing_field", "request_id"},
		{"unspecified", opinion(func(_ *event, u *user) { u.Thumbs = feedbackv1.Thumbs_THUMBS_UNSPECIFIED.Enum() }), "invalid_value", "thumbs"},
		{"unknown number", opinion(func(_ *event, u *user) { u.Thumbs = feedbackv1.Thumbs(77).Enum() }), "invalid_value", "thumbs"},
		{"no UUID", opinion(func(_ *event, u *user) { u.RequestId = new(marker) }), "invalid_format", "request_id"},
		{"trace", opinion(func(e *event, _ *user) { e.TraceId = new(marker) }), "invalid_format", "trace_id"},
		{"time", opinion(func(e *event, _ *user) { e.Timestamp = timestamppb.New(time.Now().Add(time.Hour)) }), "out_of_range", "timestamp"},
		{"bound", opinion(func(_ *event, u *user) { u.Rating = new(5.5) }), "out_of_range", "rating"},
		{"length", opinion(func(_ *event, u *user) { u.Comment = new(long(1001)) }), "too_long", "comment"},
		{"size", opinion(func(_ *event, u *user) {
			for range maxEventSize / 1000 {
				u.Tags = append(u.Tags, long(1200))
			}
		}), "too_large", ""},
		{"control", opinion(func(_ *event, u *user) { u.Tags = []string{marker + "\x00"} }), "invalid_characters", "tags[0]"},
		{"sum", &event{Event: &feedbackv1.FeedbackEvent_PerformanceMetrics{PerformanceMetrics: &feedbackv1.PerformanceMetrics{
			RequestId: new(uuid.NewString()), ModelId: new("m"), Provider: new("p"), LatencyMs: new(1.0), TokensInput: new(int64(1)),
			TokensOutput: new(int64(2)), TokensTotal: new(int64(4)), CostUsd: new(0.0), Success: new(true),
		}}}, "schema_violation", "tokens_total"},
	}
}

func submit(events ...*feedbackv1.FeedbackEvent) *feedbackv1.SubmitRequest {
	return &feedbackv1.SubmitRequest{Events: events}
}

// violation is the first of the field violations in a status.
func violation(t *testing.T, err error) *errdetails.BadRequest_FieldViolation {
	t.Helper()
	for _, d := range status.Convert(err).Details() {
		if bad, ok := d.(*errdetails.BadRequest); ok && len(bad.GetFieldViolations()) > 0 {
			return bad.GetFieldViolations()[0]
		}
	}
	t.Errorf("no field violation: %v", err)
	return nil
}

func retryAfter(err error) time.Duration {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration()
		}
	}
	return 0
}

func TestAnswersOverGRPC(t *testing.T) {
	a := newAnswering(t, "yaml:receivers::feedback::protocols::grpc: {max_recv_msg_size_mib: 1, max_request_events: 50}")
	client := feedbackv1.NewFeedbackServiceClient(dial(t, a.GRPC))
	stream, err := client.SubmitStream(t.Context())
	require.NoError(t, err)

	for _, bad := range badMessages() {
		t.Run(bad.name, func(t *testing.T) {
			_, err := client.Submit(t.Context(), submit(bad.event))
			assert.Equal(t, codes.InvalidArgument, status.Code(err), err)
			assert.NotContains(t, fmt.Sprint(err, status.Convert(err).Details()), marker)
			if v := violation(t, err); v != nil {
				assert.True(t, strings.HasPrefix(v.GetField(), "events[0]"), v.GetField())
				assert.True(t, strings.HasSuffix(v.GetField(), bad.field), v.GetField())
				assert.Contains(t, v.GetDescription(), bad.code)
			}
			mixed := submit(opinion(), bad.event, opinion())
			resp, err := client.Submit(t.Context(), mixed)
			require.NoError(t, err)
			a.checkMixed(t, resp, bad)
			require.NoError(t, stream.Send(mixed))
			resp, err = stream.Recv()
			require.NoError(t, err)
			a.checkMixed(t, resp, bad)
		})
	}

	// A request without a valid event does not end the stream.
	require.NoError(t, stream.Send(submit(badMessages()[0].event)))
	require.NoError(t, stream.Send(submit(opinion())))
	resp, err := stream.Recv()
	require.NoError(t, err)
	assert.Equal(t, int32(1), resp.GetRejected())
	resp, err = stream.Recv()
	require.NoError(t, err)
	assert.Equal(t, int32(1), resp.GetAccepted())
	a.accepted.Add(1)
	require.NoError(t, stream.CloseSend())
	_, err = stream.Recv()
	assert.Error(t, err)

	id := uuid.NewString()
	twice := func() *feedbackv1.FeedbackEvent {
		return opinion(func(e *feedbackv1.FeedbackEvent, _ *feedbackv1.UserFeedback) { e.EventId = &id })
	}
	resp, err = client.Submit(t.Context(), submit(twice(), twice()))
	require.NoError(t, err)
	a.accepted.Add(1)
	require.Len(t, resp.GetErrors(), 1)
	assert.Equal(t, "duplicate_event_id", resp.GetErrors()[0].GetCode())
	assert.Equal(t, id, resp.GetErrors()[0].GetEventId())
	assert.Equal(t, []string{id, ""}, resp.GetEventIds())

	a.tooMuchOverGRPC(t, client)
	a.close(t)
}

func (a *answering) checkMixed(t *testing.T, resp *feedbackv1.SubmitResponse, bad badMessage) {
	t.Helper()
	a.accepted.Add(int64(resp.GetAccepted()))
	assert.NotContains(t, resp.String(), marker)
	assert.Equal(t, int32(2), resp.GetAccepted())
	assert.Equal(t, int32(1), resp.GetRejected())
	if assert.Len(t, resp.GetEventIds(), 3) {
		assert.NotEmpty(t, resp.GetEventIds()[0])
		assert.Empty(t, resp.GetEventIds()[1])
		assert.NotEmpty(t, resp.GetEventIds()[2])
	}
	if assert.NotEmpty(t, resp.GetErrors()) {
		e := resp.GetErrors()[0]
		assert.Equal(t, int32(1), e.GetIndex())
		assert.Equal(t, bad.code, e.GetCode())
		if bad.field != "" {
			assert.Equal(t, bad.field, e.GetField())
		}
	}
}

// tooMuchOverGRPC covers sizes: not to be sent again as they are.
func (a *answering) tooMuchOverGRPC(t *testing.T, client feedbackv1.FeedbackServiceClient) {
	t.Helper()
	_, err := client.Submit(t.Context(), submit())
	assert.Equal(t, codes.InvalidArgument, status.Code(err), "no events: %v", err)

	many := submit()
	for range maxRequestEvents + 1 {
		many.Events = append(many.Events, opinion())
	}
	_, err = client.Submit(t.Context(), many)
	assert.Equal(t, codes.ResourceExhausted, status.Code(err), "too many events: %v", err)
	assert.Zero(t, retryAfter(err))

	large := submit(opinion())
	for proto.Size(large) < 1<<20 {
		large.Events[0].GetUserFeedback().Tags = append(large.Events[0].GetUserFeedback().Tags, long(10_000))
	}
	_, err = client.Submit(t.Context(), large)
	assert.Equal(t, codes.ResourceExhausted, status.Code(err), "too large: %v", err)
	assert.Zero(t, retryAfter(err))
}

// grpcNoRoom is for a collector whose buffer is full.
func grpcNoRoom(t *testing.T, c *collector.Collector) {
	t.Helper()
	conn := dial(t, c.GRPC)
	_, err := feedbackv1.NewFeedbackServiceClient(conn).Submit(t.Context(), submit(opinion()))
	assert.Equal(t, codes.Unavailable, status.Code(err), err)
	assert.Positive(t, retryAfter(err), "RetryInfo")
	health, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{})
	require.NoError(t, err)
	assert.Equal(t, healthv1.HealthCheckResponse_NOT_SERVING, health.GetStatus())

	err = exportOTLP(t, c, good())
	assert.Equal(t, codes.Unavailable, status.Code(err), "OTLP/gRPC: %v", err)
	assert.Positive(t, retryAfter(err), "RetryInfo over OTLP")
}

func TestUnauthenticatedOverGRPC(t *testing.T) {
	a := newAnswering(t, withToken)
	conn := dial(t, a.GRPC)
	client := feedbackv1.NewFeedbackServiceClient(conn)
	for name, ctx := range map[string]context.Context{
		"none":  t.Context(),
		"wrong": metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+marker),
	} {
		_, err := client.Submit(ctx, submit(opinion()))
		assert.Equal(t, codes.Unauthenticated, status.Code(err), name)
		assert.NotContains(t, fmt.Sprint(err), marker)
		stream, err := client.SubmitStream(ctx)
		require.NoError(t, err)
		_, err = stream.Recv()
		assert.Equal(t, codes.Unauthenticated, status.Code(err), name)
		assert.Equal(t, codes.Unauthenticated, status.Code(reflect(ctx, conn)), name)
	}
	right := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer right")
	_, err := client.Submit(right, submit(opinion()))
	require.NoError(t, err)
	a.accepted.Add(1)
	assert.NoError(t, reflect(right, conn))

	health, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{})
	require.NoError(t, err)
	assert.Equal(t, healthv1.HealthCheckResponse_SERVING, health.GetStatus())
	a.close(t)
}

// reflect asks which services there are.
func reflect(ctx context.Context, conn *grpc.ClientConn) error {
	stream, err := reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		return err
	}
	if err := stream.Send(&reflectionv1.ServerReflectionRequest{
		MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{},
	}); err != nil {
		_, err = stream.Recv()
		return err
	}
	resp, err := stream.Recv()
	if err != nil {
		return err
	}
	for _, s := range resp.GetListServicesResponse().GetService() {
		if s.GetName() == feedbackv1.FeedbackService_ServiceDesc.ServiceName {
			return stream.CloseSend()
		}
	}
	return fmt.Errorf("the service is not listed: %v", resp)
}

// TestStreamEndsAtShutdown: after the answer it is working on, with Unavailable.
func TestStreamEndsAtShutdown(t *testing.T) {
	a := newAnswering(t)
	client := feedbackv1.NewFeedbackServiceClient(dial(t, a.GRPC))
	stream, err := client.SubmitStream(t.Context())
	require.NoError(t, err)
	require.NoError(t, stream.Send(submit(opinion())))
	_, err = stream.Recv()
	require.NoError(t, err)
	a.accepted.Add(1)
	a.Terminate()
	_, err = stream.Recv()
	assert.Equal(t, codes.Unavailable, status.Code(err), err)
	a.close(t)
}

// TestDeadLetters: what a sender over OTLP cannot be told lands on a topic of its
// own, redacted.
func TestDeadLetters(t *testing.T) {
	a := newAnswering(t)
	sender := otlpStrings{client: a.client, url: "http://" + a.OTLPHTTP + "/v1/logs"}
	type letter struct{ body, code, eventType, id string }
	id := uuid.NewString()
	letters := []letter{
		{body: "no JSON, call 780-999-2181", code: "malformed_json", eventType: "unknown"},
		{body: `["ann@example.com"]`, code: "invalid_type", eventType: "unknown"},
		{body: `{"type":"praise","event_id":"` + id + `","text":"ann@example.com"}`, code: "unknown_type", eventType: "unknown", id: id},
		{body: feedback(`"thumbs":"ann@example.com","comment":"ssn 460-89-9847"`), code: "invalid_value", eventType: "user_feedback"},
		{body: feedback(`"rating":17`), code: "out_of_range", eventType: "user_feedback"},
	}
	bodies := []string{good()}
	for _, l := range letters {
		bodies = append(bodies, l.body, good())
	}
	require.Equal(t, 200, sender.send(t, bodies...))
	a.accepted.Add(int64(len(letters)) + 1)
	require.NoError(t, a.reader.AwaitCount(t.Context(), a.deadLetter, int64(len(letters))))
	dead, err := a.reader.All(t.Context(), a.deadLetter)
	require.NoError(t, err)
	require.Len(t, dead, len(letters))
	found := map[string]int{}
	for _, rec := range dead {
		value := parse(t, rec.Value)
		assert.Equal(t, "validation", value.Text("failed_stage"))
		assert.NotEmpty(t, value.Text("error_message"))
		assert.NotNil(t, value.Get("original_event"))
		assert.Equal(t, "0", fmt.Sprint(value.Get("retry_count")))
		_, err := time.Parse(time.RFC3339Nano, value.Text("failed_at"))
		assert.NoError(t, err)
		for _, word := range []string{"ann@example.com", "780-999-2181", "460-89-9847"} {
			assert.NotContains(t, string(rec.Value), word)
		}
		reason, _ := topic.Header(rec, "dlq_reason")
		stage, _ := topic.Header(rec, "dlq_stage")
		eventType, _ := topic.Header(rec, "event_type")
		assert.Equal(t, value.Text("error_code"), reason)
		assert.Equal(t, "validation", stage)
		found[reason+" "+eventType+" "+string(rec.Key)]++
	}
	for _, l := range letters {
		assert.Equal(t, 1, found[l.code+" "+l.eventType+" "+l.id], "%s %s %v", l.code, l.eventType, found)
	}
	a.close(t)
}

// TestRejectedOverOTLP: with on_invalid: reject one bad event refuses the request.
func TestRejectedOverOTLP(t *testing.T) {
	a := newAnswering(t, "yaml:processors::feedbackvalidation::on_invalid: reject")
	sender := otlpStrings{client: a.client, url: "http://" + a.OTLPHTTP + "/v1/logs"}
	bad := feedback(`"thumbs":"` + marker + `"`)
	assert.Equal(t, 400, sender.send(t, good(), bad))
	assert.Equal(t, 200, sender.send(t, good()))
	a.accepted.Add(1)
	err := exportOTLP(t, a.Collector, good(), bad)
	assert.Equal(t, codes.InvalidArgument, status.Code(err), err)
	assert.NotContains(t, fmt.Sprint(err), marker)
	require.NoError(t, exportOTLP(t, a.Collector, good()))
	a.accepted.Add(1)
	a.close(t)
}
