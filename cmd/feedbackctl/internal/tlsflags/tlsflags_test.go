// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package tlsflags

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func parse(t *testing.T, args ...string) *Flags {
	t.Helper()
	var f Flags
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f.Register(fs, "", "")
	require.NoError(t, fs.Parse(args))
	return &f
}

func TestConfig(t *testing.T) {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600))

	f := parse(t)
	assert.False(t, f.Set())
	c, err := f.Config()
	require.NoError(t, err)
	assert.Nil(t, c.RootCAs)

	f = parse(t, "--tls-ca", ca)
	assert.True(t, f.Set())
	c, err = f.Config()
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: c}}
	defer client.CloseIdleConnections()
	resp, err := client.Get(srv.URL)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
}

func TestConfigErrors(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for want, args := range map[string][]string{
		"--tls-ca: open":                  {"--tls-ca", "nowhere.pem"},
		"--tls-ca: no certificate in":     {"--tls-ca", empty},
		"--tls-cert and --tls-key go":     {"--tls-cert", empty},
		"--tls-cert, --tls-key: tls: fai": {"--tls-cert", empty, "--tls-key", empty},
	} {
		_, err := parse(t, args...).Config()
		require.ErrorContains(t, err, want)
	}
}
