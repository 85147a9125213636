// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver/internal/metadata"
)

func requestOf(events ...*feedbackv1.FeedbackEvent) *feedbackv1.SubmitRequest {
	return &feedbackv1.SubmitRequest{Events: events}
}

func TestGRPCStreamAnswersInOrder(t *testing.T) {
	h := newGRPCHarness(t)
	stream := h.stream(t)
	const n = 60
	for i := range n {
		// 1, 2 or 3 events: an answer shows which request it is for.
		var events []*feedbackv1.FeedbackEvent
		for range i%3 + 1 {
			events = append(events, goodEvent())
		}
		require.NoError(t, stream.Send(requestOf(events...)))
	}
	require.NoError(t, stream.CloseSend())
	for i := range n {
		answer, err := stream.Recv()
		require.NoError(t, err)
		assert.EqualValues(t, i%3+1, answer.Accepted)
	}
	_, err := stream.Recv()
	assert.ErrorIs(t, err, io.EOF)
}

func TestGRPCStreamAnswersBadRequests(t *testing.T) {
	h := newGRPCHarness(t)
	stream := h.stream(t)
	answer := func(events ...*feedbackv1.FeedbackEvent) *feedbackv1.SubmitResponse {
		require.NoError(t, stream.Send(requestOf(events...)))
		a, err := stream.Recv()
		require.NoError(t, err)
		noMarkerIn(t, a, nil)
		return a
	}
	none := answer(badEvent(), badEvent())
	assert.Zero(t, none.Accepted)
	assert.EqualValues(t, 2, none.Rejected)
	assert.Len(t, none.Errors, 2)
	assert.Equal(t, []string{"", ""}, none.EventIds)

	empty := answer()
	assert.Zero(t, empty.Rejected)
	require.Len(t, empty.Errors, 1)
	assert.Equal(t, "missing_field", empty.Errors[0].Code)
	assert.Equal(t, "events", empty.Errors[0].Field)

	assert.EqualValues(t, 1, answer(badEvent(), goodEvent()).Accepted, "the stream goes on")
}

func TestGRPCStreamEndsWithAdmissionError(t *testing.T) {
	var refuse bool
	h := newGRPCHarness(t, withWork(func(context.Context) error {
		if refuse {
			return retryable(codes.ResourceExhausted, "over the rate", time.Second)
		}
		return nil
	}), withGRPCConfig(func(c *GRPCConfig) { c.MaxRequestEvents = 2 }))

	stream := h.stream(t)
	require.NoError(t, stream.Send(requestOf(goodEvent())))
	_, err := stream.Recv()
	require.NoError(t, err)
	refuse = true
	require.NoError(t, stream.Send(requestOf(goodEvent())))
	_, err = stream.Recv()
	hasStatus(t, err, codes.ResourceExhausted, true)

	refuse = false
	stream = h.stream(t)
	require.NoError(t, stream.Send(requestOf(goodEvent(), goodEvent(), goodEvent())))
	_, err = stream.Recv()
	hasStatus(t, err, codes.ResourceExhausted, false)
}

func TestGRPCStreamTooLarge(t *testing.T) {
	h := newGRPCHarness(t, withGRPCConfig(func(c *GRPCConfig) { c.ServerConfig.MaxRecvMsgSizeMiB = 1 }))
	stream := h.stream(t)
	large := goodEvent()
	large.GetUserFeedback().Comment = proto.String(string(make([]byte, 1<<20)))
	require.NoError(t, stream.Send(requestOf(large)))
	_, err := stream.Recv()
	hasStatus(t, err, codes.ResourceExhausted, false)
}

// An idle stream ends as soon as receivers are to stop, before Shutdown.
func TestGRPCStoppingEndsIdleStream(t *testing.T) {
	h := newGRPCHarness(t)
	stream := h.stream(t)
	require.NoError(t, stream.Send(requestOf(goodEvent())))
	_, err := stream.Recv()
	require.NoError(t, err)

	close(h.runtime.draining)
	require.NoError(t, stream.Send(requestOf(goodEvent())), "requests are still taken while draining")
	_, err = stream.Recv()
	require.NoError(t, err)

	close(h.runtime.stopping)
	_, err = stream.Recv()
	hasStatus(t, err, codes.Unavailable, true)
	_, err = h.submit(t, goodEvent())
	hasStatus(t, err, codes.Unavailable, true)
}

