// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bufio"
	"context"
	"encoding/json"
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
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// marker stands in all that an event holds.
const marker = "MARKER-7f3a"

func newLog(t *testing.T, change func(*Config)) (*Log, string, *observer.ObservedLogs) {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Output = filepath.Join(t.TempDir(), "audit.jsonl")
	if change != nil {
		change(&cfg)
	}
	require.NoError(t, cfg.Validate())
	core, logs := observer.New(zapcore.DebugLevel)
	l := New(cfg, zap.New(core))
	require.NoError(t, l.Start())
	t.Cleanup(func() { assert.NoError(t, l.Shutdown()) })
	return l, cfg.Output, logs
}

func read(t *testing.T, path string) (lines []map[string]any) {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	for in := bufio.NewScanner(file); in.Scan(); {
		assert.NotContains(t, in.Text(), marker)
		var line map[string]any
		require.NoError(t, json.Unmarshal(in.Bytes(), &line), in.Text())
		lines = append(lines, line)
	}
	return lines
}

func from(t *testing.T, ip string) context.Context {
	return client.NewContext(t.Context(), client.Info{Addr: &net.TCPAddr{IP: net.ParseIP(ip), Port: 4711}})
}

func verdicts() *feedback.Verdicts {
	v := feedback.NewVerdicts(2)
	*v.At(0) = feedback.Verdict{EventType: "user_feedback", EventID: "id-1"}
	*v.At(1) = feedback.Verdict{EventType: feedback.TypeUnknown, Errors: []feedback.Error{{Code: feedback.CodeUnknownType, Field: marker, Message: marker}}}
	return v
}

func TestEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, path, _ := newLog(t, func(c *Config) { c.Ingestion = entriesAll })
		ctx := from(t, "192.0.2.7")
		l.Authentication(ctx, "app\n\"1\"", true, "")
		l.Authentication(from(t, "2001:db8::1"), "", false, "expired")
		l.RateLimited(ctx, "app")
		l.Ingested(t.Context(), "", verdicts(), true)

		now := time.Now().UTC().Format("2006-01-02T15:04:05.000000Z07:00")
		entry := func(level, msg, client, ip string, more map[string]any) map[string]any {
			e := map[string]any{
				"level": level, "timestamp": now, "logger": LoggerName, "msg": msg, "client_id": client, "ip_addr": ip,
			}
			for name, value := range more {
				e[name] = value
			}
			return e
		}
		assert.Equal(t, []map[string]any{
			entry("info", "authentication_attempt", "app\n\"1\"", "192.0.2.7", map[string]any{"success": true}),
			entry("warn", "authentication_attempt", "", "2001:db8::1", map[string]any{"success": false, "reason": "expired"}),
			entry("warn", "rate_limit_exceeded", "app", "192.0.2.7", nil),
			entry("info", "event_ingested", "", "", map[string]any{"success": true, "event_id": "id-1", "event_type": "user_feedback"}),
			entry("warn", "event_ingested", "", "", map[string]any{"success": false, "event_id": "", "event_type": "unknown", "code": "unknown_type"}),
		}, read(t, path))
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	})
}

