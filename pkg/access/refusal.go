// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package access // import "github.com/otelcol-feedback/otelcol-feedback/pkg/access"

import (
	"context"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Refusal is why a credential was refused. It never holds the credential nor
// anything of it. There is one value for each reason: compare by ==.
type Refusal struct {
	// Reason is a short name out of a closed set, for logs.
	Reason string
	// Message tells the client; it is fit to be shown to anyone.
	Message string
	status  *status.Status
}

// Error implements error.
func (r *Refusal) Error() string { return r.Message }

// GRPCStatus is what status.FromError looks for.
func (r *Refusal) GRPCStatus() *status.Status { return r.status }

// Temporary reports whether the same credential may be good a little later.
func (r *Refusal) Temporary() bool { return r.status.Code() == codes.Unavailable }

func refuse(reason, message string) *Refusal {
	return &Refusal{Reason: reason, Message: message, status: status.New(codes.Unauthenticated, message)}
}

// The reasons. What does not verify has one message, whatever the reason: only
// who can sign is told more.
var (
	ErrMissing    = refuse("missing", "credentials are required")
	ErrAmbiguous  = refuse("ambiguous", "credentials are given twice")
	ErrScheme     = refuse("scheme", "a bearer token is required")
	ErrTooLong    = refuse("too_long", "the token is longer than allowed here")
	ErrMalformed  = refuse("malformed", notVerified)
	ErrAlgorithm  = refuse("algorithm", notVerified)
	ErrUnknownKey = refuse("unknown_key", notVerified)
	ErrSignature  = refuse("signature", notVerified)
	ErrExpired    = refuse("expired", "the token has expired")
	ErrNotYet     = refuse("not_yet_valid", "the token is not valid yet")
	ErrIssuer     = refuse("issuer", "the token is of another issuer than expected here")
	ErrAudience   = refuse("audience", "the token is for another audience")
	ErrSubject    = refuse("subject", "the token must have a subject (sub), at most 256 characters and no control character")
	ErrClaims     = refuse("claims", "a claim of the token is missing or of the wrong kind")
	ErrPresigned  = refuse("presigned", "a presigned token must have jti, an expiry (exp) of 24 hours at most, and feedback with request_id or session_id, types and max_uses")
	ErrInQuery    = refuse("in_query", "only a presigned token may stand in the query")
	// ErrNoKeys: nobody can be told from anybody now. The credential may be good.
	ErrNoKeys = &Refusal{Reason: "no_keys", Message: noKeys, status: statusNoKeys()}
)

const (
	notVerified = "the token cannot be verified here"
	noKeys      = "the keys that verify tokens cannot be had now"
)

func statusNoKeys() *status.Status {
	st := status.New(codes.Unavailable, noKeys)
	if detailed, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)}); err == nil {
		return detailed
	}
	return st
}

// QueryAuthenticator is an authenticator that takes presigned tokens from a
// query, where an ordinary token must not stand.
type QueryAuthenticator interface {
	// AuthenticateQuery is extensionauth.Server.Authenticate for a token that
	// came as query parameter.
	AuthenticateQuery(ctx context.Context, token string) (context.Context, error)
}

// QueryParameter is where a presigned token may stand (RFC 6750, section 2.3).
const QueryParameter = "access_token"
