// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter/internal/metadatatest"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// marker stands in events where personal data would: nothing but Kafka may show it.
const marker = "MARKER-5a17"

func (r *rig) noMarker() {
	r.t.Helper()
	for _, e := range r.logs.All() {
		text := fmt.Sprint(e.Message, e.ContextMap())
		require.NotContains(r.t, text, marker)
	}
}

func delivers(mode Acknowledge) func(*Config, *testRuntime) {
	return func(cfg *Config, _ *testRuntime) { cfg.Acknowledge = mode }
}

func TestRecordOnTheWire(t *testing.T) {
	c := newCluster(t, seeded())
	r := newRig(t, c, nil)
	ld := feedbackLogs(1, 2, testSession)
	lr := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	lr.Attributes().PutStr("feedback.client.id", "app-1")
	lr.SetTraceID([16]byte{1, 2})
	lr.SetSpanID([8]byte{3, 4})
	lr.SetFlags(0x101)
	ld.MarkReadOnly()
	before := time.Now().Add(-time.Second)
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), ld))

	rec := r.consume(testTopic, 1)[0]
	assert.Equal(t, testSession, string(rec.Key))
	assert.EqualValues(t, kgo.StickyKeyPartitioner(nil).ForTopic("").Partition(rec, 12), rec.Partition)
	assert.True(t, rec.Timestamp.After(before), "the record's own timestamp is that of publishing")
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

func TestCompressions(t *testing.T) {
	c := newCluster(t, seeded())
	for i, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		r := newRig(t, c, func(cfg *Config, _ *testRuntime) {
			cfg.Producer.Compression = codec
			cfg.Acknowledge = AcknowledgeDelivered
		})
		require.NoError(t, r.exp.ConsumeLogs(context.Background(), feedbackLogs(i, i+1, testSession)), codec)
	}
	assert.Len(t, consumeFrom(t, c, testTopic, 5), 5)
}

// Events of one key keep their order, whoever sends at the same time, and
// though some come back.
func TestOrderPerKey(t *testing.T) {
	const callers, calls, each = 8, 20, 5
	for _, mode := range []Acknowledge{AcknowledgeBuffered, AcknowledgeDelivered} {
		t.Run(string(mode), func(t *testing.T) {
			c := newCluster(t, seeded())
			c.Fault(
				kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: testTopic, Partitions: []int32{1, 2}, Err: kerr.NotLeaderForPartition, Count: 1},
				kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: testTopic, Partitions: []int32{3, 4, 5}, Err: kerr.InvalidRecord, Count: 1},
			)
			r := newRig(t, c, delivers(mode))
			var wg sync.WaitGroup
			for caller := range callers {
				wg.Go(func() {
					for call := range calls {
						ld := plog.NewLogs()
						for i := range each {
							addFeedback(ld, call*each+i, testID(caller))
						}
						assert.NoError(t, r.exp.ConsumeLogs(context.Background(), ld))
					}
				})
			}
			wg.Wait()
			r.settled()
			seen := map[string][]string{}
			for _, rec := range r.consume(testTopic, callers*calls*each) {
				seen[string(rec.Key)] = append(seen[string(rec.Key)], ratingOf(rec))
			}
			require.Len(t, seen, callers)
			for key, got := range seen {
				require.Equal(t, numbers(0, calls*each), got, key)
			}
		})
	}
}

// poisoned answers every produce request whose records for the topic hold the
// marker: kfake's way to be a broker that will not take one record.
func poisoned(c *kfake.Cluster, topic string, err *kerr.Error) {
	id := c.TopicInfo(topic).TopicID
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Err: err, Count: -1, When: func(kreq kmsg.Request) bool {
		for _, rt := range kreq.(*kmsg.ProduceRequest).Topics {
			for _, rp := range rt.Partitions {
				if (rt.Topic == topic || rt.TopicID == id) && bytes.Contains(rp.Records, []byte(marker)) {
					return true
				}
			}
		}
		return false
	}})
}

