// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension

import (
	"math"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCollectLess(t *testing.T) {
	// What the tests themselves run under, put back after.
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	})
	percentNow := func() int {
		now := debug.SetGCPercent(100)
		debug.SetGCPercent(now)
		return now
	}
	tests := map[string]struct {
		memoryLimit int64
		env         map[string]string
		percent     int
		limit       int64
	}{
		"a memory limiter":            {memoryLimit: 1000, percent: garbagePercent, limit: 700},
		"none":                        {percent: garbagePercent, limit: math.MaxInt64},
		"GOGC stands":                 {memoryLimit: 1000, env: map[string]string{"GOGC": "50"}, percent: 100, limit: 700},
		"GOMEMLIMIT stands":           {memoryLimit: 1000, env: map[string]string{"GOMEMLIMIT": "1GiB"}, percent: garbagePercent, limit: math.MaxInt64},
		"both stand, even when empty": {memoryLimit: 1000, env: map[string]string{"GOGC": "", "GOMEMLIMIT": ""}, percent: 100, limit: math.MaxInt64},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			undo := collectLess(tt.memoryLimit, func(key string) (string, bool) { v, ok := tt.env[key]; return v, ok })
			assert.Equal(t, tt.percent, percentNow())
			assert.Equal(t, tt.limit, debug.SetMemoryLimit(-1))
			undo()
			assert.Equal(t, 100, percentNow())
			assert.EqualValues(t, math.MaxInt64, debug.SetMemoryLimit(-1))
		})
	}
}
