// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package testbed

import (
	"bufio"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	feedbackv1 "github.com/otelcol-feedback/otelcol-feedback/api/feedback/v1"
	"github.com/otelcol-feedback/otelcol-feedback/testbed/collector"
)

const ownMetrics = "otelcol_feedback_"

// metricsOf reads the collector's own metrics: series to value, without the prefix
// of their names.
func metricsOf(t *testing.T, c *collector.Collector) map[string]float64 {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+strings.Replace(c.Metrics, "127.0.0.1", "localhost", 1)+"/metrics", nil)
	require.NoError(t, err)
	resp, err := httpClient(t).Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	series := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		line, own := strings.CutPrefix(lines.Text(), ownMetrics)
		if !own {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(line[at+1:], 64)
		require.NoError(t, err, line)
		series[line[:at]] = v
	}
	return series
}

// moved are the series that differ, by how much. One that was not there stood at 0.
func moved(before, after map[string]float64) map[string]float64 {
	out := map[string]float64{}
	for name, v := range after {
		if d := v - before[name]; d != 0 {
			out[name] = d
		}
	}
	return out
}

// Every counter moves by exactly what was sent, and those of closed sets were
// there before.
func TestCountersAreExact(t *testing.T) {
	c := collector.Run(t, collector.Options{Configs: []string{
		collector.ConfigFile("quickstart.yaml"), "yaml:extensions::zpages::endpoint: localhost:0",
		"yaml:processors::feedbackadmission::rate_limit: {events_per_second: 1, burst: 100, per_peer: true}",
		"yaml:receivers::feedback::protocols::http::max_request_body_size: 100000",
	}})
	before := metricsOf(t, c)
	for _, transport := range []string{"http", "grpc", "otlp"} {
		for _, typ := range []string{"user_feedback", "performance_metrics", "model_response", "system_health", "experiment_result", "unknown"} {
			for _, name := range []string{"received_events_total", "accepted_events_total"} {
				assert.Contains(t, before, name+`{event_type="`+typ+`",transport="`+transport+`"}`)
			}
		}
		assert.Contains(t, before, `rejected_events_total{code="redaction_failed",transport="`+transport+`"}`)
		assert.Contains(t, before, `rate_limited_events_total{transport="`+transport+`"}`)
	}
	assert.NotContains(t, strings.Join(slices.Collect(maps.Keys(before)), "\n"), `transport="file"`, "no such receiver")

	ask := func(want int, body string) {
		t.Helper()
		resp, err := httpClient(t).Do(post(t, c, body))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, want, resp.StatusCode)
	}
	// HTTP: one of each type, one with an address; two and one that lacks a field; a
	// body that breaks; one that is too large; none; and one that asks no event.
	ask(http.StatusAccepted, "["+strings.Join([]string{feedback(`"comment":"to a@example.com"`), performance(""), response(""), health(""), experiment("")}, ",")+"]")
	ask(http.StatusMultiStatus, "["+feedback("")+","+feedback(`"session_id":""`)+","+feedback("")+"]")
	ask(http.StatusBadRequest, "["+feedback("")+`, {"type":`)
	ask(http.StatusRequestEntityTooLarge, feedback(`"comment":"`+strings.Repeat("x", 100_000)+`"`))
	ask(http.StatusBadRequest, "[]")
	// gRPC: two that are valid, and one that is not.
	client := feedbackv1.NewFeedbackServiceClient(dial(t, c.GRPC))
	valid := func() *feedbackv1.FeedbackEvent {
		return &feedbackv1.FeedbackEvent{Event: &feedbackv1.FeedbackEvent_UserFeedback{UserFeedback: &feedbackv1.UserFeedback{SessionId: new("s"), RequestId: new(uuid.NewString())}}}
	}
	_, err := client.Submit(t.Context(), &feedbackv1.SubmitRequest{Events: []*feedbackv1.FeedbackEvent{valid(), valid()}})
	require.NoError(t, err)
	_, err = client.Submit(t.Context(), &feedbackv1.SubmitRequest{Events: []*feedbackv1.FeedbackEvent{{}}})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	// OTLP: two that are valid, and two that become dead letters.
	require.NoError(t, exportOTLP(t, c, health(""), health(""), health(`"status":"fine"`), "{broken"))

	const published = 5 + 2 + 2 + 2
	const dead = 2
	var after map[string]float64
	require.Eventually(t, func() bool {
		after = metricsOf(t, c)
		return after["end_to_end_duration_seconds_count"] == published && after["record_size_bytes_count"] == published+dead
	}, 20*time.Second, 100*time.Millisecond)
	// Over the rate: into debt first, then not let in.
	ask(http.StatusAccepted, "["+strings.Repeat(health("")+",", 99)+health("")+"]")
	ask(http.StatusTooManyRequests, "["+feedback("")+","+health("")+"]")
	require.Eventually(t, func() bool {
		after = metricsOf(t, c)
		return after["end_to_end_duration_seconds_count"] == published+100
	}, 20*time.Second, 100*time.Millisecond)
	after = metricsOf(t, c) // one that began when all had arrived: the metrics of a scrape are read one after another

	got := moved(before, after)
	want := map[string]float64{
		`received_events_total{event_type="user_feedback",transport="http"}`:       1 + 3 + 1,
		`received_events_total{event_type="performance_metrics",transport="http"}`: 1,
		`received_events_total{event_type="model_response",transport="http"}`:      1,
		`received_events_total{event_type="system_health",transport="http"}`:       1 + 100 + 1,
		`received_events_total{event_type="experiment_result",transport="http"}`:   1,
		`received_events_total{event_type="unknown",transport="http"}`:             2, // the broken body and the one too large
		`received_events_total{event_type="user_feedback",transport="grpc"}`:       2,
		`received_events_total{event_type="unknown",transport="grpc"}`:             1,
		`received_events_total{event_type="system_health",transport="otlp"}`:       3,
		`received_events_total{event_type="unknown",transport="otlp"}`:             1,

		`accepted_events_total{event_type="user_feedback",transport="http"}`:       1 + 2,
		`accepted_events_total{event_type="performance_metrics",transport="http"}`: 1,
		`accepted_events_total{event_type="model_response",transport="http"}`:      1,
		`accepted_events_total{event_type="system_health",transport="http"}`:       1 + 100,
		`accepted_events_total{event_type="experiment_result",transport="http"}`:   1,
		`accepted_events_total{event_type="user_feedback",transport="grpc"}`:       2,
		`accepted_events_total{event_type="system_health",transport="otlp"}`:       2,

		`rejected_events_total{code="missing_field",transport="http"}`:  1,
		`rejected_events_total{code="malformed_json",transport="http"}`: 1,
		`rejected_events_total{code="too_large",transport="http"}`:      1,
		`rejected_events_total{code="missing_field",transport="grpc"}`:  1,
		`rejected_events_total{code="invalid_value",transport="otlp"}`:  1,
		`rejected_events_total{code="malformed_json",transport="otlp"}`: 1,
		`rate_limited_events_total{transport="http"}`:                   2,

		`redactions_total{entity="email"}`: 1,

		`published_events_total{event_type="user_feedback"}`:                   1 + 2 + 2,
		`published_events_total{event_type="performance_metrics"}`:             1,
		`published_events_total{event_type="model_response"}`:                  1,
		`published_events_total{event_type="system_health"}`:                   1 + 2 + 100,
		`published_events_total{event_type="experiment_result"}`:               1,
		`dead_lettered_events_total{code="invalid_value",stage="validation"}`:  1,
		`dead_lettered_events_total{code="malformed_json",stage="validation"}`: 1,
		`end_to_end_duration_seconds_count`:                                    published + 100,
		`record_size_bytes_count`:                                              published + dead + 100,
		`batch_size_sum`:                                                       published + dead + 100,
		`ingestion_duration_seconds_count{transport="http"}`:                   2 + 2, // those of which events were read
		`ingestion_duration_seconds_count{transport="grpc"}`:                   2,
		`ingestion_duration_seconds_count{transport="otlp"}`:                   1,
	}
	assert.InDelta(t, got["record_bytes_total"], got["record_size_bytes_sum"], 0)
	for _, moves := range []string{"record_bytes_total", "compressed_bytes_total", "produce_duration_seconds_count", "batch_age_seconds_count", "batch_size_count"} {
		assert.Positive(t, got[moves], moves)
	}
	for name := range got {
		// Of what is measured only how often is known beforehand, and of what goes on with
		// the brokers not even that.
		family, _, _ := strings.Cut(name, "{")
		uncertain := strings.Contains(family, "_bucket") || strings.HasSuffix(family, "_sum") && family != "batch_size_sum" ||
			strings.HasPrefix(family, "kafka_connects") || strings.HasPrefix(family, "produce_duration") || strings.HasPrefix(family, "batch_age") ||
			slices.Contains([]string{"record_bytes_total", "compressed_bytes_total", "batch_size_count", "batch_target", "buffer_size", "buffer_utilization_ratio", "memory_usage_bytes"}, family)
		if uncertain {
			delete(got, name)
		}
	}
	assert.Equal(t, want, got)
	assertOnPage(t, after)
}

