// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
)

// methods are what is called.
var methods = map[Transport]string{
	GRPC:       "/feedback.v1.FeedbackService/Submit",
	GRPCStream: "/feedback.v1.FeedbackService/SubmitStream",
	OTLPGRPC:   "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}

// grpcSender calls with messages that are encoded already.
type grpcSender struct {
	config *Config
	conn   *grpc.ClientConn
	stream grpc.ClientStream // of GRPCStream, from its first request on
	cancel context.CancelFunc
	answer []byte
}

func newGRPCSender(c *Config) (*grpcSender, error) {
	secure := insecure.NewCredentials()
	if c.TLS != nil {
		secure = credentials.NewTLS(c.TLS.Clone())
	}
	conn, err := grpc.NewClient(c.Target, grpc.WithTransportCredentials(secure),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(rawCodec{}), grpc.MaxCallRecvMsgSize(maxAnswer)))
	if err != nil {
		return nil, err
	}
	return &grpcSender{config: c, conn: conn}, nil
}

func (s *grpcSender) dial(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	s.conn.Connect()
	for state := s.conn.GetState(); state != connectivity.Ready; state = s.conn.GetState() {
		if state == connectivity.TransientFailure || !s.conn.WaitForStateChange(ctx, state) {
			return fmt.Errorf("no connection to %s", s.config.Target)
		}
	}
	return nil
}

func (s *grpcSender) send(ctx context.Context, wire []byte) error {
	if s.config.Token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+s.config.Token)
	}
	var err error
	if s.config.Transport == GRPCStream {
		err = s.exchange(ctx, wire)
	} else {
		call, cancel := context.WithTimeout(ctx, s.config.Timeout)
		err = s.conn.Invoke(call, methods[s.config.Transport], &wire, &s.answer)
		cancel()
	}
	switch {
	case err == nil && s.config.Transport == OTLPGRPC:
		return exported(s.answer)
	case err == nil:
		return answered(s.answer, s.config.Batch)
	case unanswered(grpcstatus.Code(err)):
		return err
	}
	return &refusal{what: grpcstatus.Code(err).String()}
}

// unanswered tells codes that a client makes up when there is no answer from
// those that are one. Unavailable is both; what the collector refuses with it
// was not taken.
func unanswered(code codes.Code) bool {
	return code == codes.DeadlineExceeded || code == codes.Canceled || code == codes.Unknown
}

// exchange sends a request on the stream and receives its answer.
func (s *grpcSender) exchange(ctx context.Context, wire []byte) error {
	if s.stream == nil {
		ctx, s.cancel = context.WithCancel(ctx)
		desc := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
		stream, err := s.conn.NewStream(ctx, desc, methods[GRPCStream])
		if err != nil {
			s.cancel()
			return err
		}
		s.stream = stream
	}
	// A send that fails says io.EOF; why, is what the receive says.
	_ = s.stream.SendMsg(&wire)
	err := s.stream.RecvMsg(&s.answer)
	if err != nil {
		s.cancel()
		s.stream = nil
	}
	return err
}

func (s *grpcSender) close() {
	if s.stream != nil {
		_ = s.stream.CloseSend()
		s.cancel()
	}
	_ = s.conn.Close()
}

// rawCodec passes messages on as they are, under the name that servers expect.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

// Marshal gives grpc the message itself: a request is not touched before it was
// answered.
func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	wire, ok := v.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("no message: %T", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(*wire)}, nil
}

// Unmarshal copies the message into memory that the sender keeps.
func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	into, ok := v.(*[]byte)
	if !ok {
		return errors.New("no place for a message")
	}
	n := data.Len()
	if cap(*into) < n {
		*into = make([]byte, 2*n)
	}
	*into = (*into)[:n]
	data.CopyTo(*into)
	return nil
}
