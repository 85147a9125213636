// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"

	"go.opentelemetry.io/collector/extension/extensionauth"

	"github.com/otelcol-feedback/otelcol-feedback/internal/audit"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
)

// reasonRefused is the reason of a failed attempt at an authenticator whose
// own reasons are not known to be fit for the audit log.
const reasonRefused = "refused"

// audited records the attempts at an authenticator that does not do so itself.
func audited(server extensionauth.Server, log *audit.Log) extensionauth.Server {
	if _, itself := server.(audit.Authenticator); itself || log == nil {
		return server
	}
	return auditedServer{server, log}
}

type auditedServer struct {
	extensionauth.Server
	log *audit.Log
}

// Authenticate implements extensionauth.Server.
func (s auditedServer) Authenticate(ctx context.Context, sources map[string][]string) (context.Context, error) {
	authenticated, err := s.Server.Authenticate(ctx, sources)
	if err != nil {
		s.log.Authentication(ctx, "", false, reasonRefused)
		return authenticated, err
	}
	clientID := ""
	if grant, ok := access.FromContext(authenticated); ok {
		clientID = grant.Subject
	}
	s.log.Authentication(authenticated, clientID, true, "")
	return authenticated, nil
}