// assertOnPage compares what is served with what docs/telemetry.md lists.
func assertOnPage(t *testing.T, series map[string]float64) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "docs", "telemetry.md"))
	require.NoError(t, err)
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `"+ownMetrics+"(\\w+)`").FindAllSubmatch(page, -1) {
		listed[string(m[1])] = true
	}
	delete(listed, "certificate_expiry_timestamp_seconds") // there is no TLS
	served := map[string]bool{}
	for name := range series {
		family, _, _ := strings.Cut(name, "{")
		for _, of := range []string{"_bucket", "_sum", "_count"} {
			if base, ok := strings.CutSuffix(family, of); ok && listed[base] {
				family = base
			}
		}
		served[family] = true
	}
	assert.Equal(t, listed, served)
}

// A storm of the same failure is sampled in the log, and counted in full.
func TestStormIsSampled(t *testing.T) {
	c := collector.Run(t, collector.Options{Configs: []string{
		collector.ConfigFile("quickstart.yaml"), "yaml:extensions::zpages::endpoint: localhost:0",
		"yaml:exporters::feedbackkafka::dead_letter::enabled: false",
	}})
	const storm = 1000
	bodies := make([]string, storm)
	for i := range bodies {
		bodies[i] = "{" + marker
	}
	require.NoError(t, exportOTLP(t, c, bodies...))
	require.Eventually(t, func() bool {
		return metricsOf(t, c)[`dead_lettered_events_total{code="malformed_json",stage="validation"}`] == storm
	}, 20*time.Second, 100*time.Millisecond)
	lines := strings.Count(c.Log(), "Event dropped")
	assert.Positive(t, lines)
	assert.Less(t, lines, storm/10)
	c.AssertUnsaid(t, marker)
}
