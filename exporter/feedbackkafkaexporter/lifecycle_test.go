// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

// spooling is an exporter with a spool, before a port where perhaps nobody listens.
func spooling(dir string, port int, more ...func(*Config, *testRuntime)) func(*Config, *testRuntime) {
	return func(cfg *Config, rt *testRuntime) {
		cfg.Brokers = []string{fmt.Sprintf("127.0.0.1:%d", port)}
		cfg.Acknowledge = AcknowledgeDelivered
		cfg.Producer.Linger = 0
		cfg.Spool.Directory = dir
		cfg.SpoolAfter = minSpoolAfter
		cfg.CircuitBreaker.Timeout = time.Second
		for _, change := range more {
			change(cfg, rt)
		}
	}
}

func (r *rig) value(metric string) int64 {
	r.t.Helper()
	m, err := r.tel.GetMetric("otelcol_feedback_" + metric)
	require.NoError(r.t, err)
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		return data.DataPoints[0].Value
	case metricdata.Gauge[int64]:
		return data.DataPoints[0].Value
	default:
		r.t.Fatalf("%T", data)
		return 0
	}
}

// Kafka is not there at the start: events are stored, readiness never turns, and
// when it comes all are delivered, in order.
func TestKafkaComesLate(t *testing.T) {
	port := freePort(t)
	r := newRig(t, nil, spooling(t.TempDir(), port))
	for i := range 5 {
		require.NoError(t, r.exp.ConsumeLogs(context.Background(), feedbackLogs(3*i, 3*i+3, testSession)))
	}
	assert.Zero(t, r.runtime.account.Events())
	assert.EqualValues(t, 15, r.value("spooled_events"))
	assert.EqualValues(t, 15, r.value("spool_events"))
	assert.Positive(t, r.value("spool_bytes"))
	r.statusIs(componentstatus.StatusOK, "")
	require.Eventually(t, func() bool {
		return r.logs.FilterMessage("Cannot deliver to Kafka").Len() == 1
	}, 20*time.Second, 5*time.Millisecond)
	r.cluster = newCluster(t, seeded(), kfake.Ports(port))
	var got []string
	for _, rec := range r.consume(testTopic, 15) {
		got = append(got, ratingOf(rec))
	}
	assert.Equal(t, numbers(0, 15), got)
	require.Eventually(t, func() bool { return r.value("spool_events") == 0 }, 20*time.Second, 5*time.Millisecond)
	assert.EqualValues(t, 15, r.value("drained_events"))
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), feedbackLogs(15, 16, testSession)))
	r.statusIs(componentstatus.StatusOK, "")
	for _, ev := range r.host.events {
		assert.Equal(t, componentstatus.StatusOK, ev.Status(), "ready throughout")
	}
	r.noMarker()
}

// The collector is stopped while Kafka is away: what it has is stored within half
// of the time, and the next one delivers it.
func TestStopWithoutKafka(t *testing.T) {
	for _, mode := range []Acknowledge{AcknowledgeBuffered, AcknowledgeDelivered} {
		t.Run(string(mode), func(t *testing.T) {
			port, dir := freePort(t), t.TempDir()
			change := spooling(dir, port, func(cfg *Config, rt *testRuntime) {
				cfg.Acknowledge = mode
				cfg.SpoolAfter = time.Hour
				rt.shutdown = 400 * time.Millisecond
				rt.enqueue = time.Hour
			})
			r := newRig(t, nil, change)
			released := make(chan error, 1)
			go func() { released <- r.exp.ConsumeLogs(context.Background(), feedbackLogs(0, 7, testSession)) }()
			require.Eventually(t, func() bool { return r.runtime.account.Events() == 7 }, 5*time.Second, time.Millisecond)
			close(r.runtime.stopping)
			require.NoError(t, <-released, "stored is acknowledged")
			require.NoError(t, r.exp.Shutdown(context.Background()))
			assert.Zero(t, r.logs.FilterMessage("Shutting down with events not delivered").Len())
			assert.Equal(t, 1, r.logs.FilterMessage("Events remain in the spool; the next start delivers them").Len())

			next := newRig(t, nil, change)
			next.cluster = newCluster(t, seeded(), kfake.Ports(port))
			assert.Len(t, next.consume(testTopic, 7), 7)
			require.Eventually(t, func() bool { return next.value("spool_events") == 0 }, 20*time.Second, 5*time.Millisecond)
			close(next.runtime.stopping)
			require.NoError(t, next.exp.Shutdown(context.Background()))
			third := newRig(t, next.cluster, spooling(dir, port))
			require.NoError(t, third.exp.Shutdown(context.Background()))
			assert.Len(t, next.consume(testTopic, 7), 7, "nothing twice")
		})
	}
}