func TestOneRefusedAmongNeighbours(t *testing.T) {
	for _, refusal := range []*kerr.Error{kerr.MessageTooLarge, kerr.InvalidRecord} {
		t.Run(refusal.Message, func(t *testing.T) {
			c := newCluster(t, seeded())
			poisoned(c, testTopic, refusal)
			r := newRig(t, c, func(cfg *Config, _ *testRuntime) {
				cfg.Acknowledge = AcknowledgeDelivered
				cfg.Producer.Compression = "none" // the fake broker reads the records
				cfg.Producer.Linger = 20 * time.Millisecond
			})
			const n, bad = 50, 17
			ld := plog.NewLogs()
			for i := range n {
				lr := addFeedback(ld, i, testSession)
				if i == bad {
					lr.Body().Map().PutStr("comment", marker)
				}
			}
			require.NoError(t, r.exp.ConsumeLogs(context.Background(), ld))
			r.settled()

			var got []string
			for _, rec := range r.consume(testTopic, n-1) {
				got = append(got, ratingOf(rec))
			}
			assert.Equal(t, append(numbers(0, bad), numbers(bad+1, n)...), got)
			dead := r.consume(testDLQ, 1)[0]
			assert.Equal(t, testID(bad), string(dead.Key))
			assert.Contains(t, string(dead.Value), `"error_code":"`+refusal.Message+`"`)
			assert.Contains(t, string(dead.Value), `"failed_stage":"kafka"`)
			assert.Equal(t, refusal.Message, header(dead, "dlq_reason"))
			assert.Equal(t, "kafka", header(dead, "dlq_stage"))
			r.noMarker()
		})
	}
}

// A broker with a lower limit than ours: what is over it becomes a dead
// letter, whose original is cut to what that topic takes.
func TestBrokersOwnLimit(t *testing.T) {
	c := newCluster(t)
	for _, name := range []string{testTopic, testDLQ} {
		require.NoError(t, c.CreateTopic(name, 2, map[string]string{"max.message.bytes": "20000"}))
	}
	r := newRig(t, c, delivers(AcknowledgeDelivered))
	r.statusIs(componentstatus.StatusOK, "")
	ld := feedbackLogs(0, 3, testSession)
	ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(1).Body().Map().PutStr("comment", strings.Repeat("x", 50_000))
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), ld))
	assert.Len(t, r.consume(testTopic, 2), 2)
	dead := r.consume(testDLQ, 1)[0]
	assert.Contains(t, string(dead.Value), `"original_truncated":true`)
	assert.Less(t, len(dead.Value), 20_000)
	assert.Greater(t, len(dead.Value), 15_000)
}

func TestValidationDeadLetter(t *testing.T) {
	c := newCluster(t, seeded())
	r := newRig(t, c, delivers(AcknowledgeDelivered))
	ld := feedbackLogs(0, 3, testSession)
	lr := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(1)
	lr.Body().SetStr(`{"broken": ` + marker)
	refuse(lr, feedback.CodeMalformedJSON, "", "not JSON")
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), ld))
	assert.Len(t, r.consume(testTopic, 2), 2)
	dead := r.consume(testDLQ, 1)[0]
	assert.Contains(t, string(dead.Value), `{"original_event":"{\"broken\": `+marker+`","error_code":"malformed_json","error_message":"not JSON","failed_stage":"validation"`)
	r.noMarker()
}

func TestValidationDeadLetterSwitchedOff(t *testing.T) {
	c := newCluster(t, seeded())
	r := newRig(t, c, func(cfg *Config, _ *testRuntime) { cfg.DeadLetter.Enabled = false })
	ld := feedbackLogs(0, 1, marker)
	refuse(ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0), feedback.CodeTooLong, "comment", "too long")
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), ld))
	r.settled()
	logged := r.logs.FilterField(zapString("event_id", testID(0))).All()
	require.Len(t, logged, 1)
	assert.Equal(t, "too_long", logged[0].ContextMap()["code"])
	r.noMarker()
}

