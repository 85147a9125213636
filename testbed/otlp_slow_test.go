// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
)

// A body over OTLP that never comes holds its connection no longer than
// read_timeout, which every shipped configuration sets.
func TestSlowBodyOverOTLP(t *testing.T) {
	const timeout = time.Second
	c := collector.Run(t, collector.Options{
		Configs: []string{collector.ConfigFile("quickstart.yaml"), fmt.Sprintf("yaml:receivers::otlp::protocols::http::read_timeout: %s", timeout)},
		Dir:     t.TempDir(),
	})
	conn, err := net.Dial("tcp", c.OTLPHTTP)
	require.NoError(t, err)
	defer conn.Close()
	began := time.Now()
	_, err = io.WriteString(conn, "POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(began.Add(20*time.Second)))
	answer, err := io.ReadAll(conn)
	require.NoError(t, err, "the connection is still open")
	assert.GreaterOrEqual(t, time.Since(began), timeout)
	assert.NotContains(t, string(answer), " 200 ")
}