func TestWhatIsRecorded(t *testing.T) {
	all := []string{"attempt true", "attempt false", "rate", "event true", "event false"}
	for name, tt := range map[string]struct {
		change func(*Config)
		want   []string
	}{
		"default":          {nil, []string{"attempt true", "attempt false", "rate", "event false"}},
		"all":              {func(c *Config) { c.Ingestion = entriesAll }, all},
		"only failures":    {func(c *Config) { c.Authentication = entriesFailures }, []string{"attempt false", "rate", "event false"}},
		"no attempts":      {func(c *Config) { c.Authentication = entriesNone }, []string{"rate", "event false"}},
		"no rates, events": {func(c *Config) { c.RateLimit, c.Ingestion = false, entriesNone }, []string{"attempt true", "attempt false"}},
	} {
		t.Run(name, func(t *testing.T) {
			l, path, _ := newLog(t, tt.change)
			l.Authentication(t.Context(), "app", true, "")
			l.Authentication(t.Context(), "", false, "")
			l.RateLimited(t.Context(), "app")
			l.Ingested(t.Context(), "app", verdicts(), true)
			var got []string
			for _, line := range read(t, path) {
				what := map[string]string{"authentication_attempt": "attempt", "rate_limit_exceeded": "rate", "event_ingested": "event"}[line["msg"].(string)]
				switch line["success"] {
				case true:
					what += " true"
				case false:
					what += " false"
				}
				got = append(got, what)
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestEventsOfARequestNotTaken(t *testing.T) {
	l, path, _ := newLog(t, func(c *Config) { c.Ingestion = entriesAll })
	l.Ingested(t.Context(), "app", verdicts(), false)
	lines := read(t, path)
	require.Len(t, lines, 1)
	assert.Equal(t, "unknown_type", lines[0]["code"])
}

func TestNoLog(t *testing.T) {
	l := Find(componenttest.NewNopHost())
	assert.Nil(t, l)
	require.NoError(t, l.Start())
	l.Authentication(t.Context(), "app", true, "")
	l.RateLimited(t.Context(), "app")
	assert.False(t, l.Ingests())
	l.Ingested(t.Context(), "app", verdicts(), true)
	require.NoError(t, l.Shutdown())
	require.NoError(t, New(DefaultConfig(), zap.NewNop()).Shutdown(), "not started")
}

type keeper struct {
	component.Component
	log *Log
}

func (k keeper) Audit() *Log { return k.log }

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

func TestFind(t *testing.T) {
	l := New(DefaultConfig(), zap.NewNop())
	assert.Same(t, l, Find(host{component.MustNewID("a"): nil, component.MustNewID("b"): keeper{log: l}}))
}

// A rotated file is left alone and another one begun.
func TestMovedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, path, _ := newLog(t, nil)
		l.RateLimited(t.Context(), "1")
		require.NoError(t, os.Rename(path, path+".1"))
		l.RateLimited(t.Context(), "2")
		time.Sleep(lookInterval)
		l.RateLimited(t.Context(), "3")
		assert.Len(t, read(t, path+".1"), 2, "looked after once a second")
		assert.Len(t, read(t, path), 1)
		require.NoError(t, os.Remove(path))
		time.Sleep(lookInterval)
		l.RateLimited(t.Context(), "4")
		assert.Len(t, read(t, path), 1)
	})
}

func TestLostEntriesAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, path, logs := newLog(t, nil)
		file := l.out.file
		require.NoError(t, file.Close()) // as good as a full disk
		for range 3 {
			l.RateLimited(t.Context(), marker)
		}
		require.Equal(t, 1, logs.Len(), "at once, then every ten seconds")
		assert.Equal(t, int64(1), logs.All()[0].ContextMap()["entries"])
		time.Sleep(reportInterval)
		l.RateLimited(t.Context(), marker)
		require.Equal(t, 2, logs.Len())
		assert.Equal(t, int64(3), logs.All()[1].ContextMap()["entries"])

		l.RateLimited(t.Context(), marker)
		l.out.file = nil // its second close would fail
		require.NoError(t, l.Shutdown())
		require.Equal(t, 3, logs.Len(), "the rest, at the end")
		require.NoError(t, l.Shutdown())
		l.RateLimited(t.Context(), marker)
		for _, entry := range logs.All() {
			assert.NotContains(t, entry.Message, marker)
		}
		assert.Empty(t, read(t, path))
	})
}

func TestStartFails(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Output = filepath.Join(t.TempDir(), "missing", "audit.jsonl")
	l := New(cfg, zap.NewNop())
	require.ErrorContains(t, l.Start(), "audit::output")
	l.RateLimited(t.Context(), "app")
	require.NoError(t, l.Shutdown())
}

func TestLongIDs(t *testing.T) {
	l, path, _ := newLog(t, nil)
	l.RateLimited(t.Context(), strings.Repeat("ä", 70_000))
	id := read(t, path)[0]["client_id"].(string)
	assert.Equal(t, strings.Repeat("ä", maxClientID/2)+"…", id)
}

// Lines stay whole, whoever writes.
func TestConcurrentWriters(t *testing.T) {
	l, path, _ := newLog(t, func(c *Config) { c.Ingestion = entriesAll })
	many := feedback.NewVerdicts(1000)
	for i := range many.Len() {
		*many.At(i) = feedback.Verdict{EventType: "user_feedback", EventID: "760e8400-e29b-41d4-a716-446655440000"}
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			l.Ingested(t.Context(), "app", many, true)
			l.RateLimited(t.Context(), "app")
		})
	}
	wg.Wait()
	assert.Len(t, read(t, path), 8*1001)
}

func TestValidate(t *testing.T) {
	cfg := Config{Authentication: "some", Ingestion: ""}
	err := cfg.Validate()
	require.ErrorContains(t, err, "output: expected")
	require.ErrorContains(t, err, `authentication: expected one of all, failures, none, is "some"`)
	require.ErrorContains(t, err, `ingestion: expected one of`)
	cfg = DefaultConfig()
	require.NoError(t, cfg.Validate())
}

func BenchmarkIngested(b *testing.B) {
	cfg := DefaultConfig()
	cfg.Output, cfg.Ingestion = filepath.Join(b.TempDir(), "audit.jsonl"), entriesAll
	l := New(cfg, zap.NewNop())
	require.NoError(b, l.Start())
	defer func() { _ = l.Shutdown() }()
	v := feedback.NewVerdicts(100)
	for i := range v.Len() {
		*v.At(i) = feedback.Verdict{EventType: "user_feedback", EventID: "760e8400-e29b-41d4-a716-446655440000"}
	}
	ctx := client.NewContext(b.Context(), client.Info{Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7)}})
	b.ReportAllocs()
	for b.Loop() {
		l.Ingested(ctx, "app", v, true)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*100), "ns/event")
}
