// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package wholepath

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
)

// What one event may allocate from bytes to Kafka value, in a batch of 100 and
// alone, and how much more than pdata takes for a copy of the finished record.
// The goals are 45, 60 and 12.
const (
	maxInBatch    = 35
	maxAlone      = 50
	maxAbovePdata = 12
)

// allocations is what an event of a request of n allocates on its way, and what
// pdata allocates for the records that come out of it.
func allocations(tb testing.TB, n int) (way, pdata float64) {
	tb.Helper()
	w, all := newWay(tb), request(n)
	way = testing.AllocsPerRun(2000/n, func() { w.walk(tb, all, n) }) / float64(n)

	kept := new(consumertest.LogsSink)
	w.next = kept
	w.walk(tb, all, n)
	finished := kept.AllLogs()[0]
	require.Equal(tb, n, finished.LogRecordCount())
	pdata = testing.AllocsPerRun(2000/n, func() { finished.CopyTo(plog.NewLogs()) }) / float64(n)
	return way, pdata
}

func TestAllocations(t *testing.T) {
	for n, limit := range map[int]float64{batch: maxInBatch, 1: maxAlone} {
		way, pdata := allocations(t, n)
		t.Logf("%.1f allocations an event in requests of %d, %.1f of them pdata's own", way, n, pdata)
		assert.LessOrEqual(t, way, limit, "in requests of %d", n)
		assert.LessOrEqual(t, way-pdata, float64(maxAbovePdata), "above pdata in requests of %d", n)
		assert.Positive(t, pdata)
	}
}
