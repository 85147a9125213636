// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux && install

package install

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/testbed/kafka"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/topic"
)

const eventsTopic = "feedback-events"

// feeder sends events to a collector and looks for them in Kafka.
type feeder struct {
	t       *testing.T
	http    string // host:port
	cluster *kafka.Cluster
	sent    map[string]bool
}

// newFeeder starts Kafka.
func newFeeder(t *testing.T, http string) *feeder {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cluster, err := kafka.Start(ctx, kafka.Libs(t), t.TempDir(), kafka.Options{HeapMiB: 384})
	require.NoError(t, err)
	t.Cleanup(cluster.Stop)
	require.NoError(t, cluster.CreateTopic(ctx, eventsTopic, 3, nil))
	require.NoError(t, cluster.CreateTopic(ctx, eventsTopic+"-dlq", 1, nil))
	return &feeder{t: t, http: http, cluster: cluster, sent: map[string]bool{}}
}

func (f *feeder) brokers() string { return strings.Join(f.cluster.Brokers(), ",") }

// feed sends n events, each in a request of its own; all must be acknowledged.
func (f *feeder) feed(n int) {
	f.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	for range n {
		id := uuid.Must(uuid.NewV7()).String()
		body := fmt.Sprintf(`{"type":"user_feedback","event_id":%q,"session_id":"s-1","request_id":%q,"thumbs":"up"}`, id, uuid.NewString())
		resp, err := client.Post("http://"+f.http+"/v1/feedback", "application/json", strings.NewReader(body))
		require.NoError(f.t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(f.t, err)
		require.NoError(f.t, resp.Body.Close())
		require.Equal(f.t, http.StatusAccepted, resp.StatusCode, string(text))
		f.sent[id] = true
	}
}

// awaitAll returns when every event that was sent is in the topic, and no other.
func (f *feeder) awaitAll() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	reader, err := topic.NewReader(f.cluster.Brokers())
	require.NoError(f.t, err)
	defer reader.Close()
	require.NoError(f.t, reader.AwaitCount(ctx, eventsTopic, int64(len(f.sent))))
	require.Eventually(f.t, func() bool {
		records, err := reader.All(ctx, eventsTopic)
		if err != nil {
			return false
		}
		found := map[string]bool{}
		for _, r := range records {
			id, _ := topic.Header(r, "event_id")
			require.True(f.t, f.sent[id], "an event that nobody sent")
			found[id] = true
		}
		return len(found) == len(f.sent)
	}, patience, time.Second)
}

// get asks the collector.
func get(ctx context.Context, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", address, resp.Status)
	}
	return nil
}
