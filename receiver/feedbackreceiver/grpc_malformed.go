// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// grpc-go answers INTERNAL for a message that it cannot decompress or decode:
// the collector's fault, to a client that reads the code. It is the client's,
// and sending the same again does not help.

// malformed corrects the error of receiving one message.
func malformed(err error) error {
	if status.Code(err) == codes.Internal {
		return errGRPCMalformed
	}
	return err
}

// withMalformed returns the service with that correction in its unary methods,
// whose messages are decoded before any interceptor is called, and has such
// messages counted. In a stream grpc-go has sent its own status before anybody
// sees the error.
func withMalformed(desc grpc.ServiceDesc, count func(context.Context, error)) *grpc.ServiceDesc {
	desc.Methods = slices.Clone(desc.Methods)
	for i := range desc.Methods {
		handle := desc.Methods[i].Handler
		desc.Methods[i].Handler = func(srv any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
			return handle(srv, ctx, func(m any) error {
				err := decode(m)
				count(ctx, err)
				return malformed(err)
			}, interceptor)
		}
	}
	return &desc
}
