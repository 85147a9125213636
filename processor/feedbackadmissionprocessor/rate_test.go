// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor/internal/metadatatest"
)

// limitedTo starts a processor with a rate and with the metrics it writes.
func limitedTo(t *testing.T, h host, next consumer.Logs, change func(*Config)) (processor.Logs, *componenttest.Telemetry) {
	t.Helper()
	telemetry := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, telemetry.Shutdown(context.Background())) })
	cfg := createDefaultConfig().(*Config)
	change(cfg)
	p, err := NewFactory().CreateLogs(t.Context(), metadatatest.NewSettings(telemetry), cfg, next)
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context(), h))
	return p, telemetry
}

func app(ctx context.Context, subject string) context.Context {
	return as(ctx, access.AuthData(&access.Grant{Subject: subject, ScopesKnown: true, Scopes: []string{access.ScopeWrite}}))
}

func at(ctx context.Context, ip string) context.Context {
	return client.NewContext(ctx, client.Info{Addr: &net.TCPAddr{IP: net.ParseIP(ip), Port: 1}})
}

// overRate asserts that err says when to come back.
func overRate(t *testing.T, err error, wait time.Duration) {
	t.Helper()
	require.ErrorIs(t, err, errLimited)
	assert.False(t, consumererror.IsPermanent(err))
	st, ok := status.FromError(err)
	require.True(t, ok)
	assert.Equal(t, codes.ResourceExhausted, st.Code())
	require.Len(t, st.Details(), 1)
	assert.Equal(t, wait, st.Details()[0].(*errdetails.RetryInfo).GetRetryDelay().AsDuration())
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, account := newHost(t, 100, 1<<20)
		sink := new(consumertest.LogsSink)
		p, telemetry := limitedTo(t, h, sink, func(c *Config) { c.RateLimit.EventsPerSecond = 10 })
		send := func(subject string, n int) error {
			req := &feedback.Request{Transport: feedback.TransportHTTP, Verdicts: feedback.NewVerdicts(n)}
			return p.ConsumeLogs(feedback.NewContext(app(t.Context(), subject), req), records(n))
		}
		err := send("a", 25)
		require.NoError(t, err, "into debt")
		for range 3 {
			err = send("a", 2)
			overRate(t, err, 1600*time.Millisecond)
		}
		err = send("b", 1)
		require.NoError(t, err, "another client")
		require.NoError(t, p.ConsumeLogs(t.Context(), records(50)), "a client without a name")
		assert.Equal(t, 76, sink.LogRecordCount())
		assert.Zero(t, account.Events())
		metadatatest.AssertEqualFeedbackRateLimitedEvents(t, telemetry, []metricdata.DataPoint[int64]{
			{Value: 6, Attributes: attribute.NewSet(attribute.String("transport", "http"))},
		}, metricdatatest.IgnoreTimestamp())

		time.Sleep(1600 * time.Millisecond)
		err = send("a", 1)
		require.NoError(t, err)
	})
}

// What the receiver tells its sender, of every answer.
func TestRateIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := newHost(t, 100, 1<<20)
		p, _ := limitedTo(t, h, consumertest.NewNop(), func(c *Config) { c.RateLimit.EventsPerSecond, c.RateLimit.Burst = 10, 20 })
		for _, want := range []feedback.Rate{
			{Limit: 10, Remaining: 8}, {Limit: 10, Wait: 500 * time.Millisecond}, {Limit: 10, Wait: 500 * time.Millisecond},
		} {
			req := &feedback.Request{Transport: feedback.TransportHTTP}
			_ = p.ConsumeLogs(feedback.NewContext(app(t.Context(), "a"), req), records(12))
			assert.Equal(t, want, req.Rate)
		}
		req := &feedback.Request{Transport: feedback.TransportHTTP}
		require.NoError(t, p.ConsumeLogs(feedback.NewContext(at(t.Context(), "192.0.2.1"), req), records(1)))
		assert.Zero(t, req.Rate, "not limited")
	})
}

func TestRateOfPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := newHost(t, 100, 1<<20)
		p, _ := limitedTo(t, h, consumertest.NewNop(), func(c *Config) { c.RateLimit.EventsPerSecond, c.RateLimit.PerPeer = 1, true })
		require.NoError(t, p.ConsumeLogs(at(t.Context(), "192.0.2.1"), records(1)))
		overRate(t, p.ConsumeLogs(at(t.Context(), "192.0.2.1"), records(1)), time.Second)
		require.NoError(t, p.ConsumeLogs(at(t.Context(), "192.0.2.2"), records(1)))
		nameless := client.Info{Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2)}, Auth: access.AuthData(&access.Grant{ScopesKnown: true, Scopes: []string{access.ScopeWrite}})}
		overRate(t, p.ConsumeLogs(client.NewContext(t.Context(), nameless), records(1)), time.Second)

		// Its name, not its address, is the client's.
		require.NoError(t, p.ConsumeLogs(app(at(t.Context(), "192.0.2.1"), "a"), records(1)))
		file := records(1)
		first(file).Attributes().PutStr(attrFileName, "a.jsonl")
		topic := client.Info{Metadata: client.NewMetadata(map[string][]string{"kafka.topic": {"in"}})}
		for range 3 {
			ld := plog.NewLogs()
			file.CopyTo(ld)
			require.NoError(t, p.ConsumeLogs(t.Context(), ld), "files have no client")
			require.NoError(t, p.ConsumeLogs(client.NewContext(t.Context(), topic), records(1)), "nor have topics")
		}
	})
}

// What finds no room is asked to come again, and has spent nothing.
func TestNoRoomSpendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, account := newHost(t, 10, 1<<20)
		p, _ := limitedTo(t, h, consumertest.NewNop(), func(c *Config) { c.RateLimit.EventsPerSecond = 1 })
		account.Hand(nil, 10, 0)
		err := p.ConsumeLogs(app(t.Context(), "a"), records(5))
		assert.Equal(t, codes.Unavailable, status.Code(err))
		account.Done(10, 0)
		require.NoError(t, p.ConsumeLogs(app(t.Context(), "a"), records(1)))
	})
}

// A client at its limit is refused before it waits for room or costs anything
// that others would wait for.
func TestOneClientSlowsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, account := newHost(t, 10, 1<<20)
		delivered := 0
		next, err := consumer.NewLogs(func(_ context.Context, ld plog.Logs) error {
			delivered += ld.LogRecordCount()
			return nil
		})
		require.NoError(t, err)
		p, _ := limitedTo(t, h, next, func(c *Config) { c.RateLimit.EventsPerSecond = 100 })
		greedy := app(t.Context(), "greedy")
		for range 100 {
			_ = p.ConsumeLogs(greedy, records(10))
		}
		before := delivered
		assert.Equal(t, 100, before)

		stop := make(chan struct{})
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(5 * time.Millisecond):
						_ = p.ConsumeLogs(greedy, records(10))
					}
				}
			})
		}
		began := time.Now()
		modest := app(t.Context(), "modest")
		for range 500 {
			assert.LessOrEqual(t, account.Events(), 10)
			start := time.Now()
			require.NoError(t, p.ConsumeLogs(modest, records(1)))
			assert.Zero(t, time.Since(start), "no waiting")
			time.Sleep(10 * time.Millisecond)
		}
		close(stop)
		wg.Wait()
		assert.Equal(t, 5*time.Second, time.Since(began).Truncate(100*time.Millisecond))
		assert.InDelta(t, 5*100, delivered-before-500, 20, "the greedy one has its rate and no more")
	})
}

// One client has one bucket, however many pipelines the processor stands in.
func TestPipelinesShareTheBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := newHost(t, 10, 1<<20)
		factory := NewFactory()
		cfg := createDefaultConfig().(*Config)
		cfg.RateLimit.EventsPerSecond = 1
		var pipelines [2]processor.Logs
		for i := range pipelines {
			telemetry := componenttest.NewTelemetry()
			defer func() { require.NoError(t, telemetry.Shutdown(context.Background())) }()
			var err error
			pipelines[i], err = factory.CreateLogs(t.Context(), metadatatest.NewSettings(telemetry), cfg, consumertest.NewNop())
			require.NoError(t, err)
			require.NoError(t, pipelines[i].Start(t.Context(), h))
		}
		require.NoError(t, pipelines[0].ConsumeLogs(app(t.Context(), "a"), records(1)))
		overRate(t, pipelines[1].ConsumeLogs(app(t.Context(), "a"), records(1)), time.Second)
	})
}

func TestCountersBeginAtZero(t *testing.T) {
	h, _ := newHost(t, 10, 1<<20)
	for _, e := range h {
		conf := confmap.NewFromStringMap(map[string]any{
			"receivers": map[string]any{"feedback": map[string]any{"protocols": map[string]any{"http": map[string]any{}}}},
			"service": map[string]any{"pipelines": map[string]any{"logs": map[string]any{
				"receivers": []any{"feedback", "otlp"}, "processors": []any{"feedbackadmission"},
			}}},
		})
		require.NoError(t, e.(extensioncapabilities.ConfigSnapshotWatcher).NotifyConfigSnapshot(t.Context(), extensioncapabilities.NewConfigSnapshot(conf, nil)))
	}
	_, telemetry := limitedTo(t, h, consumertest.NewNop(), func(*Config) {})
	metadatatest.AssertEqualFeedbackRateLimitedEvents(t, telemetry, []metricdata.DataPoint[int64]{
		{Attributes: attribute.NewSet(attribute.String("transport", "http"))},
		{Attributes: attribute.NewSet(attribute.String("transport", "otlp"))},
	}, metricdatatest.IgnoreTimestamp())
}

