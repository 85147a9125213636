// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor/internal/metadata"
)

// marker stands in every value of the events here; no error may repeat it.
const marker = "MARKER-7f3a"

const eventJSON = `{"type":"user_feedback","session_id":"` + marker + `","request_id":"0199b5a2-0000-7000-8000-000000000001","rating":5}`

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

func newHost(tb testing.TB, capacity int, maxBytes int64, changes ...func(*feedbackruntimeextension.Config)) (host, *feedbackruntimeextension.Account) {
	tb.Helper()
	factory := feedbackruntimeextension.NewFactory()
	cfg := factory.CreateDefaultConfig().(*feedbackruntimeextension.Config)
	cfg.Capacity, cfg.MaxBytes = capacity, maxBytes
	for _, change := range changes {
		change(cfg)
	}
	ext, err := factory.Create(tb.Context(), extensiontest.NewNopSettings(factory.Type()), cfg)
	require.NoError(tb, err)
	return host{component.NewID(factory.Type()): ext}, ext.(feedbackruntimeextension.Runtime).Account()
}

func start(tb testing.TB, h host, next consumer.Logs, changes ...func(*Config)) processor.Logs {
	tb.Helper()
	factory := NewFactory()
	cfg := factory.CreateDefaultConfig()
	for _, change := range changes {
		change(cfg.(*Config))
	}
	p, err := factory.CreateLogs(tb.Context(), processortest.NewNopSettings(metadata.Type), cfg, next)
	require.NoError(tb, err)
	require.NoError(tb, p.Start(tb.Context(), h))
	tb.Cleanup(func() { require.NoError(tb, p.Shutdown(context.Background())) })
	return p
}

// call is what the next consumer was given.
type call struct {
	ctx     context.Context
	logs    plog.Logs
	request *feedback.Request
}

// consume sends ld through the processor and returns what came out.
func consume(t *testing.T, ctx context.Context, ld plog.Logs) call { //nolint:revive // t first, as everywhere
	t.Helper()
	h, account := newHost(t, 1000, 1<<20)
	var got call
	next, err := consumer.NewLogs(func(ctx context.Context, ld plog.Logs) error {
		got = call{ctx: ctx, logs: ld, request: feedback.FromContext(ctx)}
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, start(t, h, next).ConsumeLogs(ctx, ld))
	assert.Zero(t, account.Events(), "what admission opened it gave back")
	assert.Zero(t, account.Bytes())
	return got
}

func records(n int) plog.Logs {
	ld := plog.NewLogs()
	slice := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for range n {
		slice.AppendEmpty().Body().SetStr(eventJSON)
	}
	return ld
}

func first(ld plog.Logs) plog.LogRecord {
	return ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
}

func TestLifecycle(t *testing.T) {
	factory := NewFactory()
	create := func() processor.Logs {
		p, err := factory.CreateLogs(t.Context(), processortest.NewNopSettings(metadata.Type), factory.CreateDefaultConfig(), consumertest.NewNop())
		require.NoError(t, err)
		return p
	}
	p := create()
	assert.True(t, p.Capabilities().MutatesData)
	require.NoError(t, p.Shutdown(t.Context()), "not started")
	require.ErrorContains(t, create().Start(t.Context(), host{}), "feedbackruntime extension is missing")

	h, _ := newHost(t, 1, 1)
	require.NoError(t, p.Start(t.Context(), h))
	require.NoError(t, p.Shutdown(t.Context()))
	require.NoError(t, p.Shutdown(t.Context()))
}

func TestCountsWhileTheNextConsumerWorks(t *testing.T) {
	h, account := newHost(t, 10, 10_000)
	ld := records(3)
	size := int64(sizer.LogsSize(ld))
	failure := errors.New("not delivered")
	next, err := consumer.NewLogs(func(ctx context.Context, _ plog.Logs) error {
		assert.Equal(t, 3, account.Events())
		assert.Equal(t, size, account.Bytes())
		hold := feedbackruntimeextension.FromContext(ctx)
		account.Hand(hold, 3, size) // an exporter takes over
		assert.Equal(t, 3, account.Events(), "counted once")
		return failure
	})
	require.NoError(t, err)
	require.ErrorIs(t, start(t, h, next).ConsumeLogs(t.Context(), ld), failure, "as it is")
	assert.Equal(t, 3, account.Events(), "the exporter's")
	account.Done(3, size)
	assert.Zero(t, account.Events())
	assert.Zero(t, account.Bytes())
}

func TestAddsToTheReceiversHold(t *testing.T) {
	h, account := newHost(t, 10, 10_000)
	hold := account.Open()
	require.NoError(t, hold.Grow(t.Context(), 0, 500))
	ctx := feedbackruntimeextension.NewContext(t.Context(), hold)
	next, err := consumer.NewLogs(func(ctx context.Context, _ plog.Logs) error {
		assert.Same(t, hold, feedbackruntimeextension.FromContext(ctx))
		assert.Equal(t, 3, account.Events())
		assert.Equal(t, int64(500), account.Bytes(), "the receiver has counted the bytes")
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, start(t, h, next).ConsumeLogs(ctx, records(3)))
	hold.Release()
	assert.Zero(t, account.Events())
}

func TestRefusals(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		ctx       context.Context
		records   int
		maxBytes  int64
		code      codes.Code
		cause     error
		permanent bool
		retry     bool
		after     time.Duration
	}{
		"no room for events":    {records: 2, maxBytes: 10_000, code: codes.Unavailable, cause: feedbackruntimeextension.ErrFull, retry: true, after: 5 * time.Second},
		"no room for bytes":     {records: 1, maxBytes: 301, code: codes.Unavailable, cause: feedbackruntimeextension.ErrFull, retry: true, after: 5 * time.Second},
		"more than it can hold": {records: 11, maxBytes: 10_000, code: codes.InvalidArgument, cause: feedbackruntimeextension.ErrTooLarge, permanent: true},
		"larger than it is":     {records: 4, maxBytes: 301, code: codes.InvalidArgument, cause: feedbackruntimeextension.ErrTooLarge, permanent: true},
		"the sender left":       {ctx: cancelled, records: 1, maxBytes: 10_000, code: codes.Canceled, cause: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, account := newHost(t, 10, tc.maxBytes)
				taken := account.Open()
				require.NoError(t, taken.Grow(t.Context(), 9, 300))
				defer taken.Release()
				sink := new(consumertest.LogsSink)
				ctx := tc.ctx
				if ctx == nil {
					ctx = t.Context()
				}
				p := start(t, h, sink)
				began := time.Now()
				err := p.ConsumeLogs(ctx, records(tc.records))
				assert.Equal(t, tc.after, time.Since(began))

				require.Error(t, err)
				st, ok := status.FromError(err) // what otlpreceiver does
				require.True(t, ok)
				assert.Equal(t, tc.code, st.Code())
				require.ErrorIs(t, err, tc.cause)
				assert.Equal(t, tc.permanent, consumererror.IsPermanent(err))
				assert.Equal(t, tc.retry, hasRetryInfo(st))
				assert.NotContains(t, fmt.Sprintf("%+v", err), marker)
				assert.Zero(t, sink.LogRecordCount())
				assert.Equal(t, 9, account.Events())
			})
		})
	}
}