func TestTwoCollectorsOneSpool(t *testing.T) {
	dir := t.TempDir()
	r := newRig(t, newCluster(t, seeded()), spooling(dir, freePort(t)))
	cfg := createDefaultConfig().(*Config)
	cfg.Spool.Directory = dir
	exp, err := createLogs(context.Background(), exportertest.NewNopSettings(metadata.Type), cfg)
	require.NoError(t, err)
	err = exp.Start(context.Background(), r.host)
	require.ErrorIs(t, err, spool.ErrLocked)
	require.ErrorContains(t, err, "spool::directory")
	require.ErrorContains(t, err, dir)
	require.NoError(t, exp.Shutdown(context.Background()))
}

func TestSpoolOfAnotherMode(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	s, err := spool.Open(dir, spool.Options{})
	require.NoError(t, err)
	cfg := createDefaultConfig().(*Config)
	cfg.Spool.Directory = dir
	require.NoError(t, enterMode(s, cfg))
	require.NoError(t, s.SetMark(map[string]string{markMode: "something else"}))
	require.NoError(t, enterMode(s, cfg), "nothing is stored")
	require.NoError(t, s.SetMark(map[string]string{markMode: "something else"}))
	_, err = s.Append(spool.LaneID{Topic: "t"}, []spool.Entry{{Topic: "t", Value: []byte("x")}})
	require.NoError(t, err)
	err = enterMode(s, cfg)
	require.ErrorContains(t, err, dir+" holds events that were stored with something else")
	assert.NotContains(t, err.Error(), "feedbackctl", "only a collector can send what was stored for transactions")

	require.NoError(t, s.SetMark(map[string]string{markMode: modeLanes}))
	cfg.Transactions = &TransactionsConfig{TransactionalID: "c-1"}
	require.ErrorContains(t, enterMode(s, cfg), "feedbackctl spool drain --directory "+dir)
	require.NoError(t, s.Close())
}

// A missing topic turns readiness, spool or not; its events are stored.
func TestTopicMissingWithSpool(t *testing.T) {
	c := newCluster(t, kfake.SeedTopics(1, testDLQ))
	r := newRig(t, c, func(cfg *Config, rt *testRuntime) {
		brokers := cfg.Brokers
		spooling(t.TempDir(), 1)(cfg, rt)
		cfg.Brokers = brokers
	})
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), feedbackLogs(0, 3, testSession)))
	r.statusIs(componentstatus.StatusRecoverableError, "topic feedback-events is missing")
	require.NoError(t, c.CreateTopic(testTopic, 3, nil))
	assert.Len(t, r.consume(testTopic, 3), 3)
	r.statusIs(componentstatus.StatusOK, "")
}

func TestStatusWithFullSpool(t *testing.T) {
	h := newHealth(zap.NewNop(), createDefaultConfig().(*Config), nil)
	var last *componentstatus.Event
	h.report = func(ev *componentstatus.Event) { last = ev }
	away := h.unreachable(errors.New("dial 10.0.0.1"))
	var refusal error
	h.storage = func() (bool, error) { return true, refusal }
	h.say(away)
	require.Equal(t, componentstatus.StatusOK, last.Status())
	refusal = spool.ErrFull
	h.say(away)
	require.EqualError(t, last.Err(), "Kafka cannot be reached, and the spool is full")
	refusal = errDisk
	h.say(away)
	require.EqualError(t, last.Err(), "Kafka cannot be reached, and the spool cannot be written")
	refusal = nil
	h.say(away)
	require.Equal(t, componentstatus.StatusOK, last.Status())
	h.say(errors.New("topic x is missing"))
	require.EqualError(t, last.Err(), "topic x is missing")
}

