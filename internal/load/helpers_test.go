// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var uuids = regexp.MustCompile(`b[0-9a-f]{7}-c[0-9a-f]{3}-4[0-9a-f]{3}-afee-f[0-9a-f]{11}`)

// far is the other side of a load: it knows which ids it was sent.
type far struct {
	mu       sync.Mutex
	ids      map[string]int
	requests int
	// take is called with each request's ids, outside of mu; nil takes all.
	take func(n int, ids []string, w http.ResponseWriter) (done bool)
}

func (f *far) see(text []byte) (n int, ids []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n = f.requests
	f.requests++
	ids = uuids.FindAllString(string(text), -1)
	for _, id := range ids {
		f.ids[id]++
	}
	return n, ids
}

func (f *far) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	n, ids := f.see(text)
	if f.take != nil && f.take(n, ids, w) {
		return
	}
	if r.URL.Path == "/v1/logs" {
		w.WriteHeader(http.StatusOK)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(map[string]any{"accepted": len(ids), "rejected": 0, "event_ids": ids})
}

// overHTTP starts the other side and returns its URL.
func (f *far) overHTTP(t *testing.T) string {
	t.Helper()
	f.ids = map[string]int{}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	return srv.URL
}

// service is the other side over gRPC.
type service struct {
	feedbackv1.UnimplementedFeedbackServiceServer
	plogotlp.UnimplementedGRPCServer
	*far
	refuse int // of each request, so many events
}

func (s *service) answer(req *feedbackv1.SubmitRequest) *feedbackv1.SubmitResponse {
	resp := &feedbackv1.SubmitResponse{}
	text, _ := json.Marshal(req)
	s.see(text)
	for i, e := range req.GetEvents() {
		if i < s.refuse {
			resp.Rejected++
			resp.EventIds = append(resp.EventIds, "")
			continue
		}
		resp.Accepted++
		resp.EventIds = append(resp.EventIds, e.GetEventId())
	}
	return resp
}

func (s *service) Submit(_ context.Context, req *feedbackv1.SubmitRequest) (*feedbackv1.SubmitResponse, error) {
	return s.answer(req), nil
}

func (s *service) SubmitStream(stream grpc.BidiStreamingServer[feedbackv1.SubmitRequest, feedbackv1.SubmitResponse]) error {
	for {
		req, err := stream.Recv()
		if err != nil {
			return nil //nolint:nilerr // the client has ended the stream
		}
		if err := stream.Send(s.answer(req)); err != nil {
			return err
		}
	}
}

func (s *service) Export(_ context.Context, req plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	text, _ := req.MarshalJSON()
	s.see(text)
	resp := plogotlp.NewExportResponse()
	resp.PartialSuccess().SetRejectedLogRecords(int64(s.refuse))
	return resp, nil
}

// overGRPC starts the other side and returns its address.
func (f *far) overGRPC(t *testing.T, refuse int) string {
	t.Helper()
	f.ids = map[string]int{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := grpc.NewServer()
	s := &service{far: f, refuse: refuse}
	feedbackv1.RegisterFeedbackServiceServer(srv, s)
	plogotlp.RegisterGRPCServer(srv, s)
	var done sync.WaitGroup
	done.Go(func() { assert.NoError(t, srv.Serve(l)) })
	t.Cleanup(func() {
		srv.Stop()
		done.Wait()
	})
	return l.Addr().String()
}
