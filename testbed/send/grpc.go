// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package send

import (
	"context"
	"fmt"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/events"
)

// Dial connects to a gRPC server on loopback; without options, in the clear.
func Dial(address string, opts ...grpc.DialOption) (*grpc.ClientConn, error) {
	return grpc.NewClient(address, append([]grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}, opts...)...)
}

// Unary sends with FeedbackService.Submit.
type Unary struct {
	Client feedbackv1.FeedbackServiceClient
}

// Send implements Sender.
func (u *Unary) Send(ctx context.Context, batch []*events.Event) ([]Receipt, error) {
	resp, err := u.Client.Submit(ctx, request(batch))
	if err != nil {
		return nil, err
	}
	return received(batch, resp)
}

// Stream sends on one stream of FeedbackService.SubmitStream, a request at a
// time.
type Stream struct {
	mu     sync.Mutex // guards the stream, and keeps request and answer together
	stream feedbackv1.FeedbackService_SubmitStreamClient
}

// OpenStream opens the stream; it ends with ctx, or by Close.
func OpenStream(ctx context.Context, client feedbackv1.FeedbackServiceClient) (*Stream, error) {
	stream, err := client.SubmitStream(ctx)
	return &Stream{stream: stream}, err
}

// Send implements Sender. Of a stream, ctx was fixed when it was opened.
func (s *Stream) Send(_ context.Context, batch []*events.Event) ([]Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.stream.Send(request(batch)); err != nil {
		_, recvErr := s.stream.Recv() // says why
		return nil, fmt.Errorf("%w: %w", err, recvErr)
	}
	resp, err := s.stream.Recv()
	if err != nil {
		return nil, err
	}
	return received(batch, resp)
}

// Close says that nothing more will be sent.
func (s *Stream) Close() error { return s.stream.CloseSend() }

func request(batch []*events.Event) *feedbackv1.SubmitRequest {
	req := &feedbackv1.SubmitRequest{Events: make([]*feedbackv1.FeedbackEvent, len(batch))}
	for i, e := range batch {
		req.Events[i] = Proto(e)
	}
	return req
}

func received(batch []*events.Event, resp *feedbackv1.SubmitResponse) ([]Receipt, error) {
	if int(resp.GetAccepted()) != len(batch) || len(resp.GetEventIds()) != len(batch) {
		return nil, fmt.Errorf("accepted %d of %d events: %v", resp.GetAccepted(), len(batch), resp.GetErrors())
	}
	list := receipts(batch)
	for i, id := range resp.GetEventIds() {
		list[i].ID = id
	}
	return list, nil
}
