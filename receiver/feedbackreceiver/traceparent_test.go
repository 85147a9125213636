// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

var traceparents = []string{
	"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
	"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03",
	"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later",
	"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01later",
	"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later",
	"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
	"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
	"00-00000000000000000000000000000000-b7ad6b7169203331-01",
	"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
	"00-0af7651916cd43dd8448eb211c80319x-b7ad6b7169203331-01",
	"00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
	"0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	"", "00",
}

// extract is OpenTelemetry's own reading.
func extract(s string) trace.SpanContext {
	h := http.Header{"Traceparent": {s}}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(h)))
}

func TestTraceparentReadsAsOpenTelemetryDoes(t *testing.T) {
	for _, s := range traceparents {
		want := extract(s)
		got, ok := parseTraceparent(s)
		assert.Equal(t, want.IsValid(), ok, s)
		if ok && want.IsValid() {
			assert.Equal(t, want.TraceID().String(), got.traceID.String())
			assert.Equal(t, want.SpanID().String(), got.spanID.String())
			assert.Equal(t, want.IsSampled(), got.flags&1 == 1, s)
		}
	}
}

func FuzzTraceparent(f *testing.F) {
	for _, s := range traceparents {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseTraceparent(s)
		if ok {
			assert.LessOrEqual(t, got.flags, plog.LogRecordFlags(sampledFlag|randomFlag))
			// OpenTelemetry refuses unknown flags, which W3C tells us to ignore.
			assert.True(t, extract(s[:53]+"01"+s[55:]).IsValid())
		}
	})
}

func TestTwoTraceparentsAreNone(t *testing.T) {
	h := http.Header{"Traceparent": {traceparents[0], traceparents[0]}}
	assert.True(t, requestTrace(h).traceID.IsEmpty())
}
