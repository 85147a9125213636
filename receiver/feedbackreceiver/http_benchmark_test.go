// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver/internal/metadata"
)

// acceptAll is a pipeline that costs nothing.
type acceptAll struct{ accepted int }

func (*acceptAll) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (a *acceptAll) ConsumeLogs(ctx context.Context, _ plog.Logs) error {
	v := feedback.FromContext(ctx).Verdicts
	for i := range v.Len() {
		v.At(i).EventID = judgedID
	}
	v.MarkJudged()
	a.accepted += v.Len()
	return nil
}

// discard is a http.ResponseWriter that keeps the status alone.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

const benchEvent = `{"type":"user_feedback","event_id":"018f3a0e-0000-7000-8000-000000000001","timestamp":"2026-01-02T03:04:05Z",` +
	`"session_id":"session-42","request_id":"0198c1de-0f6b-7c52-9d3c-55e5c5c0a001","rating":4.5,"thumbs":"up",` +
	`"comment":"The answer was right, but it took me a while to find the part that I had asked for.","tags":["search","latency"]}`

// BenchmarkHTTP measures from the request to the answer, without the network.
// handler is ours alone; server is with all that the collector's server puts
// around it.
func BenchmarkHTTP(b *testing.B) {
	bodies := map[string]struct {
		body   string
		events int
	}{
		"1":   {benchEvent, 1},
		"100": {"[" + strings.Repeat(benchEvent+",", 99) + benchEvent + "]", 100},
	}
	for _, around := range []string{"handler", "server"} {
		for _, n := range []string{"1", "100"} {
			b.Run(around+"/events="+n, func(b *testing.B) {
				benchmarkHTTP(b, around == "server", bodies[n].body, bodies[n].events)
			})
		}
	}
}

func benchmarkHTTP(b *testing.B, whole bool, body string, events int) {
	cfg := defaultHTTPConfig()
	sink := &acceptAll{}
	r, err := newFeedbackReceiver(&Config{}, receivertest.NewNopSettings(metadata.Type), sink)
	require.NoError(b, err)
	r.rt = newHTTPRuntime()
	var handler http.Handler
	handler, err = newHTTPHandler(b.Context(), r, &cfg, nil)
	require.NoError(b, err)
	if whole {
		settings := serverSettings(&cfg)
		srv, err := settings.ToServer(b.Context(), nil, withoutInstruments(r.set.TelemetrySettings), handler, uninstrumented)
		require.NoError(b, err)
		handler = srv.Handler
	}

	reader := strings.NewReader(body)
	req := httptest.NewRequest(http.MethodPost, pathFeedback, reader)
	req.Header.Set("Content-Type", "application/json")
	source := req.Body
	w := &discard{header: http.Header{}}
	requests := 0
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		req.Body = source
		clear(w.header)
		handler.ServeHTTP(w, req)
		requests++
	}
	require.Equal(b, http.StatusAccepted, w.status)
	require.Equal(b, requests*events, sink.accepted)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(sink.accepted), "ns/event")
}
