// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.opentelemetry.io/collector/extension/extensionauth"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
)

// guard asks for credentials wherever a method is not open to all.
type guard struct{ authenticator extensionauth.Server }

// openMethods are those of the health service: probes carry no token.
const openMethods = "/grpc.health.v1.Health/"

// authenticate returns ctx with what the authenticator knows of the client.
func (g guard) authenticate(ctx context.Context, method string) (context.Context, error) {
	if strings.HasPrefix(method, openMethods) {
		return ctx, nil
	}
	md, _ := metadata.FromIncomingContext(ctx)
	authenticated, err := g.authenticator.Authenticate(ctx, md)
	if err != nil {
		return nil, authError(err)
	}
	return authenticated, nil
}

// authError tells a client no more than whether credentials would help: what the
// authenticator says may be about its keys.
func authError(err error) error {
	if reason, ok := errors.AsType[*access.Refusal](err); ok {
		return reason.GRPCStatus().Err() // written to be shown to anyone
	}
	if st, ok := statusOf(err); ok {
		switch st.Code() {
		case codes.PermissionDenied:
			return errGRPCDenied
		case codes.Unavailable:
			return errGRPCUnavailable
		}
	}
	return errGRPCUnauthenticated
}

func (g guard) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, err := g.authenticate(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return next(ctx, req)
}

func (g guard) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx, err := g.authenticate(ss.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	grant, _ := access.FromContext(ctx)
	return next(srv, &streamWithContext{ServerStream: ss, ctx: ctx, grant: grant})
}

type streamWithContext struct {
	grpc.ServerStream
	ctx   context.Context //nolint:containedctx // a stream has one
	grant *access.Grant   // nil: nothing is known of the client
}

// RecvMsg implements grpc.ServerStream. A stream can last longer than what it
// was opened with is good.
func (s *streamWithContext) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	if s.grant != nil && s.grant.Expired(time.Now()) {
		return authError(access.ErrExpired)
	}
	return nil
}

// Context implements grpc.ServerStream.
func (s *streamWithContext) Context() context.Context { return s.ctx }
