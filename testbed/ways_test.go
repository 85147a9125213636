// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/events"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/send"
)

// way is one of the ways in.
type way struct {
	name string
	// style is what it can carry.
	style events.Style
	// batch is the number of events a request, senders how many send at a time.
	batch, senders int
	// answersIDs: the answer names each event's id.
	answersIDs bool
	// takesTime: an event without a timestamp takes that of its log record.
	takesTime bool
	sender    send.Sender
}

// serverWays are the ways into a collector that listens.
func serverWays(t *testing.T, c *collector.Collector) []way { return waysWith(t, c, "") }

// waysWith are the ways in for the bearer of a token.
func waysWith(t *testing.T, c *collector.Collector, token string) []way {
	client := bearerClient(t, c, token)
	url := c.URL("/v1/feedback")
	options := dialOptions(c, token)
	feedback := feedbackv1.NewFeedbackServiceClient(dial(t, c.GRPC, options...))
	stream, err := send.OpenStream(t.Context(), feedback)
	require.NoError(t, err)
	t.Cleanup(func() { _ = stream.Close() })
	return []way{
		{name: "HTTP single", style: events.JSON, batch: 1, senders: 8, answersIDs: true,
			sender: &send.HTTP{Client: client, URL: url, Shape: send.Single}},
		{name: "HTTP array", style: events.JSON, batch: 100, senders: 2, answersIDs: true,
			sender: &send.HTTP{Client: client, URL: url, Shape: send.Array, Encoding: "gzip"}},
		{name: "HTTP NDJSON", style: events.JSON, batch: 250, senders: 2, answersIDs: true,
			sender: &send.HTTP{Client: client, URL: url, Shape: send.NDJSON, Encoding: "zstd"}},
		{name: "gRPC unary", style: events.Proto, batch: 25, senders: 4, answersIDs: true,
			sender: &send.Unary{Client: feedback}},
		{name: "gRPC stream", style: events.Proto, batch: 10, senders: 1, answersIDs: true,
			sender: stream},
		{name: "OTLP/gRPC map", style: events.Map, batch: 50, senders: 2, takesTime: true,
			sender: &send.OTLPGRPC{Client: plogotlp.NewGRPCClient(dial(t, c.OTLPGRPC, options...))}},
		{name: "OTLP/HTTP string", style: events.JSON, batch: 50, senders: 2, takesTime: true,
			sender: &send.OTLPHTTP{Client: client, URL: c.At(c.OTLPHTTP) + "/v1/logs"}},
	}
}

// fileWay is the way through a directory that a daemon scans.
func fileWay(directory string) way {
	return way{name: "scanned file", style: events.JSON, batch: 125, senders: 1,
		sender: &send.File{Path: filepath.Join(directory, "events.jsonl")}}
}

func dial(t *testing.T, address string, opts ...grpc.DialOption) *grpc.ClientConn {
	conn, err := send.Dial(address, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// dialOptions secure a connection as the collector asks for it.
func dialOptions(c *collector.Collector, token string) (opts []grpc.DialOption) {
	if c.TLS != nil {
		opts = append(opts, grpc.WithTransportCredentials(credentials.NewTLS(c.TLS)))
	}
	if token != "" {
		opts = append(opts, grpc.WithPerRPCCredentials(bearer(token)))
	}
	return opts
}

// bearer is a token that goes with each request.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

func (bearer) RequireTransportSecurity() bool { return true }

// bearerClient is a client of the collector's HTTP servers.
func bearerClient(t *testing.T, c *collector.Collector, token string) *http.Client {
	client := httpClient(t)
	transport := client.Transport.(*http.Transport)
	transport.TLSClientConfig = c.TLS.Clone()
	if token != "" {
		client.Transport = bearerTransport{transport, token}
	}
	return client
}

type bearerTransport struct {
	http.RoundTripper
	token string
}

func (b bearerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+b.token)
	return b.RoundTripper.RoundTrip(req)
}

// sendAll sends all events and returns the receipts and every error.
func (w *way) sendAll(ctx context.Context, all []*events.Event) ([]send.Receipt, []error) {
	batches := make(chan []*events.Event)
	var (
		mu       sync.Mutex // guards receipts and errs
		receipts []send.Receipt
		errs     []error
		senders  sync.WaitGroup
	)
	for range w.senders {
		senders.Go(func() {
			for batch := range batches {
				got, err := w.sender.Send(ctx, batch)
				mu.Lock()
				receipts = append(receipts, got...)
				if err != nil {
					errs = append(errs, err)
				}
				mu.Unlock()
			}
		})
	}
	for len(all) > 0 {
		n := min(w.batch, len(all))
		batches <- all[:n]
		all = all[n:]
	}
	close(batches)
	senders.Wait()
	return receipts, errs
}

// first is the first of the errors, with how many there are.
func first(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%d requests failed, the first with: %w", len(errs), errs[0])
}
