// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor"

import (
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

const (
	fieldType      = "type"
	fieldRequestID = "request_id"
	fieldSessionID = "session_id"
)

// permits reports whether a grant, nil without a credential, allows all events
// of a request. Text must have been decoded before.
func (c *ScopesConfig) permits(g *access.Grant, transport string, ld plog.Logs) bool {
	switch {
	case g == nil && (transport == feedback.TransportFile || transport == feedback.TransportKafka):
		return true // nobody sent it who could have a credential
	case g == nil, g.Presigned == nil && !g.ScopesKnown:
		return !c.Required
	case g.Presigned == nil && slices.Contains(g.Scopes, access.ScopeWrite):
		return true
	}
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				if !permitsEvent(g, lr) {
					return false
				}
			}
		}
	}
	return true
}

// permitsEvent refuses what it does not know: under a narrow grant an event
// whose type cannot be told is not let through to be judged.
func permitsEvent(g *access.Grant, lr plog.LogRecord) bool {
	eventType := typeOf(lr)
	if eventType == "" || !g.Allows(eventType) {
		return false
	}
	if g.Presigned == nil {
		return true
	}
	body := lr.Body().Map()
	return g.Presigned.Names(textAt(body, fieldRequestID), textAt(body, fieldSessionID))
}

// typeOf is the type of a decoded event as validation will read it, or empty. A
// map in which a name stands twice is read by the first; validation refuses it.
func typeOf(lr plog.LogRecord) string {
	if lr.Body().Type() != pcommon.ValueTypeMap {
		return ""
	}
	if v, ok := lr.Body().Map().Get(fieldType); ok && v.Type() != pcommon.ValueTypeEmpty {
		return text(v)
	}
	name, _ := strings.CutPrefix(lr.EventName(), feedback.EventNamePrefix)
	return name
}

func textAt(m pcommon.Map, name string) string {
	v, ok := m.Get(name)
	if !ok {
		return ""
	}
	return text(v)
}

func text(v pcommon.Value) string {
	if v.Type() != pcommon.ValueTypeStr {
		return ""
	}
	return v.Str()
}
