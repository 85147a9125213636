// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/extension/extensiontest"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension/internal/metadata"
)

func TestServiceManagerIsToldWhenReady(t *testing.T) {
	folder, err := os.MkdirTemp("", "n") //nolint:usetesting // a socket's path is short
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	socket := filepath.Join(folder, "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Skip("no datagram sockets in the file system here:", err)
	}
	defer conn.Close()
	t.Setenv(envNotifySocket, socket)

	e := newExtension(extensiontest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config))
	for range 2 { // again after a reload
		require.NoError(t, e.Ready())
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
		got := make([]byte, 64)
		n, err := conn.Read(got)
		require.NoError(t, err)
		assert.Equal(t, "READY=1", string(got[:n]))
	}
}

// A service manager that does not listen is no reason not to take events.
func TestServiceManagerIsAway(t *testing.T) {
	for _, socket := range []string{"", "/nowhere/socket", "@nobody-listens-here", "vsock:2:1"} {
		t.Setenv(envNotifySocket, socket)
		e := newExtension(extensiontest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config))
		require.NoError(t, e.Ready())
		assert.Equal(t, socket == "", notifyReady(socket) == nil, socket)
	}
}
