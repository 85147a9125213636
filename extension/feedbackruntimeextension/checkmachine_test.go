// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withReceiver is a whole configuration with one receiver.
func withReceiver(id string, receiver map[string]any) wholeConfig {
	return wholeConfig{
		"receivers": map[string]any{id: receiver, "otlp/unused": map[string]any{
			"protocols": map[string]any{"http": map[string]any{"endpoint": "192.0.2.1:1", "tls": map[string]any{"cert_file": "/nowhere"}}},
		}},
		"exporters": map[string]any{"feedbackkafka": map[string]any{"tls": map[string]any{"ca_file": ""}}},
		"service": map[string]any{"pipelines": map[string]any{
			"logs": map[string]any{"receivers": []any{id}, "exporters": []any{"feedbackkafka"}},
		}},
	}
}

func TestListenersAreFree(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	check := func(endpoint string) []error {
		return checkMachine(t.Context(), withReceiver("otlp", map[string]any{"protocols": map[string]any{"grpc": map[string]any{"endpoint": endpoint}}}))
	}
	const name = "receivers::otlp::protocols::grpc::endpoint (COLLECTOR_OTLP__GRPC_ENDPOINT): "
	for endpoint, want := range map[string]string{
		taken.Addr().String():     name + taken.Addr().String() + " is in use by another process",
		"192.0.2.1:4317":          name + "192.0.2.1:4317 is no address of this machine",
		"collector.invalid:43170": name + "the name collector.invalid cannot be resolved",
	} {
		errs := check(endpoint)
		require.Len(t, errs, 1, endpoint)
		assert.ErrorContains(t, errs[0], want)
	}

	require.NoError(t, taken.Close())
	free := taken.Addr().String()
	require.Empty(t, check(free))
	again, err := net.Listen("tcp", free)
	require.NoError(t, err, "looking leaves the port free")
	require.NoError(t, again.Close())
}

func TestFilesAreReadable(t *testing.T) {
	there := filepath.Join(t.TempDir(), "tls.crt")
	require.NoError(t, os.WriteFile(there, nil, 0o600))
	check := func(tls map[string]any) []error {
		return checkMachine(t.Context(), withReceiver("feedback", map[string]any{"protocols": map[string]any{"http": map[string]any{"tls": tls}}}))
	}
	const key = "receivers::feedback::protocols::http::tls::"
	require.Empty(t, check(map[string]any{"cert_file": there, "key_file": there, "client_ca_file": "", "ca_file": nil}))

	missing := there + ".old"
	errs := check(map[string]any{"cert_file": missing, "key_file": there})
	require.Len(t, errs, 1)
	assert.EqualError(t, errs[0], key+"cert_file (COLLECTOR_TLS__CERT_FILE): there is no file "+missing+": set the path of a PEM file")

	if os.Getuid() == 0 {
		return // who may read everything
	}
	require.NoError(t, os.Chmod(there, 0))
	errs = check(map[string]any{"key_file": there})
	require.Len(t, errs, 1)
	assert.ErrorContains(t, errs[0], key+"key_file (COLLECTOR_TLS__KEY_FILE): "+there+" may not be read by this user")
}