// What is in work when the shutdown begins is answered; what waits behind is not.
func TestGRPCStoppingAnswersWhatIsInWork(t *testing.T) {
	working, goOn := make(chan struct{}, 2), make(chan struct{})
	h := newGRPCHarness(t, withWork(func(context.Context) error {
		working <- struct{}{}
		<-goOn
		return nil
	}))
	stream := h.stream(t)
	require.NoError(t, stream.Send(requestOf(goodEvent())))
	require.NoError(t, stream.Send(requestOf(goodEvent())))
	unary := make(chan error, 1)
	go func() {
		_, err := h.client.Submit(context.Background(), requestOf(goodEvent()))
		unary <- err
	}()
	<-working
	<-working

	close(h.runtime.draining)
	close(h.runtime.stopping)
	stopped := make(chan error, 1)
	go func() { stopped <- h.receiver.Shutdown(context.Background()) }()
	close(goOn)

	answer, err := stream.Recv()
	require.NoError(t, err)
	assert.EqualValues(t, 1, answer.Accepted)
	_, err = stream.Recv()
	hasStatus(t, err, codes.Unavailable, true)
	require.NoError(t, <-unary)
	require.NoError(t, <-stopped)
	assert.Equal(t, 2, h.pipeline.seen(), "the second request of the stream was not taken")
}

// A stream whose client neither sends nor goes away does not hold up Shutdown,
// even if the runtime says nothing (as when the start of another server failed).
func TestGRPCShutdownEndsStreams(t *testing.T) {
	h := newGRPCHarness(t)
	stream := h.stream(t)
	require.NoError(t, stream.Send(requestOf(goodEvent())))
	_, err := stream.Recv()
	require.NoError(t, err)
	require.NoError(t, h.receiver.Shutdown(context.Background()))
	_, err = stream.Recv()
	hasStatus(t, err, codes.Unavailable, true)
	require.NoError(t, h.receiver.Shutdown(context.Background()), "twice")
}

// What is held up in the pipeline is cut when the shutdown timeout is over.
func TestGRPCShutdownCuts(t *testing.T) {
	working := make(chan struct{})
	h := newGRPCHarness(t, withWork(func(ctx context.Context) error {
		close(working)
		<-ctx.Done()
		return ctx.Err()
	}), func(_ *GRPCConfig, h *grpcHarness) { h.runtime.timeout = 50 * time.Millisecond })
	answered := make(chan error, 1)
	go func() {
		_, err := h.client.Submit(context.Background(), requestOf(goodEvent()))
		answered <- err
	}()
	<-working
	require.NoError(t, h.receiver.Shutdown(context.Background()))
	assert.Equal(t, codes.Unavailable, status.Code(<-answered))
}

// A pipeline that honours no context does not hold up Shutdown for ever.
func TestGRPCShutdownGivesUpOnPipeline(t *testing.T) {
	working, goOn := make(chan struct{}), make(chan struct{})
	h := newGRPCHarness(t, withWork(func(context.Context) error {
		close(working)
		<-goOn
		return nil
	}), func(_ *GRPCConfig, h *grpcHarness) { h.runtime.timeout = 50 * time.Millisecond })
	go func() { _, _ = h.client.Submit(context.Background(), requestOf(goodEvent())) }()
	<-working
	require.ErrorContains(t, h.receiver.Shutdown(context.Background()), "held up")
	close(goOn)
}

func TestGRPCShutdownUnstarted(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Protocols.GRPC.GetOrInsertDefault()
	r, err := newFeedbackReceiver(cfg, receivertest.NewNopSettings(metadata.Type), newGRPCPipeline())
	require.NoError(t, err)
	require.NoError(t, r.shutdownGRPC(context.Background()))
	require.NoError(t, r.Shutdown(context.Background()))
}

func TestGRPCStartFails(t *testing.T) {
	h := newGRPCHarness(t)
	cfg := createDefaultConfig().(*Config)
	grpcCfg := cfg.Protocols.GRPC.GetOrInsertDefault()
	grpcCfg.ServerConfig.NetAddr.Endpoint = h.receiver.grpc.addr.String() // taken
	r, err := newFeedbackReceiver(cfg, receivertest.NewNopSettings(metadata.Type), newGRPCPipeline())
	require.NoError(t, err)
	require.ErrorContains(t, r.Start(context.Background(), h.host), "protocols::grpc")
	require.ErrorContains(t, r.Start(context.Background(), componenttest.NewNopHost()), "feedbackruntime")
}
