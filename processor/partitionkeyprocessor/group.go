// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package partitionkeyprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/partitionkeyprocessor"

import (
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// group moves all records with a key under one resource for each key, in the
// order in which the keys and their records come. The stock Kafka exporter
// partitions by a hash over all attributes of the resource, so that the key has
// to be the only one. Records without a key stay where they are.
func group(ld plog.Logs) {
	groups := plog.NewResourceLogsSlice()
	byKey := make(map[string]plog.LogRecordSlice) // at most one for each record of the request
	ld.ResourceLogs().RemoveIf(func(rl plog.ResourceLogs) bool {
		rl.ScopeLogs().RemoveIf(func(sl plog.ScopeLogs) bool {
			sl.LogRecords().RemoveIf(func(lr plog.LogRecord) bool {
				key, ok := lr.Attributes().Get(feedback.AttrPartitionKey)
				if !ok {
					return false
				}
				records, ok := byKey[key.Str()]
				if !ok {
					own := groups.AppendEmpty()
					own.Resource().Attributes().PutStr(feedback.AttrPartitionKey, key.Str())
					records = own.ScopeLogs().AppendEmpty().LogRecords()
					byKey[key.Str()] = records
				}
				lr.MoveTo(records.AppendEmpty())
				return true
			})
			return sl.LogRecords().Len() == 0
		})
		return rl.ScopeLogs().Len() == 0
	})
	groups.MoveAndAppendTo(ld.ResourceLogs())
}