func TestAudit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	h, _ := newHost(t, 100, 1<<20, func(c *feedbackruntimeextension.Config) {
		log := c.Audit.GetOrInsertDefault()
		log.Output, log.Ingestion = path, "all"
	})
	for _, e := range h {
		require.NoError(t, e.Start(t.Context(), h))
		defer func() { require.NoError(t, e.Shutdown(context.Background())) }()
	}
	var outcome error
	next, err := consumer.NewLogs(func(ctx context.Context, _ plog.Logs) error {
		v := feedback.FromContext(ctx).Outcome // an OTLP sender is not told
		*v.At(0) = feedback.Verdict{EventType: "user_feedback", EventID: requestA}
		if outcome != nil {
			v.At(0).Errors = []feedback.Error{{Code: feedback.CodeTooLong, Message: marker}}
		}
		v.MarkJudged()
		return outcome
	})
	require.NoError(t, err)
	p, _ := limitedTo(t, h, next, func(c *Config) { c.RateLimit.EventsPerSecond = 1 })
	ctx := app(at(t.Context(), "192.0.2.1"), "a")
	info := client.FromContext(ctx)
	info.Addr = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}
	ctx = client.NewContext(ctx, info)
	require.NoError(t, p.ConsumeLogs(ctx, records(1)))
	require.Error(t, p.ConsumeLogs(ctx, records(1)))
	info.Auth = access.AuthData(&access.Grant{Subject: "b", ScopesKnown: true})
	denied(t, p.ConsumeLogs(client.NewContext(ctx, info), records(1)))
	info.Auth = access.AuthData(&access.Grant{Subject: "c", ScopesKnown: true, Scopes: []string{access.ScopeWrite}})
	outcome = errors.New("not delivered")
	require.ErrorIs(t, p.ConsumeLogs(client.NewContext(ctx, info), records(1)), outcome, "to be sent again: no entry")
	outcome = consumererror.NewPermanent(status.Error(codes.InvalidArgument, marker)) // on_invalid: reject
	info.Auth = access.AuthData(&access.Grant{Subject: "d", ScopesKnown: true, Scopes: []string{access.ScopeWrite}})
	require.ErrorIs(t, p.ConsumeLogs(client.NewContext(ctx, info), records(1)), outcome)

	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.NotContains(t, string(text), marker)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Len(t, lines, 4)
	for i, want := range []string{
		`"msg":"event_ingested","client_id":"a","ip_addr":"192.0.2.1","event_id":"` + requestA + `","event_type":"user_feedback","success":true}`,
		`"msg":"rate_limit_exceeded","client_id":"a","ip_addr":"192.0.2.1"}`,
		`"msg":"authentication_attempt","client_id":"b","ip_addr":"192.0.2.1","success":false,"reason":"permission_denied"}`,
		`"msg":"event_ingested","client_id":"d","ip_addr":"192.0.2.1","event_id":"` + requestA + `","event_type":"user_feedback","success":false,"code":"too_long"}`,
	} {
		assert.Contains(t, lines[i], want)
	}
}

func TestConfig(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, cfg.RateLimit.Validate())
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"rate_limit": map[string]any{
			"events_per_second": 5, "burst": 7, "per_peer": true, "max_clients": 9,
			"overrides": []any{map[string]any{"client": "2001:db8::1", "events_per_second": 3}},
		},
		"scopes": map[string]any{"required": true},
	}).Unmarshal(cfg))
	assert.Equal(t, &Config{
		RateLimit: RateLimitConfig{
			EventsPerSecond: 5, Burst: 7, PerPeer: true, MaxClients: 9,
			Overrides: []RateOverride{{Client: "2001:db8::1", EventsPerSecond: 3}},
		},
		Scopes: ScopesConfig{Required: true},
	}, cfg)
	require.NoError(t, cfg.RateLimit.Validate())

	faulty := RateLimitConfig{EventsPerSecond: -1, Burst: 2_000_000_000, Overrides: []RateOverride{{}, {Client: "a", Burst: -1}, {Client: "a"}}}
	err := faulty.Validate()
	for _, says := range []string{
		"events_per_second must be 0 to 1000000000, is -1", "burst must be 0", "max_clients must be at least 1",
		"overrides[0]::client must not be empty", "overrides[1]::burst must be", "overrides[2]::client is there twice",
	} {
		require.ErrorContains(t, err, says)
	}
}
