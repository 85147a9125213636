// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// transactional configures exactly-once delivery.
func transactional(directory string, types ...string) func(*Config, *testRuntime) {
	return func(c *Config, _ *testRuntime) {
		c.Acknowledge = AcknowledgeDelivered
		c.Spool.Directory = directory
		c.Transactions = &TransactionsConfig{TransactionalID: testTxnID, EventTypes: types}
	}
}

func TestExporterWritesTransactions(t *testing.T) {
	c := newCluster(t, seeded())
	r := newRig(t, c, transactional(t.TempDir()))
	ld := feedbackLogs(0, 5, testSession)
	bad := addFeedback(ld, 5, testSession)
	refuse(bad, feedback.CodeTooLong, "comment", "expected at most 1000 characters")
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), ld))
	r.settled()
	assert.Equal(t, numbers(0, 5), txnCommitted(t, c.ListenAddrs(), testTopic, 5))
	assert.Equal(t, numbers(5, 6), txnCommitted(t, c.ListenAddrs(), testDLQ, 1))
	r.statusIs(componentstatus.StatusOK, "")

	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	require.NoError(t, err)
	defer cl.Close()
	offsets, err := kadm.NewClient(cl).FetchOffsets(context.Background(), testTxnID)
	require.NoError(t, err)
	o, ok := offsets.Lookup(testTopic, 0)
	require.True(t, ok)
	assert.EqualValues(t, 1<<txnRunBits+1, o.At)
}

// Types that are not chosen go on their own, and so do their dead letters.
func TestExporterChoosesEventTypes(t *testing.T) {
	c := newCluster(t, seeded())
	r := newRig(t, c, transactional(t.TempDir(), feedback.TypeUserFeedback))
	inTransaction, outside := recordsWithTransactions(c)
	health := addFeedback(plog.NewLogs(), 1, "svc")
	ld := plog.NewLogs()
	health.CopyTo(appendRecord(ld))
	lr := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	lr.Attributes().PutStr(feedback.AttrEventType, feedback.TypeSystemHealth)
	refuse(addFeedback(ld, 2, testSession), feedback.CodeTooLong, "comment", "x")
	ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(1).Attributes().PutStr(feedback.AttrEventType, feedback.TypeSystemHealth)
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), ld))
	r.settled()
	assert.Zero(t, *inTransaction)
	assert.NotZero(t, *outside)

	addFeedback(ld, 3, testSession)
	require.NoError(t, r.exp.ConsumeLogs(context.Background(), ld))
	r.settled()
	assert.NotZero(t, *inTransaction)
	txnCommitted(t, c.ListenAddrs(), testTopic, 3)
	txnCommitted(t, c.ListenAddrs(), testDLQ, 2)
}

// recordsWithTransactions counts produce requests with a transactional id and
// without. Read the counts when nothing is under way.
func recordsWithTransactions(c interface {
	ControlKey(int16, func(kmsg.Request) (kmsg.Response, error, bool))
	KeepControl()
}) (with, without *int) {
	with, without = new(int), new(int)
	c.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if req.(*kmsg.ProduceRequest).TransactionID != nil {
			*with++
		} else {
			*without++
		}
		return nil, nil, false
	})
	return with, without
}

// What was stored for one transactional id is not sent under another.
func TestSpoolBelongsToItsTransactionalID(t *testing.T) {
	directory := t.TempDir()
	stopped := func(change func(*Config, *testRuntime)) error {
		cfg := createDefaultConfig().(*Config)
		cfg.Brokers = []string{"127.0.0.1:1"}
		rt := newTestRuntime()
		rt.enqueue, rt.shutdown = 10*time.Second, 200*time.Millisecond
		change(cfg, rt)
		cfg.SpoolAfter = minSpoolAfter
		require.NoError(t, cfg.Validate())
		set := exportertest.NewNopSettings(metadata.Type)
		e := newExporter(set, cfg)
		if err := e.start(context.Background(), hostOf(rt)); err != nil {
			return err
		}
		require.NoError(t, e.consume(context.Background(), feedbackLogs(0, 3, testSession)), "stored")
		return e.shutdown(context.Background())
	}
	require.NoError(t, stopped(transactional(directory)))
	err := stopped(func(c *Config, rt *testRuntime) {
		transactional(directory)(c, rt)
		c.Transactions.TransactionalID = "another"
	})
	require.ErrorContains(t, err, "spool::directory")
	require.ErrorContains(t, err, testTxnID)
	require.ErrorContains(t, err, "another")
	require.ErrorContains(t, stopped(func(c *Config, _ *testRuntime) { c.Spool.Directory = directory }), "per-partition delivery")

	c := newCluster(t, seeded())
	r := newRig(t, c, transactional(directory))
	assert.Equal(t, numbers(0, 3), txnCommitted(t, c.ListenAddrs(), testTopic, 3))
	require.Eventually(t, func() bool { return r.counts.drained.Load() == 3 }, 10*time.Second, 5*time.Millisecond)
}
