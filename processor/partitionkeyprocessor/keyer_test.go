// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package partitionkeyprocessor

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/processor/partitionkeyprocessor/internal/metadata"
)

// One event of each type, as far as keys go.
var events = map[string]map[string]any{
	feedback.TypeUserFeedback: {
		"type": "user_feedback", "session_id": "s-1", "request_id": "r-1", "user_id": "u-1",
		"metadata": map[string]any{"tenant.id": "t-1"},
	},
	feedback.TypePerformanceMetrics: {
		"type": "performance_metrics", "request_id": "r-2", "success": true,
		"custom_metrics": map[string]any{"shard": 3.5},
	},
	feedback.TypeModelResponse: {
		"type": "model_response", "request_id": "r-3", "model_params": map[string]any{"max_tokens": 256},
	},
	feedback.TypeSystemHealth: {
		"type": "system_health", "service_name": "gateway", "resources": map[string]any{"cpu_percent": 12.5},
	},
	feedback.TypeExperimentResult: {
		"type": "experiment_result", "experiment_id": "e-1", "request_id": "r-5", "variant_id": "v-1",
	},
}

// run sends logs through the processor and returns what came out.
func run(t *testing.T, cfg *Config, ld plog.Logs) plog.Logs {
	t.Helper()
	require.NoError(t, cfg.Validate())
	sink := new(consumertest.LogsSink)
	p, err := NewFactory().CreateLogs(t.Context(), processortest.NewNopSettings(metadata.Type), cfg, sink)
	require.NoError(t, err)
	assert.True(t, p.Capabilities().MutatesData)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, p.ConsumeLogs(t.Context(), ld))
	require.NoError(t, p.Shutdown(t.Context()))
	require.Len(t, sink.AllLogs(), 1)
	return sink.AllLogs()[0]
}

// keyOf sends one event through the processor; ok is whether it has a key then.
func keyOf(t *testing.T, cfg *Config, event map[string]any, attributes map[string]any) (key string, ok bool) {
	t.Helper()
	ld := plog.NewLogs()
	lr := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	if event != nil {
		require.NoError(t, lr.Body().SetEmptyMap().FromRaw(event))
	} else {
		lr.Body().SetStr(`{"type":"user_feedback","session_id":"s-1"}`)
	}
	require.NoError(t, lr.Attributes().FromRaw(attributes))
	out := run(t, cfg, ld).ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	v, ok := out.Attributes().Get(feedback.AttrPartitionKey)
	if ok {
		key = v.Str()
	}
	return key, ok
}

func TestKeys(t *testing.T) {
	for config, want := range map[string]map[string]string{
		"partitionkey": {
			feedback.TypeUserFeedback: "s-1", feedback.TypePerformanceMetrics: "r-2", feedback.TypeModelResponse: "r-3",
			feedback.TypeSystemHealth: "gateway", feedback.TypeExperimentResult: "e-1",
		},
		"partitionkey/overridden": {
			feedback.TypeUserFeedback: "u-1", feedback.TypePerformanceMetrics: "true", feedback.TypeModelResponse: "256",
			feedback.TypeSystemHealth: "12.5", feedback.TypeExperimentResult: "v-1",
		},
		"partitionkey/map": {
			feedback.TypeUserFeedback: "t-1", feedback.TypePerformanceMetrics: "3.5", feedback.TypeModelResponse: "r-3",
		},
	} {
		for eventType, key := range want {
			t.Run(config+"/"+eventType, func(t *testing.T) {
				got, _ := keyOf(t, loadConfig(t, config), events[eventType], nil)
				assert.Equal(t, key, got)
			})
		}
	}
}

func TestOverrideFallsBack(t *testing.T) {
	byUser := &Config{Keys: map[string]string{"user_feedback": "user_id"}}
	byTenant := &Config{Keys: map[string]string{"user_feedback": "metadata.tenant"}}
	for name, tc := range map[string]struct {
		cfg   *Config
		field string
		value any
	}{
		"absent":              {cfg: byUser},
		"empty":               {byUser, "user_id", ""},
		"null":                {byUser, "user_id", nil},
		"not a single value":  {byUser, "user_id", []any{"u"}},
		"the map is absent":   {cfg: byTenant},
		"the entry is absent": {byTenant, "metadata", map[string]any{"x": "y"}},
		"the map is none":     {byTenant, "metadata", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			event := map[string]any{"type": "user_feedback", "session_id": "s-1"}
			if tc.field != "" {
				event[tc.field] = tc.value
			}
			key, _ := keyOf(t, tc.cfg, event, nil)
			assert.Equal(t, "s-1", key)
		})
	}
}

