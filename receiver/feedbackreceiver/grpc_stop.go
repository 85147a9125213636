// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"google.golang.org/grpc"
)

// stopper ends streams at shutdown. GracefulStop waits for open streams, and a
// handler that waits for the client's next message would never return.
type stopper struct {
	runtime <-chan struct{} // closed when receivers are to stop
	own     <-chan struct{} // closed when this server is stopped for another reason
}

func (s stopper) stopping() bool {
	select {
	case <-s.runtime:
		return true
	case <-s.own:
		return true
	default:
		return false
	}
}

func (s stopper) stream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	return next(srv, &stoppableStream{ServerStream: ss, stopper: s})
}

// stoppableStream gives up waiting for a message when the server stops.
type stoppableStream struct {
	grpc.ServerStream
	stopper stopper
}

// RecvMsg implements grpc.ServerStream. The message that is in work when the
// server begins to stop is still answered, since the handler comes here only
// afterwards; the next is not taken.
//
// The goroutine ends with the stream, which ends when the handler returns.
func (s *stoppableStream) RecvMsg(m any) error {
	if s.stopper.stopping() {
		return errGRPCStopping
	}
	received := make(chan error, 1)
	go func() { received <- s.ServerStream.RecvMsg(m) }()
	select {
	case err := <-received:
		return err
	case <-s.stopper.runtime:
	case <-s.stopper.own:
	}
	return errGRPCStopping
}
