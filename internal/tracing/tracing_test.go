// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/otel/trace"
)

func TestThereAndBack(t *testing.T) {
	sc := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{0x0a, 0xf7}, SpanID: trace.SpanID{0xb7}, TraceFlags: trace.FlagsSampled,
	})
	text := Format(sc)
	assert.Equal(t, "00-0af70000000000000000000000000000-b700000000000000-01", text)
	got, queued := Parse(text)
	assert.Equal(t, sc, got)
	assert.True(t, queued.IsZero())
	now := time.Unix(1_700_000_000, 42)
	got, queued = Parse(Queued(text, now))
	assert.Equal(t, sc, got)
	assert.True(t, now.Equal(queued))
	assert.Empty(t, Queued("", now))
	for _, other := range []string{"", "x", "00-0af7000000000000000000000000000x-b700000000000000-01", text + "0", text + "-x"} {
		got, _ = Parse(other)
		assert.False(t, got.IsValid(), other)
	}
}