func TestDeliveredWaitsAndGivesUpWaiting(t *testing.T) {
	c := newCluster(t) // no topics
	r := newRig(t, c, func(cfg *Config, rt *testRuntime) {
		cfg.Acknowledge = AcknowledgeDelivered
		rt.enqueue = 50 * time.Millisecond
	})
	err := r.exp.ConsumeLogs(context.Background(), feedbackLogs(0, 1, marker))
	require.Error(t, err)
	assert.NotContains(t, err.Error(), marker)
	assert.False(t, consumererror.IsPermanent(err))
	st, ok := status.FromError(err)
	require.True(t, ok)
	assert.Equal(t, codes.Unavailable, st.Code())
	require.Len(t, st.Details(), 1)
	assert.IsType(t, &errdetails.RetryInfo{}, st.Details()[0])

	gone, cancel := context.WithCancel(context.Background())
	cancel()
	require.Error(t, r.exp.ConsumeLogs(gone, feedbackLogs(1, 2, marker)))
	assert.Equal(t, 2, r.runtime.account.Events(), "what has no fate stays in work")

	require.NoError(t, c.CreateTopic(testTopic, 2, nil))
	require.NoError(t, c.CreateTopic(testDLQ, 2, nil))
	assert.Len(t, r.consume(testTopic, 2), 2, "a cancelled request does not cancel its records")
	r.settled()
	r.noMarker()
}

func TestShutdownPublishesWhatIsLeft(t *testing.T) {
	c := newCluster(t, seeded())
	r := newRig(t, c, func(cfg *Config, _ *testRuntime) { cfg.Producer.Linger = time.Minute })
	r.statusIs(componentstatus.StatusOK, "")
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), feedbackLogs(0, 50, testSession)))
	close(r.runtime.stopping)
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), feedbackLogs(50, 100, testSession)), "batch flushes during shutdown")
	start := time.Now()
	require.NoError(t, r.exp.Shutdown(context.Background()))
	assert.Less(t, time.Since(start), 5*time.Second, "lingering ends")
	assert.Len(t, r.consume(testTopic, 100), 100)
	assert.Zero(t, r.runtime.account.Events())
	require.Error(t, r.exp.ConsumeLogs(context.Background(), feedbackLogs(0, 1, testSession)))
	require.NoError(t, r.exp.Shutdown(context.Background()), "twice")
}

// Kafka is away: callers are released and Shutdown ends when the time is over,
// counted from the moment the collector began to stop.
func TestShutdownIsBounded(t *testing.T) {
	for _, mode := range []Acknowledge{AcknowledgeBuffered, AcknowledgeDelivered} {
		t.Run(string(mode), func(t *testing.T) {
			port := freePort(t)
			r := newRig(t, nil, func(cfg *Config, rt *testRuntime) {
				cfg.Brokers = []string{fmt.Sprintf("127.0.0.1:%d", port)}
				cfg.Acknowledge = mode
				rt.enqueue = time.Hour
				rt.shutdown = 200 * time.Millisecond
			})
			released := make(chan error, 1)
			go func() { released <- r.exp.ConsumeLogs(context.Background(), feedbackLogs(0, 7, marker)) }()
			require.Eventually(t, func() bool { return r.runtime.account.Events() == 7 }, 5*time.Second, time.Millisecond)
			start := time.Now()
			close(r.runtime.stopping)
			if err := <-released; mode == AcknowledgeDelivered {
				assert.Equal(t, codes.Unavailable, status.Code(err), "released without Shutdown")
			} else {
				require.NoError(t, err)
			}
			require.NoError(t, r.exp.Shutdown(context.Background()))
			assert.GreaterOrEqual(t, time.Since(start), 200*time.Millisecond)
			assert.Less(t, time.Since(start), 5*time.Second)
			lost := r.logs.FilterMessage("Shutting down with events not delivered").All()
			require.Len(t, lost, 1)
			assert.EqualValues(t, 7, lost[0].ContextMap()["events"])
			assert.Zero(t, r.runtime.account.Events())
			r.noMarker()
		})
	}
}

