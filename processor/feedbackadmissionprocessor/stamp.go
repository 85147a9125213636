// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor"

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// claim removes from everything in ld what only this collector may say, and
// stamps the client, if there is one, on each record: queues and batches drop
// the context that knows it.
func claim(ld plog.Logs, client string) {
	for _, rl := range ld.ResourceLogs().All() {
		strip(rl.Resource().Attributes())
		for _, sl := range rl.ScopeLogs().All() {
			strip(sl.Scope().Attributes())
			for _, lr := range sl.LogRecords().All() {
				strip(lr.Attributes())
				if client != "" {
					lr.Attributes().PutStr(feedback.AttrClientID, client)
				}
			}
		}
	}
}

func strip(attributes pcommon.Map) {
	if attributes.Len() > 0 {
		attributes.RemoveIf(reserved)
	}
}

func reserved(name string, _ pcommon.Value) bool {
	return name == feedback.AttrRecordUID || strings.HasPrefix(name, feedback.AttrPrefix)
}