func TestRecordsWithoutAKey(t *testing.T) {
	for name, tc := range map[string]struct {
		event      map[string]any
		attributes map[string]any
	}{
		"refused":           {events[feedback.TypeUserFeedback], map[string]any{feedback.AttrErrorCode: "missing_field"}},
		"a text":            {nil, nil},
		"no type":           {map[string]any{"session_id": "s"}, nil},
		"a number for type": {map[string]any{"type": 7, "session_id": "s"}, nil},
		"another type":      {map[string]any{"type": "purchase", "session_id": "s"}, nil},
		"no field":          {map[string]any{"type": "user_feedback"}, nil},
		"an empty event":    {map[string]any{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, cfg := range []string{"partitionkey", "partitionkey/overridden"} {
				_, ok := keyOf(t, loadConfig(t, cfg), tc.event, tc.attributes)
				assert.False(t, ok, cfg)
			}
		})
	}
}

// Other producers' records with the same key have to land on the same partition,
// so the partitioner has to be what Java clients use: murmur2 over the key, its
// sign bit cleared. The hashes are those that Apache Kafka's own test of its
// murmur2 expects.
func TestPartitionsAreThoseOfJavaClients(t *testing.T) {
	hashes := map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	}
	partitioner := kgo.StickyKeyPartitioner(nil).ForTopic("feedback-events")
	for text, hash := range hashes {
		key, ok := keyOf(t, &Config{}, map[string]any{"type": "user_feedback", "session_id": text}, nil)
		require.True(t, ok)
		for _, partitions := range []int{1, 2, 3, 7, 12, 100, 1024} {
			want := int(hash&0x7fffffff) % partitions
			assert.Equal(t, want, partitioner.Partition(&kgo.Record{Key: []byte(key)}, partitions), "%s of %d", text, partitions)
		}
	}
}

func TestGroupByKey(t *testing.T) {
	ld := plog.NewLogs()
	for r, sessions := range [][]string{{"a", "b", "a", ""}, {"b", "c", ""}, {"a"}} {
		rl := ld.ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutInt("resource", int64(r))
		records := rl.ScopeLogs().AppendEmpty().LogRecords()
		for i, session := range sessions {
			lr := records.AppendEmpty()
			lr.Attributes().PutStr("from", fmt.Sprintf("%d.%d", r, i))
			event := lr.Body().SetEmptyMap()
			event.PutStr("type", "user_feedback")
			event.PutStr("session_id", session)
		}
	}
	out := run(t, &Config{GroupByKey: true}, ld)

	type group struct {
		resource map[string]any
		records  []string
	}
	var got []group
	for _, rl := range out.ResourceLogs().All() {
		g := group{resource: rl.Resource().Attributes().AsRaw()}
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				from, _ := lr.Attributes().Get("from")
				key, ok := lr.Attributes().Get(feedback.AttrPartitionKey)
				if ok {
					assert.Equal(t, g.resource[feedback.AttrPartitionKey], key.Str())
				}
				assert.Positive(t, lr.Body().Map().Len())
				g.records = append(g.records, from.Str())
			}
		}
		got = append(got, g)
	}
	assert.Equal(t, []group{
		{map[string]any{"resource": int64(0)}, []string{"0.3"}},
		{map[string]any{"resource": int64(1)}, []string{"1.2"}},
		{map[string]any{feedback.AttrPartitionKey: "a"}, []string{"0.0", "0.2", "2.0"}},
		{map[string]any{feedback.AttrPartitionKey: "b"}, []string{"0.1", "1.0"}},
		{map[string]any{feedback.AttrPartitionKey: "c"}, []string{"1.1"}},
	}, got)
}

func TestGroupNothing(t *testing.T) {
	assert.Zero(t, run(t, &Config{GroupByKey: true}, plog.NewLogs()).ResourceLogs().Len())
}

func BenchmarkPartitionKey(b *testing.B) {
	for name, cfg := range map[string]*Config{
		"default":    {},
		"overridden": {Keys: map[string]string{"user_feedback": "metadata.tenant.id"}},
		"grouped":    {GroupByKey: true},
	} {
		b.Run(name, func(b *testing.B) {
			const n = 100
			keyed := 0
			next, err := consumer.NewLogs(func(_ context.Context, ld plog.Logs) error {
				for _, rl := range ld.ResourceLogs().All() {
					for _, lr := range rl.ScopeLogs().At(0).LogRecords().All() {
						if _, ok := lr.Attributes().Get(feedback.AttrPartitionKey); ok {
							keyed++
						}
					}
				}
				return nil
			})
			require.NoError(b, err)
			p, err := NewFactory().CreateLogs(b.Context(), processortest.NewNopSettings(metadata.Type), cfg, next)
			require.NoError(b, err)
			template := plog.NewLogs()
			records := template.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
			for range n {
				require.NoError(b, records.AppendEmpty().Body().SetEmptyMap().FromRaw(events[feedback.TypeUserFeedback]))
			}
			b.ReportAllocs()
			sent := 0
			for b.Loop() {
				b.StopTimer()
				ld := plog.NewLogs()
				template.CopyTo(ld)
				b.StartTimer()
				if err := p.ConsumeLogs(b.Context(), ld); err != nil {
					b.Fatal(err)
				}
				sent += n
			}
			if keyed != sent {
				b.Fatalf("%d of %d have a key", keyed, sent)
			}
		})
	}
}
