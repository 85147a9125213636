// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// counting is an extension whose metrics can be read.
func counting(t *testing.T) (*runtimeExtension, *componenttest.Telemetry) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	set := extensiontest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	e := newExtension(set, createDefaultConfig().(*Config))
	require.NoError(t, e.Start(t.Context(), nil))
	t.Cleanup(func() { require.NoError(t, e.Shutdown(context.Background())) })
	return e, tel
}

// points are the values of a counter by its attributes.
func points(t *testing.T, tel *componenttest.Telemetry, name string) map[string]int64 {
	m, err := tel.GetMetric("otelcol_feedback_" + name)
	require.NoError(t, err)
	got := map[string]int64{}
	for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
		key := ""
		for _, kv := range p.Attributes.ToSlice() {
			key += kv.Value.AsString() + " "
		}
		got[key] = p.Value
	}
	return got
}

// Counters of the configured transports stand at 0 from the start, with all
// their labels; nothing else has a label yet.
func TestCountersBeginAtZero(t *testing.T) {
	e, tel := counting(t)
	e.ingestion.begin(t.Context(), []string{feedback.TransportGRPC, feedback.TransportHTTP})
	types, codes := map[string]int64{}, map[string]int64{}
	for _, transport := range []string{"http ", "grpc "} {
		for _, typ := range feedback.Types() {
			types[typ+" "+transport] = 0
		}
		for _, code := range feedback.Codes() {
			codes[string(code)+" "+transport] = 0
		}
	}
	assert.Equal(t, types, points(t, tel, "received_events"))
	assert.Equal(t, types, points(t, tel, "accepted_events"))
	assert.Equal(t, codes, points(t, tel, "rejected_events"))

	e.ingestion.Unread(t.Context(), feedback.TransportHTTP, feedback.CodeMalformedJSON)
	e.ingestion.Unread(t.Context(), feedback.TransportGRPC, "")
	e.ingestion.Accepted(t.Context(), feedback.TransportGRPC, &feedback.TypeCounts{0: 2, 4: 1})
	types["unknown http "], types["unknown grpc "] = 1, 1
	codes["malformed_json http "] = 1
	assert.Equal(t, types, points(t, tel, "received_events"))
	assert.Equal(t, codes, points(t, tel, "rejected_events"))
	assert.EqualValues(t, 2, points(t, tel, "accepted_events")["user_feedback grpc "])
	assert.EqualValues(t, 1, points(t, tel, "accepted_events")["experiment_result grpc "])
}

func TestActiveRequests(t *testing.T) {
	e, tel := counting(t)
	value := func() int64 {
		m, err := tel.GetMetric("otelcol_feedback_active_requests")
		require.NoError(t, err)
		return m.Data.(metricdata.Gauge[int64]).DataPoints[0].Value
	}
	assert.Zero(t, value())
	e.ingestion.Begin()
	e.ingestion.Begin()
	assert.EqualValues(t, 2, value())
	e.ingestion.End()
	assert.EqualValues(t, 1, value())
}

func TestIngestionIsOptional(t *testing.T) {
	i := IngestionOf(host{})
	require.Nil(t, i)
	i.Begin()
	i.End()
	i.Unread(t.Context(), feedback.TransportHTTP, feedback.CodeTooLarge)
	i.Accepted(t.Context(), feedback.TransportHTTP, &feedback.TypeCounts{})
	i.Took(t.Context(), feedback.TransportHTTP, time.Second)
}

func TestFirstExpiry(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, content, 0o600))
		return file
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	certificate := func(end time.Time) []byte {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: end}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		require.NoError(t, err)
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	soon, late := time.Unix(2_000_000_000, 0), time.Unix(2_100_000_000, 0)
	first, second := write("a.pem", certificate(late)), write("b.pem", certificate(soon))
	broken := write("c.pem", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))

	whole := wholeConfig{
		"receivers": map[string]any{
			"feedback": map[string]any{"protocols": map[string]any{
				"http": map[string]any{"tls": map[string]any{"cert_file": first}},
				"grpc": map[string]any{"tls": map[string]any{"cert_file": second}},
			}},
			"otlp": map[string]any{"protocols": map[string]any{"grpc": map[string]any{"tls": map[string]any{"cert_file": ""}}}},
			"idle": map[string]any{"tls": map[string]any{"cert_file": broken}},
		},
		"service": map[string]any{"pipelines": map[string]any{"logs": map[string]any{"receivers": []any{"feedback", "otlp"}}}},
	}
	e, tel := counting(t)
	_, err = tel.GetMetric("otelcol_feedback_certificate_expiry_timestamp")
	require.Error(t, err, "none without TLS")
	e.certificates = whole.certificateFiles()
	assert.Equal(t, []string{first, second}, e.certificates)
	m, err := tel.GetMetric("otelcol_feedback_certificate_expiry_timestamp")
	require.NoError(t, err)
	assert.Equal(t, soon.Unix(), m.Data.(metricdata.Gauge[int64]).DataPoints[0].Value)

	for _, file := range []string{broken, dir, filepath.Join(dir, "none.pem"), write("d.pem", []byte("text"))} {
		_, ok := expiryOf(file)
		assert.False(t, ok, file)
	}
}
