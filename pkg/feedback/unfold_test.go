// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedback

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
)

// The estimate covers what bodies take that were made to take much, and does
// not make usual ones out to be worse than they are by far.
func TestUnfoldedSize(t *testing.T) {
	const maxEvents = 10_000
	usual := with(TypeUserFeedback, `"comment":"It was, all in all, what I asked for."`)
	list := func(element string) string {
		return `{"a":[` + strings.Repeat(element+",", (1<<20)/(len(element)+1)) + `0]}`
	}
	var names strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&names, `,"%05d":0`, i)
	}
	for name, tt := range map[string]struct {
		body   string
		format Format
		excess int64 // the estimate may be so many times what is taken
	}{
		"usual events":     {body: "[" + strings.Repeat(usual+",", maxEvents-1) + usual + "]", excess: 4},
		"usual lines":      {body: strings.Repeat(usual+"\n", maxEvents), format: FormatNDJSON, excess: 4},
		"empty events":     {body: "[" + strings.Repeat("{},", maxEvents-1) + "{}]", excess: 3},
		"typed, no fields": {body: "[" + strings.Repeat(`{"type":"model_response"},`, maxEvents-1) + "{}]", excess: 3},
		"no events":        {body: "[" + strings.Repeat("0,", maxEvents-1) + "0]", excess: 12},
		"broken lines":     {body: strings.Repeat("x\n", maxEvents), format: FormatNDJSON, excess: 12},
		"numbers":          {body: list("0"), excess: 4},
		"empty lists":      {body: list("[]"), excess: 4},
		"empty objects":    {body: list("{}"), excess: 4},
		"small objects":    {body: list(`{"":0}`), excess: 20}, // each could be an event
		"members":          {body: `{"a":0` + names.String() + "}", excess: 4},
		"one long string":  {body: `{"a":"` + strings.Repeat("x", 1<<20) + `"}`, excess: 4},
	} {
		t.Run(name, func(t *testing.T) {
			body := []byte(tt.body)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			records := plog.NewLogRecordSlice()
			decoder := NewDecoder()
			sizes, _, fault := decoder.Decode(body, tt.format, maxEvents, records)
			require.Nil(t, fault)
			runtime.GC()
			runtime.ReadMemStats(&after)
			runtime.KeepAlive(records)
			runtime.KeepAlive(sizes)
			runtime.KeepAlive(decoder)
			runtime.KeepAlive(body)

			taken := int64(after.HeapAlloc) - int64(before.HeapAlloc)
			estimate := UnfoldedSize(body, maxEvents)
			t.Logf("%d bytes take %d, estimate %d", len(body), taken, estimate)
			assert.GreaterOrEqual(t, estimate, taken-64<<10, "but for what is no part of the request")
			assert.LessOrEqual(t, estimate, tt.excess*max(taken, int64(len(body))))
		})
	}
	assert.Less(t, UnfoldedSize([]byte(usual), maxEvents), int64(4096), "a usual event, alone")
}

func BenchmarkUnfoldedSize(b *testing.B) {
	body := []byte(realistic)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		UnfoldedSize(body, 10_000)
	}
}
