// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPercentFor(t *testing.T) {
	for _, tt := range []struct {
		headroom, live uint64
		want           int
	}{
		{96 << 20, 96 << 20, 100},
		{96 << 20, 1 << 30, 100}, // never less than Go's own
		{96 << 20, 24 << 20, 400},
		{96 << 20, 0, 9600}, // before the first collection
	} {
		assert.Equal(t, tt.want, percentFor(tt.headroom, tt.live))
	}
}

func percentNow() int {
	now := debug.SetGCPercent(100)
	debug.SetGCPercent(now)
	return now
}

// goDefaults gives a test the process with Go's defaults, and puts back after it
// what the tests run under.
func goDefaults(t *testing.T) {
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	})
}

func TestCollectLess(t *testing.T) {
	goDefaults(t)
	const limit = 800 << 20
	tests := map[string]struct {
		memoryLimit int64
		env         map[string]string
		grows       bool
		limit       int64
	}{
		"a memory limiter":            {memoryLimit: limit, grows: true, limit: 560 << 20},
		"none":                        {grows: true, limit: math.MaxInt64},
		"GOGC stands":                 {memoryLimit: limit, env: map[string]string{"GOGC": "50"}, limit: 560 << 20},
		"GOMEMLIMIT stands":           {memoryLimit: limit, env: map[string]string{"GOMEMLIMIT": "1GiB"}, grows: true, limit: math.MaxInt64},
		"both stand, even when empty": {memoryLimit: limit, env: map[string]string{"GOGC": "", "GOMEMLIMIT": ""}, limit: math.MaxInt64},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			undo := collectLess(tt.memoryLimit, func(key string) (string, bool) { v, ok := tt.env[key]; return v, ok })
			assert.Equal(t, tt.grows, percentNow() > 100)
			assert.InDelta(t, tt.limit, debug.SetMemoryLimit(-1), 1)
			undo()
			assert.Equal(t, 100, percentNow())
			assert.EqualValues(t, math.MaxInt64, debug.SetMemoryLimit(-1))
		})
	}
}

// The pace follows what is alive, up and down, until it is stopped.
func TestPaceFollowsWhatIsAlive(t *testing.T) {
	goDefaults(t)
	const headroom = 64 << 20
	p := newGCPace(headroom)
	percentBecomes := func(low, high int) {
		t.Helper()
		require.Eventually(t, func() bool {
			runtime.GC()
			now := percentNow()
			return low <= now && now <= high
		}, 10*time.Second, time.Millisecond)
	}
	percentBecomes(200, 6400)
	alive := make([]byte, 2*headroom)
	percentBecomes(100, 110)
	runtime.KeepAlive(alive)
	percentBecomes(200, 6400)
	p.stop()
	assert.Equal(t, 100, percentNow())
	runtime.GC()
	p.adjust() // as one that was on its way
	assert.Equal(t, 100, percentNow())
}
