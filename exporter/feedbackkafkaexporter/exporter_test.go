// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/component/componentstatus"
)

func TestRecordOnTheWire(t *testing.T) {
	c := newCluster(t, seeded())
	r := newRig(t, c, nil)
	ld := feedbackLogs(1, 2, testSession)
	lr := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	lr.Attributes().PutStr("feedback.client.id", "app-1")
	lr.SetTraceID([16]byte{1, 2})
	lr.SetSpanID([8]byte{3, 4})
	lr.SetFlags(0x101)
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), ld))

	rec := r.consume(testTopic, 1)[0]
	assert.Equal(t, testSession, string(rec.Key))
	assert.Equal(t,
		`{"type":"user_feedback","event_id":"`+testID(1)+`","timestamp":"`+testTime+`","session_id":"sess-1","request_id":"`+testRequest+`","rating":1}`,
		string(rec.Value))
	assert.Equal(t, []kgo.RecordHeader{
		{Key: "event_type", Value: []byte("user_feedback")},
		{Key: "event_id", Value: []byte(testID(1))},
		{Key: "timestamp", Value: []byte(testTime)},
		{Key: "schema_version", Value: []byte("1.0")},
		{Key: "content-type", Value: []byte("application/json")},
		{Key: "traceparent", Value: []byte("00-01020000000000000000000000000000-0304000000000000-01")},
		{Key: "collector_id", Value: []byte("collector-7")},
		{Key: "collector_version", Value: []byte("1.2.3")},
		{Key: "client_id", Value: []byte("app-1")},
	}, rec.Headers)
	r.settled()
	r.statusIs(componentstatus.StatusOK, "")
}