func hasRetryInfo(st *status.Status) bool {
	for _, detail := range st.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration() == retryDelay
		}
	}
	return false
}

func TestWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, account := newHost(t, 10, 10_000)
		taken := account.Open()
		require.NoError(t, taken.Grow(t.Context(), 10, 0))
		sink := new(consumertest.LogsSink)
		p := start(t, h, sink)
		done := make(chan error, 1)
		go func() { done <- p.ConsumeLogs(t.Context(), records(2)) }()
		synctest.Wait()
		assert.Zero(t, sink.LogRecordCount())
		taken.Release()
		require.NoError(t, <-done)
		assert.Equal(t, 2, sink.LogRecordCount())
		assert.Zero(t, account.Events())
	})
}

type auth map[string]any

func (a auth) GetAttribute(name string) any { return a[name] }

func (a auth) GetAttributeNames() []string { return nil }

func TestStampsTheClient(t *testing.T) {
	for name, tc := range map[string]struct {
		auth client.AuthData
		want string
	}{
		"none":            {},
		"a JWT":           {auth: auth{"sub": "app-1", "subject": "other"}, want: "app-1"},
		"oidc":            {auth: auth{"subject": "app-2"}, want: "app-2"},
		"basicauth":       {auth: auth{"username": "app-3", "raw": "secret"}, want: "app-3"},
		"not a string":    {auth: auth{"sub": 7}},
		"empty":           {auth: auth{"sub": "", "username": "app-4"}, want: "app-4"},
		"a token, no one": {auth: auth{"raw": "secret"}},
	} {
		t.Run(name, func(t *testing.T) {
			ld := records(2)
			first(ld).Attributes().PutStr(feedback.AttrClientID, "forged")
			ctx := client.NewContext(t.Context(), client.Info{Auth: tc.auth})
			got := consume(t, ctx, ld)
			for _, lr := range got.logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
				id, ok := lr.Attributes().Get(feedback.AttrClientID)
				require.Equal(t, tc.want != "", ok)
				if ok {
					assert.Equal(t, tc.want, id.Str())
				}
			}
		})
	}
}