func TestHoldMovesOver(t *testing.T) {
	c := newCluster(t, seeded())
	r := newRig(t, c, func(cfg *Config, _ *testRuntime) { cfg.Producer.Linger = time.Minute })
	hold := r.runtime.account.Open()
	ctx := feedbackruntimeextension.NewContext(context.Background(), hold)
	require.NoError(t, hold.Grow(ctx, 3, 100))
	require.NoError(t, r.exp.ConsumeLogs(ctx, feedbackLogs(0, 3, testSession)))
	assert.Equal(t, 3, r.runtime.account.Events(), "nothing counts twice")
	hold.Release()
	assert.Equal(t, 3, r.runtime.account.Events(), "the exporter's part stays")
	require.NoError(t, r.exp.Shutdown(context.Background()))
	assert.Zero(t, r.runtime.account.Events())
	assert.Zero(t, r.runtime.account.Bytes())
}

func TestMetrics(t *testing.T) {
	c := newCluster(t, seeded())
	r := newRig(t, c, delivers(AcknowledgeDelivered))
	point := func(n int64, kv ...attribute.KeyValue) metricdata.DataPoint[int64] {
		return metricdata.DataPoint[int64]{Value: n, Attributes: attribute.NewSet(kv...)}
	}
	published := func(n int64) (out []metricdata.DataPoint[int64]) {
		for i, typ := range eventTypes {
			out = append(out, point(n, attribute.String("event_type", typ)))
			if i == 0 {
				n = 0
			}
		}
		return out
	}
	opt := metricdatatest.IgnoreTimestamp()
	metadatatest.AssertEqualFeedbackPublishedEvents(t, r.tel, published(0), opt)

	ld := feedbackLogs(0, 3, testSession)
	refuse(ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(2), feedback.CodeTooLong, "comment", "too long")
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), ld))
	require.Eventually(t, func() bool { return r.runtime.account.Events() == 0 }, time.Second, time.Millisecond)
	require.NoError(t, r.exp.Shutdown(context.Background())) // the last callback is over; the counters are still there
	assert.EqualValues(t, 2, r.counts.published[0].Load())

	var dead []metricdata.DataPoint[int64]
	for _, code := range validationCodes {
		n := int64(0)
		if code == feedback.CodeTooLong {
			n = 1
		}
		dead = append(dead, point(n, attribute.String("stage", "validation"), attribute.String("code", string(code))))
	}
	for _, e := range refusals {
		dead = append(dead, point(0, attribute.String("stage", "kafka"), attribute.String("code", e.Message)))
	}
	again, err := metadata.NewTelemetryBuilder(r.tel.NewTelemetrySettings())
	require.NoError(t, err)
	defer again.Shutdown()
	require.NoError(t, r.counts.register(again))
	metadatatest.AssertEqualFeedbackPublishedEvents(t, r.tel, published(2), opt)
	metadatatest.AssertEqualFeedbackDeadLetteredEvents(t, r.tel, dead, opt)
	got, err := r.tel.GetMetric("otelcol_feedback_record_bytes")
	require.NoError(t, err)
	assert.Positive(t, got.Data.(metricdata.Sum[int64]).DataPoints[0].Value)
	_, err = r.tel.GetMetric("otelcol_feedback_publish_failures")
	require.NoError(t, err)
}

func TestStartWithoutRuntime(t *testing.T) {
	exp, err := createLogs(context.Background(), exportertest.NewNopSettings(metadata.Type), createDefaultConfig())
	require.NoError(t, err)
	assert.False(t, exp.Capabilities().MutatesData)
	require.ErrorContains(t, exp.Start(context.Background(), componenttest.NewNopHost()), "feedbackruntime")
	require.NoError(t, exp.Shutdown(context.Background()))
}

func TestEmptyLogs(t *testing.T) {
	c := newCluster(t, seeded())
	r := newRig(t, c, delivers(AcknowledgeDelivered))
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), plog.NewLogs()))
}
