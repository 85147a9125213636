// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor"

import (
	"context"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// count counts the events of a request as received, whatever becomes of them. Those
// of one that is refused for who sends it are not: they are nobody's events.
func (a *admission) count(ctx context.Context, transport string, ld plog.Logs) {
	if a.ingestion == nil {
		return
	}
	var n feedback.TypeCounts
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				n.Add(typeOf(lr), 1)
			}
		}
	}
	a.ingestion.Received(ctx, transport, &n)
}

// stampReceipt stamps records with their receipt: what others observed before is
// measured by other clocks.
func stampReceipt(ld plog.Logs, now pcommon.Timestamp) {
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				lr.SetObservedTimestamp(now)
			}
		}
	}
}
