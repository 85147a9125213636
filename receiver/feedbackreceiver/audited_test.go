// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/otelcol-feedback/otelcol-feedback/internal/audit"
)

// auditKeeper stands for the feedbackruntime extension.
type auditKeeper struct {
	component.StartFunc
	component.ShutdownFunc
	log *audit.Log
}

func (k auditKeeper) Audit() *audit.Log { return k.log }

var auditKeeperID = component.MustNewID("keeper")

func newAuditLog(t *testing.T) (keeper auditKeeper, read func() string) {
	t.Helper()
	cfg := audit.DefaultConfig()
	cfg.Output = filepath.Join(t.TempDir(), "audit.jsonl")
	log := audit.New(cfg, zap.NewNop())
	require.NoError(t, log.Start())
	t.Cleanup(func() { assert.NoError(t, log.Shutdown()) })
	return auditKeeper{log: log}, func() string {
		text, err := os.ReadFile(cfg.Output)
		require.NoError(t, err)
		assert.NotContains(t, string(text), marker)
		return string(text)
	}
}

func TestAttemptsAreAudited(t *testing.T) {
	keeper, read := newAuditLog(t)
	h := newHTTPHarness(t, withAuth("tokens"), withExtension(auditKeeperID, keeper), withHTTPConfig(func(c *HTTPConfig) {
		c.TrustedProxies = []string{"127.0.0.0/8", "::1"}
	}))
	assert.Equal(t, 202, h.send(good, "Authorization", "Bearer alice", "X-Forwarded-For", "192.0.2.7").status)
	assert.Contains(t, read(), `"msg":"authentication_attempt","client_id":"alice","ip_addr":"192.0.2.7","success":true}`)
	h.send(good, "X-Forwarded-For", "192.0.2.8").refused(t, 401, "unauthenticated")
	assert.Contains(t, read(), `"msg":"authentication_attempt","client_id":"","ip_addr":"192.0.2.8","success":false,"reason":"refused"}`)
}

func TestGRPCAttemptsAreAudited(t *testing.T) {
	keeper, read := newAuditLog(t)
	h := newGRPCHarness(t, withGRPCAuth, func(_ *GRPCConfig, h *grpcHarness) { h.host.extensions[auditKeeperID] = keeper })
	_, err := h.client.Submit(withToken(t.Context(), marker), requestOf(goodEvent()))
	assert.Equal(t, codes.Unauthenticated, status.Code(err))
	assert.Regexp(t, `"client_id":"","ip_addr":"(127.0.0.1|::1)","success":false,"reason":"refused"}`, read())
}

// selfAudited is an authenticator that records its attempts itself.
type selfAudited struct{ testAuthenticator }

func (selfAudited) AuditsAuthentication() {}

func TestAudited(t *testing.T) {
	keeper, read := newAuditLog(t)
	assert.Equal(t, testAuthenticator{}, audited(testAuthenticator{}, nil), "no log, no wrapper")
	server := audited(selfAudited{}, keeper.log)
	assert.Equal(t, selfAudited{}, server)
	_, err := server.Authenticate(context.Background(), nil)
	require.Error(t, err)
	assert.Empty(t, read())
}
