// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package tracing carries a span from the request, where it began, to the
// exporter: what stands between them may drop the context that holds it.
package tracing // import "github.com/otelcol-feedback/otelcol-feedback/internal/tracing"

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
)

const length = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")

// Format writes a span context as a W3C traceparent.
func Format(sc trace.SpanContext) string {
	id, span := sc.TraceID(), sc.SpanID()
	out := make([]byte, 0, length)
	out = append(out, "00-"...)
	out = hex.AppendEncode(out, id[:])
	out = append(out, '-')
	out = hex.AppendEncode(out, span[:])
	out = append(out, '-')
	return string(hex.AppendEncode(out, []byte{byte(sc.TraceFlags())}))
}

// Queued adds to what Format wrote when the event began to wait for delivery.
func Queued(formatted string, at time.Time) string {
	if len(formatted) != length {
		return formatted
	}
	return formatted + "-" + strconv.FormatInt(at.UnixNano(), 16)
}

// Parse reads what Format wrote, and the time that Queued added, which is zero
// without. What they did not write is not valid.
func Parse(s string) (sc trace.SpanContext, queued time.Time) {
	if len(s) < length {
		return sc, queued
	}
	if rest, ok := strings.CutPrefix(s[length:], "-"); ok {
		ns, err := strconv.ParseInt(rest, 16, 64)
		if err != nil {
			return sc, queued
		}
		queued = time.Unix(0, ns)
	} else if rest != "" {
		return sc, queued
	}
	var id trace.TraceID
	var span trace.SpanID
	var flags [1]byte
	for _, part := range []struct {
		to   []byte
		from string
	}{{id[:], s[3:35]}, {span[:], s[36:52]}, {flags[:], s[53:length]}} {
		if _, err := hex.Decode(part.to, []byte(part.from)); err != nil {
			return sc, time.Time{}
		}
	}
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: span, TraceFlags: trace.TraceFlags(flags[0])}), queued
}
