// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension

import (
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

// goDefaults gives a test the process with Go's default, and puts back after it
// what the tests run under.
func goDefaults(t *testing.T) {
	percent := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(percent) })
}

func TestCollectLess(t *testing.T) {
	goDefaults(t)
	runtime.GC()
	percentWith := func(memoryLimit int64, env map[string]string) int {
		undo := collectLess(memoryLimit, func(key string) (string, bool) { v, ok := env[key]; return v, ok })
		percent := percentNow()
		undo()
		assert.Equal(t, 100, percentNow())
		return percent
	}
	none, small := percentWith(0, nil), percentWith(40<<20, nil)
	assert.Greater(t, none, 200)
	assert.Less(t, small, none, "no more than a quarter of memory_limiter's")
	assert.Equal(t, none, percentWith(1<<40, nil))
	assert.Equal(t, 100, percentWith(0, map[string]string{"GOGC": "50"}), "it stands")
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
