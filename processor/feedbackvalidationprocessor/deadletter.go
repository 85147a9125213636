// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackvalidationprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackvalidationprocessor"

import (
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// markDeadLetter marks a refused record with why it was refused. The exporter
// writes what is marked to the dead-letter topic, with the body as original.
func markDeadLetter(lr plog.LogRecord, v *feedback.Verdict) {
	attrs := lr.Attributes()
	attrs.PutStr(feedback.AttrErrorCode, string(v.Errors[0].Code))
	attrs.PutStr(feedback.AttrErrorField, v.Errors[0].Field)
	attrs.PutStr(feedback.AttrErrorMessage, v.Errors[0].Message)
	attrs.PutStr(feedback.AttrEventType, v.EventType)
	if v.EventID != "" {
		attrs.PutStr(feedback.AttrRecordUID, v.EventID)
	}
}
