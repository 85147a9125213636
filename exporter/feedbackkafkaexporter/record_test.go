// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

func testBuilder() *builder {
	cfg := createDefaultConfig().(*Config)
	cfg.Topics.ByType = map[string]string{feedback.TypeSystemHealth: "health"}
	_, byType, dead := topicsOf(cfg)
	return newBuilder("collector-7", "1.2.3", byType, dead)
}

func TestBuild(t *testing.T) {
	b := testBuilder()
	names := func(r *record) (out []string) {
		for _, h := range r.Headers {
			out = append(out, h.Key)
		}
		return out
	}
	for _, tt := range []struct {
		name  string
		alter func(plog.LogRecord)
		check func(*testing.T, *record)
	}{
		{"plain", func(plog.LogRecord) {}, func(t *testing.T, r *record) {
			assert.Equal(t, []string{
				"event_type", "event_id", "timestamp", "schema_version", "content-type", "collector_id", "collector_version",
			}, names(r))
			assert.Equal(t, "feedback-events", r.Topic)
			assert.True(t, r.Timestamp.IsZero(), "the client sets the record's timestamp")
		}},
		{"key of the event without the attribute", func(lr plog.LogRecord) {
			lr.Attributes().Remove(feedback.AttrPartitionKey)
		}, func(t *testing.T, r *record) {
			assert.Equal(t, testSession, string(r.Key))
		}},
		{"overridden key", func(lr plog.LogRecord) {
			lr.Attributes().PutStr(feedback.AttrPartitionKey, "other")
		}, func(t *testing.T, r *record) {
			assert.Equal(t, "other", string(r.Key))
		}},
		{"topic by type", func(lr plog.LogRecord) {
			lr.Attributes().PutStr(feedback.AttrEventType, feedback.TypeSystemHealth)
		}, func(t *testing.T, r *record) {
			assert.Equal(t, "health", r.Topic)
			assert.Equal(t, "system_health", header(&r.Record, "event_type"))
		}},
		{"unknown type", func(lr plog.LogRecord) {
			lr.Attributes().PutStr(feedback.AttrEventType, "rating")
		}, func(t *testing.T, r *record) {
			assert.Equal(t, "unknown", header(&r.Record, "event_type"))
		}},
		{"trace without span", func(lr plog.LogRecord) {
			lr.SetTraceID([16]byte{1})
		}, func(t *testing.T, r *record) {
			assert.Empty(t, header(&r.Record, "traceparent"))
		}},
		{"time of the record", func(lr plog.LogRecord) {
			lr.Body().Map().Remove("timestamp")
			lr.SetTimestamp(pcommon.NewTimestampFromTime(time.Unix(1, 5)))
		}, func(t *testing.T, r *record) {
			assert.Equal(t, "1970-01-01T00:00:01.000000005Z", header(&r.Record, "timestamp"))
		}},
		{"string body", func(lr plog.LogRecord) {
			lr.Body().SetStr("text")
			lr.Attributes().Clear()
		}, func(t *testing.T, r *record) {
			assert.Nil(t, r.Key)
			assert.Equal(t, `"text"`, string(r.Value))
			assert.Equal(t, []string{
				"event_type", "timestamp", "schema_version", "content-type", "collector_id", "collector_version",
			}, names(r))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lr := addFeedback(plog.NewLogs(), 1, testSession)
			tt.alter(lr)
			tt.check(t, b.build(lr))
		})
	}
}

// A record's parts share memory: none may be able to grow into its neighbour.
func TestPartsDoNotOverlap(t *testing.T) {
	lr := addFeedback(plog.NewLogs(), 1, testSession)
	lr.SetTraceID([16]byte{1})
	lr.SetSpanID([8]byte{1})
	lr.Attributes().PutStr(feedback.AttrClientID, "app")
	r := testBuilder().build(lr)
	for _, h := range r.Headers {
		_ = append(h.Value, "XXXXXXXX"...)
	}
	_, _ = append(r.Key, "XXXX"...), append(r.Value, "XXXX"...)
	all := append(bytes.Clone(r.Key), r.Value...)
	for _, h := range r.Headers {
		all = append(all, h.Value...)
	}
	assert.NotContains(t, string(all), "X")
}

func TestSizeIsAnUpperBound(t *testing.T) {
	r := testBuilder().build(addFeedback(plog.NewLogs(), 1, testSession))
	assert.Greater(t, r.size(), int(r.payload()))
	assert.Less(t, r.size(), int(r.payload())+400)
}

func TestInstanceID(t *testing.T) {
	set := componenttest.NewNopTelemetrySettings()
	assert.NotEmpty(t, instanceID(set), "the host's name")
	set.Resource.Attributes().PutStr("service.instance.id", "me")
	assert.Equal(t, "me", instanceID(set))
}

// The partitions are those of Java's default partitioner: murmur2 over the
// key, the sign bit masked. The values come from Kafka's own test of Utils.murmur2.
func TestPartitionsAreJavas(t *testing.T) {
	p := newTopic("t", false, 1).hash
	for key, hash := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		for _, n := range []int{1, 7, 12} {
			want := int(uint32(hash)&0x7fffffff) % n
			assert.Equal(t, want, p.Partition(&kgo.Record{Key: []byte(key)}, n), "%s of %d", key, n)
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	bld := testBuilder()
	lr := addFeedback(plog.NewLogs(), 1, testSession)
	lr.Attributes().PutStr(feedback.AttrClientID, "app")
	lr.SetTraceID([16]byte{1})
	lr.SetSpanID([8]byte{1})
	b.ReportAllocs()
	var n int
	for b.Loop() {
		n += len(bld.build(lr).Value)
	}
	require.Positive(b, n)
}

// BenchmarkDeliver sends batches of 100 to a broker in the process, and counts
// what arrived.
func BenchmarkDeliver(b *testing.B) {
	for _, mode := range []Acknowledge{AcknowledgeBuffered, AcknowledgeDelivered} {
		b.Run(string(mode), func(b *testing.B) {
			c := newCluster(b, seeded())
			r := newRig(b, c, func(cfg *Config, _ *testRuntime) {
				cfg.Acknowledge = mode
				cfg.Producer.Linger = 0
			})
			r.statusIs(componentstatus.StatusOK, "")
			const size = 100
			ld := plog.NewLogs()
			for i := range size {
				addFeedback(ld, i, testID(i))
			}
			b.ReportAllocs()
			sent := 0
			for b.Loop() {
				require.NoError(b, r.exp.ConsumeLogs(context.Background(), ld))
				sent += size
				for r.runtime.account.Events() > 10_000 {
					time.Sleep(time.Millisecond) // what admission does in a collector
				}
			}
			r.settled()
			b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "events/s")
			var arrived int64
			for _, p := range c.PartitionInfos(testTopic) {
				arrived += p.HighWatermark
			}
			require.EqualValues(b, sent, arrived)
		})
	}
}
