// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/otelcol-feedback/otelcol-feedback/internal/load"
)

func TestBench(t *testing.T) {
	srv, requests := server(t)
	args := []string{"bench", "-e", srv, "--rate", "200", "--batch", "2", "--connections", "1", "--duration", "200ms", "--warmup", "0", "--token", "tok"}
	got := ctl(t, "", nil, args...)
	assert.Equal(t, exitOK, got.code, got.err)
	assert.Contains(t, got.out, "http, 2 events a request, 1 connections, 200 events a second (open loop)")
	assert.Contains(t, got.out, "40 of 40 events")
	assert.Contains(t, got.out, "not looked at")
	require.Len(t, *requests, 20)
	assert.Equal(t, "/v1/feedback", (*requests)[0].path)
	assert.Equal(t, "Bearer tok", (*requests)[0].auth)

	// Acknowledged by this server, but never on Kafka.
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	require.NoError(t, err)
	defer cluster.Close()
	got = ctl(t, "", nil, append(args, "--brokers", cluster.ListenAddrs()[0], "--topic", "events", "--output", "json")...)
	assert.Equal(t, exitRejected, got.code, got.err)
	var report load.Report
	require.NoError(t, json.Unmarshal([]byte(got.out), &report))
	assert.Equal(t, load.Balance{Sent: 40, Acknowledged: 40, Lost: 40}, report.Events)
	assert.True(t, report.Verified)
}

func TestBenchRefused(t *testing.T) {
	srv, _ := server(t, answer(http.StatusTooManyRequests, "{}"))
	got := ctl(t, "", nil, "bench", "-e", srv, "--rate", "50", "--connections", "1", "--duration", "100ms", "--warmup", "0")
	assert.Equal(t, exitRejected, got.code)
	assert.Contains(t, got.out, "1 requests were refused: 429")
}

func TestBenchUsage(t *testing.T) {
	for want, args := range map[string][]string{
		`transport "smtp"`:             {"--transport", "smtp"},
		"batch must lie":               {"--batch", "20000"},
		"must be positive":             {"--connections", "0"},
		"must not be negative":         {"--warmup", "-1s"},
		`--output "xml"`:               {"--output", "xml"},
		"--brokers: name at least one": {"--brokers", ""},
		"target must be host:port":     {"--transport", "grpc", "-e", "x"},
		"--endpoint: must be http(s)":  {"--transport", "otlp-http", "-e", "ftp://x"},
		"--token-file: open nowhere":   {"--token-file", "nowhere"},
		"--tls-ca: open nowhere":       {"--tls-ca", "nowhere"},
		"127.0.0.1:1: connect":         {"-e", "127.0.0.1:1"},
	} {
		got := ctl(t, "", nil, append([]string{"bench", "--duration", "10ms"}, args...)...)
		assert.Equal(t, exitError, got.code, want)
		assert.Contains(t, got.err, want)
	}
}
