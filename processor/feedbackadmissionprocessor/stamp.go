// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor"

import (
	"strings"

	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// subjectAttributes are the names under which authenticators of the collector
// give the subject, in order of preference: a JWT's claim, the same spelled out
// (oidc), and basicauth's.
var subjectAttributes = []string{"sub", "subject", "username"}

// clientID returns the authenticated subject, or an empty string.
func clientID(auth client.AuthData) string {
	if auth == nil {
		return ""
	}
	for _, name := range subjectAttributes {
		if subject, ok := auth.GetAttribute(name).(string); ok && subject != "" {
			return subject
		}
	}
	return ""
}

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
