// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"encoding/hex"
	"net/http"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Flags of a traceparent (W3C Trace Context Level 2, §3.2.2.5).
const (
	sampledFlag = 1 << iota
	randomFlag
)

// traceContext is what a request's traceparent says.
type traceContext struct {
	traceID pcommon.TraceID
	spanID  pcommon.SpanID
	flags   plog.LogRecordFlags
}

// requestTrace returns the trace of a request; zero if there is none, or more
// than one, or it is not well-formed.
func requestTrace(h http.Header) traceContext {
	values := h["Traceparent"]
	if len(values) != 1 {
		return traceContext{}
	}
	tc, _ := parseTraceparent(values[0])
	return tc
}

// parseTraceparent reads a W3C traceparent: 00-<trace id>-<span id>-<flags>.
// A later version may append fields behind another dash. Of the flags only
// sampled and random are known; W3C Trace Context wants the others as zero in
// what is passed on.
func parseTraceparent(s string) (traceContext, bool) {
	const length = 55
	if len(s) < length || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return traceContext{}, false
	}
	var version, flags [1]byte
	var tc traceContext
	if !lowerHex(version[:], s[:2]) || !lowerHex(tc.traceID[:], s[3:35]) ||
		!lowerHex(tc.spanID[:], s[36:52]) || !lowerHex(flags[:], s[53:55]) {
		return traceContext{}, false
	}
	if tc.traceID.IsEmpty() || tc.spanID.IsEmpty() || version[0] == 0xff {
		return traceContext{}, false
	}
	if version[0] == 0 && len(s) != length || len(s) > length && s[length] != '-' {
		return traceContext{}, false
	}
	known := byte(sampledFlag | randomFlag)
	if version[0] != 0 {
		known = sampledFlag
	}
	tc.flags = plog.LogRecordFlags(flags[0] & known)
	return tc, true
}

// lowerHex decodes s, which must fill dst and hold no upper-case letters.
func lowerHex(dst []byte, s string) bool {
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'F' {
			return false
		}
	}
	_, err := hex.Decode(dst, []byte(s))
	return err == nil
}

// stamp marks the records of a request with its receipt and trace.
func (tc traceContext) stamp(records plog.LogRecordSlice, receipt pcommon.Timestamp) {
	traced := !tc.traceID.IsEmpty()
	for i := range records.Len() {
		lr := records.At(i)
		lr.SetObservedTimestamp(receipt)
		if traced {
			lr.SetTraceID(tc.traceID)
			lr.SetSpanID(tc.spanID)
			lr.SetFlags(tc.flags)
		}
	}
}