func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := createDefaultConfig().(*Config)
		b := newBreaker(zap.NewNop(), &cfg.CircuitBreaker)
		var away bool
		b.changed = func(on bool) { away = on }
		fault := errors.New("x")
		for range 4 {
			b.report(fault)
		}
		b.delivered()
		for range 4 {
			b.report(fault)
		}
		require.True(t, b.closed(), "not one after the other")
		b.report(fault)
		require.Equal(t, gobreaker.StateOpen, b.state())
		require.True(t, away)
		require.EqualValues(t, 1, b.gauge())
		require.EqualValues(t, 1, b.opens.Load())
		after(29 * time.Second)
		b.report(nil)
		b.report(nil)
		require.Equal(t, gobreaker.StateOpen, b.state())
		after(2 * time.Second)
		require.EqualValues(t, 2, b.gauge())
		require.True(t, away)
		b.report(nil)
		require.False(t, b.closed())
		b.report(nil)
		require.True(t, b.closed())
		require.False(t, away)

		off := newBreaker(zap.NewNop(), &CircuitBreakerConfig{})
		off.report(fault)
		off.delivered()
		require.True(t, off.closed())
	})
}

// While the breaker is open, lanes go straight to the spool; when it closes they
// are drained and go on.
func TestShelter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBenchOn(t, newMemSpool(), nil)
		b.shelter(true)
		b.send(0, 3)
		require.Zero(t, b.unsettled())
		require.Empty(t, b.client.take())
		after(time.Hour)
		require.Empty(t, b.client.take())
		b.shelter(false)
		assert.Equal(t, numbers(0, 3), b.deliverAll())
	})
}

// A partition that never answers does not hold the others: they touch no disk
// and wait for nothing.
func TestStuckPartitionHoldsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBenchOn(t, newMemSpool(), nil, func(d *delivery) { d.room = 64 << 10 })
		b.seen(b.builder.topics[0], 12, 1<<20)
		var stuck []handedOver
		for i := range 2000 {
			ld := feedbackLogs(i, i+1, fmt.Sprint("s", i%100))
			records := []*record{b.builder.build(ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0))}
			q := newRequest(1)
			records[0].request = q
			require.NoError(t, b.enqueue(records, nil))
			synctest.Wait()
			for _, h := range b.client.take() {
				if h.rec.Partition == 3 {
					stuck = append(stuck, h)
					continue
				}
				h.promise(h.rec, nil)
			}
			synctest.Wait()
			select {
			case <-q.done:
			default:
				require.EqualValues(t, 3, records[0].lane.id.Partition, "only the stuck partition waits")
			}
			after(10 * time.Millisecond)
		}
		for id := range b.spool.lanes {
			assert.EqualValues(t, 3, id.Partition)
		}
		require.NotEmpty(t, stuck)
		require.Zero(t, b.unsettled())
		for _, h := range stuck {
			h.promise(h.rec, nil)
		}
		synctest.Wait()
		b.deliverAll()
		assert.Zero(t, b.spool.Stats().Entries)
		assert.EqualValues(t, 2000, b.counts.published[0].Load())
	})
}

func TestBackpressureIsTheClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBenchOn(t, nil, nil, func(d *delivery) { d.roomCount = 8 })
		b.send(0, 20)
		got := b.client.take()
		require.Len(t, got, 2, "a lane takes a quarter")
		for len(got) > 0 {
			for _, h := range got {
				h.promise(h.rec, nil)
			}
			synctest.Wait()
			got = b.client.take()
			assert.LessOrEqual(t, len(got), 8)
		}
		assert.Zero(t, b.unsettled())
	})
}
