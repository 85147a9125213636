// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"
	"fmt"
	"runtime/debug"

	"go.uber.org/zap"
	"google.golang.org/grpc"
)

// recoverer answers INTERNAL after a panic, which would otherwise end the
// process with all that is in flight. net/http does the same for its half.
type recoverer struct{ logger *zap.Logger }

// recovered must be deferred. The value of the panic may hold parts of an event:
// only its type is logged.
func (r recoverer) recovered(err *error) {
	p := recover()
	if p == nil {
		return
	}
	r.logger.Error("A request made the collector panic",
		zap.String("panic", fmt.Sprintf("%T", p)), zap.ByteString("stack", debug.Stack()))
	*err = errGRPCInternal
}

func (r recoverer) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (_ any, err error) {
	defer r.recovered(&err)
	return next(ctx, req)
}

func (r recoverer) stream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	defer r.recovered(&err)
	return next(srv, ss)
}
