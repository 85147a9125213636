// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/kafka/configkafka"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// testRuntime is a runtime whose shutdown the test drives.
type testRuntime struct {
	component.StartFunc
	component.ShutdownFunc
	account  *feedbackruntimeextension.Account
	enqueue  time.Duration
	shutdown time.Duration
	stopping chan struct{}
}

func newTestRuntime() *testRuntime {
	return &testRuntime{
		account:  feedbackruntimeextension.NewAccount(1<<20, 1<<30, time.Second),
		enqueue:  10 * time.Second,
		shutdown: 10 * time.Second,
		stopping: make(chan struct{}),
	}
}

func (r *testRuntime) Account() *feedbackruntimeextension.Account { return r.account }
func (r *testRuntime) EnqueueTimeout() time.Duration              { return r.enqueue }
func (r *testRuntime) Readiness() error                           { return nil }
func (r *testRuntime) Draining() <-chan struct{}                  { return r.stopping }
func (r *testRuntime) Stopping() <-chan struct{}                  { return r.stopping }
func (r *testRuntime) ShutdownTimeout() time.Duration             { return r.shutdown }

// testHost offers the runtime and remembers what status was reported.
type testHost struct {
	extensions map[component.ID]component.Component
	mu         sync.Mutex
	events     []*componentstatus.Event
}

func hostOf(r *testRuntime) *testHost {
	return &testHost{extensions: map[component.ID]component.Component{component.MustNewID("feedbackruntime"): r}}
}

// newTestHost is the host of the generated lifecycle test: no Kafka answers there.
func newTestHost() component.Host {
	r := newTestRuntime()
	r.shutdown = 50 * time.Millisecond
	return hostOf(r)
}

func (h *testHost) GetExtensions() map[component.ID]component.Component { return h.extensions }

func (h *testHost) Report(ev *componentstatus.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, ev)
}

func (h *testHost) status() (componentstatus.Status, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.events) == 0 {
		return componentstatus.StatusNone, ""
	}
	last := h.events[len(h.events)-1]
	if last.Err() == nil {
		return last.Status(), ""
	}
	return last.Status(), last.Err().Error()
}

// rig is an exporter before a fake cluster.
type rig struct {
	t       testing.TB
	cluster *kfake.Cluster
	runtime *testRuntime
	host    *testHost
	exp     exporter.Logs
	logs    *observer.ObservedLogs
	counts  *counts
	tel     *componenttest.Telemetry
}

const (
	testTopic = "feedback-events"
	testDLQ   = "feedback-events-dlq"
)

func newCluster(t testing.TB, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func seeded() kfake.Opt { return kfake.SeedTopics(12, testTopic, testDLQ) }

// newRig starts an exporter; change may alter its configuration.
func newRig(t testing.TB, c *kfake.Cluster, change func(*Config, *testRuntime)) *rig {
	t.Helper()
	_, r := newInnerRig(t, c, change)
	return r
}

// newInnerRig returns besides what is inside the exporter.
func newInnerRig(t testing.TB, c *kfake.Cluster, change func(*Config, *testRuntime)) (*feedbackExporter, *rig) {
	t.Helper()
	r := &rig{t: t, cluster: c, runtime: newTestRuntime(), tel: componenttest.NewTelemetry()}
	r.host = hostOf(r.runtime)
	cfg := createDefaultConfig().(*Config)
	if c != nil {
		cfg.Brokers = c.ListenAddrs()
	}
	if change != nil {
		change(cfg, r.runtime)
	}
	require.NoError(t, cfg.Validate())

	core, logs := observer.New(zapcore.DebugLevel)
	r.logs = logs
	set := exportertest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = r.tel.NewTelemetrySettings()
	set.Logger = zap.New(core)
	set.BuildInfo.Version = "1.2.3"
	set.Resource.Attributes().PutStr("service.instance.id", "collector-7")
	inner := newExporter(set, cfg)
	r.counts = inner.counts
	exp, err := frame(context.Background(), set, cfg, inner)
	require.NoError(t, err)
	require.NoError(t, exp.Start(context.Background(), r.host))
	r.exp = exp
	t.Cleanup(func() {
		require.NoError(t, exp.Shutdown(context.Background()))
		require.NoError(t, r.tel.Shutdown(context.Background()))
	})
	return inner, r
}

// settled waits until nothing is in flight any more.
func (r *rig) settled() {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return r.runtime.account.Events() == 0 }, 20*time.Second, 5*time.Millisecond)
	require.Zero(r.t, r.runtime.account.Bytes())
}