func TestStripsWhatIsReserved(t *testing.T) {
	ld := records(1)
	rl := ld.ResourceLogs().At(0)
	sl := rl.ScopeLogs().At(0)
	lr := first(ld)
	for _, attributes := range []interface{ PutStr(string, string) }{
		rl.Resource().Attributes(), sl.Scope().Attributes(), lr.Attributes(),
	} {
		for _, name := range []string{
			feedback.AttrPartitionKey, feedback.AttrErrorCode, feedback.AttrEventType, "feedback.anything",
			feedback.AttrRecordUID, "service.name", "feedback", "log.record", "feedbackx.y",
		} {
			attributes.PutStr(name, marker)
		}
	}
	left := map[string]any{"service.name": marker, "feedback": marker, "log.record": marker, "feedbackx.y": marker}
	for _, ctx := range []context.Context{
		t.Context(),
		feedback.NewContext(t.Context(), &feedback.Request{Transport: feedback.TransportHTTP}),
	} {
		got := consume(t, ctx, ld)
		rl := got.logs.ResourceLogs().At(0)
		assert.Equal(t, left, rl.Resource().Attributes().AsRaw())
		assert.Equal(t, left, rl.ScopeLogs().At(0).Scope().Attributes().AsRaw())
		assert.Equal(t, left, first(got.logs).Attributes().AsRaw())
	}
}

func TestTransport(t *testing.T) {
	peer := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}
	topic := client.NewMetadata(map[string][]string{"kafka.topic": {"in"}})
	file := map[string]any{attrFileName: "a.jsonl"}
	for name, tc := range map[string]struct {
		info       client.Info
		attributes map[string]any
		want       string
	}{
		"nothing known":         {want: feedback.TransportOTLP},
		"a peer":                {info: client.Info{Addr: peer}, want: feedback.TransportOTLP},
		"a file's name":         {attributes: file, want: feedback.TransportFile},
		"a file's path":         {attributes: map[string]any{attrFilePath: "/a.jsonl"}, want: feedback.TransportFile},
		"a peer's file":         {info: client.Info{Addr: peer}, attributes: file, want: feedback.TransportOTLP},
		"a topic":               {info: client.Info{Metadata: topic}, want: feedback.TransportKafka},
		"a topic's file":        {info: client.Info{Metadata: topic}, attributes: file, want: feedback.TransportKafka},
		"a header named so":     {info: client.Info{Addr: peer, Metadata: topic}, want: feedback.TransportOTLP},
		"a number for a name":   {attributes: map[string]any{attrFileName: 5}, want: feedback.TransportOTLP},
		"an empty file's name":  {attributes: map[string]any{attrFileName: ""}, want: feedback.TransportOTLP},
		"another log attribute": {attributes: map[string]any{"log.iostream": "stdout"}, want: feedback.TransportOTLP},
	} {
		t.Run(name, func(t *testing.T) {
			ld := records(1)
			require.NoError(t, first(ld).Attributes().FromRaw(tc.attributes))
			got := consume(t, client.NewContext(t.Context(), tc.info), ld)
			assert.Equal(t, tc.want, got.request.Transport)
			assert.Nil(t, got.request.Verdicts)
		})
	}
	t.Run("no records", func(t *testing.T) {
		got := consume(t, t.Context(), plog.NewLogs())
		assert.Equal(t, feedback.TransportOTLP, got.request.Transport)
		assert.Nil(t, got.request.Sizes)
	})
}

func BenchmarkAdmission(b *testing.B) {
	for name, fill := range map[string]func(lr plog.LogRecord){
		"otlp map":    func(lr plog.LogRecord) { lr.Body().SetEmptyMap().PutStr("type", "user_feedback") },
		"otlp string": func(lr plog.LogRecord) { lr.Body().SetStr(eventJSON) },
	} {
		b.Run(name, func(b *testing.B) {
			h, account := newHost(b, 10_000, 64<<20)
			const n = 100
			delivered := 0
			next, err := consumer.NewLogs(func(_ context.Context, ld plog.Logs) error {
				delivered += ld.LogRecordCount()
				return nil
			})
			require.NoError(b, err)
			p := start(b, h, next, func(c *Config) { c.RateLimit.EventsPerSecond = maxRate })
			template := plog.NewLogs()
			slice := template.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
			for range n {
				fill(slice.AppendEmpty())
			}
			ctx := app(b.Context(), "app")
			b.ReportAllocs()
			sent := 0
			for b.Loop() {
				b.StopTimer()
				ld := plog.NewLogs()
				template.CopyTo(ld)
				b.StartTimer()
				if err := p.ConsumeLogs(ctx, ld); err != nil {
					b.Fatal(err)
				}
				sent += n
			}
			if delivered != sent || account.Events() != 0 || account.Bytes() != 0 {
				b.Fatalf("sent %d, delivered %d, %d events left", sent, delivered, account.Events())
			}
		})
	}
}
