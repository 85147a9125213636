// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

// Package tracing carries a span from the request, where it began, to the
// exporter: what stands between them may drop the context that holds it.
package tracing // import "github.com/otelcol-feedback/otelcol-feedback/internal/tracing"

import (
	"encoding/hex"

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

// Parse reads what Format wrote. What it did not write is not valid.
func Parse(s string) trace.SpanContext {
	var id trace.TraceID
	var span trace.SpanID
	var flags [1]byte
	if len(s) != length {
		return trace.SpanContext{}
	}
	for _, part := range []struct {
		to   []byte
		from string
	}{{id[:], s[3:35]}, {span[:], s[36:52]}, {flags[:], s[53:]}} {
		if _, err := hex.Decode(part.to, []byte(part.from)); err != nil {
			return trace.SpanContext{}
		}
	}
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: span, TraceFlags: trace.TraceFlags(flags[0])})
}