func (r *rig) statusIs(want componentstatus.Status, text string) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		st, msg := r.host.status()
		return st == want && strings.Contains(msg, text)
	}, 20*time.Second, 5*time.Millisecond, "want %s %q", want, text)
}

// consume reads n records of a topic.
func (r *rig) consume(topic string, n int) []*kgo.Record {
	r.t.Helper()
	return consumeFrom(r.t, r.cluster, topic, n)
}

func consumeFrom(t testing.TB, c *kfake.Cluster, topic string, n int) []*kgo.Record {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(50*time.Millisecond))
	require.NoError(t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var out []*kgo.Record
	for len(out) < n {
		fs := cl.PollFetches(ctx)
		require.NoError(t, ctx.Err(), "only %d of %d records in %s", len(out), n, topic)
		fs.EachRecord(func(rec *kgo.Record) { out = append(out, rec) })
	}
	return out
}

func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

const (
	testSession = "sess-1"
	testRequest = "0190b5e4-0000-7000-8000-000000000001"
	testTime    = "2026-01-02T03:04:05.006Z"
)

func testID(i int) string { return fmt.Sprintf("0190b5e4-1111-7000-8000-%012d", i) }

// addFeedback appends a user_feedback record as validation leaves it.
func addFeedback(ld plog.Logs, i int, session string) plog.LogRecord {
	lr := appendRecord(ld)
	at, _ := time.Parse(time.RFC3339Nano, testTime)
	lr.SetTimestamp(pcommon.NewTimestampFromTime(at))
	lr.SetEventName(feedback.EventNamePrefix + feedback.TypeUserFeedback)
	attrs := lr.Attributes()
	attrs.PutStr(feedback.AttrRecordUID, testID(i))
	attrs.PutStr(feedback.AttrEventType, feedback.TypeUserFeedback)
	attrs.PutStr(feedback.AttrPartitionKey, session)
	m := lr.Body().SetEmptyMap()
	m.PutStr("type", feedback.TypeUserFeedback)
	m.PutStr("event_id", testID(i))
	m.PutStr("timestamp", testTime)
	m.PutStr("session_id", session)
	m.PutStr("request_id", testRequest)
	m.PutInt("rating", int64(i))
	return lr
}

func appendRecord(ld plog.Logs) plog.LogRecord {
	if ld.ResourceLogs().Len() == 0 {
		ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	}
	return ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().AppendEmpty()
}

func feedbackLogs(from, to int, session string) plog.Logs {
	ld := plog.NewLogs()
	for i := from; i < to; i++ {
		addFeedback(ld, i, session)
	}
	return ld
}

// refuse marks a record as refused by validation.
func refuse(lr plog.LogRecord, code feedback.Code, field, message string) {
	lr.Attributes().PutStr(feedback.AttrErrorCode, string(code))
	lr.Attributes().PutStr(feedback.AttrErrorField, field)
	lr.Attributes().PutStr(feedback.AttrErrorMessage, message)
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func zapString(key, value string) zapcore.Field { return zap.String(key, value) }

func saslOf(mechanism, user, password string) *configkafka.SASLConfig {
	return &configkafka.SASLConfig{Mechanism: mechanism, Username: user, Password: password}
}

func (r *reasons) of(reason string) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts[reason]
}
