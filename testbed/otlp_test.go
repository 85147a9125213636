// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/events"
)

// otlpStrings sends any texts as the bodies of log records.
type otlpStrings struct {
	client *http.Client
	url    string
}

// send returns the status; the answer must not hold the marker.
func (o otlpStrings) send(t *testing.T, bodies ...string) int {
	t.Helper()
	message, err := exportRequest(bodies).MarshalJSON()
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.url, bytes.NewReader(message))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := o.client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.NotContains(t, string(answer), marker)
	return resp.StatusCode
}

// exportRequest has these texts as the bodies of its records.
func exportRequest(bodies []string) plogotlp.ExportRequest {
	logs := plog.NewLogs()
	records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for _, b := range bodies {
		records.AppendEmpty().Body().SetStr(b)
	}
	return plogotlp.NewExportRequestFromLogs(logs)
}

// exportOTLP sends texts over OTLP/gRPC and returns the status.
func exportOTLP(t *testing.T, c *collector.Collector, bodies ...string) error {
	t.Helper()
	_, err := plogotlp.NewGRPCClient(dial(t, c.OTLPGRPC)).Export(t.Context(), exportRequest(bodies))
	return err
}

func parse(t *testing.T, text []byte) events.Object {
	t.Helper()
	o, err := events.Parse(text)
	require.NoError(t, err)
	return o
}
